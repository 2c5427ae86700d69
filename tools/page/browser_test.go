package page

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// A tab shows a page, and notes what it complains of and what it reaches for.
type tab struct {
	context.Context
	t    *testing.T
	path string

	mu         sync.Mutex
	complaints []string
}

// chromium is the browser. Without one it skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed (apt install chromium)")
	return ""
}

// open writes reports as a page and opens it.
func open(t *testing.T, reports ...*harness.Report) *tab {
	t.Helper()
	b := openPage(t, func(w io.Writer) error { return report.HTML(w, reports) })
	b.do(chromedp.WaitReady(chromedp.CSS("#matrix tbody")))
	return b
}

// openPage opens what write writes.
func openPage(t *testing.T, write func(io.Writer) error) *tab {
	t.Helper()
	browser := chromium(t)
	path := filepath.Join(t.TempDir(), "page.html")
	file, err := os.Create(path)
	assert.NilError(t, err)
	assert.NilError(t, write(file))
	assert.NilError(t, file.Close())

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.WindowSize(1400, 1000))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{Context: ctx, t: t, path: path}
	assert.NilError(t, chromedp.Listen(ctx, b.note))
	b.do(chromedp.Navigate("file://" + path))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		assert.Check(t, len(b.complaints) == 0, "%q", b.complaints)
	})
	return b
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console: %s", e.Args[0].Value))
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, "file://"+b.path) &&
			!strings.HasPrefix(u, "data:") {
			b.complaints = append(b.complaints, "it reaches for "+u)
		}
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	assert.NilError(b.t, chromedp.Do(b, actions...))
}

// get evaluates an expression in the page.
func get[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	assert.NilError(b.t, err, expression)
	return value
}

// run evaluates an expression for what it does.
func (b *tab) run(expression string) {
	b.t.Helper()
	get[chromedp.Void](b, expression)
}

// click clicks the first element of a selector.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// shows waits until an element is to be seen.
func (b *tab) shows(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

func (b *tab) is(expression string) {
	b.t.Helper()
	assert.Check(b.t, get[bool](b, expression), expression)
}

// prefer sets the colours that a user prefers, light or dark.
func (b *tab) prefer(scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	assert.NilError(b.t, err)
}

// choose sets the filter of that label.
func (b *tab) choose(label, text string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`(() => {
		const label = [...document.querySelectorAll('.tools label')]
			.find((l) => l.firstChild.textContent === %q);
		const s = label.querySelector('select');
		s.value = [...s.options].find((o) => o.textContent === %q).value;
		s.dispatchEvent(new Event('change'));
	})()`, label, text))
}

const items = `[...document.querySelectorAll('#list .item')].map((i) => i.textContent)`

func TestThePageOpensOnWhatIsUnexpected(t *testing.T) {
	b := open(t, recorded(t))
	b.is(items + `.length > 50`)
	b.is(items + `.slice(0, 100).every((text) => text.startsWith('FAIL'))`)
	b.is(`document.querySelectorAll('#matrix tbody tr.group').length > 5`)
}

func TestFiltersChoose(t *testing.T) {
	b := open(t, recorded(t))
	b.choose("rule", "exit")
	b.choose("debugger", "book 1")
	b.is(items + `.length > 0`)
	b.is(items + `.every((text) => text.includes('book') && text.includes(' exit'))`)
	b.is(`document.querySelectorAll('#matrix thead th').length === 2`)
	b.choose("debugger", "all")
	b.choose("fails", "only here")
	b.is(items + `.every((text) => /^K?FAIL/.test(text))`)
	b.choose("fails", "anywhere")
	b.choose("rule", "all")
	b.do(chromedp.SendKeys(chromedp.CSS(`.tools input[type=search]`), "no such words"))
	b.is(`document.getElementById('count').textContent.includes('No verdict')`)
}

func TestKnownFailuresAreShownWhereAllIsAsExpected(t *testing.T) {
	r := recorded(t)
	for i := range r.Results {
		if r.Results[i].Verdict == judge.Fail {
			r.Results[i].Verdict = judge.KFail
		}
	}
	b := open(t, r)
	b.is(items + `.length === 0`)
	b.click(`#count button`)
	b.is(items + `.length > 50 && ` + items + `.slice(0, 100).every((t) => t.startsWith('KFAIL'))`)
	b.is(`document.querySelectorAll('.chips input:checked').length === 1`)
}

func TestEvidenceOpensAndIsFollowedByKeys(t *testing.T) {
	b := open(t, recorded(t))
	b.click(`#list .item`)
	b.shows(`dialog .picture`)
	b.is(`document.querySelector('dialog .item-mark.on.bad') !== null`)
	b.is(`document.querySelector('dialog .strip').textContent.includes('Violation 1')`)
	b.is(`(() => { // the first divergence is in view
		const view = document.querySelector('.lanes').getBoundingClientRect();
		const at = document.querySelector('.item-mark.on').getBoundingClientRect();
		return at.left > view.left && at.right < view.right &&
			at.top > view.top && at.bottom < view.bottom;
	})()`)
	b.is(`document.querySelectorAll('dialog .item-mark[tabindex="0"]').length === 1`)
	before := get[string](b, `document.querySelector('.strip').textContent`)
	b.run(`document.querySelector('.item-mark.on').focus()`)
	b.do(chromedp.KeyEvent(kb.ArrowLeft))
	b.is(fmt.Sprintf(`document.querySelector('.strip').textContent !== %q`, before))
	b.is(`document.activeElement.matches('.item-mark.on')`)
	b.is(`location.hash.length > 1`)
	b.click(`dialog summary`)
	b.shows(`dialog .steps tbody tr`)
	b.is(`document.querySelectorAll('dialog .steps tbody tr').length ===
		document.querySelectorAll('dialog .item-mark').length`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.is(`!document.querySelector('dialog').open && location.hash === ''`)
	b.is(`document.activeElement.matches('#list .item')`)
}

func TestATraceIsDrawn(t *testing.T) {
	var r picture.Recording
	r.Add(event.Labelled{Event: event.Event{Kind: event.Ready, PID: 7, TID: 7}, Path: "main"})
	r.Add(event.Labelled{
		Event: event.Event{Kind: event.Clone, PID: 7, TID: 7, Child: 8},
		Path:  "main", ChildPath: "main/1",
	})
	b := openPage(t, func(w io.Writer) error {
		return report.TraceHTML(w, "sleep </h1><script>1", r.Picture())
	})
	b.shows(`.picture`)
	b.is(`document.querySelectorAll('.item-mark').length === 2`)
	b.is(`document.querySelector('h1').textContent === 'sleep </h1><script>1'`)
}

// Each evidence of the corpus can be shown: no picture makes the script fail.
func TestAllEvidenceOpens(t *testing.T) {
	b := open(t, recorded(t))
	b.is(`(() => {
		const all = results.filter((r) => r.note && r.note.p);
		for (const r of all) openEvidence(r, all);
		return all.length > 400;
	})()`)
}

func TestNamesFromOutsideAreText(t *testing.T) {
	const hostile = `<script>document.title = 1</script><img src=x onerror="document.title=2">`
	r := recorded(t)
	r.Debuggers[0].Version, r.Machine.Kernel = hostile, hostile
	for i := range r.Results {
		one := &r.Results[i]
		one.Detail, one.Again, one.Kept = hostile, hostile, hostile
		if one.Picture == nil {
			continue
		}
		one.Rule, one.Scenario = hostile, hostile
		for j := range one.Picture.Tasks {
			one.Picture.Tasks[j].Path = event.Path(hostile)
		}
		for j := range one.Picture.Marks {
			m := &one.Picture.Marks[j]
			m.Line, m.Text, m.Label, m.Kind = hostile, hostile, hostile, hostile
		}
		for j := range one.Picture.Wrong {
			one.Picture.Wrong[j].Text, one.Picture.Wrong[j].Kind = hostile, hostile
		}
	}
	b := open(t, r)
	b.click(`#list .item`)
	b.shows(`dialog .body`)
	b.is(`document.title.startsWith('tidcheck: ')`)
	b.is(`document.querySelectorAll('img').length === 0`)
	b.is(`document.querySelector('dialog').textContent.includes('<script>')`)
}

// crowded is a failure of a debugger that missed one birth of many.
func crowded(t *testing.T, n int) harness.Result {
	t.Helper()
	e := &judge.Evidence{
		Form: judge.FormVersion, Kernel: "6.1.0", Scenario: "crowd", Mode: "launch",
		Debugger: judge.Debugger{Name: "mine", Abilities: judge.AllFields},
		Progress: judge.Progress{State: judge.Done}, End: judge.End{State: judge.Ended},
		Attach:  judge.Interval{State: judge.NotAsked},
		Detach:  judge.Interval{State: judge.NotAsked},
		Program: judge.Program{State: judge.Over, Gate: 2},
		Ledger:  []judge.Announcement{{State: judge.Born, TID: 1, PID: 1, Creator: -1}},
	}
	add := func(one event.Event) {
		at := time.Duration(len(e.Account.Records)+1) * 10
		e.Account.Records = append(e.Account.Records, judge.Record{Event: one, At: at})
		if one.Child != event.TID(n/2) {
			e.Words = append(e.Words, judge.Word{Event: one, At: at + 1, Line: one.String()})
		}
	}
	for tid := event.TID(2); int(tid) <= n; tid++ {
		add(event.Event{Kind: event.Clone, PID: 1, TID: 1, Child: tid})
	}
	for tid := event.TID(2); int(tid) <= n; tid++ {
		add(event.Event{Kind: event.Exit, PID: 1, TID: tid})
	}
	e.Account.Source, e.Account.Cut = judge.Perf, time.Second
	for _, r := range harness.Results(e) {
		if r.Rule == "complete" && r.Picture != nil {
			return r
		}
	}
	t.Fatal("the birth that was left out broke no rule")
	return harness.Result{}
}

func TestTenThousandTasksAreShownSoon(t *testing.T) {
	r := recorded(t)
	r.Debuggers = append(r.Debuggers, harness.Identity{Name: "mine", Version: "1"})
	one := crowded(t, 10_000)
	assert.Check(t, one.Picture.Folded.Tasks > 9_900, "%+v", one.Picture.Folded)
	r.Results = append(r.Results, one)
	b := open(t, r)
	took := get[float64](b, `(() => {
		const began = performance.now();
		const r = results.find((one) => scenarioOf(one).name === 'crowd');
		openEvidence(r, [r]);
		document.body.getBoundingClientRect();
		return performance.now() - began;
	})()`)
	assert.Check(t, took < 2000, "it took %v ms", took)
	b.is(`document.querySelector('dialog').textContent.includes('tasks folded')`)
	b.is(`document.querySelectorAll('dialog .item-mark.missing').length === 1`)
}

// The page is whole by axe-core, which `make page` gets: in light and dark, wide and narrow.
func TestThePageIsAccessible(t *testing.T) {
	name := os.Getenv("TIDCHECK_AXE")
	if name == "" {
		t.Skip("TIDCHECK_AXE does not name axe.min.js of the npm package axe-core (make page does)")
	}
	axe, err := os.ReadFile(name)
	assert.NilError(t, err)
	b := open(t, recorded(t))
	b.run(string(axe))
	check := func(what string) {
		t.Helper()
		found := get[[]string](b, `axe.run(document, {resultTypes: ['violations']}).then((r) =>
			r.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) =>
				v.id + ': ' + n.html.slice(0, 160) + ' ' + n.failureSummary)))`)
		assert.Check(t, len(found) == 0, "%s:\n%s", what, strings.Join(found, "\n"))
	}
	for _, scheme := range []string{"light", "dark"} {
		b.prefer(scheme)
		check(scheme + ", the list")
		b.click(`#matrix .open`)
		b.click(`#list .item`)
		b.shows(`dialog .picture`)
		check(scheme + ", the evidence")
		b.do(chromedp.KeyEvent(kb.Escape))
	}
}

// With TIDCHECK_SHOTS, a folder, it leaves pictures of the page for people to look at. Without it
// holds the page to a phone's width.
func TestThePageFitsAPhone(t *testing.T) {
	b := open(t, recorded(t))
	shots := os.Getenv("TIDCHECK_SHOTS")
	for _, width := range []int64{360, 1400} {
		for _, scheme := range []string{"light", "dark"} {
			shot := func(what string) {
				if shots != "" {
					png, err := chromedp.Run(b, chromedp.CaptureScreenshot())
					assert.NilError(t, err)
					name := fmt.Sprintf("%s-%d-%s.png", what, width, scheme)
					assert.NilError(t, os.WriteFile(filepath.Join(shots, name), png, 0o644))
				}
				b.is(`document.documentElement.scrollWidth <= innerWidth`)
			}
			b.do(chromedp.EmulateViewport(width, 1000))
			b.prefer(scheme)
			shot("list")
			b.click(`#list li:nth-child(3) .item`)
			b.shows(`dialog .picture`)
			shot("evidence")
			b.is(`document.querySelector('dialog').scrollWidth <= innerWidth`)
			b.do(chromedp.KeyEvent(kb.Escape))
		}
	}
}

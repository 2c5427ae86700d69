package dap

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	if plan, ok := os.LookupEnv(planned); ok {
		fakeAdapter(plan)
		return
	}
	testproc.Main(m, nil)
}

// planning is the fake adapter with a plan; see planned.
func planning(plan string) Debugger {
	return Debugger{Path: os.Args[0], Env: []string{planned + "=" + plan}}
}

func run(
	ctx context.Context, d harness.Debugger, scenario string, o harness.Options,
) ([]harness.Result, error) {
	o.Match = regexp.MustCompile("^" + scenario + "$")
	report, err := harness.RunAll(ctx, []harness.Debugger{d}, o, func([]harness.Result) {})
	if err != nil {
		return nil, err
	}
	return report.Results, nil
}

// start starts a debugger on a scenario's target, shows its session to f, and ends it.
func start(
	t *testing.T, scenario string, d Debugger,
	f func(ctx context.Context, s harness.Session, err error),
) {
	t.Helper()
	startWithin(t, 20*time.Second, scenario, d, f)
}

func startWithin(
	t *testing.T, limit time.Duration, scenario string, d Debugger,
	f func(ctx context.Context, s harness.Session, err error),
) {
	t.Helper()
	adaptertest.WithTarget(t, scenario, harness.Options{TimeScale: 6}, func(target harness.Target) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		s, err := d.Start(ctx, target)
		f(ctx, s, err)
		if s != nil {
			s.End() // what it says was looked at
		}
	})
}

// told are a session's events, in words, with pid for the number that one of them has.
func told(s harness.Session, pid string) (words []string) {
	for _, e := range s.Words().Trace() {
		words = append(words, strings.ReplaceAll(e.String(), pid, "pid"))
	}
	return words
}

func TestAnAdapterIsAskedForWhatTheSuiteAsks(t *testing.T) {
	start(t, "fork/attach_before", planning(""),
		func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.DeepEqual(t, s.Can(), judge.Abilities{judge.Stop, judge.Threads, judge.Detach})
			tids, err := s.Threads(ctx)
			assert.NilError(t, err)
			assert.Equal(t, len(tids), 2)
			assert.Equal(t, int(tids[1]), -1, "what it lists is passed on as it is")
			for range 2 {
				assert.NilError(t, s.Resume(ctx))
				assert.NilError(t, s.Stop(ctx))
			}
			assert.NilError(t, s.Detach(ctx))
			assert.NilError(t, s.End())
			assert.DeepEqual(t, told(s, tids[0].String()), []string{"pid: ready"})
		})
}

func TestWhatAnAdapterTellsOfThreads(t *testing.T) {
	const late = `{"seq":0,"type":"event","event":"thread","body":{"reason":"%s","threadId":%d}}`
	early := fmt.Sprintf(late, "started", 11)
	plan := "attach:" + said(early) + ";launch:" + said(early) + ";pause:" +
		said(fmt.Sprintf(late, "started", 12)) + said(fmt.Sprintf(late, "started", 12)) +
		said(fmt.Sprintf(late, "exited", 12)) + said(fmt.Sprintf(late, "odd", 13)) + said(exited)
	d := planning(plan)
	d.Births = true
	for scenario, want := range map[string][]string{
		"fork/attach_before": {
			"pid/11: attach", "pid: ready", "pid/0: clone 12", "pid/0: clone 12",
			"pid/12: exit ?", "pid: end 7",
		},
		"fork/launch": {"0: ready", "0: clone 12", "0: clone 12", "0/12: exit ?", "0: end 7"},
	} {
		start(t, scenario, d, func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.Assert(t, s.Can().Has(judge.Births))
			s.(*session).Lock()
			s.(*session).begun = true
			s.(*session).Unlock()
			assert.NilError(t, s.Stop(ctx))
			assert.NilError(t, s.Wait(ctx))
			assert.DeepEqual(t, told(s, fmt.Sprint(max(s.(*session).now().pid, 100))), want)
		})
	}
	d.TIDs = "numbers" // its own, which say nothing of the kernel's
	start(t, "fork/launch", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.Assert(t, !s.Can().Has(judge.Births))
		assert.NilError(t, s.Stop(ctx))
		assert.DeepEqual(t, told(s, "-"), []string{"0: ready", "0: end 7"})
	})
}

func TestNumbersOfAnAdapterAreTranslated(t *testing.T) {
	d := planning("say:[(-1, 4712), (5, 6)]")
	d.TIDs = "numbers"
	start(t, "fork/launch", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		_, err = s.Threads(ctx)
		assert.Error(
			t, err, `thread 0 was listed, and "[(-1, 4712), (5, 6)]" does not name its kernel id`)
	})
	d = planning("say:[(-1, 4712), (0, -6)]")
	d.TIDs = "numbers"
	start(t, "fork/launch", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		tids, err := s.Threads(ctx)
		assert.NilError(t, err)
		assert.Equal(t, fmt.Sprint(tids), "[-6 4712]")
	})
	d = planning("say:[(-1, 4712), (0, -6)];frame:1000")
	d.TIDs = "numbers"
	start(t, "fork/launch", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		tids, err := s.Threads(ctx)
		assert.NilError(t, err, "it evaluates in a frame alone")
		assert.Equal(t, fmt.Sprint(tids), "[-6 4712]")
	})
}

// An adapter that knows no stopOnEntry lets the program run on after an attach, and is asked for a
// pause of a thread that it lists.
func TestAnAdapterThatDoesNotStopAtAnAttach(t *testing.T) {
	d := planning("")
	d.Attach = map[string]any{"stopOnEntry": false}
	start(t, "fork/attach_before", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		d := s.(*session)
		assert.Assert(t, d.now().stands)
		assert.NilError(t, s.Resume(ctx))
		d.Lock()
		d.thread = 5 // it has ended since it stopped
		d.Unlock()
		assert.NilError(t, s.Stop(ctx))
	})
}

// Some adapters end when their input does, and not before.
func TestADetachEndsTheAdaptersInput(t *testing.T) {
	start(t, "fork/attach_before", planning("disconnect:linger"),
		func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.NilError(t, s.Detach(ctx))
		})
}

// Each adapter has names of its own for what it is to debug.
func TestATargetIsNamedForEachAdapter(t *testing.T) {
	for _, c := range []struct {
		target harness.Target
		want   map[string]any
	}{
		{
			harness.Target{PID: 7},
			map[string]any{"pid": 7.0, "processId": 7.0, "stopOnEntry": true},
		},
		{
			harness.Target{Argv: []string{"/it", "n=2", "m=3"}},
			map[string]any{
				"program": "/it", "args": []any{"n=2", "m=3"}, "arguments": "n=2 m=3",
				"stopOnEntry": true,
			},
		},
	} {
		r, err := Debugger{}.opening(c.target)
		assert.NilError(t, err)
		text, err := json.Marshal(r)
		assert.NilError(t, err)
		var got struct{ Arguments map[string]any }
		assert.NilError(t, json.Unmarshal(text, &got))
		assert.DeepEqual(t, got.Arguments, c.want)
	}
}

// The program goes on from a stop that no request caused. An event for one more thread of a stop
// is no stop of its own.
func TestTheProgramGoesOnFromAStopThatNoRequestCaused(t *testing.T) {
	const stop = `{"seq":0,"type":"event","event":"stopped",` +
		`"body":{"reason":"exception","threadId":5,"preserveFocusHint":%t}}`
	for preserve, want := range map[bool]int{true: 0, false: 1} {
		d := planning("continue:" + said(fmt.Sprintf(stop, preserve)))
		d.Continues = true
		start(t, "fork/attach_before", d, func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			d := s.(*session)
			before := d.requests.New().Number
			assert.NilError(t, s.Resume(ctx))
			assert.NilError(
				t, d.Await(ctx, d.Tool, func() bool { return preserve || d.thread == 5 }))
			assert.Assert(t, !d.now().stands)
			next := d.requests.New().Number // each continue is answered by such a stop
			assert.Assert(
				t, next == before+2+want || !preserve && next > before+2+want, "%d", next-before)
		})
	}
}

// An adapter may stop one thread at a time, and let one go on.
func TestEachThreadIsStoppedThatDoesNotStopWithOthers(t *testing.T) {
	const all = "map[7:true 8:true 9:true]"
	start(t, "fork/attach_before", planning("alone:7 8 9"),
		func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			d := s.(*session)
			stand := func() string {
				said, err := askFor[*dap.EvaluateResponse](ctx, d, evaluate("which", 0))
				assert.NilError(t, err)
				return said.Body.Result
			}
			assert.Equal(t, stand(), all)
			for range 2 {
				assert.NilError(t, s.Resume(ctx))
				assert.Equal(t, stand(), "map[]")
				assert.NilError(t, s.Stop(ctx))
				assert.Equal(t, stand(), all)
			}
		})
}

// Whole runs: what the fake says is judged, and a hang is a verdict.
func TestAFakeIsJudged(t *testing.T) {
	for _, c := range []struct {
		plan, scenario string
		want           map[string]judge.Verdict
	}{
		{
			"", "fork/launch",
			map[string]judge.Verdict{
				"complete": judge.Unsupported, "transparent": judge.Pass,
				"bounded": judge.Pass, "sound": judge.Pass,
			},
		},
		{
			"", "fork/attach_before",
			map[string]judge.Verdict{"sound": judge.Fail, "stopped": judge.Fail},
		},
		{"launch:hang", "fork/launch", map[string]judge.Verdict{"bounded": judge.Fail}},
		{"continue:die", "fork/launch", map[string]judge.Verdict{"session": judge.Fail}},
		{"version:no number", "fork/launch", map[string]judge.Verdict{"bounded": judge.Pass}},
	} {
		t.Run(c.plan+" "+c.scenario, func(t *testing.T) {
			t.Parallel()
			d := planning(c.plan)
			d.Scale = 1
			results, err := run(t.Context(), d, c.scenario, harness.Options{})
			assert.NilError(t, err)
			seen := 0
			for _, r := range results {
				if want, ok := c.want[r.Rule]; ok {
					seen++
					assert.Check(
						t, r.Verdict == want, "%s: got %s, want %s: %s", r.Rule, r.Verdict, want,
						r.Detail)
				}
				assert.Check(t, r.Verdict != judge.Unresolved, "%s: %s", r.Rule, r.Detail)
			}
			assert.Equal(t, seen, len(c.want))
		})
	}
}

func TestVersions(t *testing.T) {
	about := planning("say:lldb version 19.1.7\n  and more")
	about.About = "`version"
	interpreted := Debugger{
		Path: "/usr/bin/env", Args: []string{planned + "=version:mine 2.7.1", os.Args[0]},
	}
	for _, c := range []struct {
		name      string
		d         Debugger
		want, err string
	}{
		{"by its flag", planning("version:GNU gdb (Debian 16.3-1) 16.3"), "16.3-1", ""},
		{"without a number", planning("version:none"), "unknown", ""},
		{"by its answer", about, "19.1.7", ""},
		{"by an interpreter, of what this runs", interpreted, "2.7.1", ""},
		{"of nothing", Debugger{}, "", "no debug adapter is named"},
	} {
		got, err := c.d.Version(t.Context())
		if c.err != "" {
			assert.Error(t, err, c.err)
			continue
		}
		assert.NilError(t, err)
		assert.Equal(t, got, c.want, c.name)
	}
	_, err := Debugger{Path: "/nowhere/adapter"}.Version(t.Context())
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = Debugger{Path: "adapter-that-is-nowhere"}.Version(t.Context())
	assert.ErrorIs(t, err, exec.ErrNotFound)
	for plan, want := range map[string]string{
		"evaluate:die":       "it did not answer",
		"initialize:deny":    "not now",
		"initialize:words\n": `message 1 of its output: "words" is no header`,
	} {
		about.Env = []string{planned + "=" + plan}
		_, err := about.Version(t.Context())
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "the version of "+filepath.Dir(os.Args[0]))
	}
	about.Env = []string{planned + "=initialize:hang"}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = about.Version(short)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

// An adapter may say that a breakpoint is not set when it is asked, and that it is when the library
// of the function is loaded. If it never says so, no rule is judged by the run.
func TestABreakpointThatWasNotSetIsUnsupported(t *testing.T) {
	event := func(verified bool) string {
		return said(fmt.Sprintf(`{"seq":0,"type":"event","event":"breakpoint","body":{"reason":"c`+
			`hanged","breakpoint":{"id":1,"verified":%t}}}`, verified))
	}
	const not = `set:{"breakpoints":[{"id":1,"verified":false,"message":"there is no such"}]};`
	const unset = "the debugger set no breakpoint at place"
	for _, c := range []struct{ plan, want string }{
		{"", ""},
		{not, unset + `: it says "there is no such"`},
		{`set:{"breakpoints":[]}`, unset},
		{not + "continue:" + event(true), ""},
		{not + "continue:" + event(true) + event(false), ""}, // an exec has removed it
		{not + "continue:" + event(false), unset},
	} {
		d := planning(c.plan)
		d.Breakpoint = "place"
		for _, scenario := range []string{"fork/launch", "fork/detach_during"} {
			verdict := adaptertest.Verdicts(t, scenario, harness.Options{}, d)["dap"]["session"]
			want := string(judge.Pass)
			if c.want != "" {
				want = string(judge.Unsupported)
			}
			assert.Check(t, strings.HasPrefix(verdict, want+": ") &&
				strings.Contains(verdict, c.want), "%s %s: %s", scenario, c.plan, verdict)
		}
	}
}

package dap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	if plan, ok := os.LookupEnv(planned); ok {
		fakeAdapter(plan)
		return
	}
	adaptertest.Main(m)
}

// planning is the fake adapter that does by a plan.
func planning(plan string) Debugger {
	return Debugger{Path: os.Args[0], Env: []string{planned + "=" + plan}}
}

func run(ctx context.Context, d harness.Debugger, scenario string, o harness.Options) ([]harness.Result, error) {
	o.Match = regexp.MustCompile("^" + scenario + "$")
	report, err := harness.RunAll(ctx, []harness.Debugger{d}, o, func([]harness.Result) {})
	if err != nil {
		return nil, err
	}
	return report.Results, nil
}

// start starts a debugger on a scenario's target, shows its session to f, and ends it.
func start(t *testing.T, scenario string, d Debugger, f func(ctx context.Context, s harness.Session, err error)) {
	t.Helper()
	startWithin(t, 20*time.Second, scenario, d, f)
}

func startWithin(t *testing.T, limit time.Duration, scenario string, d Debugger, f func(ctx context.Context, s harness.Session, err error)) {
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
	for _, e := range s.Events() {
		words = append(words, strings.ReplaceAll(e.String(), pid, "pid"))
	}
	return words
}

func TestAnAdapterIsAskedForWhatTheSuiteAsks(t *testing.T) {
	start(t, "fork/attach_before", planning(""), func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.DeepEqual(t, s.Can(), harness.Abilities{harness.Stop, harness.Threads, harness.Detach})
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
	const early, late = `{"seq":0,"type":"event","event":"thread","body":{"reason":"started","threadId":11}}`,
		`{"seq":0,"type":"event","event":"thread","body":{"reason":"%s","threadId":%d}}`
	plan := "attach:" + said(early) + ";launch:" + said(early) + ";pause:" + said(fmt.Sprintf(late, "started", 12)) + said(fmt.Sprintf(late, "started", 12)) +
		said(fmt.Sprintf(late, "exited", 12)) + said(fmt.Sprintf(late, "odd", 13)) + said(exited)
	d := planning(plan)
	d.Births = true
	for scenario, want := range map[string][]string{
		"fork/attach_before": {"pid/11: attach", "pid: ready", "pid/0: clone 12", "pid/0: clone 12", "pid/12: exit ?", "pid: end 7"},
		"fork/launch":        {"0: ready", "0: clone 12", "0: clone 12", "0/12: exit ?", "0: end 7"},
	} {
		start(t, scenario, d, func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.Assert(t, s.Can().Has(harness.Births))
			s.(*session).change(func(st *state) { st.begun = true })
			assert.NilError(t, s.Stop(ctx))
			assert.NilError(t, s.Wait(ctx))
			assert.DeepEqual(t, told(s, fmt.Sprint(max(s.(*session).now().pid, 100))), want)
		})
	}
	d.TIDs = "numbers" // its own, which say nothing of the kernel's
	start(t, "fork/launch", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.Assert(t, !s.Can().Has(harness.Births))
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
		assert.Error(t, err, `thread 0 was listed, and "[(-1, 4712), (5, 6)]" does not name its kernel id`)
	})
	d = planning("say:[(-1, 4712), (0, -6)]")
	d.TIDs = "numbers"
	start(t, "fork/launch", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		tids, err := s.Threads(ctx)
		assert.NilError(t, err)
		assert.Equal(t, fmt.Sprint(tids), "[-6 4712]")
	})
}

// From a stop that nobody asked for the program goes on, and one more thread of a stop is no stop.
func TestAStopThatNobodyAskedForIsPassedOver(t *testing.T) {
	const stop = `{"seq":0,"type":"event","event":"stopped","body":{"reason":"exception","threadId":5,"preserveFocusHint":%t}}`
	for preserve, want := range map[bool]int{true: 0, false: 1} {
		d := planning("continue:" + said(fmt.Sprintf(stop, preserve)))
		d.Continues = true
		start(t, "fork/attach_before", d, func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			before := s.(*session).sent()
			assert.NilError(t, s.Resume(ctx))
			for s.(*session).sent() < before+1+want && ctx.Err() == nil {
				assert.NilError(t, s.(*session).await(ctx, func() bool { return s.(*session).asked >= before+1+want }))
			}
			assert.Assert(t, !s.(*session).now().standing)
			if !preserve {
				return // each continue is answered by such a stop
			}
			assert.Equal(t, s.(*session).sent(), before+1)
		})
	}
}

func (s *session) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func TestAnAdapterThatFails(t *testing.T) {
	const flood = "Content-Length: 104857600\r\n\r\n"
	for _, c := range []struct{ name, plan, want string }{
		{"dies at the greeting", "initialize:die", "request initialize: it ended with 3: cannot go on"},
		{"dies at the opening", "launch:die", "request launch: it ended with 3: cannot go on"},
		{"dies when configured", "configurationDone:die", "request configurationDone: it ended with 3: cannot go on"},
		{"refuses", "launch:deny", "request launch: not now"},
		{"refuses what is configured", "configurationDone:deny", "request configurationDone: not now"},
		{"prints words", "launch:Segmentation fault\n", `request launch: message 2 of its output: "Segmentation fault" is no header`},
		{"answers what was not asked", "launch:" + said(`{"seq":0,"type":"response","request_seq":99,"success":true,"command":"next"}`), "request launch: message 2 of its output: an answer to request 99, which has none to come"},
		{"announces a huge message", "launch:" + flood, "request launch: message 2 of its output: it has 104857600 bytes, and may have 1048576"},
		{"says at once that it is over", "launch:" + said(exited), "the debugger said that the program is over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start(t, "fork/launch", planning(c.plan), func(_ context.Context, _ harness.Session, err error) {
				assert.Error(t, err, c.want)
			})
		})
	}
}

// Whoever refuses a program debugs nothing: there is no session, and he is gone before the program goes on. What he may refuse,
// the suite decides.
func TestARefusedAttachLeavesNobodyThere(t *testing.T) {
	start(t, "attach_one_taken/attach_before", planning("attach:deny"), func(_ context.Context, s harness.Session, err error) {
		assert.Error(t, err, "request attach: not now")
		assert.Assert(t, s == nil)
	})
	start(t, "attach_one_taken/attach_before", planning("initialize:deny"), func(_ context.Context, s harness.Session, err error) {
		assert.Error(t, err, "request initialize: not now")
		assert.Assert(t, s != nil, "it refused us, not the program")
	})
	for scenario, want := range map[string]harness.Verdict{"attach_one_taken/attach_before": harness.Pass, "attach_idle/attach_before": harness.Fail} {
		results, err := run(t.Context(), planning("attach:deny"), scenario, harness.Options{})
		assert.NilError(t, err)
		for _, r := range results {
			if r.Rule == "complete" {
				assert.Equal(t, r.Verdict, want, r.Detail)
				assert.Assert(t, strings.Contains(r.Detail, "request attach: not now"), r.Detail)
			}
		}
	}
}

func TestAnAdapterThatFailsLater(t *testing.T) {
	resume := func(ctx context.Context, s harness.Session) error { return s.Resume(ctx) }
	stop := func(ctx context.Context, s harness.Session) error { return errors.Join(s.Resume(ctx), s.Stop(ctx)) }
	list := func(ctx context.Context, s harness.Session) error { _, err := s.Threads(ctx); return err }
	leave := func(ctx context.Context, s harness.Session) error { return s.Detach(ctx) }
	wait := func(ctx context.Context, s harness.Session) error { return errors.Join(s.Resume(ctx), s.Wait(ctx)) }
	for _, c := range []struct {
		name, plan string
		do         func(context.Context, harness.Session) error
		want       string
	}{
		{"dies at a resume", "continue:die", resume, "request continue: it ended with 3: cannot go on"},
		{"refuses to resume", "continue:deny", resume, "request continue: not now"},
		{"dies at a stop", "pause:die", stop, "request pause: it ended with 3: cannot go on"},
		{"refuses to list", "threads:deny", list, "request threads: not now"},
		{"answers for another request", "threads:" + said(`{"seq":0,"type":"response","request_seq":4,"success":true,"command":"pause"}`), list, "request threads: the answer is one to pause"},
		{"lists nonsense", "threads:" + said(`{"seq":0,"type":"response","request_seq":4,"success":true,"command":"threads","body":{"threads":[{"id":"x"}]}}`), list, "request threads: message 6 of its output: "},
		{"dies at a detach", "disconnect:die", leave, "request disconnect: it ended with 3: cannot go on"},
		{"says half a word and ends", "continue:Content-Length: 10\r\n\r\n{", wait, "of its output: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start(t, "fork/attach_before", planning(c.plan), func(ctx context.Context, s harness.Session, err error) {
				assert.NilError(t, err)
				begin := time.Now()
				assert.ErrorContains(t, c.do(ctx, s), c.want)
				assert.Assert(t, time.Since(begin) < 15*time.Second, "it is known before the time is over")
			})
		})
	}
}

// A tool that says nothing hangs whoever asks it, until his time is over.
func TestAnAdapterThatHangs(t *testing.T) {
	const patience = 50 * time.Millisecond
	for _, command := range []string{"initialize", "attach", "configurationDone"} {
		startWithin(t, patience, "fork/attach_before", planning(command+":hang"), func(_ context.Context, s harness.Session, err error) {
			assert.ErrorContains(t, err, "context deadline exceeded")
			assert.Assert(t, s != nil, "%s: it is there to be ended", command)
		})
	}
	for command, do := range map[string]func(context.Context, harness.Session) error{
		"continue":   func(ctx context.Context, s harness.Session) error { return s.Resume(ctx) },
		"pause":      func(ctx context.Context, s harness.Session) error { return s.Stop(ctx) },
		"threads":    func(ctx context.Context, s harness.Session) error { _, err := s.Threads(ctx); return err },
		"disconnect": func(ctx context.Context, s harness.Session) error { return s.Detach(ctx) },
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			start(t, "fork/attach_before", planning(command+":hang"), func(ctx context.Context, s harness.Session, err error) {
				assert.NilError(t, err)
				if command == "pause" {
					assert.NilError(t, s.Resume(ctx))
				}
				short, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				assert.Error(t, do(short, s), "request "+command+": context deadline exceeded")
				assert.NilError(t, s.End())
			})
		})
	}
}

// Whole runs: what the fake says is judged, and where it hangs that is a verdict.
func TestAFakeIsJudged(t *testing.T) {
	for _, c := range []struct {
		plan, scenario string
		want           map[string]harness.Verdict
	}{
		{"", "fork/launch", map[string]harness.Verdict{"complete": harness.NotOffered, "transparent": harness.Pass, "bounded": harness.Pass, "sound": harness.Pass}},
		{"", "fork/attach_before", map[string]harness.Verdict{"sound": harness.Fail, "stopped": harness.Fail}},
		{"launch:hang", "fork/launch", map[string]harness.Verdict{"bounded": harness.Fail}},
		{"continue:die", "fork/launch", map[string]harness.Verdict{"complete": harness.Fail}},
		{"version:no number", "fork/launch", map[string]harness.Verdict{"bounded": harness.Pass}},
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
					assert.Check(t, r.Verdict == want, "%s: got %s, want %s: %s", r.Rule, r.Verdict, want, r.Detail)
				}
				assert.Check(t, r.Verdict != harness.Unresolved, "%s: %s", r.Rule, r.Detail)
			}
			assert.Equal(t, seen, len(c.want))
		})
	}
}

func TestVersions(t *testing.T) {
	about := planning("say:lldb version 19.1.7\n  and more")
	about.About = "`version"
	for _, c := range []struct {
		name      string
		d         Debugger
		want, err string
	}{
		{"by its flag", planning("version:GNU gdb (Debian 16.3-1) 16.3"), "16.3-1", ""},
		{"without a number", planning("version:none"), "unknown", ""},
		{"by its answer", about, "19.1.7", ""},
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

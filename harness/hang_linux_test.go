package harness_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// A sleeper hangs in one method: until its context's end or, if it is deaf, until the test's end.
type sleeper struct {
	reference.Debugger
	hangs string
	deaf  chan struct{} // nil if it listens
}

func (d sleeper) hang(ctx context.Context, method string) error {
	switch {
	case method != d.hangs:
		return nil
	case d.deaf != nil:
		<-d.deaf
		return errors.New("it woke up")
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (d sleeper) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	if d.deaf != nil { // what a thread of ours traces is ours to let go: it traces nothing then
		if err := d.hang(ctx, "Start"); err != nil {
			return nil, err
		}
	}
	s, err := d.Debugger.Start(ctx, target)
	if s == nil || err != nil {
		return nil, err
	}
	return sleeping{s, d}, d.hang(ctx, "Start")
}

type sleeping struct {
	harness.Session
	d sleeper
}

// instead hangs, or does what is to be done.
func (s sleeping) instead(
	ctx context.Context, method string, do func(context.Context) error,
) error {
	if err := s.d.hang(ctx, method); err != nil {
		return err
	}
	return do(ctx)
}

func (s sleeping) Resume(ctx context.Context) error {
	return s.instead(ctx, "Resume", s.Session.Resume)
}

func (s sleeping) Detach(ctx context.Context) error {
	return s.instead(ctx, "Detach", s.Session.Detach)
}
func (s sleeping) Wait(ctx context.Context) error { return s.instead(ctx, "Wait", s.Session.Wait) }

// End hangs, but lets go first: what a thread of ours traces nothing else can end.
func (s sleeping) End() error {
	return errors.Join(s.Session.End(), s.d.hang(context.Background(), "End"))
}

func TestADebuggerThatHangsGetsAVerdict(t *testing.T) {
	t.Parallel()
	const limit = 500 * time.Millisecond
	for _, c := range []struct{ hangs, scenario, rule, want string }{
		{
			"Start", "fork/launch", "bounded",
			"timeout: the debugger's start did not come in 500ms\ntask ",
		},
		{
			"Start", "fork/attach_before", "bounded",
			"the debugger's start did not come in 500ms\ntask ",
		},
		{"Resume", "fork/launch", "bounded", "the debugger's resume did not come in 500ms\ntask "},
		{
			"Resume", "fork/attach_before", "running",
			"(main) was left stopped: state t (tracing stop)",
		},
		{
			"Detach", "thread_nested/detach_during", "bounded",
			"the debugger's detach did not come in 500ms\ntask ",
		},
		{
			"Wait", "fork/launch", "bounded",
			"the debugger's word that the program is over did not come in 500ms",
		},
		{
			"End", "fork/launch", "session",
			"the debugger failed: the debugger did not end within 5s",
		},
	} {
		for _, deaf := range []bool{false, true} {
			if c.hangs == "End" && !deaf {
				continue // it has no context to listen to
			}
			t.Run(fmt.Sprintf("%s/%s/deaf=%v", c.hangs, c.scenario, deaf), func(t *testing.T) {
				t.Parallel()
				d := sleeper{hangs: c.hangs}
				if deaf {
					d.deaf = make(chan struct{})
					defer close(d.deaf)
				}
				s := scenario(t, c.scenario)
				harness.RunWithin(t, reference.Debugger{}, s, harness.Limit) // what is built once
				begin := time.Now()
				got, details := outcomes(harness.RunWithin(t, d, s, limit))
				took := time.Since(begin)
				assert.Equal(t, got[c.rule], judge.Fail, "%v", got)
				want := c.want
				if deaf && c.scenario == "fork/launch" {
					want = strings.TrimSuffix(want, "\ntask ") // nothing was started
				}
				assert.Assert(t, strings.Contains(details[c.rule], want), "got %q, want %q in it",
					details[c.rule], want)
				assert.Assert(t, took < harness.Longest(limit)+3*time.Second, "it took %v", took)
			})
		}
	}
}

// A session that waits for ever, and a program that waits for it, are not waited for.
func TestAHangIsProvenUnlessFullLimitsAreAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		full bool
		want string
	}{
		{false, "proven hung after 3s without a change: the debugger's detach did not come\ntask "},
		{true, "timeout: the debugger's detach did not come in 5s\ntask "},
	} {
		t.Run(fmt.Sprintf("full=%v", c.full), func(t *testing.T) {
			t.Parallel()
			o := harness.Options{
				Match:      regexp.MustCompile("^thread_nested/detach_during$"),
				FullLimits: c.full,
			}
			report, err := harness.RunAll(t.Context(),
				[]harness.Debugger{sleeper{hangs: "Detach"}}, o, func([]harness.Result) {})
			assert.NilError(t, err)
			got, details := outcomes(report.Results)
			assert.Equal(t, got["bounded"], judge.Fail, "%v", details)
			assert.Assert(t, strings.HasPrefix(details["bounded"], c.want), details["bounded"])
		})
	}
}

// A debugger in our own process that traces nothing may be at work: nothing shows what it does.
func TestADebuggerOfWhichNothingIsSeenIsNotProvenToHang(t *testing.T) {
	t.Parallel()
	deaf := make(chan struct{})
	defer close(deaf)
	_, details := outcomes(harness.RunWithin(t, sleeper{hangs: "Start", deaf: deaf},
		scenario(t, "fork/attach_before"), harness.Limit))
	assert.Assert(t, strings.HasPrefix(details["bounded"],
		"timeout: the debugger's start did not come in 5s"), "%v", details)
}

// At checkpoint 1 two of the four threads have ended.
func TestAHangShowsEveryTask(t *testing.T) {
	t.Parallel()
	_, details := outcomes(harness.RunWithin(t, sleeper{hangs: "Detach"},
		scenario(t, "signal_one_thread/detach_during"), 500*time.Millisecond))
	for _, task := range []string{"(main)", "(main/3)", "(main/4)"} {
		assert.Assert(t, strings.Contains(details["bounded"], task+": state "), "%s is not in %q",
			task, details["bounded"])
	}
}

// A sulker says that its detach failed, even if it did not.
type sulker struct{ reference.Debugger }

func (d sulker) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s, err := d.Debugger.Start(ctx, target)
	if s == nil || err != nil {
		return nil, err
	}
	return sulking{s}, nil
}

type sulking struct{ harness.Session }

func (s sulking) Detach(ctx context.Context) error {
	return errors.Join(s.Session.Detach(ctx), errors.New("there is no program"))
}

func TestADetachMayFailOnlyIfTheProgramIsOver(t *testing.T) {
	for name, want := range map[string]judge.Verdict{
		"detach_vs_kill/detach_during": "", "attach_idle/detach_during": judge.Fail,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, details := outcomes(harness.RunWithin(t, sulker{}, scenario(t, name),
				harness.Limit))
			assert.Equal(t, got["session"], want, "%v", details)
			if want != "" {
				assert.Assert(t, strings.Contains(details["session"], "the debugger's detach: "),
					"%v", details)
			}
		})
	}
}

// A program whose debugger has hung is let go, and makes tasks while its run is being judged.
func TestWhatAProgramDoesAfterItsRunIsNotJudged(t *testing.T) {
	s := scenario(t, "attach_births/attach_before")
	harness.RunWithin(t, reference.Debugger{}, s, harness.Limit)
	harness.ReadLedgerLate(t, 2)
	got, details := outcomes(harness.RunWithin(t, sleeper{hangs: "Resume"}, s,
		500*time.Millisecond))
	assert.Equal(t, got["bounded"], judge.Fail, "%v", details)
}

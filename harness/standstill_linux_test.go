package harness_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// A sloppy debugger is the reference with one request served badly.
type sloppy struct {
	reference.Debugger
	serve func(*badly)
}

func (d sloppy) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s, err := d.Debugger.Start(ctx, target)
	if s == nil || err != nil {
		return nil, err
	}
	bad := &badly{
		Session: s, stop: s.Stop, resume: s.Resume, detach: s.Detach, threads: s.Threads,
		step: s.Step,
	}
	d.serve(bad)
	return bad, nil
}

type badly struct {
	harness.Session
	resumes              int
	stop, resume, detach func(context.Context) error
	threads              func(context.Context) ([]event.TID, error)
	step                 func(context.Context, event.TID) error
}

func (s *badly) Step(ctx context.Context, tid event.TID) error { return s.step(ctx, tid) }

func (s *badly) Stop(ctx context.Context) error   { return s.stop(ctx) }
func (s *badly) Detach(ctx context.Context) error { return s.detach(ctx) }
func (s *badly) Resume(ctx context.Context) error {
	s.resumes++
	return s.resume(ctx)
}
func (s *badly) Threads(ctx context.Context) ([]event.TID, error) { return s.threads(ctx) }

func TestADebuggerThatStopsOrListsBadlyIsCaught(t *testing.T) {
	nothing := func(context.Context) error { return nil }
	for name, c := range map[string]struct {
		serve              func(*badly)
		rule, mode, detail string
	}{
		"nothing is stopped": {
			func(s *badly) { s.stop, s.resume = nothing, s.first(s.resume) },
			"stopped", "stops", "(main) ran on at checkpoint 0: state ",
		},
		"nothing is resumed": {
			func(s *badly) { s.resume = s.first(s.resume) },
			"running", "stops", "(main) was left stopped at checkpoint 0: state t (tracing stop)",
		},
		"nothing is resumed after the attach": {
			func(s *badly) { s.resume = nothing },
			"running", "attach_during",
			"(main) was left stopped at the attach: state t (tracing stop)",
		},
		"the list is short": {
			func(s *badly) {
				s.threads = func(ctx context.Context) ([]event.TID, error) {
					all, err := s.Session.Threads(ctx)
					return all[:len(all)-1], err
				}
			},
			"snapshot", "attach_during", "was not listed at the attach",
		},
		"the list is long": {
			func(s *badly) {
				s.threads = func(ctx context.Context) ([]event.TID, error) {
					all, err := s.Session.Threads(ctx)
					return append(all, 1), err
				}
			},
			"snapshot", "stops",
			"task 1 was listed at checkpoint 1, and the program has no such task then",
		},
		"nothing is let go": {
			func(s *badly) { s.detach = nothing },
			"released", "attach_churn/attach_again", "(main) is still traced: ",
		},
		"what is let go at once is left stopped": {
			func(s *badly) {
				s.detach = func(ctx context.Context) error {
					tids, err := s.Session.Threads(ctx)
					err = cmp.Or(err, s.Session.Detach(ctx))
					if s.resumes == 0 && err == nil {
						err = unix.Kill(int(slices.Min(tids)), unix.SIGSTOP)
					}
					return err
				}
			},
			"released", "attach_idle/attach_again", "(main) is stopped: state T (stopped)",
		},
		"nothing is resumed at the first attach of many": {
			func(s *badly) { s.resume = nothing },
			"running", "attach_churn/attach_again",
			"(main) was left stopped at attach 1: state t (tracing stop)",
		},
		"nothing is stepped": {
			func(s *badly) { s.step = func(context.Context, event.TID) error { return nil } },
			"bounded", "thread_step_over_clone/stepped",
			"main's way to checkpoint 2 in single steps did not come",
		},
		"another is stepped": {
			func(s *badly) {
				s.step = func(ctx context.Context, _ event.TID) error {
					return s.Session.Step(ctx, 1)
				}
			},
			"session", "thread_step_over_clone/stepped",
			"the debugger failed: main's way to checkpoint 2 in single steps: ",
		},
		"nothing is resumed after the steps": {
			func(s *badly) { s.resume = s.first(s.resume) },
			"bounded", "thread_step_over_clone/stepped", "the program's end did not come",
		},
		"the list is short before all are killed": {
			func(s *badly) {
				s.threads = func(ctx context.Context) ([]event.TID, error) {
					all, err := s.Session.Threads(ctx)
					return all[:len(all)-1], err
				}
			},
			"snapshot", "exit_while_stopped/killed", "was not listed at checkpoint 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(c.mode, "/") {
				c.mode = "thread_storm/" + c.mode
			}
			limit := time.Second
			if strings.HasSuffix(c.mode, "/stepped") {
				limit = harness.Limit // on a busy machine some hundred steps take longer
			}
			s := scenario(t, c.mode)
			got, details := outcomes(harness.RunWithin(t, sloppy{serve: c.serve}, s, limit))
			assert.Equal(t, got[c.rule], judge.Fail, "%v", details)
			assert.Assert(t, strings.Contains(details[c.rule], c.detail), "got %q, want %q in it",
				details[c.rule], c.detail)
		})
	}
}

// A debugger that says too early that all stands stops it before its next answer, and within the
// time that a task on its way out is given.
func TestAStopThatIsSaidToBeDoneTooEarlyIsCaught(t *testing.T) {
	early := func(s *badly) {
		done := make(chan error, 1)
		s.stop = func(ctx context.Context) error {
			go func() {
				time.Sleep(300 * time.Millisecond) // sleep: this is what must be caught
				done <- s.Session.Stop(ctx)
			}()
			return nil
		}
		s.threads = func(ctx context.Context) ([]event.TID, error) {
			if err := <-done; err != nil {
				return nil, err
			}
			return s.Session.Threads(ctx)
		}
	}
	t.Parallel()
	got, details := outcomes(harness.RunWithin(t, sloppy{serve: early},
		scenario(t, "thread_storm/stops"), harness.Limit))
	assert.Equal(t, got["stopped"], judge.Fail, "%v", details)
	const want = "(main) ran on at checkpoint 0: state "
	assert.Assert(t, strings.Contains(details["stopped"], want), "got %q, want %q in it",
		details["stopped"], want)
}

// first serves the first request alone.
func (s *badly) first(serve func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if s.resumes > 1 {
			return nil
		}
		return serve(ctx)
	}
}

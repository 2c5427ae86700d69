package harness_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// A shy debugger refuses whatever it is to attach to.
type shy struct {
	reference.Debugger
	before func(pid int)
}

func (d shy) Start(_ context.Context, target harness.Target) (harness.Session, error) {
	d.before(target.PID)
	return nil, errors.New("I do not like it")
}

// A thread has one tracer. A debugger that is to attach to a process of which another has a thread
// may refuse it, and then must leave the program as it was.
func TestAnAttachMayBeRefusedIfAnotherTracerIsThere(t *testing.T) {
	const pass, fail, untested = judge.Pass, judge.Fail, judge.Untested
	const others = "complete sound once parent order exit snapshot stopped"
	stop := func(pid int) { unix.Kill(pid, unix.SIGSTOP) }
	for _, c := range []struct {
		name, scenario string
		d              harness.Debugger
		want           map[judge.Verdict]string
		rule, detail   string
	}{
		{
			"in words", "attach_one_taken/attach_before",
			reference.Debugger{},
			map[judge.Verdict]string{
				pass: "session running transparent bounded", untested: others,
			},
			"session", "it refused, since another tracer has a part of the program: ",
		},
		{
			"and all is left stopped", "attach_one_taken/attach_before",
			shy{before: stop},
			map[judge.Verdict]string{
				pass: "session transparent", untested: others, fail: "running bounded",
			},
			"bounded", "timeout: the program's end did not come in ",
		},
		{
			"without a reason", "attach_idle/attach_before",
			shy{before: func(int) {}},
			map[judge.Verdict]string{
				fail: "session", pass: "running transparent", untested: others + " bounded",
			},
			"session", "the debugger's start: I do not like it",
		},
		{
			"without a reason, and all is left stopped", "attach_idle/attach_before",
			shy{before: stop},
			map[judge.Verdict]string{
				fail: "session running transparent", untested: others + " bounded",
			},
			"running", " (main) was left stopped: state T (stopped)",
		},
		{
			"without a reason, and it is left dead", "attach_idle/attach_before",
			shy{before: func(pid int) { unix.Kill(pid, unix.SIGKILL) }},
			map[judge.Verdict]string{
				fail: "session transparent", pass: "running", untested: others + " bounded",
			},
			"transparent", "the program ended with SIGKILL, and without a debugger it ends with 0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := make(map[judge.Verdict]map[string]bool)
			for _, r := range harness.RunWithin(t, c.d, scenario(t, c.scenario), time.Second) {
				if got[r.Verdict] == nil {
					got[r.Verdict] = make(map[string]bool)
				}
				got[r.Verdict][r.Rule] = true
				if r.Rule == c.rule {
					assert.Assert(t, strings.Contains(r.Detail, c.detail), "got %q, want %q in it",
						r.Detail, c.detail)
				}
			}
			want := make(map[judge.Verdict]map[string]bool)
			for verdict, rules := range c.want {
				want[verdict] = make(map[string]bool)
				for rule := range strings.FieldsSeq(rules) {
					want[verdict][rule] = true
				}
			}
			assert.DeepEqual(t, got, want)
		})
	}
}

// A mute debugger starts, and returns nothing.
type mute struct{ reference.Debugger }

func (mute) Start(context.Context, harness.Target) (harness.Session, error) { return nil, nil }

// A Start that returns neither a session nor an error is the debugger's failure, not a panic.
func TestAStartThatReturnsNothingIsAFailure(t *testing.T) {
	run := harness.Run(t, "attach_idle/attach_before", mute{}, harness.Options{})
	assert.Assert(t, run.Accuses("session", "neither a session nor an error"))
}

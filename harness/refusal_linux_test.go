package harness_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/harness"
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

// A thread has one tracer. Who is to attach to a process of which another has a thread may refuse it all, and
// then must leave the program as it was.
func TestAnAttachMayBeRefusedWhereAnotherTracerIs(t *testing.T) {
	untested := "sound once parent order exit snapshot stopped"
	for _, c := range []struct {
		name, scenario string
		d              harness.Debugger
		want           map[harness.Verdict]string
		rule, detail   string
	}{
		{
			"in words", "attach_one_taken/attach_before",
			reference.Debugger{},
			map[harness.Verdict]string{harness.Pass: "complete running transparent bounded", harness.Untested: untested},
			"complete", "it refused, since another tracer has a part of the program: ",
		},
		{
			"and all is left stopped", "attach_one_taken/attach_before",
			shy{before: func(pid int) { unix.Kill(pid, unix.SIGSTOP) }},
			map[harness.Verdict]string{harness.Pass: "complete transparent", harness.Untested: untested, harness.Fail: "running bounded"},
			"bounded", "the program's end did not come within ",
		},
		{
			"without a reason", "attach_idle/attach_before",
			shy{before: func(int) {}},
			map[harness.Verdict]string{harness.Fail: "complete", harness.Pass: "running transparent", harness.Untested: untested + " bounded"},
			"complete", "the debugger's start: I do not like it",
		},
		{
			"without a reason, and all is left stopped", "attach_idle/attach_before",
			shy{before: func(pid int) { unix.Kill(pid, unix.SIGSTOP) }},
			map[harness.Verdict]string{harness.Fail: "complete running transparent", harness.Untested: untested + " bounded"},
			"running", " (main) was left stopped: state T (stopped)",
		},
		{
			"without a reason, and it is left dead", "attach_idle/attach_before",
			shy{before: func(pid int) { unix.Kill(pid, unix.SIGKILL) }},
			map[harness.Verdict]string{harness.Fail: "complete transparent", harness.Pass: "running", harness.Untested: untested + " bounded"},
			"transparent", "the program ended with SIGKILL, without a debugger with 0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := make(map[harness.Verdict]map[string]bool)
			for _, r := range harness.RunWithin(t, c.d, scenario(t, c.scenario), time.Second) {
				if got[r.Verdict] == nil {
					got[r.Verdict] = make(map[string]bool)
				}
				got[r.Verdict][r.Rule] = true
				if r.Rule == c.rule {
					assert.Assert(t, strings.Contains(r.Detail, c.detail), "got %q, want %q in it", r.Detail, c.detail)
				}
			}
			want := make(map[harness.Verdict]map[string]bool)
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

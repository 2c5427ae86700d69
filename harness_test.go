//go:build linux && (amd64 || arm64)

package tidcheck_test

import (
	"slices"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/book"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/tracer"
	"gotest.tools/v3/assert"
)

// The reference tracer is held to every rule, and must be able to be held to it.
func TestReference(t *testing.T) {
	harness.Test(t, reference.Debugger{}, harness.Options{Reference: reference.Debugger{}, Long: soak()})
}

// A goProgram is a program to a debugger of Go programs alone.
type goProgram struct{ harness.Debugger }

func (goProgram) Host() fixtures.Language { return fixtures.Go }

// So it is with the C programs that are hosted in a Go program.
func TestReferenceInAHost(t *testing.T) {
	harness.Test(t, goProgram{reference.Debugger{}}, harness.Options{Reference: reference.Debugger{}, Quick: !soak()})
}

func TestForkIsTracedAsItsHeadSays(t *testing.T) {
	run := harness.Run(t, "fork", reference.Debugger{})
	assert.Assert(t, run.Canonical("main: clone main/1..10, exit 0", "main/1..10: exit 0"))
	assert.Assert(t, run.SameTIDs())
}

// By whichever way the reference tracer follows a program, it tells the form that the program declares.
func TestTracedAndDeclaredAgree(t *testing.T) {
	catalogue, err := fixtures.Catalogue()
	assert.NilError(t, err)
	rounds := 1
	if soak() {
		rounds = 50
	}
	for _, way := range []struct {
		name string
		how  tracer.Options
	}{
		{"events", tracer.Options{}},
		{"syscalls", tracer.Options{Method: tracer.Syscalls}},
		{"events by SIGCHLD", tracer.Options{Notify: tracer.SIGCHLD}},
		{"syscalls by SIGCHLD", tracer.Options{Method: tracer.Syscalls, Notify: tracer.SIGCHLD}},
	} {
		for _, f := range catalogue {
			if !slices.Contains(f.Modes, fixtures.Launch) || f.Set == fixtures.Long {
				continue
			}
			t.Run(way.name+"/"+f.Name, func(t *testing.T) {
				t.Parallel()
				for range rounds {
					run := harness.Run(t, f.Name, reference.Debugger{Options: way.how})
					assert.Assert(t, run.AsDeclared(f))
					for _, r := range []string{"complete", "sound", "once", "parent", "order", "exit"} {
						assert.Assert(t, run.Holds(r))
					}
				}
			})
		}
	}
}

// The lesson's tracer follows the main thread alone and drops signals, in every run. That it leaves
// threads stopped depends on who is faster, and is looked for where the whole suite runs it.
func TestTheLessonsTracerIsCaught(t *testing.T) {
	run := harness.Run(t, "locked/attach_before", book.Debugger{})
	assert.Assert(t, run.Accuses("complete", `task \d+ \(main/\d+\) lived at the attach and was not listed`))
	run = harness.Run(t, "signal_one_thread/attach_before", book.Debugger{})
	assert.Assert(t, run.Accuses("transparent", `task \d+ \(main\) was sent 1 signals and got 0: swallowed`))
}

//go:build linux && (amd64 || arm64)

package tidcheck_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// go test -artifacts keeps each run, with the command by which the debugger was started.
func TestArtifactsAndAttributes(t *testing.T) {
	if os.Getenv("TIDCHECK_ARTIFACTS") != "" {
		harness.Test(t, book.Debugger{}, harness.Options{Match: regexp.MustCompile("^locked/attach_before$")})
		return
	}
	dir := t.TempDir()
	again := exec.Command(os.Args[0], "-test.run=^TestArtifactsAndAttributes$", "-test.v", "-test.artifacts", "-test.outputdir="+dir)
	again.Env = append(os.Environ(), "TIDCHECK_ARTIFACTS=1")
	out, _ := again.CombinedOutput() // the lesson's tracer does not pass
	for _, want := range []string{
		"=== ATTR  TestArtifactsAndAttributes debugger book ",
		"=== ATTR  TestArtifactsAndAttributes/locked/attach_before/complete verdict FAIL\n",
		"=== ATTR  TestArtifactsAndAttributes/locked/attach_before/order verdict PASS\n",
	} {
		assert.Assert(t, strings.Contains(string(out), want), "%s is not in %s", want, out)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "_artifacts/*/book/locked-attach_before/protocol.log"))
	assert.NilError(t, err)
	assert.Equal(t, len(logs), 1, "%s", out)
	log, err := os.ReadFile(logs[0])
	assert.NilError(t, err)
	command := regexp.MustCompile(`(?m)^ *[0-9.]+ \$ \S*/[^ ]+ \d+$`)
	assert.Assert(t, command.Match(log), "%s", log)
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
					assert.Assert(t, run.Holds("bounded")) // first: it says where each task stood
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

//go:build linux && (amd64 || arm64)

package tidcheck_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
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
	o := harness.Options{Reference: reference.Debugger{}, Long: soak()}
	harness.Test(t, reference.Debugger{}, o)
}

// A goProgram debugger debugs Go programs alone.
type goProgram struct{ harness.Debugger }

func (goProgram) Host() fixtures.Language { return fixtures.Go }

// It is held to every rule also by the C programs that are hosted in a Go program.
func TestReferenceInAHost(t *testing.T) {
	o := harness.Options{Reference: reference.Debugger{}, Quick: !soak()}
	harness.Test(t, goProgram{reference.Debugger{}}, o)
}

// go test -artifacts keeps each run, with the command by which the debugger was started.
func TestArtifactsAndAttributes(t *testing.T) {
	if os.Getenv("TIDCHECK_ARTIFACTS") != "" {
		o := harness.Options{Match: regexp.MustCompile("^attach_idle/attach_before$")}
		harness.Test(t, book.Debugger{}, o)
		return
	}
	dir := t.TempDir()
	again := exec.Command(os.Args[0], "-test.run=^TestArtifactsAndAttributes$", "-test.v",
		"-test.artifacts", "-test.outputdir="+dir)
	again.Env = append(os.Environ(), "TIDCHECK_ARTIFACTS=1")
	out, _ := again.CombinedOutput() // the lesson's tracer does not pass
	for _, want := range []string{
		"=== ATTR  TestArtifactsAndAttributes debugger book ",
		"=== ATTR  TestArtifactsAndAttributes/attach_idle/attach_before/complete verdict FAIL\n",
		"=== ATTR  TestArtifactsAndAttributes/attach_idle/attach_before/order verdict PASS\n",
	} {
		assert.Assert(t, strings.Contains(string(out), want), "%s is not in %s", want, out)
	}
	logs, err := filepath.Glob(filepath.Join(dir,
		"_artifacts/*/book/attach_idle-attach_before/protocol.log"))
	assert.NilError(t, err)
	assert.Equal(t, len(logs), 1, "%s", out)
	log, err := os.ReadFile(logs[0])
	assert.NilError(t, err)
	command := regexp.MustCompile(`(?m)^ *[0-9.]+ \$ \S*/[^ ]+ \d+$`)
	assert.Assert(t, command.Match(log), "%s", log)
}

func TestForkIsTracedAsItsHeadSays(t *testing.T) {
	run := harness.Run(t, "fork", reference.Debugger{}, harness.Options{})
	assert.Assert(t, run.Canonical("main: clone main/1..10, exit 0", "main/1..10: exit 0"))
	assert.Assert(t, run.SameTIDs())
}

// tellsEachBirth tells whether a tracer can tell each birth of a fixture as a birth. In
// fork_creator_killed the creator dies before its event. The result of a fork in another pid
// namespace is an id of that namespace: the new process has to stop before its id is known here,
// and is told as found if it comes later.
func tellsEachBirth(fixture string, how tracer.Options) bool {
	return fixture != "fork_creator_killed" &&
		(fixture != "exit_pid_namespace" || how.Method == tracer.Events)
}

// machine is this one, as tried once.
var machine = sync.OnceValue(func() harness.Machine {
	return harness.ThisMachine(context.Background())
})

// holdsAsFarAsIsKnown is Holds. Where perf events are refused, a rule may be left open.
func holdsAsFarAsIsKnown(run *harness.Trial, rule string) func() (bool, string) {
	return func() (bool, string) {
		holds, why := run.Holds(rule)()
		hasPerf := strings.HasPrefix(machine().Witness, "perf")
		open := strings.HasPrefix(why, rule+": UNTESTED ") && !hasPerf
		return holds || open, why
	}
}

// Whichever way the reference tracer follows a program, it tells the form that the program
// declares.
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
				d := reference.Debugger{Options: way.how}
				for range rounds {
					run := harness.Run(t, f.Name, d, harness.Options{})
					assert.Assert(t, run.Holds("bounded")) // first: it says where each task stood
					if tellsEachBirth(f.Name, way.how) {
						assert.Assert(t, run.AsDeclared())
					}
					rules := "session complete sound once parent order exit"
					for r := range strings.FieldsSeq(rules) {
						assert.Assert(t, holdsAsFarAsIsKnown(run, r))
					}
				}
			})
		}
	}
}

// The lesson's tracer follows the main thread alone and drops signals, in every run. That it leaves
// threads stopped depends on timing, and is looked for where the whole suite runs it.
func TestTheLessonsTracerIsCaught(t *testing.T) {
	o := harness.Options{}
	run := harness.Run(t, "attach_idle/attach_before", book.Debugger{}, o)
	assert.Assert(t, run.Accuses("complete", `task \d+ \(main/\d+\)`+
		`( lived at the attach and was not listed|, created by main, was not reported)`))
	run = harness.Run(t, "signal_one_thread/attach_before", book.Debugger{}, o)
	assert.Assert(t,
		run.Accuses("transparent",
			`task \d+ \(main\): 1 signal sent, 0 handled: the debugger did not deliver it`))
}

package findings

import (
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// A draft explains just the failures that it was made of, once its title says why.
func TestADraftIsKnownOnceSomeoneHasSaidWhy(t *testing.T) {
	r := failed("fork", "launch", "complete",
		"unreported birth: task 7 (main/1), created by main, was not reported",
		"unreported birth: task 9 (main/3), created by main, was not reported")
	r.Runs, r.Verdicts = 10, judge.Tally{judge.Fail: 2}
	stopped := failed("fork", "stops", "running",
		"left stopped: task 7 (main/1) was left stopped: state t (tracing stop), at ptrace_stop")
	known := result("13.1", judge.KFail)
	report := &harness.Report{
		Machine:   harness.Machine{Kernel: "6.18.1", Arch: "amd64"},
		Debuggers: []harness.Identity{{Name: "gdb", Version: "13.1"}},
		Results:   []harness.Result{r, stopped, known},
	}
	text := Draft(report)
	assert.Equal(t, text, `# SAY WHY

upstream: not reported
measured: Linux 6.18.1, amd64
debugger: gdb
sometimes: 13.1 fork/launch complete 2 of 10
sometimes: 13.1 fork/stops running 1 of 1
says: fork/launch complete ^unreported birth: task [\d.]+ \(main/1\), created by main, was not reported
says: fork/launch complete ^unreported birth: task [\d.]+ \(main/3\), created by main, was not reported
says: fork/stops running ^left stopped: task [\d.]+ \(main/1\) was left stopped: state t \(tracing stop\)

`)
	_, err := head(text)
	assert.ErrorContains(t, err, "own.txt:1: say what is wrong, in place of SAY WHY")
	list, err := head(strings.ReplaceAll(text, sayWhy, "births are lost"))
	assert.NilError(t, err)
	assert.Equal(t, list.Expect(r).Verdict, judge.KFail)
	assert.Equal(t, list.Expect(stopped).Verdict, judge.KFail)
	other := failed("fork", "launch", "complete",
		"unreported birth: task 8 (main/2), created by main, was not reported")
	assert.Equal(t, list.Expect(other).Verdict, judge.Fail)
	assert.Equal(t, Draft(&harness.Report{Results: []harness.Result{known}}), "")
}

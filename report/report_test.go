package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// result is one of gdb's in fork/launch.
func result(rule string, v harness.Verdict, detail string) harness.Result {
	return harness.Result{Debugger: "gdb", Scenario: "fork", Mode: fixtures.Launch, Rule: rule, Verdict: v, Detail: detail, Seconds: 0.125}
}

func equal(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLineTellsWhatWasNotPassed(t *testing.T) {
	for _, c := range []struct {
		name    string
		results []harness.Result
		want    string
	}{
		{"nothing", nil, ""},
		{
			"all passed",
			[]harness.Result{result("complete", harness.Pass, ""), result("sound", harness.Pass, "")},
			"PASS        gdb fork/launch: complete, sound (0.12 s)\n",
		},
		{
			"a failure of two lines",
			[]harness.Result{result("complete", harness.Fail, "task 7\ntask 8"), result("sound", harness.Pass, "")},
			"PASS        gdb fork/launch: sound (0.12 s)\n" +
				"FAIL        gdb fork/launch: complete\n" +
				"            task 7\n" +
				"            task 8\n",
		},
		{"alike ones stand together", []harness.Result{
			result("complete", harness.NotOffered, "no births"), result("exit", harness.NotOffered, "no deaths"),
			result("once", harness.NotOffered, "no births"), result("order", harness.Untested, "no births"),
		}, "UNSUPPORTED gdb fork/launch: complete, once\n" +
			"            no births\n" +
			"UNSUPPORTED gdb fork/launch: exit\n" +
			"            no deaths\n" +
			"UNTESTED    gdb fork/launch: order\n" +
			"            no births\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			report.Line(&b, c.results)
			equal(t, b.String(), c.want)
		})
	}
}

func some(results ...harness.Result) *harness.Report {
	return &harness.Report{
		Suite:     "0.1.0",
		Machine:   harness.Machine{Kernel: "6.18", Arch: "amd64", Witness: "perf"},
		Debuggers: []harness.Identity{{Name: "gdb", Version: "13.1"}, {Name: "lldb", Version: "19"}},
		Results:   results,
	}
}

func TestSummaryCountsVerdicts(t *testing.T) {
	other := result("exit", harness.Unresolved, "")
	other.Debugger = "lldb"
	var b strings.Builder
	report.Summary(&b, some(result("exit", harness.KFail, ""), result("complete", harness.Pass, ""), result("sound", harness.Pass, ""), other))
	equal(t, b.String(), "\ntidcheck 0.1.0, linux 6.18 amd64, witness: perf\n"+
		"gdb 13.1: 2 PASS, 1 KFAIL\n"+
		"lldb 19: 1 UNRESOLVED\n")
}

func TestJSONIsForOtherPrograms(t *testing.T) {
	var b strings.Builder
	assert.NilError(t, report.JSON(&b, some(result("complete", harness.Fail, "\"100: clone 7\" <task>"))))
	equal(t, b.String(), `{
  "suite": "0.1.0",
  "machine": {
    "kernel": "6.18",
    "arch": "amd64",
    "witness": "perf"
  },
  "debuggers": [
    {
      "name": "gdb",
      "version": "13.1"
    },
    {
      "name": "lldb",
      "version": "19"
    }
  ],
  "results": [
    {
      "debugger": "gdb",
      "scenario": "fork",
      "mode": "launch",
      "rule": "complete",
      "verdict": "FAIL",
      "detail": "\"100: clone 7\" <task>",
      "seconds": 0.125,
      "runs": 0,
      "passed": 0
    }
  ]
}
`)
}

func TestStatusIsTheWorstOfAll(t *testing.T) {
	for _, c := range []struct {
		verdicts string
		want     int
	}{
		{"PASS", 0},
		{"KFAIL", 0},
		{"PASS UNSUPPORTED UNTESTED KFAIL", 0},
		{"PASS FAIL", 1},
		{"PASS KPASS", 1},
		{"FAIL UNRESOLVED", 1},
		{"PASS UNRESOLVED", 2},
		{"UNSUPPORTED UNTESTED", 2},
		{"", 2},
	} {
		var results []harness.Result
		for v := range strings.FieldsSeq(c.verdicts) {
			results = append(results, result("complete", harness.Verdict(v), ""))
		}
		assert.Equal(t, report.Status(some(results...)), c.want, c.verdicts)
	}
}

package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// result is a result of gdb in fork/launch.
func result(rule string, v judge.Verdict, detail string) harness.Result {
	one := harness.Result{
		Debugger: "gdb", Scenario: "fork", Mode: fixtures.Launch,
		Rule: rule, Verdict: v, Detail: detail, Seconds: 0.125, Witness: judge.Perf, Runs: 1,
	}
	if v == judge.Pass {
		one.Passed = 1
	}
	return one
}

// complete is what is said below each failure of the rule.
const complete = "            complete means: every task that lived while it was debugged was " +
	"reported born, or listed at the attach, and every exec, vforkdone and signal was reported\n"

// fork is what is said of a result that is not as expected.
const fork = "            fork: Makes a thread every interval; each thread prints its process " +
	"and its own id, rests and ends.\n"

// legend is what is said below a table.
const legend = "each cell counts results that passed, and of the others: F failed, k failed as\n" +
	"known, P passed though known to fail, ? proved nothing; - nothing was judged\n"

// printed is what a Printer writes of some results.
func printed(p report.Printer, results ...harness.Result) string {
	var b strings.Builder
	p.Out = &b
	p.Begin()
	p.Print(results)
	p.End()
	return b.String()
}

func equal(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLineTellsWhichRulesDidNotPass(t *testing.T) {
	for _, c := range []struct {
		name    string
		results []harness.Result
		want    string
	}{
		{"nothing", nil, ""},
		{
			"all passed",
			[]harness.Result{
				result("complete", judge.Pass, ""), result("sound", judge.Pass, ""),
			},
			"PASS        gdb fork/launch: complete, sound (0.12 s)\n",
		},
		{
			"a failure of two lines",
			[]harness.Result{
				result("complete", judge.Fail, "task 7\ntask 8"),
				result("sound", judge.Pass, ""),
			},
			"PASS        gdb fork/launch: sound (0.12 s)\n" +
				"FAIL        gdb fork/launch: complete\n" + fork + complete +
				"            task 7\n" +
				"            task 8\n",
		},
		{"the same verdict and detail", []harness.Result{
			result("complete", judge.Unsupported, "no births"),
			result("exit", judge.Unsupported, "no deaths"),
			result("once", judge.Unsupported, "no births"),
			result("order", judge.Untested, "no births"),
		}, "UNSUPPORTED gdb fork/launch: complete, once\n" +
			"            no births\n" +
			"UNSUPPORTED gdb fork/launch: exit\n" +
			"            no deaths\n" +
			"UNTESTED    gdb fork/launch: order\n" +
			"            no births\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			equal(t, printed(report.Printer{All: true}, c.results...), c.want)
		})
	}
}

// A pass of one run of a hundred does not read as one of all.
func TestAPassOfAFewRunsIsTold(t *testing.T) {
	few := result("exit", judge.Pass, "99 UNTESTED: there was nothing to judge")
	all := result("sound", judge.Pass, "by words")
	few.Runs, all.Runs, all.Passed = 100, 100, 100
	var b strings.Builder
	b.WriteString(printed(report.Printer{All: true}, all, few))
	report.Summary(&b, some(all, few), 80)
	equal(t, b.String(), "PASS        gdb fork/launch: sound (100 runs, the longest 0.12 s)\n"+
		"            sound: by words\n"+
		"PASS        gdb fork/launch: exit (1 of 100 passed)\n"+
		"            99 UNTESTED: there was nothing to judge\n"+
		"\n           gdb  lldb\nfork       2    -\n"+legend+
		"\ntidcheck 0.1.0, linux 6.18 amd64, witness: perf\n"+
		"gdb 13.1: 2 PASS (1 not in all runs)\nlldb 19: not run\n")
}

// Which rules a count is of can be read.
func TestPassesOfSeveralRunsAreCounted(t *testing.T) {
	some := func(rule string, passed int) harness.Result {
		r := result(rule, judge.Unresolved, "lost")
		r.Passed, r.Runs = passed, 5
		return r
	}
	for _, c := range []struct {
		passed [3]int
		want   string
	}{
		{[3]int{4, 4, 4}, "complete, sound, once (4 of 5 passed)"},
		{[3]int{4, 4, 0}, "complete, sound (4 of 5 passed), once (0 of 5 passed)"},
		{[3]int{0, 0, 0}, "complete, sound, once (0 of 5 passed)"},
	} {
		equal(t, printed(report.Printer{},
			some("complete", c.passed[0]), some("sound", c.passed[1]), some("once", c.passed[2]),
		), "UNRESOLVED  gdb fork/launch: "+c.want+"\n"+fork+"            lost\n")
	}
}

func TestVerboseTellsHowAPassWasJudged(t *testing.T) {
	equal(t, printed(report.Printer{All: true},
		result("complete", judge.Pass, "by births"), result("sound", judge.Pass, "by words"),
		result("once", judge.Pass, "by births"), result("bounded", judge.Pass, ""),
		result("exit", judge.Unsupported, "no deaths"),
	), "PASS        gdb fork/launch: complete, sound, once, bounded (0.12 s)\n"+
		"            complete, once: by births\n"+
		"            sound: by words\n"+
		"UNSUPPORTED gdb fork/launch: exit\n"+
		"            no deaths\n")
}

func TestLineCutsLongDetailsAndTellsHowToRepeat(t *testing.T) {
	long := result("complete", judge.Fail, strings.Repeat("a task\n", 20))
	long.Again, long.Kept = "tidcheck run gdb", "/tmp/kept"
	equal(t, printed(report.Printer{}, long), "FAIL        gdb fork/launch: complete\n"+
		fork+complete+
		strings.Repeat("            a task\n", 12)+
		"            … 8 lines more (--json has all)\n"+
		"            again: tidcheck run gdb\n"+
		"            kept: /tmp/kept\n")
	long.Verdict = judge.KFail
	assert.Assert(t, !strings.Contains(printed(report.Printer{All: true}, long), "again:"))
	equal(t, printed(report.Printer{}, long), "")
}

func some(results ...harness.Result) *harness.Report {
	return &harness.Report{
		Suite:   "0.1.0",
		Machine: harness.Machine{Kernel: "6.18", Arch: "amd64", Witness: "perf"},
		Debuggers: []harness.Identity{
			{Name: "gdb", Version: "13.1"}, {Name: "lldb", Version: "19"},
		},
		Results: results,
	}
}

func TestSummaryCountsVerdicts(t *testing.T) {
	other := result("exit", judge.Unresolved, "")
	other.Debugger = "lldb"
	var b strings.Builder
	report.Summary(&b, some(
		result("exit", judge.KFail, ""), result("complete", judge.Pass, ""),
		result("sound", judge.Pass, ""), other,
	), 80)
	equal(t, b.String(), "\n           gdb   lldb\nfork       2 k1  ?1\n"+legend+
		"\ntidcheck 0.1.0, linux 6.18 amd64, witness: perf\n"+
		"gdb 13.1: 2 PASS, 1 KFAIL\n"+
		"lldb 19: 1 UNRESOLVED\n")
}

func TestWhereNothingWasJudgedTheSummarySaysWhy(t *testing.T) {
	var b strings.Builder
	report.Summary(&b, some(result("exit", judge.Untested, "there is no gdb\nat all")), 80)
	_, got, _ := strings.Cut(b.String(), "witness: perf\n")
	equal(t, got, "gdb 13.1: 1 UNTESTED\n    nothing was judged: there is no gdb\n"+
		"lldb 19: not run\n")
}

func TestJSONHasTheWholeReport(t *testing.T) {
	var b strings.Builder
	failed := result("complete", judge.Fail, "\"100: clone 7\" <task>")
	assert.NilError(t, report.JSON(&b, some(failed)))
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
      "runs": 1,
      "passed": 0,
      "witness": "perf"
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
			results = append(results, result("complete", judge.Verdict(v), ""))
		}
		assert.Equal(t, report.Status(some(results...)), c.want, c.verdicts)
	}
}

package report_test

import (
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

func TestDiffTellsWhatChanged(t *testing.T) {
	reportOf := func(debugger string, verdicts map[string]judge.Verdict) *harness.Report {
		r := &harness.Report{Debuggers: []harness.Identity{{Name: debugger, Version: "1"}}}
		for _, rule := range []string{"sound", "once", "order", "complete"} {
			if v := verdicts[rule]; v != "" {
				r.Results = append(r.Results, harness.Result{
					Debugger: debugger, Scenario: "fork", Mode: fixtures.Launch, Rule: rule,
					Verdict: v,
					Detail:  "why",
				})
			}
		}
		return r
	}
	const pass, fail = judge.Pass, judge.Fail
	before := map[string]judge.Verdict{"complete": pass, "sound": fail, "once": pass}
	after := map[string]judge.Verdict{"complete": fail, "sound": fail, "order": pass}
	got := report.Diff(reportOf("gdb", before), reportOf("gdb", after))
	var lines []string
	for _, c := range got {
		lines = append(lines, c.String())
	}
	assert.DeepEqual(t, lines, []string{
		"gdb fork/launch complete: PASS -> FAIL, worse",
		"gdb fork/launch once: PASS -> absent, worse",
		"gdb fork/launch order: absent -> PASS, better",
	})
	assert.Equal(t, got[0].Detail, "why")

	two := report.Diff(reportOf("gdb", before), reportOf("gdb=/build/gdb", before))
	assert.Equal(t, len(two), 0, "two builds are compared with each other")
	two = report.Diff(reportOf("gdb", before), reportOf("gdb=/build/gdb", after))
	assert.Equal(t, two[0].Debugger, "gdb -> gdb=/build/gdb")
}

// What fails at times is worse, or better, only if chance would hardly explain it.
func TestDiffComparesRatesByTheirIntervals(t *testing.T) {
	reportOf := func(v judge.Verdict, passed, runs int) *harness.Report {
		return &harness.Report{
			Debuggers: []harness.Identity{{Name: "gdb"}},
			Results: []harness.Result{{
				Debugger: "gdb", Scenario: "fork", Mode: fixtures.Launch, Rule: "exit", Verdict: v,
				Passed: passed, Runs: runs,
			}},
		}
	}
	for _, c := range []struct {
		before, after *harness.Report
		want          string // empty for no change
	}{
		{
			reportOf(judge.Pass, 20, 20), reportOf(judge.Fail, 19, 20),
			"PASS (20 of 20 passed) -> FAIL (19 of 20 passed), perhaps chance",
		},
		{
			reportOf(judge.Pass, 20, 20), reportOf(judge.Fail, 10, 20),
			"PASS (20 of 20 passed) -> FAIL (10 of 20 passed), worse",
		},
		{
			reportOf(judge.Fail, 2, 20), reportOf(judge.Fail, 15, 20),
			"FAIL (2 of 20 passed) -> FAIL (15 of 20 passed), better",
		},
		{reportOf(judge.Fail, 2, 20), reportOf(judge.Fail, 4, 20), ""},
		{reportOf(judge.KFail, 0, 1), reportOf(judge.Pass, 1, 1), "KFAIL -> PASS, better"},
		{reportOf(judge.Pass, 1, 1), reportOf(judge.KFail, 0, 1), "PASS -> KFAIL, worse"},
		{reportOf(judge.Untested, 0, 1), reportOf(judge.Fail, 0, 1), "UNTESTED -> FAIL, worse"},
		{reportOf(judge.Pass, 1, 1), reportOf(judge.Untested, 0, 1), "PASS -> UNTESTED, worse"},
	} {
		got := ""
		for _, change := range report.Diff(c.before, c.after) {
			got = strings.TrimPrefix(change.String(), "gdb fork/launch exit: ")
		}
		assert.Equal(t, got, c.want)
	}
}

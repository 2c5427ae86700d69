package report_test

import (
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
	assert.DeepEqual(t, got, []report.Change{
		{"gdb", "fork/launch", "complete", pass, fail, "why"},
		{"gdb", "fork/launch", "once", pass, "", ""},
		{"gdb", "fork/launch", "order", "", pass, "why"},
	})
	assert.Equal(t, got[1].String(), "gdb fork/launch once: PASS -> absent")

	two := report.Diff(reportOf("gdb", before), reportOf("gdb=/build/gdb", before))
	assert.Equal(t, len(two), 0, "two builds are compared with each other")
	two = report.Diff(reportOf("gdb", before), reportOf("gdb=/build/gdb", after))
	assert.Equal(t, two[0].Debugger, "gdb -> gdb=/build/gdb")
}

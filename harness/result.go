package harness

import (
	"cmp"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

// A Result is one rule's verdict in one scenario.
type Result struct {
	Debugger string        `json:"debugger"`
	Scenario string        `json:"scenario"`
	Mode     fixtures.Mode `json:"mode"`
	Rule     string        `json:"rule"`
	Verdict  judge.Verdict `json:"verdict"`
	Detail   string        `json:"detail"`
	Seconds  float64       `json:"seconds"` // of the whole run, or of the longest of several
	Runs     int           `json:"runs"`
	Passed   int           `json:"passed"`             // of the runs
	Verdicts judge.Tally   `json:"verdicts,omitempty"` // of several runs
	Again    string        `json:"again,omitempty"`    // the command that runs it once more
	Kept     string        `json:"kept,omitempty"`     // the folder of the verdict's run
	Witness  judge.Source  `json:"witness"`            // the kernel's accounts of that run

	Version string `json:"-"` // the debugger's, as the run found it

	unjudged string // the detail of the first run that was not judged
}

// Results are what the evidence of one run comes to, a result a rule.
func Results(e *judge.Evidence) []Result {
	var results []Result
	for _, r := range judge.Open(e).Rulings() {
		one := Result{
			Debugger: e.Debugger.Name, Scenario: e.Scenario, Mode: e.Mode, Rule: r.Rule,
			Verdict: r.Verdict, Detail: r.Reason, Seconds: e.Took.Seconds(), Runs: 1,
			Again:   e.Again,
			Version: e.Debugger.Version, Witness: e.Account.Source,
		}
		if r.Verdict == judge.Pass {
			one.Passed = 1
		}
		if r.Verdict == judge.Unsupported || r.Verdict == judge.Untested {
			one.unjudged = r.Reason
		}
		results = append(results, one)
	}
	return results
}

// addRun counts a further run of the same scenario. The worst verdict stands, with the first
// detail.
func (r *Result) addRun(again Result) {
	if r.Verdicts == nil {
		r.Verdicts = judge.Tally{r.Verdict: r.Runs}
	}
	r.Verdicts[again.Verdict] += again.Runs
	r.Runs += again.Runs
	r.Passed += again.Passed
	r.Seconds = max(r.Seconds, again.Seconds)
	r.Version = cmp.Or(r.Version, again.Version) // the first may have failed before it told
	r.unjudged = cmp.Or(r.unjudged, again.unjudged)
	if r.Verdicts.Worst() != r.Verdict {
		r.Verdict, r.Detail, r.Kept = again.Verdict, again.Detail, again.Kept
		r.Witness = again.Witness
	}
}

// tellOthers has a pass of some runs alone say what came of the others.
func (r *Result) tellOthers() {
	if r.Verdict == judge.Pass && r.Passed < r.Runs {
		r.Detail = r.Verdicts.Others() + ": " + r.unjudged
	}
}

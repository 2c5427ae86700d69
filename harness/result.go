package harness

import (
	"cmp"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
)

// A Result is one rule's verdict in one scenario.
type Result struct {
	Debugger string        `json:"debugger"`
	Scenario string        `json:"scenario"`
	Mode     fixtures.Mode `json:"mode"`
	Rule     string        `json:"rule"`
	Verdict  judge.Verdict `json:"verdict"`
	Detail   string        `json:"detail"`
	// Violations are a failure's, as data, and those beside what is known come first in Detail.
	Violations []judge.Violation `json:"violations,omitempty"`
	Seconds    float64           `json:"seconds"` // of the whole run, or of the longest of several
	Runs       int               `json:"runs"`
	Passed     int               `json:"passed"`             // of the runs
	Verdicts   judge.Tally       `json:"verdicts,omitempty"` // of several runs
	Again      string            `json:"again,omitempty"`    // the command that runs it once more
	Kept       string            `json:"kept,omitempty"`     // the folder of the verdict's run
	Witness    judge.Source      `json:"witness"`            // the kernel's accounts of that run
	// Picture is what is drawn of a failure, and of a run that proves nothing.
	Picture *picture.Picture `json:"picture,omitempty"`

	Version string `json:"-"`             // the debugger's, as the run found it
	Own     bool   `json:"own,omitempty"` // the fixture is a user's own
	Cut     int    `json:"-"`             // of the runs that passed, those that were cut short

	unjudged string   // the detail of the first run that was not judged
	failed   []Result // of several runs, those that failed
}

// Results are what the evidence of one run comes to, a result a rule.
func Results(e *judge.Evidence) []Result {
	var results []Result
	c := judge.Open(e)
	rulings := c.Rulings()
	pictures := picture.Of(c, rulings)
	for i, r := range rulings {
		one := Result{
			Debugger: e.Debugger.Name, Scenario: e.Scenario, Mode: e.Mode, Rule: r.Rule,
			Verdict: r.Verdict, Detail: r.Reason, Seconds: e.Took.Seconds(), Runs: 1,
			Violations: r.Violations, Again: e.Again, Own: e.Own,
			Version: e.Debugger.Version, Witness: e.Account.Source,
			Picture: pictures[i],
		}
		if r.Verdict == judge.Pass {
			one.Passed = 1
			if e.Progress.State != judge.Done {
				one.Cut = 1
			}
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
		if r.Verdict == judge.Fail {
			r.failed = []Result{*r}
		}
	}
	if again.Verdict == judge.Fail {
		r.failed = append(r.failed, again)
	}
	r.Verdicts[again.Verdict] += again.Runs
	r.Runs += again.Runs
	r.Passed += again.Passed
	r.Cut += again.Cut
	r.Seconds = max(r.Seconds, again.Seconds)
	r.Version = cmp.Or(r.Version, again.Version) // the first may have failed before it told
	r.unjudged = cmp.Or(r.unjudged, again.unjudged)
	if r.Verdicts.Worst() != r.Verdict {
		r.Verdict = again.Verdict
		r.tellAs(again)
	}
}

// tellAs has a result of several runs tell what came of one of them.
func (r *Result) tellAs(one Result) {
	r.Detail, r.Kept, r.Witness = one.Detail, one.Kept, one.Witness
	r.Violations, r.Picture = one.Violations, one.Picture
}

// expected is a result as it is by what is known. Of several runs that failed, the first counts in
// which something failed that is not known.
func (r Result) expected(expect func(Result) Result) Result {
	for _, one := range r.failed {
		again := r
		again.tellAs(one)
		if known := expect(again); known.Verdict == judge.Fail {
			return known
		}
	}
	return expect(r)
}

// tellOthers has a pass of some runs alone say what came of the others.
func (r *Result) tellOthers() {
	if r.Verdict == judge.Pass && r.Passed < r.Runs {
		r.Detail = r.Verdicts.Others() + ": " + r.unjudged
	}
}

package harness

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/fixtures"
)

// A Verdict is what came of one rule in one scenario, in DejaGnu's words.
type Verdict string

// The verdicts.
const (
	Pass       Verdict = "PASS"
	Fail       Verdict = "FAIL"
	KFail      Verdict = "KFAIL"       // it fails, as is known
	KPass      Verdict = "KPASS"       // it is known to fail, and passed
	NotOffered Verdict = "UNSUPPORTED" // the debugger does not offer what the rule judges
	Untested   Verdict = "UNTESTED"    // this machine lacks something, or there was nothing to judge
	Unresolved Verdict = "UNRESOLVED"  // our own fault: the run proves nothing
)

// A Result is one rule's verdict in one scenario.
type Result struct {
	Debugger string        `json:"debugger"`
	Scenario string        `json:"scenario"`
	Mode     fixtures.Mode `json:"mode"`
	Rule     string        `json:"rule"`
	Verdict  Verdict       `json:"verdict"`
	Detail   string        `json:"detail"`
	Seconds  float64       `json:"seconds"` // of the whole run, and of the longest where there were more
	Runs     int           `json:"runs"`
	Passed   int           `json:"passed"`          // of the runs
	Again    string        `json:"again,omitempty"` // the command that runs it once more
	Kept     string        `json:"kept,omitempty"`  // the folder of the run that the verdict is of

	version string // of the debugger, if it said so itself
}

// repeated counts a further run of the same scenario. The worst verdict stands, with the first detail.
func (r *Result) repeated(again Result) {
	r.version = cmp.Or(r.version, again.version) // the first may have failed before it told
	r.Runs, r.Passed, r.Seconds = r.Runs+again.Runs, r.Passed+again.Passed, max(r.Seconds, again.Seconds)
	severity := func(v Verdict) int { return slices.Index([]Verdict{NotOffered, Untested, Pass, Unresolved, Fail}, v) }
	if severity(again.Verdict) > severity(r.Verdict) {
		r.Verdict, r.Detail, r.Kept = again.Verdict, again.Detail, again.Kept
	}
}

// A Scenario is a fixture and a way to meet it.
type Scenario struct {
	Fixture fixtures.Fixture
	Mode    fixtures.Mode
}

func (s Scenario) String() string { return s.Fixture.Name + "/" + string(s.Mode) }

// rules are those that a mode is judged by.
func (s Scenario) rules() []Rule {
	return slices.DeleteFunc(slices.Clone(Rules), func(r Rule) bool {
		return r.modes != nil && !slices.Contains(r.modes, s.Mode)
	})
}

// each gives every rule of a scenario a verdict.
func (s Scenario) each(debugger string, took time.Duration, verdict func(Rule) (Verdict, string)) []Result {
	var results []Result
	for _, r := range s.rules() {
		v, detail := verdict(r)
		one := Result{
			Debugger: debugger, Scenario: s.Fixture.Name, Mode: s.Mode, Rule: r.Name,
			Verdict: v, Detail: detail, Seconds: took.Seconds(), Runs: 1,
		}
		if v == Pass {
			one.Passed = 1
		}
		results = append(results, one)
	}
	return results
}

// all gives every rule of a scenario the same verdict.
func all(v Verdict, err error) func(Rule) (Verdict, string) {
	return func(Rule) (Verdict, string) { return v, err.Error() }
}

// judge applies one rule.
func (e *evidence) judge(r Rule) (Verdict, string) {
	if alone := []string{"running", "transparent"}; e.broken != nil && !(e.alone && slices.Contains(alone, r.Name)) {
		if r.Name == "complete" {
			return Fail, "the debugger failed: " + e.broken.Error()
		}
		return Untested, "the debugger failed"
	}
	if whole := []string{"running", "transparent", "bounded"}; e.refused != nil && !slices.Contains(whole, r.Name) {
		if r.Name == "complete" {
			return Pass, "it refused, since another tracer has a part of the program: " + e.refused.Error()
		}
		return Untested, "it refused to attach"
	}
	if e.truth == nil && r.Name != "bounded" {
		return Untested, "the program never began"
	}
	bad, judged, err := r.judge(e)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return NotOffered, err.Error()
	case err != nil:
		return Untested, err.Error()
	case len(bad) > 0:
		return Fail, summary(bad)
	case judged == 0:
		return Untested, "there was nothing to judge"
	case r.Name == "complete" && e.mode == fixtures.Orphaned:
		return Pass, "by /proc, when it was killed"
	case r.Name == "complete" && e.byLists():
		return Pass, "by its lists of threads, since it tells no births"
	}
	return Pass, ""
}

// maxViolations is how many violations of one kind a result spells out.
const maxViolations = 20

func summary(bad []string) string {
	if more := len(bad) - maxViolations; more > 0 {
		bad = append(slices.Clone(bad[:maxViolations]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(bad, "\n")
}

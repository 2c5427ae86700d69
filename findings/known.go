// Package findings knows which failures of which debuggers are known, and turns the verdicts about
// them into KFAIL or KPASS.
package findings

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A List is what is known. The first entry that fits a failure counts.
type List []Known

// A Known is a failure that is known: it is green while it fails, and red when it passes.
type Known struct {
	Debugger string // its name
	Scenario string // a pattern as in path.Match for scenario/mode
	Rule     string
	// Sometimes says that it does not fail in each run: that it passed says nothing then, unless it
	// was run often, and the pattern names this one scenario.
	Sometimes bool
	Version   string // a pattern for the debugger's version
	Report    string // where it was reported, or how it was found
}

// Parse reads a list of known failures from its text; errors name it by its name. A line is
//
//	DEBUGGER SCENARIO/MODE RULE VERSION REPORT…
//
// where SCENARIO/MODE and VERSION may hold * and ?, and DEBUGGER and RULE may be several with
// commas between. A RULE that ends in ? fails sometimes only. Empty lines and those that begin with
// # are passed over. A name that the suite does not have is an error, and so is a debugger that is
// none of those given, where any are.
func Parse(name, text string, debuggers ...string) (List, error) {
	scenarios, err := harness.Options{Long: true}.Scenarios()
	if err != nil {
		return nil, err
	}
	var list List
	n := 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		known, err := parseKnown(words, scenarios, debuggers)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		list = append(list, known...)
	}
	return list, nil
}

// parseKnown reads one line, which says the same of each of its debuggers and rules.
func parseKnown(
	words []string, scenarios []harness.Scenario, debuggers []string,
) (list List, err error) {
	if len(words) < 5 {
		return nil, fmt.Errorf("a line is DEBUGGER SCENARIO/MODE RULE VERSION REPORT, "+
			"and this has %d words", len(words))
	}
	k := Known{Scenario: words[1], Version: words[3], Report: strings.Join(words[4:], " ")}
	for _, pattern := range []string{k.Scenario, k.Version} {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("%q is no pattern", pattern)
		}
	}
	exists := func(s harness.Scenario) bool { return matches(k.Scenario, s.String()) }
	if !slices.ContainsFunc(scenarios, exists) {
		return nil, fmt.Errorf("no scenario is called %s (tidcheck list has them)", k.Scenario)
	}
	for rule := range strings.SplitSeq(words[2], ",") {
		k.Rule, k.Sometimes = strings.CutSuffix(rule, "?")
		if _, err := judge.RuleNamed(k.Rule); err != nil {
			return nil, err
		}
		for k.Debugger = range strings.SplitSeq(words[0], ",") {
			named := func(d string) bool { return isBuildOf(d, k.Debugger) }
			switch {
			case k.Debugger == "":
				return nil, fmt.Errorf("%q names a debugger less than it has commas for", words[0])
			case len(debuggers) > 0 && !slices.ContainsFunc(debuggers, named):
				return nil, fmt.Errorf("no debugger is called %s", k.Debugger)
			}
			list = append(list, k)
		}
	}
	return list, nil
}

func matches(pattern, s string) bool {
	ok, _ := path.Match(pattern, s) // the reader has refused what is no pattern
	return ok
}

// matchesVersion has no slash divide a version, as it does a path.
func matchesVersion(pattern, version string) bool {
	whole := strings.NewReplacer("/", "|")
	return matches(whole.Replace(pattern), whole.Replace(version))
}

// oftenEnough is how many runs, all passed, show that what failed sometimes does so no more: what
// fails in one run of five passes all of them in one case of eighty.
const oftenEnough = 20

// isBuildOf tells whether a debugger is the one of that name: NAME=PATH and NAME@VERSION are other
// builds of NAME.
func isBuildOf(name, debugger string) bool {
	if i := strings.IndexAny(debugger, "=@"); i >= 0 && name == debugger[:i] {
		return true
	}
	return name == debugger
}

// isWide tells whether the pattern may name several scenarios: that one of them passes says nothing
// of the others.
func (k Known) isWide() bool { return strings.ContainsAny(k.Scenario, `*?[\`) }

// Expect turns a verdict about a failure that is known into KFAIL or KPASS. It is for
// harness.Options.Expect.
func (l List) Expect(r harness.Result) harness.Result {
	id := r.Scenario + "/" + string(r.Mode)
	for _, k := range l {
		if !isBuildOf(k.Debugger, r.Debugger) || k.Rule != r.Rule || !matches(k.Scenario, id) ||
			!matchesVersion(k.Version, r.Version) {
			continue
		}
		switch r.Verdict {
		case judge.Fail:
			r.Verdict, r.Detail = judge.KFail, k.Report+"\n"+r.Detail
		case judge.Pass:
			if k.Sometimes && (r.Passed < oftenEnough || k.isWide()) {
				continue
			}
			r.Verdict, r.Detail = judge.KPass, "known to fail: "+k.Report
		}
	}
	return r
}

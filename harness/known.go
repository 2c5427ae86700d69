package harness

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/fixtures"
)

// A Known is a failure that is known: it is green while it fails, and red when it passes.
type Known struct {
	Debugger string // its name
	Scenario string // a pattern as in path.Match for scenario/mode
	Rule     string
	// Sometimes says that it does not fail in each run: that it passed says nothing then, unless it was
	// run often, and the pattern names this one scenario.
	Sometimes bool
	Version   string // a pattern for the debugger's version
	Report    string // where it was reported, or how it was found
}

// ReadKnown reads a list of known failures. A line is
//
//	DEBUGGER SCENARIO/MODE RULE VERSION REPORT…
//
// where SCENARIO/MODE and VERSION may hold * and ?, and DEBUGGER and RULE may be several with commas between. A RULE that ends in ?
// fails sometimes only. Empty lines and those that begin with # are passed over. A name that the suite does not have is an error,
// and so is a debugger that is none of those given, where any are.
func ReadKnown(name string, debuggers ...string) ([]Known, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the list of known failures: %w", err)
	}
	return ParseKnown(name, string(text), debuggers...)
}

// ParseKnown reads a list of known failures from its text; errors name it by its name.
func ParseKnown(name, text string, debuggers ...string) ([]Known, error) {
	if text == "" {
		return nil, nil
	}
	scenarios, err := Scenarios(nil)
	if err != nil {
		return nil, err
	}
	var list []Known
	n := 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		known, err := parseKnown(words, scenarios)
		for _, k := range known {
			if len(debuggers) > 0 && !slices.ContainsFunc(debuggers, func(d string) bool { return Known{Debugger: d}.of(k.Debugger) }) {
				err = fmt.Errorf("no debugger is called %s", k.Debugger)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		list = append(list, known...)
	}
	return list, nil
}

// parseKnown reads one line, which says the same of each of its debuggers and rules.
func parseKnown(words []string, scenarios []Scenario) (list []Known, err error) {
	if len(words) < 5 {
		return nil, fmt.Errorf("a line is DEBUGGER SCENARIO/MODE RULE VERSION REPORT, and this has %d words", len(words))
	}
	k := Known{Scenario: words[1], Version: words[3], Report: strings.Join(words[4:], " ")}
	for _, pattern := range []string{k.Scenario, k.Version} {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("%q is no pattern", pattern)
		}
	}
	if !slices.ContainsFunc(scenarios, func(s Scenario) bool { return matches(k.Scenario, s.String()) }) {
		return nil, fmt.Errorf("no scenario is called %s (tidcheck list has them)", k.Scenario)
	}
	for rule := range strings.SplitSeq(words[2], ",") {
		k.Rule, k.Sometimes = strings.CutSuffix(rule, "?")
		if !slices.ContainsFunc(Rules, func(r Rule) bool { return r.Name == k.Rule }) {
			return nil, fmt.Errorf("no rule is called %s", k.Rule)
		}
		for k.Debugger = range strings.SplitSeq(words[0], ",") {
			if k.Debugger == "" {
				return nil, fmt.Errorf("%q names a debugger less than it has commas for", words[0])
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

// oftenEnough is how many runs, all passed, show that what failed sometimes does so no more: what fails in one run
// of five passes all of them in one case of eighty.
const oftenEnough = 20

// of tells whether it is one of a debugger's failures: NAME=PATH is another build of NAME.
func (k Known) of(debugger string) bool {
	name, _, _ := strings.Cut(debugger, "=")
	return k.Debugger == debugger || k.Debugger == name
}

// isWide tells whether the pattern may name several scenarios: that one of them passes says nothing of the others.
func (k Known) isWide() bool { return strings.ContainsAny(k.Scenario, `*?[\`) }

// expect turns a verdict about a failure that is known into KFAIL or KPASS.
func expect(known []Known, r Result, version string) Result {
	version = cmp.Or(r.version, version)
	id := Scenario{fixtures.Fixture{Name: r.Scenario}, r.Mode}.String()
	for _, k := range known {
		if !k.of(r.Debugger) || k.Rule != r.Rule || !matches(k.Scenario, id) || !matchesVersion(k.Version, version) {
			continue
		}
		switch r.Verdict {
		case Fail:
			r.Verdict, r.Detail = KFail, k.Report+"\n"+r.Detail
		case Pass:
			if k.Sometimes && (r.Runs < oftenEnough || k.isWide()) {
				continue
			}
			r.Verdict, r.Detail = KPass, "known to fail: "+k.Report
		}
	}
	return r
}

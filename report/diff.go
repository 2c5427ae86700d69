package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A Change is a verdict that differs between two reports. It is empty where a report has none.
type Change struct {
	Debugger, Scenario, Rule string
	Before, After            judge.Verdict
	Detail                   string // of the later report
}

func (c Change) String() string {
	return fmt.Sprintf("%s %s %s: %s -> %s", c.Debugger, c.Scenario, c.Rule,
		cmp.Or(c.Before, "absent"), cmp.Or(c.After, "absent"))
}

// Diff tells which verdicts changed from one report to another, in order of debugger, scenario and
// rule. Where each report is of one debugger these are compared, whatever they are called: two
// builds of one, say.
func Diff(before, after *harness.Report) []Change {
	both := "" // a name for the two debuggers that are compared whatever they are called
	if len(before.Debuggers) == 1 && len(after.Debuggers) == 1 &&
		before.Debuggers[0].Name != after.Debuggers[0].Name {
		both = before.Debuggers[0].Name + " -> " + after.Debuggers[0].Name
	}
	changes := make(map[Change]*Change) // by their debuggers, scenarios and rules alone
	at := func(r harness.Result) *Change {
		key := Change{
			Debugger: cmp.Or(both, r.Debugger),
			Scenario: r.Scenario + "/" + string(r.Mode), Rule: r.Rule,
		}
		if changes[key] == nil {
			changes[key] = &key
		}
		return changes[key]
	}
	for _, r := range before.Results {
		at(r).Before = r.Verdict
	}
	for _, r := range after.Results {
		c := at(r)
		c.After, c.Detail = r.Verdict, r.Detail
	}
	var list []Change
	for _, c := range changes {
		if c.Before != c.After {
			list = append(list, *c)
		}
	}
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Debugger, b.Debugger),
			strings.Compare(a.Scenario, b.Scenario), strings.Compare(a.Rule, b.Rule))
	})
	return list
}

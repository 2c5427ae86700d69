package harness

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Change is a verdict that differs between two reports. It is empty where a report has none.
type Change struct {
	Debugger, Scenario, Rule string
	Before, After            Verdict
	Detail                   string // of the later report
}

func (c Change) String() string {
	return fmt.Sprintf("%s %s %s: %s -> %s", c.Debugger, c.Scenario, c.Rule, cmp.Or(c.Before, "absent"), cmp.Or(c.After, "absent"))
}

// Diff tells which verdicts changed from one report to another, in order of debugger, scenario and rule. Where each report is of
// one debugger these are compared, whatever they are called: two builds of one, say.
func Diff(before, after *Report) []Change {
	oneEach := len(before.Debuggers) == 1 && len(after.Debuggers) == 1
	changes := make(map[[3]string]*Change)
	at := func(r Result) *Change {
		name := r.Debugger
		if oneEach && before.Debuggers[0].Name != after.Debuggers[0].Name {
			name = before.Debuggers[0].Name + " -> " + after.Debuggers[0].Name
		}
		key := [3]string{name, r.Scenario + "/" + string(r.Mode), r.Rule}
		if changes[key] == nil {
			changes[key] = &Change{Debugger: key[0], Scenario: key[1], Rule: key[2]}
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
		return cmp.Or(strings.Compare(a.Debugger, b.Debugger), strings.Compare(a.Scenario, b.Scenario), strings.Compare(a.Rule, b.Rule))
	})
	return list
}

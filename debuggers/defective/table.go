package defective

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
)

// KillTable says, from the results of defective tracers, which rules and scenarios caught each; then which rules no
// defect needs, since in each run that they accuse another does too, and which scenarios catch none. Results of other
// debuggers are passed over, and without any of a defective tracer it is empty.
func KillTable(results []harness.Result) string {
	t := kills{of: make(map[string]map[string][]string), by: make(map[run][]string), idle: make(map[string]bool)}
	for _, r := range results {
		t.add(r)
	}
	if len(t.of) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.of)) {
		t.line(&b, name)
	}
	needed := make(map[string]bool)
	for _, rules := range t.by {
		needed[rules[0]] = needed[rules[0]] || len(rules) == 1
	}
	var spare []string
	for _, r := range harness.Rules {
		if !needed[r.Name] {
			spare = append(spare, r.Name)
		}
	}
	idle := slices.DeleteFunc(slices.Sorted(maps.Keys(t.idle)), func(s string) bool { return !t.idle[s] })
	fmt.Fprintf(&b, "\nrules that no defect needs: %s\n", listed(spare))
	fmt.Fprintf(&b, "scenarios that catch none: %s\n", listed(idle))
	if t.unresolved > 0 {
		fmt.Fprintf(&b, "results that prove nothing: %d %s\n", t.unresolved, harness.Unresolved)
	}
	return b.String()
}

// A run is a defect's in one scenario.
type run struct{ defect, scenario string }

// Kills are who was caught by what.
type kills struct {
	of         map[string]map[string][]string // scenarios by defect and rule
	by         map[run][]string               // rules
	idle       map[string]bool                // scenarios, and whether they caught none
	unresolved int
}

func (t *kills) add(r harness.Result) {
	name, ours := strings.CutPrefix(r.Debugger, prefix)
	if !ours {
		return
	}
	if t.of[name] == nil {
		t.of[name] = make(map[string][]string)
	}
	scenario := r.Scenario + "/" + string(r.Mode)
	switch r.Verdict {
	case harness.Fail:
		t.of[name][r.Rule] = append(t.of[name][r.Rule], scenario)
		t.by[run{name, scenario}] = append(t.by[run{name, scenario}], r.Rule)
		t.idle[scenario] = false
	case harness.Pass:
		if _, seen := t.idle[scenario]; !seen {
			t.idle[scenario] = true
		}
	case harness.Unresolved:
		t.unresolved++
	}
}

// few is how many scenarios are named of those that caught a defect.
const few = 3

// line is a defect's: first the rule that names it.
func (t *kills) line(b *strings.Builder, name string) {
	rules := t.of[name]
	own := ""
	if i := slices.IndexFunc(Defects, func(d Defect) bool { return d.Name == name }); i >= 0 {
		own = Defects[i].Rule
	}
	switch caught := rules[own]; {
	case len(rules) == 0:
		fmt.Fprintf(b, "%-30s NOT CAUGHT: %s should", name, own)
	case len(caught) == 0:
		fmt.Fprintf(b, "%-30s NOT CAUGHT by %s", name, own)
	default:
		slices.Sort(caught)
		more := ""
		if len(caught) > few {
			more = ", …"
		}
		fmt.Fprintf(b, "%-30s %-11s %3d: %s%s", name, own, len(caught), strings.Join(caught[:min(few, len(caught))], ", "), more)
	}
	others := slices.DeleteFunc(slices.Collect(maps.Keys(rules)), func(r string) bool { return r == own })
	slices.SortFunc(others, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(rules[b]), len(rules[a])), cmp.Compare(a, b))
	})
	for i, r := range others {
		others[i] = fmt.Sprintf("%s %d", r, len(rules[r]))
	}
	if len(others) > 0 {
		fmt.Fprintf(b, "; also %s", strings.Join(others, ", "))
	}
	b.WriteByte('\n')
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

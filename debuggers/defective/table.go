package defective

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// KillTable says, from the results of defective tracers, which rules and scenarios caught each;
// then which rules no defect needs, since in each run that they accuse another does too, and
// which scenarios catch none. Results of other debuggers are passed over, and without any of a
// defective tracer it is empty.
func KillTable(results []harness.Result) string {
	t := kills{
		of: make(map[string]map[string][]string), by: make(map[string][]string),
		idle: make(map[string]bool),
	}
	for _, r := range results {
		t.add(r)
	}
	if len(t.of) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.of)) {
		b.WriteString(line(name, t.of[name]))
	}
	needed := make(map[string]bool)
	for _, rules := range t.by {
		if len(rules) == 1 {
			needed[rules[0]] = true
		}
	}
	var spare []string
	for _, r := range judge.Rules {
		if !needed[r.Name] {
			spare = append(spare, r.Name)
		}
	}
	idle := slices.Sorted(maps.Keys(t.idle))
	idle = slices.DeleteFunc(idle, func(s string) bool { return !t.idle[s] })
	fmt.Fprintf(&b, "\nrules that no defect needs: %s\n", listed(spare))
	fmt.Fprintf(&b, "scenarios that catch none: %s\n", listed(idle))
	if t.unresolved > 0 {
		fmt.Fprintf(&b, "results that prove nothing: %d %s\n", t.unresolved, judge.Unresolved)
	}
	return b.String()
}

// Kills say which defects were caught, and by what.
type kills struct {
	of         map[string]map[string][]string // scenarios by defect and rule
	by         map[string][]string            // rules by defect and scenario
	idle       map[string]bool                // scenarios, and whether they caught no defect
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
	case judge.Fail:
		t.of[name][r.Rule] = append(t.of[name][r.Rule], scenario)
		run := name + " " + scenario
		t.by[run] = append(t.by[run], r.Rule)
		t.idle[scenario] = false
	case judge.Pass:
		if _, seen := t.idle[scenario]; !seen {
			t.idle[scenario] = true
		}
	case judge.Unresolved:
		t.unresolved++
	}
}

// few is how many scenarios are named of those that caught a defect.
const few = 3

// line says which rules caught a defect, and in which scenarios: first the rule that names it.
func line(name string, caught map[string][]string) string {
	own, only := "", ""
	if i := slices.IndexFunc(Defects, func(d Defect) bool { return d.Name == name }); i >= 0 {
		own = Defects[i].Rule
		if Defects[i].IsNoticed() {
			only = ", where there is the proc connector"
		}
	}
	text := fmt.Sprintf("%-30s ", name)
	switch scenarios := slices.Sorted(slices.Values(caught[own])); {
	case len(caught) == 0:
		text += fmt.Sprintf("NOT CAUGHT: %s should%s", own, only)
	case len(scenarios) == 0:
		text += fmt.Sprintf("NOT CAUGHT by %s%s", own, only)
	default:
		some := strings.Join(scenarios[:min(few, len(scenarios))], ", ")
		text += fmt.Sprintf("%-11s %3d: %s", own, len(scenarios), some)
		if len(scenarios) > few {
			text += ", …"
		}
	}
	delete(caught, own)
	begin := "; also"
	for _, r := range slices.SortedFunc(maps.Keys(caught), func(a, b string) int {
		return cmp.Or(len(caught[b])-len(caught[a]), cmp.Compare(a, b))
	}) {
		text += fmt.Sprintf("%s %s %d", begin, r, len(caught[r]))
		begin = ","
	}
	return text + "\n"
}

func listed(names []string) string {
	return cmp.Or(strings.Join(names, ", "), "none")
}

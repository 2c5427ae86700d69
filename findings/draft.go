package findings

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// sayWhy stands in a draft for the title, which a reader refuses: a failure is not known before
// its title says what is wrong.
const sayWhy = "SAY WHY"

// Draft gives heads for the failures of a report that are not known, one for each debugger and
// fixture. Their titles are to be written. It is empty if all are known.
func Draft(r *harness.Report) string {
	type subject struct{ debugger, scenario string }
	var order []subject
	failed := make(map[subject][]harness.Result)
	for _, one := range r.Results {
		if one.Verdict != judge.Fail {
			continue
		}
		s := subject{one.Debugger, one.Scenario}
		if failed[s] == nil {
			order = append(order, s)
		}
		failed[s] = append(failed[s], one)
	}
	slices.SortFunc(order, func(a, b subject) int {
		return cmp.Or(cmp.Compare(a.debugger, b.debugger), cmp.Compare(a.scenario, b.scenario))
	})
	var b strings.Builder
	for _, s := range order {
		fmt.Fprintf(&b, "# %s\n\nupstream: %s\nmeasured: Linux %s, %s\ndebugger: %s\n", sayWhy,
			notReported, r.Machine.Kernel, r.Machine.Arch, s.debugger)
		var says []string
		for _, one := range failed[s] {
			id := one.Scenario + "/" + string(one.Mode)
			for _, v := range violations(one) {
				line := fmt.Sprintf("says: %s %s %s\n", id, one.Rule, pattern(v))
				if !slices.Contains(says, line) {
					says = append(says, line)
				}
			}
			fmt.Fprintf(&b, "sometimes: %s %s %s %s\n", versionIn(r, s.debugger), id, one.Rule,
				Rate{max(1, one.Verdicts[judge.Fail]), one.Runs})
		}
		b.WriteString(strings.Join(says, "") + "\n")
	}
	return b.String()
}

// versionIn is a debugger's version in a report.
func versionIn(r *harness.Report, debugger string) string {
	for _, d := range r.Debuggers {
		if d.Name == debugger && d.Version != "" && !strings.Contains(d.Version, " ") {
			return d.Version
		}
	}
	return anyVersion
}

// pattern finds a violation's kind and its first line, with other numbers. Birth paths stay, and
// what /proc showed of a task is left out but for its state.
func pattern(v judge.Violation) string {
	text, _, _ := strings.Cut(v.Kind+": "+v.Text, "\n")
	text, _, _ = strings.Cut(text, ", at ")
	return "^" + numbers.ReplaceAllStringFunc(regexp.QuoteMeta(text), func(number string) string {
		switch {
		case strings.HasPrefix(number, "main"):
			return number
		case strings.HasPrefix(number, "0x"):
			return "0x[0-9a-f]+"
		}
		return `[\d.]+`
	})
}

var numbers = regexp.MustCompile(`main(?:/\d+)+|0x[0-9a-f]+|\d+(?:\\\.\d+)*`)

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// legend explains the cells of a table. Cells count results: a rule in a scenario.
const legend = "each cell counts results that passed, and of the others: F failed, k failed as\n" +
	"known, P passed though known to fail, ? proved nothing; - nothing was judged"

// marks are how a cell of a table counts verdicts, the worst first.
var marks = []struct {
	verdict judge.Verdict
	mark    string
}{
	{judge.Fail, "F"}, {judge.KPass, "P"}, {judge.Unresolved, "?"}, {judge.KFail, "k"},
}

// A table counts verdicts by the group of a scenario and the debugger.
type table map[[2]string]judge.Tally

// matrix writes a table of groups of scenarios and debuggers, in as many parts as the width wants.
// A report of one group and one debugger has none.
func matrix(w io.Writer, r *harness.Report, columns int) {
	cells := table{}
	var rows []string
	for _, one := range r.Results {
		group := groupOf(one.Scenario)
		if !slices.Contains(rows, group) {
			rows = append(rows, group)
		}
		cell := [2]string{group, one.Debugger}
		if cells[cell] == nil {
			cells[cell] = judge.Tally{}
		}
		cells[cell][one.Verdict]++
	}
	if len(rows)*len(r.Debuggers) < 2 {
		return
	}
	slices.Sort(rows)
	lines := make([]string, len(rows)+1)
	begin := func() {
		for i := range lines {
			name := ""
			if i > 0 {
				name = rows[i-1]
			}
			lines[i] = fmt.Sprintf("%-9s", name)
		}
	}
	flush := func() {
		fmt.Fprintln(w)
		for _, line := range lines {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
		}
	}
	begin()
	empty := len(lines[0])
	for _, d := range r.Debuggers {
		name := clean(d.Name)
		column, width := []string{name}, len(name)
		for _, row := range rows {
			text := cells.text([2]string{row, d.Name})
			column, width = append(column, text), max(width, len(text))
		}
		if len(lines[0]) > empty && len(lines[0])+2+width > columns {
			flush()
			begin()
		}
		for i, text := range column {
			lines[i] += fmt.Sprintf("  %-*s", width, text)
		}
	}
	flush()
	fmt.Fprintln(w, legend)
}

// text is a cell: how many passed, and how many did not as their marks say.
func (t table) text(cell [2]string) string {
	count := t[cell]
	var words []string
	if n := count[judge.Pass]; n > 0 {
		words = append(words, fmt.Sprint(n))
	}
	for _, m := range marks {
		if n := count[m.verdict]; n > 0 {
			words = append(words, fmt.Sprint(m.mark, n))
		}
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, " ")
}

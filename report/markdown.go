package report

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// maxBlocks is how many unexpected results Markdown spells out. GitHub shows a summary of at most
// 1 MiB.
const maxBlocks = 50

// Markdown writes a summary for people: a table of the debuggers, a table of groups by debuggers,
// and the unexpected results.
func Markdown(w io.Writer, reports []*harness.Report) error {
	var b strings.Builder
	all := columns(reports)
	count := 0
	for _, c := range all {
		count += len(Unexpected(c.results))
	}
	fmt.Fprintf(&b, "# tidcheck: %s\n\n", unexpectedVerdicts(count))
	for _, why := range incomplete(reports) {
		fmt.Fprintf(&b, "> **These results are not whole.** %s\n\n", inline(why))
	}
	b.WriteString("| debugger | machine | unexpected | verdicts |\n|---|---|---:|---|\n")
	for _, c := range all {
		fmt.Fprintf(&b, "| %s | %s, witness: %s | %d | %s |\n", inline(c.label),
			inline(machine(c.report)), inline(c.report.Machine.Witness),
			len(Unexpected(c.results)), counts(tally(c.results)))
	}
	markdownMatrix(&b, all)
	told := 0
	for _, c := range all {
		for _, r := range Unexpected(c.results) {
			if told++; told <= maxBlocks {
				markdownBlock(&b, c, r)
			}
		}
	}
	if told > maxBlocks {
		fmt.Fprintf(&b, "\n… and %d more unexpected verdicts.\n", told-maxBlocks)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func unexpectedVerdicts(n int) string {
	switch n {
	case 0:
		return "all as expected"
	case 1:
		return "1 unexpected verdict"
	}
	return fmt.Sprintf("%d unexpected verdicts", n)
}

// markdownMatrix writes the groups of scenarios by the debuggers.
func markdownMatrix(b *strings.Builder, all []column) {
	b.WriteString("\n| group |")
	for _, c := range all {
		fmt.Fprintf(b, " %s |", inline(c.label))
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	tallies := make([]map[string]judge.Tally, len(all))
	for i, c := range all {
		tallies[i] = make(map[string]judge.Tally)
		for _, r := range c.results {
			g := groupOf(r.Scenario)
			if tallies[i][g] == nil {
				tallies[i][g] = make(judge.Tally)
			}
			tallies[i][g][r.Verdict]++
		}
	}
	for _, g := range groups(all) {
		fmt.Fprintf(b, "| %s |", inline(g))
		for i := range all {
			fmt.Fprintf(b, " %s |", cell(tallies[i][g]))
		}
		b.WriteString("\n")
	}
}

// cell is a group under a debugger: its unexpected and known verdicts, else how many passed.
func cell(t judge.Tally) string {
	var parts []string
	for _, v := range ranks {
		if t[v] > 0 && (isUnexpected(v) || v == judge.KFail) {
			parts = append(parts, fmt.Sprintf("%d %s", t[v], v))
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case t[judge.Pass] > 0:
		return "✓"
	case len(t) == 0:
		return "not run"
	}
	return "not judged"
}

// markdownBlock writes one unexpected result, folded.
func markdownBlock(b *strings.Builder, c column, r harness.Result) {
	fmt.Fprintf(b, "\n<details><summary><b>%s</b> %s %s/%s: %s</summary>\n\n", r.Verdict,
		html.EscapeString(c.label), html.EscapeString(r.Scenario), r.Mode,
		html.EscapeString(r.Rule))
	if s := catalogue()[r.Scenario].sentence; s != "" {
		fmt.Fprintf(b, "%s\n\n", inline(s))
	}
	if rule, err := judge.RuleNamed(r.Rule); err == nil {
		fmt.Fprintf(b, "The rule: %s.\n\n", inline(rule.Sentence))
	}
	lines := strings.Split(r.Detail, "\n")
	if more := len(lines) - maxLines; more > 1 {
		lines = append(lines[:maxLines], fmt.Sprintf("… %d lines more", more))
	}
	fence(b, strings.Join(lines, "\n"))
	if r.Again != "" {
		b.WriteString("\nOnce more:\n\n")
		fence(b, r.Again)
	}
	b.WriteString("\n</details>\n")
}

// fence writes text as it stands, between marks that it does not have.
func fence(b *strings.Builder, text string) {
	marks := "```"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	fmt.Fprintf(b, "%s\n%s\n%s\n", marks, text, marks)
}

// inline escapes what Markdown would take for a mark.
var inline = strings.NewReplacer(
	"\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", "\\*", "_", "\\_",
	"`", "\\`", "[", "\\[", "]", "\\]", "\n", " ",
).Replace

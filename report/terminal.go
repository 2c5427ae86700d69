// Package report writes what a suite found. A [Printer] writes lines for people as results come,
// and [Summary] a table at the end; [Status] is tidcheck's own exit status. [JSON], [JUnit],
// [Markdown] and [HTML] write files, of stored reports too: [Read] reads and [Merge] joins them.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// passed tells whether a rule passed in all runs.
func passed(r harness.Result) bool { return r.Verdict == judge.Pass && r.Passed == r.Runs }

// lines are the results of one scenario for people: one line for all rules that passed in all runs,
// and one for each group of others that have the same verdict and detail. Below the first that is
// not as expected it says what the scenario does.
func (p *Printer) lines(results []harness.Result) string {
	if len(results) == 0 {
		return ""
	}
	var w strings.Builder
	first := results[0]
	where := clean(fmt.Sprintf("%s %s/%s", first.Debugger, first.Scenario, first.Mode))
	good := slices.DeleteFunc(slices.Clone(results), func(r harness.Result) bool {
		return !passed(r)
	})
	if len(good) > 0 {
		took := fmt.Sprintf("%.2f s", results[len(results)-1].Seconds)
		if first.Runs > 1 {
			took = fmt.Sprintf("%d runs, the longest %s", first.Runs, took)
		}
		fmt.Fprintf(&w, "%s %s: %s (%s)\n", p.verdict(judge.Pass), where, rules(good), took)
	}
	for _, group := range alike(good) {
		if group[0].Detail != "" {
			fmt.Fprintf(&w, "%s%s: %s\n", indent, rules(group), clean(group[0].Detail))
		}
	}
	others, told := slices.DeleteFunc(slices.Clone(results), passed), false
	for _, group := range alike(others) {
		fmt.Fprintf(&w, "%s %s: %s\n", p.verdict(group[0].Verdict), where, rules(group))
		sentence := p.sentences[first.Scenario]
		if isUnexpected(group[0].Verdict) && sentence != "" && !told {
			p.explain(&w, clean(first.Scenario)+": "+sentence)
			told = true
		}
		for _, line := range p.explanation(group) {
			p.explain(&w, clean(line))
		}
	}
	return w.String()
}

func (p *Printer) explain(w io.Writer, line string) {
	for _, part := range p.wrap(line) {
		fmt.Fprintf(w, "%s%s\n", indent, part)
	}
}

// explanation is what is written below a verdict: for a failure first what its rules demand.
func (p *Printer) explanation(group []harness.Result) (lines []string) {
	first := group[0]
	for _, r := range group {
		if rule, err := judge.RuleNamed(r.Rule); err == nil && r.Verdict == judge.Fail {
			lines = append(lines, rule.Name+" means: "+rule.Sentence)
		}
	}
	lines = append(lines, details(first)...)
	if first.Verdict == judge.Fail && p.Like != nil {
		for _, name := range p.Like(first) {
			lines = append(lines, "it is like: "+name)
		}
	}
	return lines
}

// rules names the rules of some results. Of several runs it says how many passed: after the last
// rule if that holds for all, else after each.
func rules(results []harness.Result) string {
	passes := func(r harness.Result) string {
		if r.Runs <= 1 || passed(r) {
			return ""
		}
		return fmt.Sprintf(" (%d of %d passed)", r.Passed, r.Runs)
	}
	var b strings.Builder
	for i, r := range results {
		b.WriteString(r.Rule)
		if i+1 == len(results) {
			return b.String() + passes(r)
		}
		if next := results[i+1]; passes(next) != passes(r) {
			b.WriteString(passes(r))
		}
		b.WriteString(", ")
	}
	return b.String()
}

// maxLines is how many lines of a detail people are shown; the JSON has all.
const maxLines = 12

// details are the lines below a verdict: its detail, and for an unexpected one the command that
// runs it again and the folder that keeps it.
func details(r harness.Result) []string {
	lines := strings.FieldsFunc(r.Detail, func(c rune) bool { return c == '\n' })
	if more := len(lines) - maxLines; more > 1 {
		lines = append(lines[:maxLines], fmt.Sprintf("… %d lines more (--json has all)", more))
	}
	if r.Verdict == judge.Fail {
		if steps := around(r.Picture); steps != nil {
			lines = append(append(lines, "around it, from the run's beginning:"), steps...)
		}
	}
	if isUnexpected(r.Verdict) {
		if r.Again != "" {
			lines = append(lines, "again: "+r.Again)
		}
		if r.Kept != "" {
			lines = append(lines, "kept: "+r.Kept)
		}
	}
	return lines
}

// alike groups results by their verdict and detail.
func alike(results []harness.Result) [][]harness.Result {
	var groups [][]harness.Result
	for _, r := range results {
		i := slices.IndexFunc(groups, func(g []harness.Result) bool {
			return g[0].Verdict == r.Verdict && g[0].Detail == r.Detail
		})
		if i < 0 {
			groups = append(groups, []harness.Result{r})
		} else {
			groups[i] = append(groups[i], r)
		}
	}
	return groups
}

// verdicts are all verdicts, in the order in which Summary counts them.
var verdicts = []judge.Verdict{
	judge.Pass, judge.Fail, judge.KFail, judge.KPass,
	judge.Unsupported, judge.Untested, judge.Unresolved,
}

// Summary writes a table of groups of scenarios and debuggers, in parts no wider than some columns
// if they can be. Then come a line with the suite's version, the machine and the kernel's account
// that truth came from, and a line for each debugger, with the count of each verdict.
func Summary(w io.Writer, r *harness.Report, columns int) {
	matrix(w, r, columns)
	m := r.Machine
	fmt.Fprintf(w, "\ntidcheck %s, linux %s %s, witness: %s\n",
		r.Suite, m.Kernel, m.Arch, m.Witness)
	if r.Stopped != "" {
		fmt.Fprintf(w, "stopped before all was run: %s\n", clean(r.Stopped))
	}
	if r.Shards != nil {
		fmt.Fprintf(w, "a part of all: %s\n", strings.Join(r.Shards, ", "))
	}
	for _, d := range r.Debuggers {
		count, partly := make(map[judge.Verdict]int), 0
		for _, one := range r.Results {
			if one.Debugger == d.Name {
				count[one.Verdict]++
			}
			if one.Debugger == d.Name && one.Verdict == judge.Pass && !passed(one) {
				partly++
			}
		}
		var counts []string
		for _, v := range verdicts {
			if count[v] > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", count[v], v))
			}
			if v == judge.Pass && partly > 0 {
				counts[len(counts)-1] += fmt.Sprintf(" (%d not in all runs)", partly)
			}
		}
		if counts == nil {
			counts = []string{"not run"}
		}
		name := clean(strings.TrimSpace(d.Name + " " + d.Version))
		fmt.Fprintf(w, "%s: %s\n", name, strings.Join(counts, ", "))
		if why := whyUnjudged(r, d.Name); why != "" {
			fmt.Fprintf(w, "    nothing was judged: %s\n", clean(why))
		}
	}
}

// whyUnjudged is the first reason why nothing was judged of a debugger; empty if something was.
func whyUnjudged(r *harness.Report, debugger string) (why string) {
	for _, one := range r.Results {
		if one.Debugger != debugger {
			continue
		}
		if one.Verdict != judge.Untested && one.Verdict != judge.Unsupported {
			return ""
		}
		if first, _, _ := strings.Cut(one.Detail, "\n"); why == "" {
			why = first
		}
	}
	return why
}

// JSON writes the report as one indented JSON object.
func JSON(w io.Writer, r *harness.Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// Status is the exit status for a report: 0 if all is as expected; 1 if a debugger does not
// conform, or passes where it is known to fail; 2 if a run proved nothing, or no rule was tested.
func Status(r *harness.Report) int {
	count := make(map[judge.Verdict]int)
	for _, one := range r.Results {
		count[one.Verdict]++
	}
	switch {
	case count[judge.Fail]+count[judge.KPass] > 0:
		return 1
	case count[judge.Unresolved] > 0, count[judge.Pass]+count[judge.KFail] == 0:
		return 2
	}
	return 0
}

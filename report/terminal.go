// Package report writes what a suite found: as lines for people, and as JSON.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
)

// Line writes what matters of one scenario's results: a line for each rule that was not
// passed, and one for all that were.
func Line(w io.Writer, results []harness.Result) {
	var passed []string
	seconds := 0.0
	for _, r := range results {
		seconds = r.Seconds
		if r.Verdict == harness.Pass {
			passed = append(passed, r.Rule)
		}
	}
	if len(results) == 0 {
		return
	}
	where := fmt.Sprintf("%s %s/%s", results[0].Debugger, results[0].Scenario, results[0].Mode)
	if len(passed) > 0 {
		took := fmt.Sprintf("%.2f s", seconds)
		if runs := results[0].Runs; runs > 1 {
			took = fmt.Sprintf("%d runs, the longest %s", runs, took)
		}
		fmt.Fprintf(w, "%-11s %s: %s (%s)\n", harness.Pass, where, strings.Join(passed, ", "), took)
	}
	for _, same := range alike(results) {
		first := same[0]
		rules := make([]string, len(same))
		for i, r := range same {
			rules[i] = r.Rule
			if r.Runs > 1 && r.Passed > 0 {
				rules[i] += fmt.Sprintf(" %d/%d", r.Passed, r.Runs)
			}
		}
		fmt.Fprintf(w, "%-11s %s: %s\n", first.Verdict, where, strings.Join(rules, ", "))
		detail(w, first.Detail)
		evidence(w, first)
	}
}

// evidence says of what is not as expected how it is seen once more, and where it is kept.
func evidence(w io.Writer, r harness.Result) {
	if !slices.Contains([]harness.Verdict{harness.Fail, harness.KPass, harness.Unresolved}, r.Verdict) {
		return
	}
	if r.Again != "" {
		fmt.Fprintf(w, "            again: %s\n", r.Again)
	}
	if r.Kept != "" {
		fmt.Fprintf(w, "            kept: %s\n", r.Kept)
	}
}

// shown is how many lines of a detail people are shown; the JSON has all.
const shown = 12

func detail(w io.Writer, text string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if more := len(lines) - shown; more > 1 {
		lines = append(lines[:shown:shown], fmt.Sprintf("… %d lines more (--json has all)", more))
	}
	for _, line := range lines {
		if line != "" {
			fmt.Fprintf(w, "            %s\n", line)
		}
	}
}

// alike groups the results that were not passed by their verdict and detail.
func alike(results []harness.Result) [][]harness.Result {
	var groups [][]harness.Result
	for _, r := range results {
		if r.Verdict == harness.Pass {
			continue
		}
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

// verdicts are all, in the order in which they are counted.
var verdicts = []harness.Verdict{
	harness.Pass, harness.Fail, harness.KFail, harness.KPass, harness.NotOffered, harness.Untested, harness.Unresolved,
}

// Summary writes a line a debugger with how often each verdict came, and where truth came from.
func Summary(w io.Writer, r *harness.Report) {
	fmt.Fprintf(w, "\ntidcheck %s, linux %s %s, witness: %s\n", r.Suite, r.Machine.Kernel, r.Machine.Arch, r.Machine.Witness)
	for _, d := range r.Debuggers {
		count := make(map[harness.Verdict]int)
		for _, one := range r.Results {
			if one.Debugger == d.Name {
				count[one.Verdict]++
			}
		}
		var counts []string
		for _, v := range verdicts {
			if count[v] > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", count[v], v))
			}
		}
		fmt.Fprintf(w, "%s %s: %s\n", d.Name, d.Version, strings.Join(counts, ", "))
	}
}

// JSON writes the report as one indented object.
func JSON(w io.Writer, r *harness.Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// Status is the exit status that a report stands for: 0 if all is as expected, 1 if a debugger
// does not conform, 2 if a run of ours proves nothing, or nothing was tested at all.
func Status(r *harness.Report) int {
	has := func(wanted ...harness.Verdict) bool {
		return slices.ContainsFunc(r.Results, func(one harness.Result) bool { return slices.Contains(wanted, one.Verdict) })
	}
	switch {
	case has(harness.Fail, harness.KPass):
		return 1
	case has(harness.Unresolved), !has(harness.Pass, harness.KFail):
		return 2
	}
	return 0
}

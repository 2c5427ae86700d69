package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A column is one debugger in one version on one machine, as tables have it.
type column struct {
	label    string // "gdb 13.1", and whatever tells it from the other columns
	debugger harness.Identity
	report   *harness.Report
	results  []harness.Result
}

// columns are those of some reports, in their order.
func columns(reports []*harness.Report) []column {
	var all []column
	machines, suites := make(map[string]bool), make(map[string]bool)
	for _, r := range reports {
		machines[machine(r)], suites[r.Suite] = true, true
	}
	labels := make(map[string]int)
	for _, r := range reports {
		of := make(map[string][]harness.Result)
		for _, one := range r.Results {
			of[one.Debugger] = append(of[one.Debugger], one)
		}
		for _, d := range r.Debuggers {
			label := title(d)
			if len(machines) > 1 {
				label += ", " + machine(r)
			}
			if len(suites) > 1 {
				label += ", tidcheck " + r.Suite
			}
			if labels[label]++; labels[label] > 1 {
				label += fmt.Sprintf(", run %d", labels[label])
			}
			all = append(all, column{label, d, r, of[d.Name]})
		}
	}
	return all
}

// title names a debugger and its version, which the name may have: gdb@18.1.
func title(d harness.Identity) string {
	if strings.HasSuffix(d.Name, "@"+d.Version) {
		return d.Name
	}
	return strings.TrimSpace(d.Name + " " + d.Version)
}

// machine names a report's machine: "linux 6.18 amd64".
func machine(r *harness.Report) string {
	return fmt.Sprintf("linux %s %s", r.Machine.Kernel, r.Machine.Arch)
}

// ranks are all verdicts, that which is to be looked at first first.
var ranks = []judge.Verdict{
	judge.Fail, judge.KPass, judge.Unresolved, judge.KFail, judge.Pass, judge.Untested,
	judge.Unsupported,
}

// isUnexpected tells whether a verdict is to be looked at.
func isUnexpected(v judge.Verdict) bool {
	return v == judge.Fail || v == judge.KPass || v == judge.Unresolved
}

// Unexpected are the results to look at, in their order: failures, passes of what
// is known to fail, and runs that prove nothing.
func Unexpected(results []harness.Result) []harness.Result {
	var all []harness.Result
	for _, r := range results {
		if isUnexpected(r.Verdict) {
			all = append(all, r)
		}
	}
	return all
}

// tally counts the verdicts of results.
func tally(results []harness.Result) judge.Tally {
	count := make(judge.Tally)
	for _, r := range results {
		count[r.Verdict]++
	}
	return count
}

// counts writes a tally: "3 FAIL, 2 KFAIL, 120 PASS".
func counts(t judge.Tally) string {
	var all []string
	for _, v := range ranks {
		if t[v] > 0 {
			all = append(all, fmt.Sprintf("%d %s", t[v], v))
		}
	}
	return strings.Join(all, ", ")
}

// A scene is a scenario of the catalogue, for tables.
type scene struct{ group, sentence string }

// catalogue has the scenarios by their names. A user's own have a group by their name.
var catalogue = sync.OnceValue(func() map[string]scene {
	scenes := make(map[string]scene)
	all, _ := fixtures.Catalogue() // it is embedded; a test reads it whole
	for _, f := range all {
		scenes[f.Name] = scene{f.Group(), f.Sentence}
	}
	return scenes
})

// groupOf is the group of a scenario.
func groupOf(scenario string) string {
	prefix, _, _ := strings.Cut(scenario, "_")
	return cmp.Or(catalogue()[scenario].group, prefix)
}

// groups are the groups of all results, by their names.
func groups(columns []column) []string {
	seen := make(map[string]bool)
	var all []string
	for _, c := range columns {
		for _, r := range c.results {
			if g := groupOf(r.Scenario); !seen[g] {
				seen[g] = true
				all = append(all, g)
			}
		}
	}
	slices.Sort(all)
	return all
}

// incomplete says of each report that is not whole why it is not.
func incomplete(reports []*harness.Report) []string {
	var why []string
	for _, r := range reports {
		lack := lacking(r)
		if lack == "" {
			continue
		}
		var names []string
		for _, d := range r.Debuggers {
			names = append(names, title(d))
		}
		why = append(why, fmt.Sprintf("%s on %s: %s", strings.Join(names, ", "), machine(r), lack))
	}
	return why
}

// lacking says why a report is not whole; empty if it is.
func lacking(r *harness.Report) string {
	var why []string
	if r.Stopped != "" {
		why = append(why, "the run was stopped before all was run: "+r.Stopped)
	}
	if len(r.Shards) > 0 {
		why = append(why, "only a part was run: shard "+strings.Join(r.Shards, ", "))
	}
	return strings.Join(why, "; ")
}

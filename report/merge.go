package report

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
)

// Merge makes as few reports as it can of several. Two are parts of one if they are of the same
// suite, machine and versions, and no result is in both: shards, or runs of other scenarios. All
// else stays apart, and is told apart where it is shown.
func Merge(reports []*harness.Report) []*harness.Report {
	if len(reports) == 1 {
		return reports
	}
	var all []*harness.Report
	for _, r := range reports {
		i := slices.IndexFunc(all, func(into *harness.Report) bool { return isPart(into, r) })
		if i < 0 {
			into := *r
			into.Debuggers, into.Results = slices.Clone(r.Debuggers), slices.Clone(r.Results)
			into.Shards = slices.Clone(r.Shards)
			all = append(all, &into)
			continue
		}
		into := all[i]
		into.Results = append(into.Results, r.Results...)
		for _, d := range r.Debuggers {
			if !slices.Contains(into.Debuggers, d) {
				into.Debuggers = append(into.Debuggers, d)
			}
		}
		into.Shards = joinShards(into.Shards, r.Shards)
		switch {
		case into.Stopped == "":
			into.Stopped = r.Stopped
		case r.Stopped != "" && r.Stopped != into.Stopped:
			into.Stopped += "; " + r.Stopped
		}
	}
	return all
}

// isPart tells whether two reports are parts of one.
func isPart(a, b *harness.Report) bool {
	x, y := a.Machine, b.Machine
	if a.Suite != b.Suite || x.Kernel != y.Kernel || x.Arch != y.Arch || x.Witness != y.Witness {
		return false
	}
	if (len(a.Shards) == 0) != (len(b.Shards) == 0) {
		return false // a part of all, and all of what was asked for
	}
	for _, d := range b.Debuggers {
		other := func(had harness.Identity) bool {
			return had.Name == d.Name && had.Version != d.Version
		}
		if slices.ContainsFunc(a.Debuggers, other) {
			return false
		}
	}
	has := make(map[[4]string]bool, len(a.Results))
	for _, r := range a.Results {
		has[key(r)] = true
	}
	return !slices.ContainsFunc(b.Results, func(r harness.Result) bool { return has[key(r)] })
}

// joinShards are the parts that two reports have together, none if these are all.
func joinShards(a, b []string) []string {
	if len(a) == 0 {
		return nil
	}
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
	_, of, _ := strings.Cut(all[0], "/")
	if n, err := strconv.Atoi(of); err == nil && n == len(all) {
		isOther := func(s string) bool { return !strings.HasSuffix(s, "/"+of) }
		if !slices.ContainsFunc(all, isOther) {
			return nil
		}
	}
	return all
}

// key is what a result is about.
func key(r harness.Result) [4]string {
	return [4]string{r.Debugger, r.Scenario, string(r.Mode), r.Rule}
}

// MergedJSON writes reports so that Read reads them. One alone is written as JSON writes it.
func MergedJSON(w io.Writer, reports []*harness.Report) error {
	if len(reports) == 1 {
		return JSON(w, reports[0])
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(merged{harness.FormVersion, reports})
}

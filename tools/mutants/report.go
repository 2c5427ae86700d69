package main

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// A report is what came of all mutants tried.
type report struct {
	equivalent map[string]string // the reason of each mutant that changes nothing, by its name
	count      map[outcome]int
	listed     int      // mutants that are in the list of equivalent ones
	wrong      []string // what is wrong with that list
}

// readEquivalents reads the list of mutants that change nothing that a test may ask: a mutant's
// name on a line of its own, and the reason on the lines below it, which begin with white space.
func readEquivalents(name string) (map[string]string, error) {
	reasons := make(map[string]string)
	if name == "" {
		return reasons, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	last := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			continue
		case line[0] == ' ' || line[0] == '\t':
			reasons[last] += strings.TrimSpace(line) + " "
		default:
			last = line
			reasons[last] = ""
		}
	}
	for mutant, reason := range reasons {
		if reason == "" {
			return nil, fmt.Errorf("%s: %s: without a reason", name, mutant)
		}
	}
	return reasons, nil
}

// add counts a mutant.
func (r *report) add(m mutant, o outcome) {
	if _, listed := r.equivalent[m.name()]; !listed {
		r.count[o]++
		return
	}
	r.listed++
	if o == killed {
		r.wrong = append(r.wrong, "listed as equivalent, and killed: "+m.name())
	}
}

// checkList finds entries of the list that are of a package's folder and name none of its mutants.
func (r *report) checkList(all []mutant) {
	names, folders := make(map[string]bool), make(map[string]bool)
	for _, m := range all {
		names[m.name()], folders[path.Dir(m.file)] = true, true
	}
	for _, name := range slices.Sorted(maps.Keys(r.equivalent)) {
		file, _, _ := strings.Cut(name, " ")
		if folders[path.Dir(file)] && !names[name] {
			r.wrong = append(r.wrong, "listed as equivalent, and there is none: "+name)
		}
	}
}

// score is how many percent of the mutants were killed. One that timed out counts as neither: the
// tests do not pass with it, but none of them says what is wrong.
func (r *report) score() float64 {
	dead, alive := r.count[killed], r.count[survived]+r.count[notReached]
	return 100 * float64(dead) / float64(max(1, dead+alive))
}

func (r *report) String() string {
	lines := append(slices.Clone(r.wrong), fmt.Sprintf(
		"%.1f %% killed: killed %d, survived %d, not reached %d; timed out %d, equivalent %d",
		r.score(), r.count[killed], r.count[survived], r.count[notReached], r.count[timedOut],
		r.listed))
	return strings.Join(lines, "\n")
}

package judge_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// A cell is what came of a lie in one mode.
type cell struct {
	planted int            // runs that it was planted in and whose truth refutes it
	missed  int            // runs that it was planted in and whose truth does not
	by      map[string]int // how many of the first each rule caught
}

// rules are those that caught a lie wherever it can be refuted, or else those that caught some.
func (c *cell) rules() []string {
	var all, some []string
	for _, r := range judge.Rules {
		switch n := c.by[r.Name]; {
		case n == c.planted && n > 0:
			all = append(all, r.Name)
		case n > 0:
			some = append(some, r.Name)
		}
	}
	if len(all) > 0 {
		return all[:1]
	}
	return some
}

// cells plants all lies in all honest runs.
func cells(t *testing.T) map[*lie]map[fixtures.Mode]*cell {
	t.Helper()
	all := make(map[*lie]map[fixtures.Mode]*cell)
	var lies []*lie
	for _, of := range [][]lie{wordLies, replyLies} {
		for i := range of {
			lies = append(lies, &of[i])
			all[&of[i]] = make(map[fixtures.Mode]*cell)
		}
	}
	eachRecorded(t, func(_ recorded, e *judge.Evidence) {
		if e.Debugger.Name == "reference" && e.Debugger.Abilities.Has(judge.Births) &&
			!e.Debugger.Abilities.Has(judge.Vforks) {
			// It was recorded before there was this ability, which it has.
			e.Debugger.Abilities = append(slices.Clone(e.Debugger.Abilities), judge.Vforks)
		}
		h := openHonest(e)
		if h == nil {
			return
		}
		for _, l := range lies {
			if !e.Debugger.Abilities.Has(l.needs...) {
				continue
			}
			for _, p := range l.plant(h) {
				c := all[l][e.Mode]
				if c == nil {
					c = &cell{by: make(map[string]int)}
					all[l][e.Mode] = c
				}
				c.add(t, l, p)
			}
		}
	})
	return all
}

// add judges a run with a lie.
func (c *cell) add(t *testing.T, l *lie, p planted) {
	caught := false
	var verdicts []string
	for _, r := range judge.Open(p.Evidence).Rulings() {
		verdicts = append(verdicts, fmt.Sprintf("%s %s", r.Rule, r.Verdict))
		if r.Verdict == judge.Fail {
			caught = true
			if p.refutable {
				c.by[r.Rule]++
			}
		}
	}
	if !p.refutable {
		c.missed++
		return
	}
	if hasReason := l.reason(p.Mode) != 0; hasReason && !caught {
		c.missed++
		return
	}
	c.planted++
	assert.Check(t, caught, "%s/%s by %s: %s, %s: no rule catches it: %v", p.Scenario, p.Mode,
		p.Debugger.Name, l.about, l.how, verdicts)
}

func (l *lie) reason(m fixtures.Mode) reason { return cmp.Or(l.reasons[m], l.reasons[""]) }

// cellsFile holds the table.
const cellsFile = "../docs/rules.md"

const (
	cellsBegin = "<!-- The test of the cells writes what follows: go test ./judge -update -->\n"
	cellsEnd   = "<!-- The end of what the test writes. -->\n"
)

// Each cell names the rule that catches its lie, in each run whose truth can refute it, or the
// reason why none does. With -update the table is written.
func TestEachCellHasARuleOrAReason(t *testing.T) {
	all := cells(t)
	var b strings.Builder
	count, explained, plants := 0, 0, 0
	used := make(map[reason]bool)
	for _, of := range []struct {
		name string
		lies []lie
	}{{"word: field", wordLies}, {"reply or list", replyLies}} {
		fmt.Fprintf(&b, "| %s | lie |", of.name)
		for _, m := range fixtures.Modes {
			fmt.Fprintf(&b, " %s |", m)
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---|", len(fixtures.Modes)) + "\n")
		for i := range of.lies {
			l := &of.lies[i]
			fmt.Fprintf(&b, "| %s | %s |", l.about, l.how)
			for _, m := range fixtures.Modes {
				c, text := all[l][m], "–"
				switch r := l.reason(m); {
				case c == nil:
				case c.planted > 0:
					text = strings.Join(c.rules(), ", ")
					count++
					plants += c.planted
				case r != 0:
					text = fmt.Sprintf("*%c*", r)
					used[r] = true
					count++
					explained++
				default: // it stands in runs, and the truth of none of them refutes it
					text = fmt.Sprintf("*%c*", noTruth)
					used[noTruth] = true
					count++
					explained++
				}
				fmt.Fprintf(&b, " %s |", text)
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	assert.Check(t, explained*20 <= count, "%d of %d cells have a reason in place of a rule",
		explained, count)
	assert.Assert(t, len(reasons) <= 8)
	fmt.Fprintf(&b, "%d cells; %d lies were planted, and each was caught by the rule that its "+
		"cell names.\n%d cells have a reason in place of a rule:\n\n", count, plants, explained)
	for r := diesWithIt; reasons[r] != ""; r++ {
		assert.Check(t, used[r], "no cell has the reason %q", reasons[r])
		fmt.Fprintf(&b, "- *%c*: %s.\n", r, reasons[r])
	}
	text, err := os.ReadFile(cellsFile)
	assert.NilError(t, err)
	head, rest, ok := strings.Cut(string(text), cellsBegin)
	_, tail, closed := strings.Cut(rest, cellsEnd)
	assert.Assert(t, ok && closed, "%s has no place for the table", cellsFile)
	want := head + cellsBegin + "\n" + b.String() + "\n" + cellsEnd + tail
	if isUpdate() {
		assert.NilError(t, os.WriteFile(cellsFile, []byte(want), 0o644))
		return
	}
	assert.Assert(t, want == string(text), "%s is not as the test finds it: -update writes it",
		cellsFile)
}

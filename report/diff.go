package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A Change is a verdict that differs between two reports. It is empty where a report has none.
type Change struct {
	Debugger, Scenario, Rule string
	Before, After            judge.Verdict
	Detail                   string // of the later report
	Way                      Way
	Earlier, Later           Runs
}

// Runs is how many runs a verdict comes from, and how many of them passed.
type Runs struct{ Passed, Of int }

// A Way says whether a change is for the better.
type Way string

// The ways. Of two rates the intervals that have the true ones in 95 cases of 100 are compared.
const (
	Better Way = "better"
	Worse  Way = "worse"          // it fails now, or is no longer judged
	Chance Way = "perhaps chance" // it fails at times: both rates may be the same
)

func (c Change) String() string {
	return clean(fmt.Sprintf("%s %s %s: %s -> %s, %s", c.Debugger, c.Scenario, c.Rule,
		told(c.Before, c.Earlier), told(c.After, c.Later), c.Way))
}

// told is a verdict, and of several runs how many passed.
func told(v judge.Verdict, r Runs) string {
	text := string(cmp.Or(v, "absent"))
	if r.Of > 1 {
		text += fmt.Sprintf(" (%d of %d passed)", r.Passed, r.Of)
	}
	return text
}

// levels order the verdicts that say something of the debugger.
var levels = map[judge.Verdict]int{judge.Fail: 1, judge.KFail: 2, judge.KPass: 3, judge.Pass: 3}

func (c *Change) way() Way {
	before, after := levels[c.Before], levels[c.After]
	switch {
	case before > 0 && after > 0 && c.Earlier.Of > 1 && c.Later.Of > 1:
		low, high := c.Earlier.interval()
		nowLow, nowHigh := c.Later.interval()
		switch {
		case nowLow > high:
			return Better
		case nowHigh < low:
			return Worse
		}
		return Chance
	case after == 0 || after == levels[judge.Fail] || before > after:
		return Worse
	}
	return Better
}

// interval has the true rate of passes in 95 cases of 100 (Wilson's).
func (r Runs) interval() (low, high float64) {
	const z = 1.959964 // of the normal distribution, 95 % lie as far from its middle
	n := float64(r.Of)
	p := float64(r.Passed) / n
	middle, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return (middle - half) / (1 + z*z/n), (middle + half) / (1 + z*z/n)
}

// Diff tells which verdicts changed from one report to another, in order of debugger, scenario and
// rule. Where each report is of one debugger these are compared, whatever they are called: two
// builds of one, say.
func Diff(before, after *harness.Report) []Change {
	both := "" // a name for the two debuggers that are compared whatever they are called
	if len(before.Debuggers) == 1 && len(after.Debuggers) == 1 &&
		before.Debuggers[0].Name != after.Debuggers[0].Name {
		both = before.Debuggers[0].Name + " -> " + after.Debuggers[0].Name
	}
	changes := make(map[Change]*Change) // by their debuggers, scenarios and rules alone
	at := func(r harness.Result) *Change {
		key := Change{
			Debugger: cmp.Or(both, r.Debugger),
			Scenario: r.Scenario + "/" + string(r.Mode), Rule: r.Rule,
		}
		if changes[key] == nil {
			changes[key] = &key
		}
		return changes[key]
	}
	for _, r := range before.Results {
		c := at(r)
		c.Before, c.Earlier = r.Verdict, Runs{r.Passed, r.Runs}
	}
	for _, r := range after.Results {
		c := at(r)
		c.After, c.Detail, c.Later = r.Verdict, r.Detail, Runs{r.Passed, r.Runs}
	}
	var list []Change
	for _, c := range changes {
		c.Way = c.way()
		rates := c.Earlier.Of > 1 && c.Later.Of > 1
		if c.Before != c.After || rates && c.Way != Chance && levels[c.After] > 0 {
			list = append(list, *c)
		}
	}
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Debugger, b.Debugger),
			strings.Compare(a.Scenario, b.Scenario), strings.Compare(a.Rule, b.Rule))
	})
	return list
}

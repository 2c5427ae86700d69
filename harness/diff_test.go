package harness

import (
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

func TestDiffTellsWhatChanged(t *testing.T) {
	report := func(debugger string, verdicts map[string]Verdict) *Report {
		r := &Report{Debuggers: []Identity{{debugger, "1"}}}
		for _, rule := range []string{"sound", "once", "order", "complete"} {
			if v := verdicts[rule]; v != "" {
				r.Results = append(r.Results, Result{Debugger: debugger, Scenario: "fork", Mode: fixtures.Launch, Rule: rule, Verdict: v, Detail: "why"})
			}
		}
		return r
	}
	before := map[string]Verdict{"complete": Pass, "sound": Fail, "once": Pass}
	after := map[string]Verdict{"complete": Fail, "sound": Fail, "order": Pass}
	got := Diff(report("gdb", before), report("gdb", after))
	assert.DeepEqual(t, got, []Change{
		{"gdb", "fork/launch", "complete", Pass, Fail, "why"},
		{"gdb", "fork/launch", "once", Pass, "", ""},
		{"gdb", "fork/launch", "order", "", Pass, "why"},
	})
	assert.Equal(t, got[1].String(), "gdb fork/launch once: PASS -> absent")

	two := Diff(report("gdb", before), report("gdb=/build/gdb", before))
	assert.Equal(t, len(two), 0, "two builds are compared with each other")
	two = Diff(report("gdb", before), report("gdb=/build/gdb", after))
	assert.Equal(t, two[0].Debugger, "gdb -> gdb=/build/gdb")
}

type slow struct{ Debugger }

func (slow) Name() string       { return "slow" }
func (slow) TimeScale() float64 { return 3 }

func TestARenamedDebuggerIsWhatItWas(t *testing.T) {
	d := Rename(Rename(slow{}, "slow=1"), "slow=2")
	assert.Equal(t, d.Name(), "slow=2")
	paced, ok := As[Paced](d)
	assert.Assert(t, ok)
	assert.Equal(t, paced.TimeScale(), 3.0)
	_, ok = As[interface{ Nothing() }](d)
	assert.Assert(t, !ok)
}

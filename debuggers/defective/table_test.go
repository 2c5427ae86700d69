package defective

import (
	"context"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestKillTable(t *testing.T) {
	defects := Defects
	t.Cleanup(func() { Defects = defects })
	plant := func(noticed bool) func(context.Context) seams {
		return func(context.Context) seams { return seams{noticed: noticed} }
	}
	Defects = []Defect{
		{Name: "drops", Rule: "running", plant: plant(false)},
		{Name: "hurries", Rule: "complete", plant: plant(true)},
		{Name: "invents", Rule: "sound", plant: plant(false)},
		{Name: "lies", Rule: "exit", plant: plant(false)},
		{Name: "sleeps", Rule: "bounded", plant: plant(false)},
	}
	result := func(debugger, scenario, rule string, v judge.Verdict) harness.Result {
		name, mode, _ := strings.Cut(scenario, "/")
		return harness.Result{
			Debugger: debugger, Scenario: name, Mode: fixtures.Mode(mode),
			Rule: rule, Verdict: v,
		}
	}
	got := KillTable([]harness.Result{
		result("defective:drops", "d/launch", "running", judge.Fail),
		result("defective:drops", "c/launch", "running", judge.Fail),
		result("defective:drops", "b/launch", "running", judge.Fail),
		result("defective:drops", "a/stops", "running", judge.Fail),
		result("defective:drops", "a/stops", "bounded", judge.Fail),
		result("defective:drops", "a/stops", "exit", judge.Fail),
		result("defective:drops", "b/launch", "bounded", judge.Fail),
		result("defective:drops", "e/launch", "running", judge.Pass),
		result("defective:drops", "f/launch", "running", judge.Untested),
		result("defective:invents", "a/stops", "sound", judge.Fail),
		result("defective:invents", "e/launch", "sound", judge.Pass),
		result("defective:hurries", "a/stops", "complete", judge.Pass),
		result("defective:lies", "a/stops", "order", judge.Fail),
		result("defective:sleeps", "a/stops", "bounded", judge.Pass),
		result("defective:sleeps", "b/launch", "bounded", judge.Unresolved),
		result("gdb", "g/launch", "bounded", judge.Pass),
	})
	assert.Equal(t, got, `drops                          running       4: a/stops, b/launch, c/launch, …; also bounded 2, exit 1
hurries                        NOT CAUGHT: complete should, where there is the proc connector
invents                        sound         1: a/stops
lies                           NOT CAUGHT by exit; also order 1
sleeps                         NOT CAUGHT: bounded should

rules that no defect needs: session, complete, once, parent, exit, snapshot, stopped, released, transparent, bounded
scenarios that catch none: e/launch
results that prove nothing: 1 UNRESOLVED
`)
}

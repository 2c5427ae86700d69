//go:build amd64 || arm64

package defective_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	adaptertest.Main(m)
}

// Each defect is caught by its own rule, in every scenario that it is said to show in and that this machine can run.
func TestEachIsCaught(t *testing.T) {
	for _, d := range defective.Defects {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			o := harness.Options{Match: regexp.MustCompile("^(" + strings.Join(d.Shows, "|") + ")$")}
			report, err := harness.RunAll(t.Context(), []harness.Debugger{defective.Debugger{Defect: d}}, o, func([]harness.Result) {})
			assert.NilError(t, err)
			caught, lacks := map[string]bool{}, map[string]string{}
			for _, r := range report.Results {
				scenario := r.Scenario + "/" + string(r.Mode)
				assert.Check(t, r.Verdict != harness.Unresolved, "%s %s: %s", scenario, r.Rule, r.Detail)
				if r.Verdict == harness.Fail {
					first, _, _ := strings.Cut(r.Detail, "\n")
					t.Logf("%s %s: %s", scenario, r.Rule, first)
				}
				switch {
				case r.Verdict == harness.Fail && r.Rule == d.Rule:
					caught[scenario] = true
				case r.Verdict == harness.Untested && strings.HasPrefix(r.Detail, "this machine lacks "):
					lacks[scenario] = r.Detail
				}
			}
			for _, scenario := range d.Shows {
				assert.Check(t, caught[scenario] || lacks[scenario] != "", "%s does not accuse it in %s", d.Rule, scenario)
			}
			assert.Check(t, slices.ContainsFunc(harness.Rules, func(r harness.Rule) bool { return r.Name == d.Rule }))
			if len(lacks) == len(d.Shows) {
				t.Skip(lacks[d.Shows[0]])
			}
		})
	}
}

// One that leaves a SIGSTOP on its way goes on as if it had come, and lets go so that nobody sees it.
func TestWhoTrustsTheFirstStopIsAccusedAtHisDeathAlone(t *testing.T) {
	i := slices.IndexFunc(defective.Defects, func(d defective.Defect) bool { return d.Name == "trusts-first-stop" })
	o := harness.Options{Match: regexp.MustCompile("^attach_idle/")}
	report, err := harness.RunAll(t.Context(), []harness.Debugger{defective.Debugger{Defect: defective.Defects[i]}}, o, func([]harness.Result) {})
	assert.NilError(t, err)
	for _, r := range report.Results {
		want := harness.Pass
		if r.Mode == fixtures.Orphaned && (r.Rule == "released" || r.Rule == "bounded") {
			want = harness.Fail
		}
		assert.Check(t, r.Verdict == want, "%s %s: %s %s", r.Mode, r.Rule, r.Verdict, r.Detail)
	}
}

// On the whole catalogue; some six minutes.
func TestAllAreCaughtOnTheWholeCatalogue(t *testing.T) {
	if os.Getenv("TIDCHECK_SOAK") == "" {
		t.Skip("TIDCHECK_SOAK is not set")
	}
	// Many of them hang in most scenarios, and each time to their limit.
	report, err := harness.RunAll(t.Context(), defective.All(), harness.Options{TimeScale: 0.25}, func([]harness.Result) {})
	assert.NilError(t, err)
	table := defective.KillTable(report.Results)
	t.Log("\n" + table)
	assert.Assert(t, !strings.Contains(table, "NOT CAUGHT"))
	for _, r := range report.Results {
		assert.Check(t, r.Verdict != harness.Unresolved, "%s %s/%s %s: %s", r.Debugger, r.Scenario, r.Mode, r.Rule, r.Detail)
	}
}

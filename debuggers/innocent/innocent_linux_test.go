//go:build amd64 || arm64

package innocent_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/innocent"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, nil)
}

// patience is how many times as long as on an idle machine a run may take: whether tests run beside
// others is not what the innocents are held to.
const patience = 10

// buildTidcheck builds the command that some of the innocents are.
func buildTidcheck(t *testing.T) {
	t.Helper()
	innocent.Tidcheck = filepath.Join(t.TempDir(), "tidcheck")
	out, err := exec.Command("go", "build", "-o", innocent.Tidcheck,
		"github.com/tidcheck/tidcheck/cmd/tidcheck").CombinedOutput()
	assert.NilError(t, err, "%s", out)
}

// key is what a result is about.
func key(r harness.Result) string {
	return r.Scenario + "/" + string(r.Mode) + " " + r.Rule
}

// isLacking tells whether a result says that one of these abilities is not offered.
func isLacking(r harness.Result, lacks judge.Abilities) bool {
	return r.Verdict == judge.Unsupported && slices.ContainsFunc(lacks,
		func(a judge.Ability) bool { return strings.Contains(r.Detail, string(a)) })
}

// noDeathIsDue tells whether no death was due before a detach: that of a thread that has just ended
// is due only if the look at /proc before the detach shows that it was waited for.
func noDeathIsDue(r harness.Result) bool {
	return r.Rule == "exit" && r.Mode == fixtures.DetachDuring && r.Verdict == judge.Untested &&
		r.Detail == "there was nothing to judge"
}

// acquitted sees that an innocent is accused of nothing, and that as much is judged as of the
// reference tracer.
func acquitted(
	t *testing.T, results []harness.Result, lacks judge.Abilities,
	ofReference map[string]judge.Verdict,
) {
	t.Helper()
	assert.Assert(t, len(results) > 0)
	for _, r := range results {
		ok := r.Verdict == judge.Pass || r.Verdict != judge.Fail && r.Verdict == ofReference[key(r)]
		assert.Check(t, ok || isLacking(r, lacks) || noDeathIsDue(r), "%s: %s: %s",
			key(r), r.Verdict, r.Detail)
	}
}

// runAll gives the results of some debuggers by their names.
func runAll(
	t *testing.T, o harness.Options, all ...harness.Debugger,
) map[string][]harness.Result {
	t.Helper()
	report, err := harness.RunAll(t.Context(), all, o, func([]harness.Result) {})
	assert.NilError(t, err)
	of := make(map[string][]harness.Result)
	for _, r := range report.Results {
		of[r.Debugger] = append(of[r.Debugger], r)
	}
	return of
}

// starved is tried beside a busy machine, by itself.
const starved = "is-starved"

func TestNoneIsAccusedInTheQuickSet(t *testing.T) {
	buildTidcheck(t)
	all := []harness.Debugger{reference.Debugger{}}
	for _, i := range innocent.Innocents {
		if i.Name != starved {
			all = append(all, i.Debugger())
		}
	}
	results := runAll(t, harness.Options{Quick: true, TimeScale: patience}, all...)
	ofReference := make(map[string]judge.Verdict)
	for _, r := range results[reference.Debugger{}.Name()] {
		ofReference[key(r)] = r.Verdict
	}
	for _, i := range innocent.Innocents {
		if i.Name != starved {
			t.Run(i.Name, func(t *testing.T) {
				acquitted(t, results[i.Debugger().Name()], i.Lacks, ofReference)
			})
		}
	}
}

// shows has scenarios and modes, not of the quick set, in which an innocent was accused once or is
// most unusual.
var shows = map[string]string{
	"refuses-what-is-taken":     "attach_one_taken/attach_before",
	"learns-deaths-by-wait":     "exit_leader_status/.*|exec_from_thread/.*",
	"tells-deaths-late":         "thread_tid_reuse/launch|exit_leader_status/launch",
	"says-no-more-at-detach":    "(attach_dying|attach_churn|attach_births)/detach_during",
	"learns-execs-late":         "attach_exec_storm/.*|exec_from_thread/.*|exec_repeated/.*",
	"never-stops-all":           "attach_mid_birth/.*|attach_churn/.*",
	"steps-before-it-continues": "thread_signals_blocked/launch|signal_own_trap/launch",
}

func TestNoneIsAccusedWhereItIsMostUnusual(t *testing.T) {
	buildTidcheck(t)
	for _, i := range innocent.Innocents {
		scenarios := shows[i.Name]
		if scenarios == "" {
			continue
		}
		t.Run(i.Name, func(t *testing.T) {
			t.Parallel()
			o := harness.Options{
				Match:     regexp.MustCompile("^(" + scenarios + ")$"),
				TimeScale: patience,
				Jobs:      1, // testproc.Main has as many of these at once as there may be runs
			}
			results := runAll(t, o, i.Debugger(), reference.Debugger{})
			ofReference := make(map[string]judge.Verdict)
			for _, r := range results[reference.Debugger{}.Name()] {
				ofReference[key(r)] = r.Verdict
			}
			acquitted(t, results[i.Debugger().Name()], i.Lacks, ofReference)
		})
	}
}

// Four processes leave a thread that runs when no other does hardly a moment.
func TestAStarvedOneIsNotAccused(t *testing.T) {
	for range 4 {
		busy := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
		assert.NilError(t, busy.Start())
		t.Cleanup(func() { busy.Wait() }) // the end of the test's context has killed it
	}
	i := slices.IndexFunc(innocent.Innocents,
		func(i innocent.Innocent) bool { return i.Name == starved })
	o := harness.Options{
		Match:     regexp.MustCompile("^(attach_idle|fork|signal_one_thread)/"),
		TimeScale: patience,
	}
	d := innocent.Innocents[i].Debugger()
	acquitted(t, runAll(t, o, d)[d.Name()], nil, nil)
}

func TestTheTableNamesRules(t *testing.T) {
	names := make(map[string]bool)
	for _, i := range innocent.Innocents {
		assert.Check(t, !names[i.Name], "%s is there twice", i.Name)
		names[i.Name] = true
		if i.Widened != "" {
			_, err := judge.RuleNamed(i.Widened)
			assert.Check(t, err)
		}
	}
	for name := range shows {
		assert.Check(t, names[name], "%s is no innocent", name)
	}
}

//go:build amd64 || arm64

package defective_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, nil)
}

// shows has some scenarios and modes for each defect in which it shows in every run.
var shows = map[string][]string{
	"waits-for-leader-only": {"thread_sequence/launch", "exit_code/launch"},
	"attaches-leader-only":  {"attach_idle/attach_before", "attach_births/attach_before"},
	"attaches-in-one-pass":  {"attach_births/attach_during"},
	"looks-before-stops": {
		"attach_mid_birth/attach_before", "attach_mid_birth/detach_during",
	},
	"fails-on-esrch":               {"attach_churn/attach_during"},
	"fails-on-death":               {"attach_dying/attach_before", "attach_dying/detach_during"},
	"drops-unknown-stop":           {"thread_storm/launch"},
	"detaches-newborn-early":       {"thread_wide/launch"},
	"reads-message-at-every-event": {"exit_code/launch", "vfork_child_exec/launch"},
	"sets-traceclone-only":         {"fork_from_thread/launch", "spawn/launch"},
	"takes-fork-for-process": {
		"thread_by_vfork_flag/launch", "thread_with_exit_signal/launch",
	},
	"removes-leader-at-its-exit": {"exit_leader_first/launch", "exit_leader_status/launch"},
	"reports-leaders-exit":       {"exit_leader_first/launch", "exit_leader_status/launch"},
	"keeps-tids-after-exec":      {"exec_repeated/stops"},
	"deduplicates-by-tid":        {"thread_tid_reuse/launch"},
	"never-reaps-threads":        {"thread_sequence/launch", "exit_unreaped_then_exec/launch"},
	"takes-last-threads-status":  {"exit_code/launch"},
	"swallows-signals":           {"signal_one_thread/launch", "thread_signals_blocked/launch"},
	"delivers-signals-twice":     {"signal_one_thread/launch", "thread_signals_blocked/launch"},
	"reinjects-stop":             {"attach_idle/attach_before", "fork/attach_before"},
	"leaves-stop-pending":        {"attach_idle/detach_during", "fork/detach_during"},
	"trusts-first-stop":          {"attach_idle/orphaned", "attach_blocked_syscalls/orphaned"},
	"stays-attached": {
		"attach_idle/detach_during", "fork/detach_during", "thread_traced_flag/detach_during",
	},
	"misses-every-1000th-birth": {"thread_storm/launch"},
	"reports-births-twice":      {"fork/launch", "attach_idle/launch"},
	"invents-a-tid":             {"fork/launch", "attach_idle/launch"},
	"names-wrong-creator":       {"thread_nested/launch", "thread_storm/launch"},
	"lists-gone-thread":         {"thread_sequence/stops", "exit_code/stops"},
	"leaves-one-running":        {"attach_idle/stops", "attach_idle/attach_before"},
	"forgets-to-resume-one":     {"attach_idle/stops", "attach_idle/attach_before"},
	"tells-birth-after-exit":    {"fork/launch", "thread_nested/launch"},
	"takes-clone-for-thread":    {"process_sharing_memory/launch"},
	"tells-no-exec":             {"exec_from_leader/launch", "exec_from_thread/launch"},
	"misses-killed-threads":     {"exit_sigkill/launch", "exit_fatal_signal/launch"},
	"reports-status-zero":       {"exit_code/launch", "exit_sigkill/launch"},
	"swallows-sigtrap":          {"signal_own_trap/launch"},
	"swallows-sigstop":          {"signal_own_stop/launch"},
	"resumes-group-stop":        {"signal_group_stop/launch"},
	"kills-at-detach":           {"attach_idle/detach_during"},
	"lists-one-too-few":         {"attach_idle/stops", "attach_idle/attach_before"},
	"invents-an-exec":           {"fork/launch", "attach_idle/attach_before"},
	"tells-execs-twice":         {"exec_from_thread/launch", "exec_then_threads/launch"},
	"names-leader-as-former":    {"exec_from_thread/launch", "exec_then_threads/launch"},
	"takes-vfork-for-fork":      {"vfork_child_exec/launch", "spawn/launch"},
	"tells-no-vforkdone":        {"vfork_child_exec/launch", "spawn/launch"},
	"tells-first-end-only":      {"vfork_child_exec/launch", "daemon/launch"},
	"tells-ends-at-birth":       {"thread_nested/launch", "attach_idle/stops"},
	"names-wrong-process":       {"attach_idle/attach_before", "attach_idle/detach_during"},
	"is-ready-early":            {"attach_idle/attach_before", "attach_idle/detach_during"},
	"attaches-late":             {"attach_idle/attach_before", "fork/detach_during"},
	"lets-go-late":              {"attach_idle/detach_during", "attach_births/detach_during"},
	"tells-signals-twice":       {"signal_one_thread/launch", "thread_signals_blocked/launch"},
	"tells-no-signal":           {"signal_one_thread/launch", "thread_signals_blocked/launch"},
	"hangs":                     {"fork/launch", "thread_nested/launch"},
}

// Each defect is caught by its own rule, in each of the scenarios in which it shows and that this
// machine can run.
func TestEachIsCaught(t *testing.T) {
	assert.Equal(t, len(shows), len(defective.Defects))
	for _, d := range defective.Defects {
		shows := shows[d.Name]
		assert.Assert(t, len(shows) > 0, "it is not said where %s shows", d.Name)
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			o := harness.Options{
				Match: regexp.MustCompile("^(" + strings.Join(shows, "|") + ")$"),
				Jobs:  1, // testproc.Main has as many of these at once as there may be runs
			}
			report, err := harness.RunAll(
				t.Context(), []harness.Debugger{defective.Debugger{Defect: d}}, o,
				func([]harness.Result) {})
			assert.NilError(t, err)
			caught, lacks := map[string]bool{}, map[string]string{}
			for _, r := range report.Results {
				scenario := r.Scenario + "/" + string(r.Mode)
				assert.Check(
					t, r.Verdict != judge.Unresolved, "%s %s: %s", scenario, r.Rule, r.Detail)
				if r.Verdict == judge.Fail {
					first, _, _ := strings.Cut(r.Detail, "\n")
					t.Logf("%s %s: %s", scenario, r.Rule, first)
				}
				switch {
				case r.Verdict == judge.Fail && r.Rule == d.Rule:
					caught[scenario] = true
				case r.Verdict == judge.Untested &&
					strings.HasPrefix(r.Detail, "this machine lacks "):
					lacks[scenario] = r.Detail
				}
			}
			machine := report.Machine.Witness
			if d.IsNoticed() && !isConnected(machine) {
				t.Skip("the proc connector alone shows it, and the accounts are: ", machine)
			}
			for _, scenario := range shows {
				assert.Check(
					t, caught[scenario] ||
						lacks[scenario] != "", "%s does not accuse it in %s", d.Rule, scenario)
			}
			assert.Check(
				t, slices.ContainsFunc(
					judge.Rules, func(r judge.Rule) bool { return r.Name == d.Rule }))
			if len(lacks) == len(shows) {
				t.Skip(lacks[shows[0]])
			}
		})
	}
}

// isConnected tells whether the proc connector is among a machine's accounts.
func isConnected(accounts string) bool {
	have, _, _ := strings.Cut(accounts, ":") // then comes why others are not
	return strings.Contains(have, "connector")
}

// The notices of attaches and detaches that come after the word that all was done are what a rule
// names, whatever a look at /proc shows besides.
func TestLateAttachesAndDetachesAreShownByTheirNotices(t *testing.T) {
	o := harness.Options{Match: regexp.MustCompile(
		"^(attach_idle/attach_before|attach_births/detach_during)$")}
	want := map[string]string{
		"attaches-late": ", which was said to be complete at ",
		"lets-go-late":  ", and the detach was said to be complete at ",
	}
	for _, d := range defective.Defects {
		if want[d.Name] == "" {
			continue
		}
		report, err := harness.RunAll(t.Context(),
			[]harness.Debugger{defective.Debugger{Defect: d}}, o, func([]harness.Result) {})
		assert.NilError(t, err)
		if !isConnected(report.Machine.Witness) {
			t.Skip("there are no notices: ", report.Machine.Witness)
		}
		assert.Check(t, slices.ContainsFunc(report.Results, func(r harness.Result) bool {
			return r.Rule == d.Rule && r.Verdict == judge.Fail &&
				strings.Contains(r.Detail, want[d.Name])
		}), "%s is not caught by notices", d.Name)
	}
}

// A tracer that leaves a SIGSTOP on its way goes on as if it had come, and hides it when it lets
// go.
func TestATracerThatTrustsTheFirstStopIsAccusedAtItsDeathAlone(t *testing.T) {
	i := slices.IndexFunc(
		defective.Defects, func(d defective.Defect) bool { return d.Name == "trusts-first-stop" })
	o := harness.Options{Match: regexp.MustCompile("^attach_idle/")}
	report, err := harness.RunAll(
		t.Context(), []harness.Debugger{defective.Debugger{Defect: defective.Defects[i]}}, o,
		func([]harness.Result) {})
	assert.NilError(t, err)
	for _, r := range report.Results {
		want := judge.Pass
		switch {
		case r.Mode != fixtures.Orphaned:
		case r.Rule == "session":
			want = judge.Untested // a step did not come in time
		case r.Rule == "released" || r.Rule == "bounded":
			want = judge.Fail
		}
		assert.Check(t, r.Verdict == want, "%s %s: %s %s", r.Mode, r.Rule, r.Verdict, r.Detail)
	}
}

// On the whole catalogue; some six minutes.
func TestAllAreCaughtOnTheWholeCatalogue(t *testing.T) {
	if os.Getenv("TIDCHECK_SOAK") == "" {
		t.Skip("TIDCHECK_SOAK is not set")
	}
	// Many of them hang in most scenarios, each time to the limit.
	report, err := harness.RunAll(
		t.Context(), defective.All(), harness.Options{TimeScale: 0.25}, func([]harness.Result) {})
	assert.NilError(t, err)
	table := defective.KillTable(report.Results)
	t.Log("\n" + table)
	if !isConnected(report.Machine.Witness) {
		table = strings.ReplaceAll(table, "NOT CAUGHT: complete should, where", "")
	}
	assert.Assert(t, !strings.Contains(table, "NOT CAUGHT"))
	for _, r := range report.Results {
		assert.Check(
			t, r.Verdict != judge.Unresolved, "%s %s/%s %s: %s", r.Debugger, r.Scenario, r.Mode,
			r.Rule, r.Detail)
	}
}

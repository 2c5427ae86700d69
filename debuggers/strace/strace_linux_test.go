package strace

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, nil)
}

func TestQuickSet(t *testing.T) {
	adaptertest.QuickSet(t, harness.Options{}, Debugger{}, Debugger{Seccomp: true})
}

// Some scenarios in which strace is known to fail are not in the quick set.
func TestWhatIsKnownOfStrace(t *testing.T) {
	adaptertest.NeedDebuggers(t)
	t.Parallel()
	o := harness.Options{
		Match: regexp.MustCompile(
			"^(attach_leader_gone|attach_vfork_parent|exec_leader_zombie)/"),
		Expect: adaptertest.Known(t), TimeScale: 0.5,
	}
	harness.Test(t, Debugger{}, o)
}

// The suite's findings are about its own fixtures. A user's, even if it is the same, has none of
// them: what fails there is new.
func TestAUsersFixtureInheritsNoFinding(t *testing.T) {
	adaptertest.NeedDebuggers(t)
	t.Parallel()
	own, err := fixtures.Load("../../cfixtures/exit_leader_first.c")
	assert.NilError(t, err)
	for _, c := range []struct {
		fixtures []fixtures.Fixture
		want     judge.Verdict
	}{{nil, judge.KFail}, {[]fixtures.Fixture{own}, judge.Fail}} {
		o := harness.Options{
			Match:    regexp.MustCompile("^exit_leader_first/attach_during$"),
			Fixtures: c.fixtures, Expect: adaptertest.Known(t),
		}
		report, err := harness.RunAll(
			t.Context(), []harness.Debugger{Debugger{}}, o, func([]harness.Result) {})
		assert.NilError(t, err)
		assert.Equal(t, report.Results[0].Rule, "session")
		assert.Equal(t, report.Results[0].Verdict, c.want, report.Results[0].Detail)
	}
}

// strace is right in most of its attaches to a storm of births and deaths. In the others it
// misses a birth that is under way.
func TestStraceIsRightInAStorm(t *testing.T) {
	adaptertest.NeedDebuggers(t)
	rounds := 5
	if os.Getenv("TIDCHECK_SOAK") != "" {
		rounds = 50
	}
	o := harness.Options{
		Match: regexp.MustCompile(
			"^(attach_churn|attach_births|thread_storm)/attach_during$"), Repeat: rounds,
		Expect: adaptertest.Known(t),
	}
	report, err := harness.RunAll(
		t.Context(), []harness.Debugger{Debugger{}}, o, func([]harness.Result) {})
	assert.NilError(t, err)
	for _, r := range report.Results {
		switch r.Verdict {
		case judge.Pass, judge.KFail:
			assert.Check(
				t, 2*r.Passed > r.Runs, "%s %s: %d of %d: %s", r.Scenario, r.Rule, r.Passed, r.Runs,
				r.Detail)
		default:
			assert.Check(
				t, r.Verdict == judge.Unsupported, "%s %s: %s: %s", r.Scenario, r.Rule, r.Verdict,
				r.Detail)
		}
	}
}

func TestVersionSaysWhatIsMissing(t *testing.T) {
	_, err := Debugger{Path: "no-such-strace"}.Version(t.Context())
	assert.ErrorContains(t, err, "Debian's package strace")
	_, err = Debugger{Path: fake(t, "exit 3").Path}.Version(t.Context())
	assert.ErrorContains(t, err, "exit status 3")
	_, err = Debugger{Path: fake(t, "echo hello").Path}.Version(t.Context())
	assert.ErrorContains(t, err, "-V prints no version of strace: is it strace?")
	version, err := Debugger{Path: fake(t, "echo strace -- version 6.1").Path}.Version(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, version, "6.1")
}

// fake is a strace that is a shell script.
func fake(t *testing.T, text string) Debugger {
	t.Helper()
	file := filepath.Join(t.TempDir(), "strace")
	assert.NilError(t, os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o777))
	return Debugger{Path: file}
}

// begin has a fake answer for its version, and know in $pid the process that it attaches to.
const begin = `test "$1" = -V && { echo "strace -- version 0"; exit; }
for pid; do :; done
`

const attach = begin + "echo \"$0: Process $pid attached\"\n"

// Whatever strace does, there is a verdict with one clear line.
func TestAStraceThatMisbehaves(t *testing.T) {
	for _, c := range []struct{ name, script, scenario, rule, want string }{
		{
			"ends at once", begin + `echo "$0: out of luck"; exit 3`, "fork/launch", "session",
			`the debugger failed: the debugger's start: it ended with 3: out of luck`,
		},
		{
			"ends without a word", begin, "fork/attach_before", "session",
			"the debugger failed: the debugger's start: it ended with 0, and wrote nothing to " +
				"standard error",
		},
		{
			"says nothing", begin + "exec sleep 60", "fork/attach_before", "bounded",
			"the debugger's start did not come",
		},
		{
			"says nothing at a launch", begin + "exec sleep 60", "fork/launch", "bounded",
			"the debugger's start did not come",
		},
		{
			"says half a line", begin + `printf "$0: Process"; exec sleep 60`,
			"fork/attach_before", "bounded", "the debugger's start did not come",
		},
		{"ends when it has attached", attach, "fork/attach_before", "complete", "was not "},
		{
			"hangs when it has attached", attach + "exec sleep 60", "fork/attach_before", "bounded",
			"the debugger's word that the program is over did not come",
		},
		{
			"does not let go", attach + "trap '' INT; while :; do sleep 1; done",
			"fork/detach_during", "bounded", "the debugger's detach did not come",
		},
		{
			"tells of pid 1", attach + "echo '1 +++ exited with 0 +++'", "fork/attach_before",
			"sound", `task 1 ended with status 0; the kernel created no task 1`,
		},
		{
			"tells of a tid below zero", attach + "echo '-7 +++ exited with 0 +++'",
			"fork/attach_before", "complete", "was not ",
		},
		{
			"writes what is no text", attach + `printf '\377\376 +++\n\0(\n'`, "fork/attach_before",
			"complete", "was not ",
		},
		{
			"writes a line without an end", attach + "exec head -c 100000000 /dev/zero",
			"fork/attach_before", "session", "line 2 of its output is longer than 1048576 bytes",
		},
		{
			"writes without an end", attach + `exec yes "$(head -c 100000 /dev/zero | tr '\0' x)"`,
			"fork/attach_before", "session", "it printed more than 67108864 bytes",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := harness.Options{Match: regexp.MustCompile("^" + c.scenario + "$"), TimeScale: 0.5}
			testproc.Alarm(t, time.Minute)
			report, err := harness.RunAll(
				t.Context(), []harness.Debugger{fake(t, c.script)}, o, func([]harness.Result) {})
			assert.NilError(t, err)
			for _, r := range report.Results {
				assert.Check(t, r.Verdict != judge.Unresolved, "%s: %s", r.Rule, r.Detail)
				if r.Rule == c.rule {
					assert.Check(t, r.Verdict == judge.Fail, "%s %s", r.Verdict, r.Detail)
					assert.Check(
						t, regexp.MustCompile(regexp.QuoteMeta(c.want)).MatchString(r.Detail),
						"got %q, want %q in it", r.Detail, c.want)
				}
			}
		})
	}
}

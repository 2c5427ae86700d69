package findings

import (
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestKnownFailuresAreRead(t *testing.T) {
	text := "# what gdb cannot do\n\n" +
		"  gdb thread_*/launch  complete 13.? https://sourceware.org/1 since 2019\n\t# more\n" +
		"lldb,lldb-x fork/* released?,running * seen 3 times"
	got, err := Parse("known.txt", text)
	assert.NilError(t, err)
	assert.DeepEqual(t, got, List{
		{
			"gdb", "thread_*/launch", "complete", false, "13.?",
			"https://sourceware.org/1 since 2019",
		},
		{"lldb", "fork/*", "released", true, "*", "seen 3 times"},
		{"lldb-x", "fork/*", "released", true, "*", "seen 3 times"},
		{"lldb", "fork/*", "running", false, "*", "seen 3 times"},
		{"lldb-x", "fork/*", "running", false, "*", "seen 3 times"},
	})
}

func TestAKnownFailureThatSaysNothingIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		"gdb, fork/launch complete 13 x": `"gdb," names a debugger less than it has commas for`,
		"gdb fork/launch complete 13": "a line is DEBUGGER SCENARIO/MODE RULE VERSION REPORT, " +
			"and this has 4 words",
		"gdb fork/[launch complete 13 x":           `"fork/[launch" is no pattern`,
		"gdb fork/launch complete [ x":             `"[" is no pattern`,
		"gdb fork/launch complete,completely 13 x": "no rule is called completely",
		"gdb spoon/launch complete 13 x": "no scenario is called spoon/launch " +
			"(tidcheck list has them)",
		"gdb fork complete 13 x":          "no scenario is called fork (tidcheck list has them)",
		"gdb fork/launch completely 13 x": "no rule is called completely",
	} {
		_, err := Parse("known.txt", "# a comment\n"+line+"\n")
		assert.ErrorContains(t, err, "known.txt:2: "+want)
	}
}

// result is what came of one rule for a debugger of a version.
func result(version string, v judge.Verdict) harness.Result {
	return harness.Result{
		Debugger: "gdb", Scenario: "thread_nested", Mode: fixtures.Launch, Rule: "complete",
		Verdict: v,
		Detail:  "as it was", Runs: 1, Version: version,
	}
}

func TestAKnownFailureIsExpected(t *testing.T) {
	known := List{
		{"gdb", "thread_*/*", "complete", false, "13.*", "bug 1"},
		{"gdb", "thread_nested/launch", "order", true, "13.*", "bug 2"},
		{"gdb", "thread_*/*", "sound", true, "13.*", "bug 3"},
	}
	const asItWas = "as it was"
	debugger := func(name string) func(*harness.Result) {
		return func(r *harness.Result) { r.Debugger = name }
	}
	rule := func(name string, runs int) func(*harness.Result) {
		return func(r *harness.Result) { r.Rule, r.Runs, r.Passed = name, runs, runs }
	}
	for _, c := range []struct {
		name    string
		change  func(*harness.Result)
		verdict judge.Verdict
		version string
		want    judge.Verdict
		detail  string
	}{
		{"it fails", nil, judge.Fail, "13.2", judge.KFail, "bug 1\nas it was"},
		{"it passes", nil, judge.Pass, "13.2", judge.KPass, "known to fail: bug 1"},
		{"it is not offered", nil, judge.Unsupported, "13.2", judge.Unsupported, asItWas},
		{"it is not tested", nil, judge.Untested, "13.2", judge.Untested, asItWas},
		{"it proves nothing", nil, judge.Unresolved, "13.2", judge.Unresolved, asItWas},
		{"another version", nil, judge.Fail, "14.1", judge.Fail, asItWas},
		{
			"another build", debugger("gdb=/build/gdb"), judge.Fail, "13.2",
			judge.KFail, "bug 1\nas it was",
		},
		{
			"another version's build", debugger("gdb@13.2"), judge.Fail, "13.2",
			judge.KFail, "bug 1\nas it was",
		},
		{
			"a version of another", debugger("gdbserver@gdb"), judge.Fail, "13.2",
			judge.Fail, asItWas,
		},
		{"a build of another", debugger("gdbserver=gdb"), judge.Fail, "13.2", judge.Fail, asItWas},
		{
			"it fails sometimes", rule("order", 1), judge.Fail, "13.2", judge.KFail,
			"bug 2\nas it was",
		},
		{"and passes sometimes", rule("order", 19), judge.Pass, "13.2", judge.Pass, asItWas},
		{
			"and passed often", rule("order", 20), judge.Pass, "13.2", judge.KPass,
			"known to fail: bug 2",
		},
		{"and was judged in few of many runs", func(r *harness.Result) {
			r.Rule, r.Runs, r.Passed = "order", 100, 19
		}, judge.Pass, "13.2", judge.Pass, asItWas},
		{"one of many passed often", rule("sound", 1000), judge.Pass, "13.2", judge.Pass, asItWas},
		{"another debugger", debugger("lldb"), judge.Fail, "13.2", judge.Fail, asItWas},
		{
			"another scenario", func(r *harness.Result) { r.Scenario = "fork" }, judge.Fail, "13.2",
			judge.Fail, asItWas,
		},
		{"another rule", rule("exit", 1), judge.Pass, "13.2", judge.Pass, asItWas},
	} {
		r := result(c.version, c.verdict)
		if c.change != nil {
			c.change(&r)
		}
		got := known.Expect(r)
		assert.Equal(t, got.Verdict, c.want, c.name)
		assert.Equal(t, got.Detail, c.detail, c.name)
	}
}

// Two lines about one failure count as one.
func TestTheFirstLineThatFitsCounts(t *testing.T) {
	known := List{
		{"gdb", "thread_*/*", "complete", false, "*", "first"},
		{"gdb", "*/launch", "complete", false, "*", "second"},
	}
	assert.Equal(t, known.Expect(result("1", judge.Fail)).Detail, "first\nas it was")
}

// A version is what a debugger prints of itself: it may hold slashes and blanks.
func TestAnyVersionMatchesAStar(t *testing.T) {
	known := List{{"gdb", "*/launch", "complete", false, "*", "bug"}}
	for _, version := range []string{
		"", "13.1", "GNU gdb (Debian 13.1-3) 13.1", "build/2026-01-02",
	} {
		got := known.Expect(result(version, judge.Fail))
		assert.Equal(t, got.Verdict, judge.KFail, "version %q", version)
	}
}

package harness

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

func TestKnownFailuresAreRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "known.txt")
	text := "# what gdb cannot do\n\n  gdb thread_*/launch  complete 13.? https://sourceware.org/1 since 2019\n\t# more\nlldb,lldb-x fork/* released?,running * seen 3 times"
	assert.NilError(t, os.WriteFile(name, []byte(text), 0o644))
	got, err := ReadKnown(name)
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []Known{
		{"gdb", "thread_*/launch", "complete", false, "13.?", "https://sourceware.org/1 since 2019"},
		{"lldb", "fork/*", "released", true, "*", "seen 3 times"},
		{"lldb-x", "fork/*", "released", true, "*", "seen 3 times"},
		{"lldb", "fork/*", "running", false, "*", "seen 3 times"},
		{"lldb-x", "fork/*", "running", false, "*", "seen 3 times"},
	})
}

func TestAKnownFailureThatSaysNothingIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "known.txt")
	for _, c := range []struct{ line, want string }{
		{"gdb, fork/launch complete 13 x", `known.txt:2: "gdb," names a debugger less than it has commas for`},
		{"gdb fork/launch complete 13", "known.txt:2: a line is DEBUGGER SCENARIO/MODE RULE VERSION REPORT, and this has 4 words"},
		{"gdb fork/[launch complete 13 x", `known.txt:2: "fork/[launch" is no pattern`},
		{"gdb fork/launch complete [ x", `known.txt:2: "[" is no pattern`},
		{"gdb fork/launch complete,completely 13 x", "known.txt:2: no rule is called completely"},
		{"gdb spoon/launch complete 13 x", "known.txt:2: no scenario is called spoon/launch (tidcheck list has them)"},
		{"gdb fork complete 13 x", "known.txt:2: no scenario is called fork (tidcheck list has them)"},
		{"gdb fork/launch completely 13 x", "known.txt:2: no rule is called completely"},
	} {
		assert.NilError(t, os.WriteFile(name, []byte("# a comment\n"+c.line+"\n"), 0o644))
		_, err := ReadKnown(name)
		assert.ErrorContains(t, err, c.want)
	}
	_, err := ReadKnown("/nowhere")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestAKnownFailureIsExpected(t *testing.T) {
	known := []Known{
		{"gdb", "thread_*/*", "complete", false, "13.*", "bug 1"},
		{"gdb", "thread_nested/launch", "order", true, "13.*", "bug 2"},
		{"gdb", "thread_*/*", "sound", true, "13.*", "bug 3"},
	}
	result := func(v Verdict) Result {
		return Result{Debugger: "gdb", Scenario: "thread_nested", Mode: fixtures.Launch, Rule: "complete", Verdict: v, Detail: "as it was"}
	}
	for _, c := range []struct {
		name    string
		spoil   func(*Result)
		verdict Verdict
		version string
		want    Verdict
		detail  string
	}{
		{"it fails", nil, Fail, "13.2", KFail, "bug 1\nas it was"},
		{"it passes", nil, Pass, "13.2", KPass, "known to fail: bug 1"},
		{"it is not offered", nil, NotOffered, "13.2", NotOffered, "as it was"},
		{"it is not tested", nil, Untested, "13.2", Untested, "as it was"},
		{"it proves nothing", nil, Unresolved, "13.2", Unresolved, "as it was"},
		{"another version", nil, Fail, "14.1", Fail, "as it was"},
		{"another build", func(r *Result) { r.Debugger = "gdb=/build/gdb" }, Fail, "13.2", KFail, "bug 1\nas it was"},
		{"a build of another", func(r *Result) { r.Debugger = "gdbserver=gdb" }, Fail, "13.2", Fail, "as it was"},
		{"it fails sometimes", func(r *Result) { r.Rule = "order" }, Fail, "13.2", KFail, "bug 2\nas it was"},
		{"and passes sometimes", func(r *Result) { r.Rule, r.Runs = "order", 19 }, Pass, "13.2", Pass, "as it was"},
		{"and passed often", func(r *Result) { r.Rule, r.Runs = "order", 20 }, Pass, "13.2", KPass, "known to fail: bug 2"},
		{"one of many passed often", func(r *Result) { r.Rule, r.Runs = "sound", 1000 }, Pass, "13.2", Pass, "as it was"},
		{"another debugger", func(r *Result) { r.Debugger = "lldb" }, Fail, "13.2", Fail, "as it was"},
		{"another scenario", func(r *Result) { r.Scenario = "fork" }, Fail, "13.2", Fail, "as it was"},
		{"another rule", func(r *Result) { r.Rule = "exit" }, Pass, "13.2", Pass, "as it was"},
	} {
		r := result(c.verdict)
		if c.spoil != nil {
			c.spoil(&r)
		}
		got := expect(known, r, c.version)
		assert.Equal(t, got.Verdict, c.want, c.name)
		assert.Equal(t, got.Detail, c.detail, c.name)
	}
}

// Two lines about one failure do not turn it twice.
func TestTheFirstLineThatFitsCounts(t *testing.T) {
	known := []Known{{"gdb", "fork/*", "complete", false, "*", "first"}, {"gdb", "*/launch", "complete", false, "*", "second"}}
	r := Result{Debugger: "gdb", Scenario: "fork", Mode: fixtures.Launch, Rule: "complete", Verdict: Fail, Detail: "as it was"}
	assert.Equal(t, expect(known, r, "1").Detail, "first\nas it was")
}

// A version is what a debugger prints of itself: it may hold slashes and blanks.
func TestAnyVersionMatchesAStar(t *testing.T) {
	r := Result{Debugger: "gdb", Scenario: "fork", Mode: fixtures.Launch, Rule: "complete", Verdict: Fail}
	for _, version := range []string{"", "13.1", "GNU gdb (Debian 13.1-3) 13.1", "build/2026-01-02"} {
		got := expect([]Known{{"gdb", "fork/launch", "complete", false, "*", "bug"}}, r, version)
		assert.Equal(t, got.Verdict, KFail, "version %q", version)
	}
}

// A debugger that says its version itself may fail before it has, in its first run.
func TestAVersionThatIsToldLaterCounts(t *testing.T) {
	r := Result{Debugger: "gdb", Scenario: "fork", Mode: fixtures.Launch, Rule: "complete", Verdict: Fail, Runs: 1}
	r.repeated(Result{Debugger: "gdb", Scenario: "fork", Mode: fixtures.Launch, Rule: "complete", Verdict: Pass, Runs: 1, version: "9.9"})
	got := expect([]Known{{"gdb", "fork/launch", "complete", false, "9.*", "bug"}}, r, "")
	assert.Equal(t, got.Verdict, KFail)
}

package findings

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// result is what came of one rule for a debugger of a version.
func result(version string, v judge.Verdict) harness.Result {
	return harness.Result{
		Debugger: "gdb", Scenario: "thread_nested", Mode: fixtures.Launch, Rule: "complete",
		Verdict: v, Detail: "as it was", Runs: 1, Version: version,
	}
}

const some = `# one
upstream: https://example.org/1
debugger: gdb
always: 13.1 thread_*/launch complete 3 of 3
always: 18.1 thread_nested/launch exit
# two
upstream: not reported
debugger: gdb
sometimes: 13.1 thread_nested/launch order 1 of 2
sometimes: 13.1 thread_*/launch sound 1 of 2
`

func TestAKnownFailureIsExpected(t *testing.T) {
	known, err := head(some)
	assert.NilError(t, err)
	const asItWas = "as it was"
	debugger := func(name string) func(*harness.Result) {
		return func(r *harness.Result) { r.Debugger = name }
	}
	rule := func(name string, runs int) func(*harness.Result) {
		return func(r *harness.Result) { r.Rule, r.Runs, r.Passed = name, runs, runs }
	}
	const one = "one (https://example.org/1)"
	for _, c := range []struct {
		name    string
		change  func(*harness.Result)
		verdict judge.Verdict
		version string
		want    judge.Verdict
		detail  string
	}{
		{"it fails", nil, judge.Fail, "13.1", judge.KFail, one + "\nas it was"},
		{
			"it passes", rule("complete", 1), judge.Pass, "13.1", judge.KPass,
			"known to fail: " + one + " (3 of 3 in 13.1)",
		},
		{"it is not offered", nil, judge.Unsupported, "13.1", judge.Unsupported, asItWas},
		{"it is not tested", nil, judge.Untested, "13.1", judge.Untested, asItWas},
		{"it proves nothing", nil, judge.Unresolved, "13.1", judge.Unresolved, asItWas},
		{"a version that has no line here", nil, judge.Fail, "18.1", judge.Fail, asItWas},
		{"a version above that", nil, judge.Fail, "19.2", judge.Fail, asItWas},
		{"a version below all", nil, judge.Fail, "9.4", judge.Fail, asItWas},
		{
			"a version that was not measured", nil, judge.Fail, "16.3", judge.KFail,
			one + "; gdb 16.3 was not measured, and this is what 13.1 does\nas it was",
		},
		{
			"a distribution's build of one that was", nil, judge.Fail, "13.1-4.el9", judge.KFail,
			one + "; gdb 13.1-4.el9 was not measured, and this is what 13.1 does\nas it was",
		},
		{
			"and passes", rule("complete", 1), judge.Pass, "16.3", judge.Pass,
			"as it was\nthis is known to fail: " + one +
				"; gdb 16.3 was not measured, and this is what 13.1 does",
		},
		{
			"another build", debugger("gdb=/build/gdb"), judge.Fail, "13.1",
			judge.KFail, one + "\nas it was",
		},
		{
			"another version's build", debugger("gdb@13.1"), judge.Fail, "13.1",
			judge.KFail, one + "\nas it was",
		},
		{
			"a version of another", debugger("gdbserver@gdb"), judge.Fail, "13.1",
			judge.Fail, asItWas,
		},
		{"a build of another", debugger("gdbserver=gdb"), judge.Fail, "13.1", judge.Fail, asItWas},
		{
			"it fails sometimes", rule("order", 1), judge.Fail, "13.1", judge.KFail,
			"two\nas it was",
		},
		// The interval of 1 of 2 begins at 9 %, which 47 passes refute.
		{"and passes sometimes", rule("order", 46), judge.Pass, "13.1", judge.Pass, asItWas},
		{
			"and passed often", rule("order", 47), judge.Pass, "13.1", judge.KPass,
			"known to fail: two (1 of 2 in 13.1); it has passed 47 times, and 47 are enough",
		},
		{"and was judged in few of many runs", func(r *harness.Result) {
			r.Rule, r.Runs, r.Passed = "order", 100, 46
		}, judge.Pass, "13.1", judge.Pass, asItWas},
		{"and was cut short in some", func(r *harness.Result) {
			r.Rule, r.Runs, r.Passed, r.Cut = "order", 50, 50, 4
		}, judge.Pass, "13.1", judge.Pass, asItWas},
		{"it passes in a run that was cut short", func(r *harness.Result) {
			r.Passed, r.Cut = 1, 1
		}, judge.Pass, "13.1", judge.Pass, asItWas},
		{"one of many passed often", rule("sound", 1000), judge.Pass, "13.1", judge.Pass, asItWas},
		{"another debugger", debugger("lldb"), judge.Fail, "13.1", judge.Fail, asItWas},
		{
			"another scenario", func(r *harness.Result) { r.Scenario = "fork" }, judge.Fail, "13.1",
			judge.Fail, asItWas,
		},
		{
			"another mode", func(r *harness.Result) { r.Mode = fixtures.Stops }, judge.Fail, "13.1",
			judge.Fail, asItWas,
		},
		{"another rule", rule("exit", 1), judge.Pass, "13.1", judge.Pass, asItWas},
		{
			"a user's own fixture", func(r *harness.Result) { r.Own = true }, judge.Fail, "13.1",
			judge.Fail, asItWas,
		},
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

// A finding that says in which versions it does not show is not inherited from below those.
func TestAVersionThatIsGoodEndsWhatComesBelow(t *testing.T) {
	known, err := head(strings.Replace(some, "upstream: not reported\ndebugger: gdb\n",
		"debugger: gdb\ngood: 15.1\n", 1))
	assert.NilError(t, err)
	for version, want := range map[string]judge.Verdict{
		"13.1": judge.KFail, "14.2": judge.KFail, "15.1": judge.Fail, "16": judge.Fail,
	} {
		r := result(version, judge.Fail)
		r.Rule = "order"
		assert.Equal(t, known.Expect(r).Verdict, want, version)
	}
	assert.Equal(t, known.Expect(result("16", judge.Fail)).Verdict, judge.KFail,
		"the other finding is not said to be good")
}

// A version is what a debugger prints of itself: it may hold slashes and blanks.
func TestAnyVersionMatchesAStar(t *testing.T) {
	known, err := head("# bug\ndebugger: gdb\nalways: * thread_nested/launch complete\n")
	assert.NilError(t, err)
	for _, version := range []string{
		"", "13.1", "GNU gdb (Debian 13.1-3) 13.1", "build/2026-01-02",
	} {
		got := known.Expect(result(version, judge.Fail))
		assert.Equal(t, got.Verdict, judge.KFail, "version %q", version)
	}
}

// failed is a failure with violations, each a kind and a text.
func failed(scenario string, mode fixtures.Mode, rule string, bad ...string) harness.Result {
	r := result("13.1", judge.Fail)
	r.Scenario, r.Mode, r.Rule = scenario, mode, rule
	var texts []string
	for _, b := range bad {
		kind, text, _ := strings.Cut(b, ": ")
		r.Violations = append(r.Violations, judge.Violation{Kind: kind, Text: text})
		texts = append(texts, text)
	}
	r.Detail = strings.Join(texts, "\n")
	return r
}

// Each violation is explained by a finding, or the failure is a failure.
func TestEachViolationMustBeKnown(t *testing.T) {
	known, err := head(`# first
says: complete ^unreported birth: task 7 \(main/1\)
debugger: gdb
always: 13.1 fork/launch complete
# second
debugger: gdb
says: complete ^unreported exec:
always: 13.1 fork/launch complete,order
debugger: lldb
always: 13.1 fork/launch complete
`)
	assert.NilError(t, err)
	const (
		first  = "unreported birth: task 7 (main/1) was not reported"
		second = "unreported exec: process 7: 1 exec, 0 reported"
		other  = "unreported birth: task 8 (main/2) was not reported"
	)
	for _, c := range []struct {
		name, want string
		r          harness.Result
	}{
		{
			"one", "first\ntask 7 (main/1) was not reported",
			failed("fork", "launch", "complete", first),
		},
		{
			"two findings together",
			"first\nsecond\ntask 7 (main/1) was not reported\nprocess 7: 1 exec, 0 reported",
			failed("fork", "launch", "complete", first, second),
		},
		{
			"another task beside one that is known",
			"task 8 (main/2) was not reported\nbeside what is known: first",
			failed("fork", "launch", "complete", first, other),
		},
		{
			"nothing that is known",
			"task 8 (main/2) was not reported\nwhat is known says otherwise: first\n" +
				"what is known says otherwise: second",
			failed("fork", "launch", "complete", other),
		},
		{
			"a rule whose words were not measured", "second\nany words",
			failed("fork", "launch", "order", "some kind: any words"),
		},
	} {
		got := known.Expect(c.r)
		want := judge.KFail
		if strings.Contains(c.want, "known") {
			want = judge.Fail
		}
		assert.Equal(t, got.Verdict, want, c.name)
		assert.Equal(t, got.Detail, c.want, c.name)
	}
	lldb := failed("fork", "launch", "complete", other)
	lldb.Debugger = "lldb"
	assert.Equal(t, known.Expect(lldb).Verdict, judge.KFail, "words are of one debugger")
}

// The suite's findings are exact too: a new failure beside a known one is a failure.
func TestANewFailureBesideAKnownOneIsAFailure(t *testing.T) {
	known, err := All()
	assert.NilError(t, err)
	const missed = "unlisted at the attach: " +
		"task 12 (main/2/1) lived at the attach and was not listed"
	r := failed("attach_mid_birth", fixtures.AttachBefore, "complete", missed)
	got := known.Expect(r)
	assert.Equal(t, got.Verdict, judge.KFail, got.Detail)
	r = failed("attach_mid_birth", fixtures.AttachBefore, "complete", missed,
		"unlisted at the attach: task 11 (main/2) lived at the attach and was not listed")
	got = known.Expect(r)
	assert.Equal(t, got.Verdict, judge.Fail)
	assert.Assert(t, regexp.MustCompile(`(?s)^task 11 .*\nbeside what is known: attach-misses`).
		MatchString(got.Detail), got.Detail)
	r = failed("attach_mid_birth", fixtures.AttachBefore, "complete", "another kind: of words")
	assert.Equal(t, known.Expect(r).Verdict, judge.Fail)
	r = failed("attach_mid_birth", fixtures.AttachBefore, "complete", missed)
	r.Own = true
	assert.Equal(t, known.Expect(r).Verdict, judge.Fail)
}

// A cause that is known may show where no finding has seen it.
func TestAFailureMayBeOfAKnownCause(t *testing.T) {
	known, err := head("# one\nupstream: not reported\nsays: complete ^lost: task 7$\n" +
		"debugger: gdb\nalways: 13.1 fork/launch complete\n")
	assert.NilError(t, err)
	for _, c := range []struct {
		scenario, text string
		own, want      bool
	}{
		{"fork", "anything", false, true},
		{"thread_nested", "task 7", false, true},
		{"thread_nested", "task 8", false, false},
		{"thread_nested", "task 7", true, false},
	} {
		r := result("13.1", judge.Fail)
		r.Scenario, r.Own = c.scenario, c.own
		r.Violations = []judge.Violation{{Kind: "lost", Text: c.text}}
		assert.Equal(t, known.MayBeKnown(r), c.want, "%v", c)
	}
}

func TestAFailureIsLikeFindingsOfItsScenario(t *testing.T) {
	finding := func(title, debugger, scenario, text string) string {
		return "# " + title + "\nupstream: not reported\nsays: complete ^lost: " + text + "$\n" +
			"debugger: " + debugger + "\nalways: 18.1 " + scenario + " complete\n"
	}
	known, err := head(finding("of strace, elsewhere", "strace", "fork/launch", "task [0-9]+") +
		finding("of lldb, other words", "lldb", "thread_nested/launch", "nothing") +
		finding("of delve", "delve", "thread_nested/launch", "task [0-9]+") +
		finding("of gdb, other words", "gdb", "thread_nested/launch", "nothing"))
	assert.NilError(t, err)
	r := result("13.1", judge.Fail)
	r.Violations = []judge.Violation{{Kind: "strange", Text: "x"}, {Kind: "lost", Text: "task 7"}}
	assert.DeepEqual(t, known.Like(r), []string{"of gdb, other words", "of delve"})
	r.Rule = "exit"
	assert.DeepEqual(t, known.Like(r), []string(nil))
}

// A line of several scenarios or rules counts runs in which any failed: its rate is none of theirs.
func TestALineOfSeveralIsMendedAfterAsManyPassesAsOneThatWasNotCounted(t *testing.T) {
	known, err := head("# one\nupstream: not reported\ndebugger: gdb\n" +
		"sometimes: 13.1 fork/launch complete,exit 9 of 10\n" +
		"sometimes: 13.1 fork/stops complete 9 of 10\n")
	assert.NilError(t, err)
	due := []int{known[0].Failures[0].due(), known[0].Failures[1].due()}
	assert.DeepEqual(t, due, []int{90, 6})
}

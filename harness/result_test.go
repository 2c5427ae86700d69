package harness

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// result is the result of one run by one rule.
func result(version string, v judge.Verdict) Result {
	return Result{
		Debugger: "gdb", Rule: "complete", Version: version, Verdict: v, Runs: 1,
	}
}

// A debugger that says its version itself may fail before it has, in its first run.
func TestAVersionThatIsToldLaterCounts(t *testing.T) {
	r := result("", judge.Fail)
	r.addRun(result("9.9", judge.Pass))
	assert.Equal(t, r.Version, "9.9")
}

func TestTheWorstOfSeveralRunsStands(t *testing.T) {
	run := func(v judge.Verdict, detail string, seconds float64) Result {
		r := result("1", v)
		r.Detail, r.Kept, r.Seconds = detail, "kept "+detail, seconds
		if v == judge.Pass {
			r.Passed = 1
		}
		return r
	}
	r := run(judge.Pass, "1", 2)
	for i, v := range []judge.Verdict{
		judge.Untested, judge.Unresolved, judge.Pass, judge.Fail, judge.Fail, judge.Unsupported,
	} {
		r.addRun(run(v, fmt.Sprint(i+2), float64(i)))
	}
	want := run(judge.Fail, "5", 5)
	want.Runs, want.Passed = 7, 2
	want.Verdicts = judge.Tally{
		judge.Pass: 2, judge.Untested: 1, judge.Unsupported: 1, judge.Unresolved: 1, judge.Fail: 2,
	}
	r.tellOthers()
	assert.DeepEqual(t, r, want, cmpopts.IgnoreUnexported(Result{}))
}

// A pass of some runs says what came of the others.
func TestAPassOfSomeRunsTellsOfTheOthers(t *testing.T) {
	run := func(v judge.Verdict, detail string) Result {
		r := result("1", v)
		if r.Detail = detail; v == judge.Pass {
			r.Passed = 1
		} else {
			r.unjudged = detail
		}
		return r
	}
	untested := func() Result { return run(judge.Untested, "there was nothing to judge") }
	for _, first := range []judge.Verdict{judge.Pass, judge.Untested} {
		r, rest := untested(), run(judge.Pass, "by its births")
		if first == judge.Pass {
			r, rest = rest, r
		}
		r.addRun(rest)
		for range 98 {
			r.addRun(untested())
		}
		r.tellOthers()
		assert.Equal(t, r.Verdict, judge.Pass)
		assert.Equal(t, r.Passed, 1)
		assert.Equal(t, r.Detail, "99 UNTESTED: there was nothing to judge")
		assert.DeepEqual(t, r.Verdicts, judge.Tally{judge.Pass: 1, judge.Untested: 99})
	}
	r := run(judge.Pass, "by its births")
	r.addRun(run(judge.Pass, "by its births"))
	r.tellOthers()
	assert.Equal(t, r.Detail, "by its births")
	assert.DeepEqual(t, r.Verdicts, judge.Tally{judge.Pass: 2})
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

// named is a debugger of which no more than the name is asked.
type named struct{ Debugger }

func (named) Name() string { return ".." }

// Whatever a debugger is called, its runs are kept within the folder that was given.
func TestARunIsKeptInItsFolder(t *testing.T) {
	scenario := Scenario{Fixture: fixtures.Fixture{Name: "fork"}, Mode: fixtures.Launch}
	got := Options{Keep: "/kept"}.folderOf(named{}, scenario, 0).path
	assert.Equal(t, got, "/kept/_../fork-launch")
}

// Of several runs that failed, one with a failure that is not known counts, also if the first had
// known ones alone.
func TestEachRunThatFailedIsHeldToWhatIsKnown(t *testing.T) {
	run := func(v judge.Verdict, text string) Result {
		r := result("1", v)
		r.Detail, r.Kept = text, "kept "+text
		r.Violations = []judge.Violation{{Text: text}}
		return r
	}
	expect := func(r Result) Result {
		if r.Verdict == judge.Fail && r.Violations[0].Text == "known" {
			r.Verdict = judge.KFail
		}
		return r
	}
	for _, c := range []struct {
		texts  []string
		want   judge.Verdict
		detail string
	}{
		{[]string{"known"}, judge.KFail, "known"},
		{[]string{"", "known", "known"}, judge.KFail, "known"},
		{[]string{"known", "", "strange", "known", "other"}, judge.Fail, "strange"},
		{[]string{"", "strange", "known"}, judge.Fail, "strange"},
	} {
		var r Result
		for i, text := range c.texts {
			v := judge.Fail
			if text == "" {
				v = judge.Pass
			}
			if i == 0 {
				r = run(v, text)
			} else {
				r.addRun(run(v, text))
			}
		}
		got := r.expected(expect)
		assert.Equal(t, got.Verdict, c.want, "%v", c.texts)
		assert.Equal(t, got.Detail, c.detail, "%v", c.texts)
		assert.Equal(t, got.Kept, "kept "+c.detail, "%v", c.texts)
		assert.Equal(t, got.Runs, len(c.texts))
	}
}

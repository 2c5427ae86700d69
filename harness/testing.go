package harness

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

// Test holds a debugger to all rules, in subtests named scenario/mode/rule. What the debugger does
// not offer, and what this machine lacks, is skipped with its reason. The debugger and each verdict
// are attributes of the tests. Without Options.Keep, a run is kept in its test's artifact
// directory.
func Test(t *testing.T, d Debugger, o Options) {
	t.Helper()
	scenarios, err := o.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	sub := newSubject(t.Context(), d)
	if sub.missing != nil {
		t.Skipf("%s is not to be had: %v", d.Name(), sub.missing)
	}
	// it may have no line break
	attribute := strings.Join(strings.Fields(d.Name()+" "+sub.version), " ")
	t.Attr("debugger", attribute)
	for _, s := range scenarios {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			o := o
			if o.Keep == "" {
				o.Keep = t.ArtifactDir()
			}
			for _, r := range repeat(t.Context(), sub, s, o) {
				t.Run(r.Rule, func(t *testing.T) { report(t, r) })
			}
		})
	}
}

func report(t *testing.T, r Result) {
	t.Attr("verdict", string(r.Verdict))
	switch r.Verdict {
	case judge.Pass:
		if r.Passed < r.Runs {
			t.Logf("%d of %d runs passed, %s", r.Passed, r.Runs, r.Detail)
		}
	case judge.KFail, judge.Unsupported, judge.Untested:
		t.Skipf("%s: %s", r.Verdict, r.Detail)
	default:
		t.Errorf("%s: %s", r.Verdict, r.Detail)
	}
}

// A Trial is one run that a test asserts something of. Its methods are comparisons for
// gotest.tools' assert.Assert.
type Trial struct{ run *judge.Case }

// Run runs one scenario of the catalogue, or of Options.Fixtures: a fixture's name, or name/mode
// (launch if it has none). It skips the test if the debugger or the machine cannot do it, and fails
// the test if the run proves nothing. Of the options it uses Fixtures, Keep, TimeScale and
// Reference.
func Run(t testing.TB, scenario string, d Debugger, o Options) *Trial {
	t.Helper()
	if !strings.Contains(scenario, "/") {
		scenario += "/" + string(fixtures.Launch)
	}
	o.Match, o.Long = regexp.MustCompile("^"+regexp.QuoteMeta(scenario)+"$"), true
	scenarios, err := o.Scenarios()
	if err == nil && len(scenarios) != 1 {
		err = fmt.Errorf("there is no scenario %s", scenario)
	}
	if err != nil {
		t.Fatal(err)
	}
	e, _ := once(t.Context(), newSubject(t.Context(), d), scenarios[0], o, 0)
	run := judge.Open(e)
	switch {
	case e.Progress.State == judge.NotSupplied, e.Progress.State == judge.Lacking:
		t.Skip(e.Progress.Reason)
	case e.Progress.State == judge.OurFault:
		t.Fatalf("%s: %s", scenario, e.Progress.Reason)
	case run.Fault() != nil:
		t.Fatalf("%s: %v", scenario, run.Fault())
	case !run.Began():
		t.Fatalf("%s: the program never began: %s (limit %v): %s",
			scenario, e.Progress.Step, e.Limit, e.Progress.Reason)
	}
	return &Trial{run}
}

// Canonical compares what the debugger told, its tids labelled with the true birth paths, with want
// lines.
func (r *Trial) Canonical(lines ...string) func() (bool, string) {
	return func() (bool, string) {
		x, err := event.Expect(lines...)
		if err != nil {
			return false, err.Error()
		}
		return r.compare(x)
	}
}

// AsDeclared compares what the debugger told with the head of the fixture.
func (r *Trial) AsDeclared() func() (bool, string) {
	return func() (bool, string) { return r.compare(r.run.Expected()) }
}

func (r *Trial) compare(x event.Expected) (bool, string) {
	want, got := x.Compare(r.run.Form(), event.Traced)
	diff := cmp.Diff(want, got)
	return diff == "", "what the debugger told (-want +got):\n" + diff
}

// SameTIDs compares the tids that the debugger told with those that the kernel made for the
// program.
func (r *Trial) SameTIDs() func() (bool, string) {
	return func() (bool, string) {
		diff := cmp.Diff(r.run.TIDs())
		return diff == "", "tids (-kernel +debugger):\n" + diff
	}
}

// Holds tells whether a rule was kept.
func (r *Trial) Holds(rule string) func() (bool, string) {
	return r.ruled(rule, func(got judge.Ruling) bool { return got.Verdict == judge.Pass })
}

// Accuses tells whether a rule was broken in the way that a regular expression says.
func (r *Trial) Accuses(rule, pattern string) func() (bool, string) {
	return r.ruled(rule, func(got judge.Ruling) bool {
		return got.Verdict == judge.Fail && regexp.MustCompile(pattern).MatchString(got.Reason)
	})
}

func (r *Trial) ruled(rule string, ok func(judge.Ruling) bool) func() (bool, string) {
	return func() (bool, string) {
		known, err := judge.RuleNamed(rule)
		if err != nil {
			return false, err.Error()
		}
		got := r.run.Ruling(known)
		return ok(got), fmt.Sprintf("%s: %s %s", rule, got.Verdict, got.Reason)
	}
}

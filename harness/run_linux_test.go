package harness_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// A liar is the reference tracer whose words are changed.
type liar struct {
	reference.Debugger
	change func(event.Trace) event.Trace
}

func (d liar) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s, err := d.Debugger.Start(ctx, target)
	if s == nil {
		return nil, err
	}
	return lying{s, d.change}, err
}

type lying struct {
	harness.Session
	change func(event.Trace) event.Trace
}

func (s lying) Words() judge.Words {
	var words judge.Words
	for _, e := range s.change(s.Session.Words().Trace()) {
		words = append(words, judge.Word{Event: e})
	}
	return words
}

// nth is where the nth event of a kind stands, from 0.
func nth(trace event.Trace, k event.Kind, n int) int {
	for i, e := range trace {
		if e.Kind == k {
			if n--; n < 0 {
				return i
			}
		}
	}
	panic("the trace has too few events: " + k.String())
}

func scenario(t testing.TB, name string) harness.Scenario {
	t.Helper()
	list, err := harness.Options{
		Match: regexp.MustCompile("^" + name + "$"),
		Long:  true,
	}.Scenarios()
	assert.NilError(t, err)
	assert.Equal(t, len(list), 1, name)
	return list[0]
}

// runAll runs debuggers on the scenarios of some options.
func runAll(t testing.TB, o harness.Options, debuggers ...harness.Debugger) *harness.Report {
	t.Helper()
	report, err := harness.RunAll(t.Context(), debuggers, o, func([]harness.Result) {})
	assert.NilError(t, err)
	return report
}

// outcomes are the rules that a run did not pass, with their verdicts, and the details by rule.
func outcomes(results []harness.Result) (
	notPassed map[string]judge.Verdict, details map[string]string,
) {
	notPassed, details = map[string]judge.Verdict{}, map[string]string{}
	for _, r := range results {
		if r.Verdict != judge.Pass {
			notPassed[r.Rule], details[r.Rule] = r.Verdict, r.Detail
		}
	}
	return notPassed, details
}

// isOpenHere tells whether a rule is left open since the kernel gives no account here.
func isOpenHere(detail string) bool {
	return !harness.IsWitnessed() && (detail == "there was nothing to judge" ||
		detail == "without the kernel's account not every task is known")
}

func TestTheRulesAreKeptByTheReference(t *testing.T) {
	list, err := harness.Options{}.Scenarios()
	assert.NilError(t, err)
	for _, s := range list {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			got, details := outcomes(harness.RunWithin(t, reference.Debugger{}, s, harness.Limit))
			for rule, detail := range details {
				mayRefuse := s.String() == "attach_one_taken/attach_before"
				noDeathIsDue := rule == "exit" && s.Mode == fixtures.DetachDuring
				if mayRefuse && detail == "it refused to attach" ||
					noDeathIsDue && detail == "there was nothing to judge" ||
					got[rule] == judge.Untested && isOpenHere(detail) {
					delete(got, rule)
				}
			}
			assert.Equal(t, len(got), 0, "%v", details)
		})
	}
}

func TestTheQuickSetHasSomethingOfEverything(t *testing.T) {
	covers := func(o harness.Options) map[string]bool {
		list, err := o.Scenarios()
		assert.NilError(t, err)
		covered := map[string]bool{}
		for _, s := range list {
			covered["group "+s.Fixture.Group()], covered["mode "+string(s.Mode)] = true, true
			for _, rule := range harness.RulesOf(s) {
				covered["rule "+rule] = true
			}
		}
		return covered
	}
	assert.DeepEqual(t, covers(harness.Options{Quick: true}), covers(harness.Options{}))
}

func TestALieIsFoundByTheRuleThatNamesIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(event.Trace) event.Trace
		rule   string
		detail string // a part of the rule's
	}{
		{"a birth is dropped", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 3)
			return slices.Delete(l, i, i+1)
		}, "complete", "was not reported"},
		{"a death is dropped", func(l event.Trace) event.Trace {
			i := nth(l, event.Exit, 3)
			return slices.Delete(l, i, i+1)
		}, "exit", "ended, and its end was not reported"},
		{"a creator is another", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 9)
			l[i].TID = l[nth(l, event.Exit, 0)].TID
			return l
		}, "parent", "was created by"},
		{"a birth is told twice", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 3)
			return slices.Insert(l, i+1, l[i])
		}, "once", "was reported before"},
		{"a death is told twice", func(l event.Trace) event.Trace {
			i := nth(l, event.Exit, 3)
			return slices.Insert(l, i+1, l[i])
		}, "once", "was reported before"},
		{"a task is invented", func(l event.Trace) event.Trace {
			return slices.Insert(l, 1,
				event.Event{Kind: event.Clone, PID: l[0].PID, TID: l[0].TID, Child: 1})
		}, "sound", "the kernel created no task 1 for this program"},
		{"a death comes before its birth", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 3)
			j := slices.IndexFunc(l,
				func(e event.Event) bool { return e.Kind == event.Exit && e.TID == l[i].Child })
			l[i], l[j] = l[j], l[i]
			return l
		}, "order", "was reported before the birth of task"},
		{"a status is another", func(l event.Trace) event.Trace {
			l[nth(l, event.Exit, 3)].Status = event.Exited(5)
			return l
		}, "exit", "the kernel says status 0, the debugger said 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var before, after event.Trace
			d := liar{change: func(l event.Trace) event.Trace {
				before = slices.Clone(l)
				after = c.change(l)
				return after
			}}
			s := scenario(t, "thread_nested/launch")
			got, details := outcomes(harness.RunWithin(t, d, s, harness.Limit))
			want := map[string]judge.Verdict{c.rule: judge.Fail}
			switch c.rule {
			case "parent": // a creator that had ended breaks the order too
				delete(got, "order")
			case "order": // so may a birth that is told after its creator's death, in any run
				delete(got, "order")
				delete(want, "order")
			}
			diff := cmp.Diff(want, got)
			assert.Assert(t, diff == "", "(-want +got):\n%s%v", diff, details)
			assert.Assert(t, strings.Contains(details[c.rule], c.detail),
				"got %q, want %q in it", details[c.rule], c.detail)
			assert.Assert(t, cmp.Diff(before, after) != "")
		})
	}
}

func TestWhatHadNotBegunWhenItIsStoppedIsNotRun(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	o := harness.Options{Match: regexp.MustCompile("^(fork|thread_nested)/"), Jobs: 1}
	said := map[string]bool{}
	two := []harness.Debugger{reference.Debugger{}, reference.Debugger{}}
	report, err := harness.RunAll(ctx, two, o, func(results []harness.Result) {
		for _, r := range results {
			said[r.Scenario+"/"+string(r.Mode)] = true
		}
		cancel(enough)
	})
	assert.ErrorIs(t, err, enough)
	assert.Equal(t, len(said), 1)
	assert.Equal(t, report.Stopped, "enough")
	for _, r := range report.Results {
		assert.Equal(t, r.Verdict, judge.Pass, "%+v", r)
	}
}

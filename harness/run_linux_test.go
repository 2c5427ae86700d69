package harness_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
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

func (s lying) Events() event.Trace { return s.change(s.Session.Events()) }

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
	list, err := harness.Scenarios(regexp.MustCompile("^" + name + "$"))
	assert.NilError(t, err)
	assert.Equal(t, len(list), 1, name)
	return list[0]
}

// outcomes are the rules that a run did not pass, with their verdicts, and the details by rule.
func outcomes(results []harness.Result) (notPassed map[string]harness.Verdict, details map[string]string) {
	notPassed, details = map[string]harness.Verdict{}, map[string]string{}
	for _, r := range results {
		if r.Verdict != harness.Pass {
			notPassed[r.Rule], details[r.Rule] = r.Verdict, r.Detail
		}
	}
	return notPassed, details
}

func TestTheRulesAreKeptByTheReference(t *testing.T) {
	list, err := harness.Options{}.Scenarios()
	assert.NilError(t, err)
	for _, s := range list {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			got, details := outcomes(harness.RunWithin(t, reference.Debugger{}, s, harness.Limit))
			for rule, detail := range details {
				if s.String() == "attach_one_taken/attach_before" && detail == "it refused to attach" {
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
			for _, r := range s.Rules() {
				covered["rule "+r.Name] = true
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
		want   map[string]harness.Verdict
		detail string // a part of the first rule's, where %d is the task's tid
		rule   string
	}{
		{"a birth is dropped", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 3)
			return slices.Delete(l, i, i+1)
		}, map[string]harness.Verdict{"complete": harness.Fail}, "was not reported", "complete"},
		{"a death is dropped", func(l event.Trace) event.Trace {
			i := nth(l, event.Exit, 3)
			return slices.Delete(l, i, i+1)
		}, map[string]harness.Verdict{"exit": harness.Fail}, "ended and it was not reported", "exit"},
		{"a creator is another", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 9)
			l[i].TID = l[nth(l, event.Exit, 0)].TID
			return l
		}, map[string]harness.Verdict{"parent": harness.Fail}, "created", "parent"},
		{"a birth is told twice", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 3)
			return slices.Insert(l, i+1, l[i])
		}, map[string]harness.Verdict{"once": harness.Fail}, "was told before", "once"},
		{"a death is told twice", func(l event.Trace) event.Trace {
			i := nth(l, event.Exit, 3)
			return slices.Insert(l, i+1, l[i])
		}, map[string]harness.Verdict{"once": harness.Fail}, "was told before", "once"},
		{"a task is invented", func(l event.Trace) event.Trace {
			return slices.Insert(l, 1, event.Event{Kind: event.Clone, PID: l[0].PID, TID: l[0].TID, Child: 1})
		}, map[string]harness.Verdict{"sound": harness.Fail}, "the program had no task 1", "sound"},
		{"a death comes before its birth", func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 3)
			j := slices.IndexFunc(l, func(e event.Event) bool { return e.Kind == event.Exit && e.TID == l[i].Child })
			l[i], l[j] = l[j], l[i]
			return l
		}, map[string]harness.Verdict{"order": harness.Fail}, "came before the birth of task", "order"},
		{"a status is another", func(l event.Trace) event.Trace {
			l[nth(l, event.Exit, 3)].Status = event.Exited(5)
			return l
		}, map[string]harness.Verdict{"exit": harness.Fail}, "ended with 0, reported was 5", "exit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var before, after event.Trace
			d := liar{change: func(l event.Trace) event.Trace {
				before = slices.Clone(l)
				after = c.change(l)
				return after
			}}
			got, details := outcomes(harness.RunWithin(t, d, scenario(t, "thread_nested/launch"), harness.Limit))
			if c.name == "a creator is another" || c.name == "a death comes before its birth" {
				// A creator that had ended, or births told after their creators' deaths, break the order too.
				delete(got, "order")
				c.want = map[string]harness.Verdict{}
				if c.rule != "order" {
					c.want[c.rule] = harness.Fail
				}
			}
			assert.Assert(t, cmp.Diff(c.want, got) == "", "(-want +got):\n%s%v", cmp.Diff(c.want, got), details)
			assert.Assert(t, strings.Contains(details[c.rule], c.detail), "got %q, want %q in it", details[c.rule], c.detail)
			assert.Assert(t, cmp.Diff(before, after) != "")
		})
	}
}

// Truth has four sources. Where one of them says otherwise than the rest, no debugger is judged.
func TestAccountsThatDifferProveNothing(t *testing.T) {
	declares := func(want string) func(testing.TB, *harness.Options) {
		return func(t testing.TB, o *harness.Options) {
			catalogue, err := fixtures.Catalogue()
			assert.NilError(t, err)
			i := slices.IndexFunc(catalogue, func(f fixtures.Fixture) bool { return f.Name == "fork" })
			own := catalogue[i]
			own.Source += " as " + want // its control run is its own
			own.Wants = nil
			for _, line := range []string{"main: clone main/1..10, exit 0", want} {
				w, err := event.ParseWant(line)
				assert.NilError(t, err)
				own.Wants = append(own.Wants, w)
			}
			o.Fixtures = []fixtures.Fixture{own}
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(testing.TB, *harness.Options)
		want  string
	}{
		{"declared: a thread makes another", declares("main/1..10: clone ./1, exit 0"), "the kernel does not do what its head declares (-declared +witnessed):"},
		{"declared: a status", declares("main/1..10: exit 1"), "the reference tracer breaks the rule exit: task"},
		{"announced: a creator", func(t testing.TB, _ *harness.Options) { harness.AnnounceWrongly(t) }, "announced itself as a child of task"},
		{"announced: a task is silent", func(t testing.TB, _ *harness.Options) { harness.SilenceTask(t) }, "(main/3) did not announce itself"},
		{"announced: a task is invented", func(t testing.TB, _ *harness.Options) { harness.InventTask(t) }, "task 1 announced itself in slot 3, and the kernel did not tell of it there"},
		{"witnessed: records are lost", func(t testing.TB, _ *harness.Options) { harness.LoseRecords(t) }, "1 records were lost"},
		{"witnessed: a task is hidden", func(t testing.TB, _ *harness.Options) { harness.HideTask(t) }, "announced itself in slot 2, and the kernel did not tell of it there"},
		{"traced: a birth is missed", func(_ testing.TB, o *harness.Options) {
			o.Reference = liar{change: func(l event.Trace) event.Trace {
				i := nth(l, event.Clone, 3)
				return slices.Delete(l, i, i+1)
			}}
		}, "the reference tracer breaks the rule complete: task"},
		{"traced: a status is another", func(_ testing.TB, o *harness.Options) {
			o.Reference = liar{change: func(l event.Trace) event.Trace {
				l[nth(l, event.Exit, 3)].Status = event.Exited(5)
				return l
			}}
		}, "the reference tracer breaks the rule exit: task"},
	} {
		t.Run(c.name, func(t *testing.T) {
			harness.ForgetControls(t)
			o := harness.Options{Match: regexp.MustCompile("^fork/launch$"), Reference: reference.Debugger{}}
			c.spoil(t, &o)
			report, err := harness.RunAll(t.Context(), []harness.Debugger{reference.Debugger{}}, o, func([]harness.Result) {})
			assert.NilError(t, err)
			assert.Assert(t, len(report.Results) > 0)
			for _, r := range report.Results {
				assert.Equal(t, r.Verdict, harness.Unresolved)
				assert.Assert(t, strings.Contains(r.Detail, c.want), r.Detail)
			}
		})
	}
}

// Where the kernel refuses its account, the program's own is held against the debugger.
func TestAWitnessThatIsRefusedIsNamedAndTheRunGoesOn(t *testing.T) {
	why := fmt.Errorf("kernel.perf_event_paranoid is 4: %w", fs.ErrPermission)
	harness.RefuseWitness(t, why)
	report, err := harness.RunAll(t.Context(), []harness.Debugger{reference.Debugger{}}, harness.Options{}, func([]harness.Result) {})
	assert.NilError(t, err)
	assert.Equal(t, report.Machine.Witness, "none, the ledger and /proc alone: kernel.perf_event_paranoid is 4: permission denied")
	passed := map[string]int{}
	for _, r := range report.Results {
		switch r.Verdict {
		case harness.Pass:
			passed[r.Rule]++
		case harness.Untested:
		default:
			t.Errorf("%s/%s %s: %s %s", r.Scenario, r.Mode, r.Rule, r.Verdict, r.Detail)
		}
	}
	for _, rule := range harness.Rules {
		assert.Assert(t, passed[rule.Name] > 0, "%s was judged nowhere: %v", rule.Name, passed)
	}
}

func TestWhatHadNotBegunWhenItIsStoppedIsNotRun(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	o := harness.Options{Match: regexp.MustCompile("^(fork|thread_nested)/"), Jobs: 1}
	said := map[string]bool{}
	report, err := harness.RunAll(ctx, []harness.Debugger{reference.Debugger{}, reference.Debugger{}}, o, func(results []harness.Result) {
		for _, r := range results {
			said[r.Scenario+"/"+string(r.Mode)] = true
		}
		cancel(enough)
	})
	assert.ErrorIs(t, err, enough)
	assert.Equal(t, len(said), 1)
	assert.Equal(t, report.Stopped, "enough")
	for _, r := range report.Results {
		assert.Equal(t, r.Verdict, harness.Pass, "%+v", r)
	}
}

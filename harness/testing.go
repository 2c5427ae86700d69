package harness

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// Test holds a debugger to all rules, in subtests named scenario/mode/rule. What the debugger does not
// offer, and what this machine lacks, is skipped with its reason. The debugger and each verdict are attributes of the tests,
// and without Options.Keep a run is kept in its test's artifact directory.
func Test(t *testing.T, d Debugger, o Options) {
	t.Helper()
	scenarios, err := o.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	version, err := d.Version(t.Context())
	if err != nil {
		t.Skipf("%s is not to be had: %v", d.Name(), err)
	}
	t.Attr("debugger", oneLine(d.Name()+" "+version))
	for _, s := range scenarios {
		t.Run(s.Fixture.Name+"/"+string(s.Mode), func(t *testing.T) {
			t.Parallel()
			o := o
			if o.Keep == "" {
				o.Keep = t.ArtifactDir()
			}
			for _, r := range runScenario(t.Context(), d, s, o) {
				t.Run(r.Rule, func(t *testing.T) { report(t, expect(o.Known, r, version)) })
			}
		})
	}
}

// oneLine is a text as an attribute's value: a line break has no place in one.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func report(t *testing.T, r Result) {
	t.Attr("verdict", string(r.Verdict))
	switch r.Verdict {
	case Pass:
	case KFail, NotOffered, Untested:
		t.Skipf("%s: %s", r.Verdict, r.Detail)
	default:
		t.Errorf("%s: %s", r.Verdict, r.Detail)
	}
}

// A Trial is one run that a test asserts something of.
type Trial struct {
	evidence *evidence
}

// Run runs one scenario, a fixture's name or name/mode (launch if it has none), and fails the test
// if the run proves nothing. Its methods are comparisons for gotest.tools' assert.Assert.
func Run(t testing.TB, scenario string, d Debugger) *Trial {
	t.Helper()
	name, mode, found := strings.Cut(scenario, "/")
	if !found {
		mode = string(fixtures.Launch)
	}
	scenarios, err := Scenarios(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		if s.Fixture.Name != name || string(s.Mode) != mode {
			continue
		}
		if _, err := d.Version(t.Context()); err != nil {
			t.Skipf("%s is not to be had: %v", d.Name(), err)
		}
		e, _, err := runEvidence(t.Context(), d, s, Options{}, nil)
		if missing := (*missingError)(nil); errors.As(err, &missing) || errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		} else if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if e.truth == nil {
			t.Fatalf("%s: the program never began: %s failed or did not come within %v: %v", s, e.overdue, e.limit, e.broken)
		}
		return &Trial{e}
	}
	t.Fatalf("there is no scenario %s/%s", name, mode)
	return nil
}

// Canonical compares what the debugger told, its tids labelled with the true birth paths, with
// want lines.
func (r *Trial) Canonical(lines ...string) func() (bool, string) {
	return func() (bool, string) {
		var wants []event.Want
		for _, line := range lines {
			w, err := event.ParseWant(line)
			if err != nil {
				return false, err.Error()
			}
			wants = append(wants, w)
		}
		x, err := event.Expand(wants, nil, [2]int{})
		if err != nil {
			return false, err.Error()
		}
		return r.compare(x)
	}
}

func (r *Trial) compare(x event.Expected) (bool, string) {
	want, got := x.Compare(r.evidence.form(), event.Traced)
	diff := cmp.Diff(want, got)
	return diff == "", "what the debugger told (-want +got):\n" + diff
}

// SameTIDs compares the tids that the debugger knew with those that the kernel made for the program.
func (r *Trial) SameTIDs() func() (bool, string) {
	return func() (bool, string) {
		e := r.evidence
		told := map[event.TID]bool{e.truth.root().TID: true}
		for _, w := range e.words {
			switch {
			case w.Kind.IsBirth():
				told[w.Child] = true
			case w.Kind == event.Attach:
				told[w.TID] = true
			}
		}
		made := map[event.TID]bool{}
		for tid := range e.truth.byTID {
			made[tid] = true
		}
		diff := cmp.Diff(made, told)
		return diff == "", "tids (-kernel +debugger):\n" + diff
	}
}

// Holds tells whether a rule was kept.
func (r *Trial) Holds(rule string) func() (bool, string) {
	return func() (bool, string) {
		v, detail, err := r.verdict(rule)
		if err != nil {
			return false, err.Error()
		}
		return v == Pass, fmt.Sprintf("%s: %s %s", rule, v, detail)
	}
}

func (r *Trial) verdict(rule string) (Verdict, string, error) {
	i := slices.IndexFunc(Rules, func(known Rule) bool { return known.Name == rule })
	if i < 0 {
		return "", "", fmt.Errorf("no rule is called %s", rule)
	}
	v, detail := r.evidence.judge(Rules[i])
	return v, detail, nil
}

// AsDeclared compares what the debugger told with the head of the fixture.
func (r *Trial) AsDeclared(f fixtures.Fixture) func() (bool, string) {
	return func() (bool, string) {
		_, version, err := kernelVersion()
		if err != nil {
			return false, err.Error()
		}
		x, err := f.Expected(version)
		if err != nil {
			return false, err.Error()
		}
		return r.compare(x)
	}
}

// Accuses tells whether a rule was broken in the way that a regular expression says.
func (r *Trial) Accuses(rule, pattern string) func() (bool, string) {
	return func() (bool, string) {
		v, detail, err := r.verdict(rule)
		if err != nil {
			return false, err.Error()
		}
		found, err := regexp.MatchString(pattern, detail)
		if err != nil {
			return false, err.Error()
		}
		return v == Fail && found, fmt.Sprintf("%s: %s %s", rule, v, detail)
	}
}

// Package adaptertest is what the tests of the adapters share. A debugger on this machine is held
// to what is known of it. A fake debugger has one fault, and must fail for it.
package adaptertest

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/findings"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// NeedDebuggers skips a test of a debugger on this machine unless it was asked for.
func NeedDebuggers(t *testing.T) {
	t.Helper()
	if os.Getenv("TIDCHECK_DEBUGGERS") == "" {
		t.Skip("TIDCHECK_DEBUGGERS is not set: " +
			"make conformance holds the debuggers on this machine to the suite")
	}
}

// NeedVersion is NeedDebuggers for a test of one version.
func NeedVersion(t *testing.T, d harness.Debugger, want string) {
	t.Helper()
	NeedDebuggers(t)
	switch version, err := d.Version(t.Context()); {
	case err != nil:
		t.Skip(err)
	case version != want:
		t.Skipf("it is about %s %s, and this is %s", d.Name(), want, version)
	}
}

// QuickSet holds debuggers to the quick set. Failures of causes that the suite's findings know are
// accepted.
func QuickSet(t *testing.T, o harness.Options, all ...harness.Debugger) {
	t.Helper()
	NeedDebuggers(t)
	t.Parallel()
	o.Quick, o.Expect = true, Known(t)
	for _, d := range all {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			harness.Test(t, d, o)
		})
	}
}

// Known is what the suite's findings make of a result. In the test of an adapter a failure that may
// be of a known cause is known: that a debugger fails in one way or one scenario more, once in some
// hundred runs, is for tidcheck run to find.
func Known(t *testing.T) func(harness.Result) harness.Result {
	t.Helper()
	known, err := findings.All()
	if err != nil {
		t.Fatal(err)
	}
	return func(r harness.Result) harness.Result {
		judged := known.Expect(r)
		if judged.Verdict == judge.Fail && known.MayBeKnown(r) {
			judged.Verdict = judge.KFail
		}
		return judged
	}
}

// run runs the scenarios, a regular expression, under some debuggers.
func run(
	t *testing.T, scenarios string, o harness.Options, all ...harness.Debugger,
) []harness.Result {
	t.Helper()
	o.Match = regexp.MustCompile("^" + scenarios + "$")
	report, err := harness.RunAll(t.Context(), all, o, func([]harness.Result) {})
	if err != nil {
		t.Fatal(err)
	}
	return report.Results
}

// A Defect is a known defect of a debugger. In the scenarios, a regular expression, it is accused
// by the rule, or by any rule if that is empty, in words that the regular expression Want finds.
// Defect and Case are no types of their own, so that tables of them need no keys.
type Defect = struct{ Scenarios, Rule, Want string }

// Shows sees that the suite finds a defect.
func Shows(t *testing.T, d harness.Debugger, o harness.Options, defect Defect) {
	t.Helper()
	want := regexp.MustCompile(defect.Want)
	if !slices.ContainsFunc(run(t, defect.Scenarios, o, d), func(r harness.Result) bool {
		accused := r.Verdict == judge.Fail && (defect.Rule == "" || defect.Rule == r.Rule)
		return accused && want.MatchString(r.Detail)
	}) {
		t.Errorf("%s %s: %s does not say %q", d.Name(), defect.Scenarios, defect.Rule, defect.Want)
	}
}

// Verdicts runs a scenario under some debuggers at once. It gives each rule's verdict and detail,
// by the debugger's name.
func Verdicts(
	t *testing.T, scenario string, o harness.Options, all ...harness.Debugger,
) map[string]map[string]string {
	t.Helper()
	got := make(map[string]map[string]string)
	for _, r := range run(t, scenario, o, all...) {
		if got[r.Debugger] == nil {
			got[r.Debugger] = make(map[string]string)
		}
		got[r.Debugger][r.Rule] = string(r.Verdict) + ": " + r.Detail
		if r.Seconds >= 15 {
			t.Errorf("%s took %.1f s", r.Debugger, r.Seconds)
		}
	}
	return got
}

// A Case is a fake, by its name, that one of some rules accuses, with Want in the first line.
// Without a rule it is not accused: no rule is resolved, with Want in the first line.
type Case = struct{ Fake, Rules, Want string }

// Fakes lists the fakes of some cases.
func Fakes(cases []Case) []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.Fake)
	}
	return names
}

// Accused sees that each fake was accused as it should be, and in a line that is not too long.
func Accused(t *testing.T, scenario string, got map[string]map[string]string, cases []Case) {
	t.Helper()
	for _, c := range cases {
		rules, verdict := strings.Fields(c.Rules), judge.Fail
		if c.Rules == "" {
			rules, verdict = []string{"session"}, judge.Unresolved
		}
		if !slices.ContainsFunc(rules, func(rule string) bool {
			first, _, _ := strings.Cut(got[c.Fake][rule], "\n")
			return strings.HasPrefix(first, string(verdict)+": ") &&
				strings.Contains(first, c.Want) && len(first) < 512
		}) {
			t.Errorf("%s %.80q: want %s: %s, got %q",
				scenario, c.Fake, c.Rules, c.Want, got[c.Fake])
		}
	}
}

// Right sees that a debugger was not accused of anything.
func Right(t *testing.T, scenario string, got map[string]string) {
	t.Helper()
	if !strings.HasPrefix(got["bounded"], "PASS") {
		t.Errorf("%s: nothing was judged: %s", scenario, got["bounded"])
	}
	for rule, verdict := range got {
		if !strings.HasPrefix(verdict, "PASS") && !strings.HasPrefix(verdict, "UNSUPPORTED") {
			t.Errorf("%s: %s %s", scenario, rule, verdict)
		}
	}
}

// A visitor shows the target of a run to a test, and debugs nothing.
type visitor struct {
	targets chan harness.Target
	over    chan struct{}
}

func (visitor) Name() string                            { return "visitor" }
func (visitor) Version(context.Context) (string, error) { return "1", nil }

func (v visitor) Start(_ context.Context, target harness.Target) (harness.Session, error) {
	v.targets <- target
	<-v.over
	return nil, errors.ErrUnsupported
}

// WithTarget calls f with the target of a run of one scenario. The run lasts as long as f.
func WithTarget(t *testing.T, scenario string, o harness.Options, f func(harness.Target)) {
	t.Helper()
	o.Match = regexp.MustCompile("^" + scenario + "$")
	v := visitor{make(chan harness.Target), make(chan struct{})}
	over := make(chan error, 1)
	go func() {
		all := []harness.Debugger{v}
		report, err := harness.RunAll(t.Context(), all, o, func([]harness.Result) {})
		if err == nil && len(report.Results) > 0 {
			err = errors.New(report.Results[0].Detail)
		}
		over <- err
	}()
	select {
	case target := <-v.targets:
		defer func() { close(v.over); <-over }()
		f(target)
	case err := <-over:
		t.Fatal("it came to no target: ", err)
	}
}

package findings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A known failure is a line of a finding that names a result.
type known struct {
	finding Finding
	failure Failure
	nearest string // the version that was measured, if it is not the debugger's; else empty
}

// known are the lines that name a result. The suite's findings say nothing of a user's own
// fixture.
func (l List) known(r harness.Result) (lines []known) {
	id := r.Scenario + "/" + string(r.Mode)
	for _, f := range l {
		if r.Own && !f.Own {
			continue
		}
		for _, one := range f.Failures {
			if !one.names(r.Debugger, id, r.Rule) {
				continue
			}
			switch one.Version {
			case anyVersion, r.Version:
				lines = append(lines, known{f, one, ""})
			case l.measured(r.Debugger, r.Version, f):
				lines = append(lines, known{f, one, one.Version})
			}
		}
	}
	return lines
}

// MayBeKnown tells whether a failure may be of a cause that is known, though no finding says just
// that: one names its debugger, scenario and rule, or what it says is what findings say of its
// debugger and rule in another scenario.
func (l List) MayBeKnown(r harness.Result) bool {
	if len(l.known(r)) > 0 {
		return true
	}
	return !r.Own && !slices.ContainsFunc(violations(r), func(v judge.Violation) bool {
		return !slices.ContainsFunc(l, func(f Finding) bool { return f.saysElsewhere(r, v) })
	})
}

// Like names findings that a failure resembles, two at most: those of the same debugger in some
// version, scenario and rule, and then those of other debuggers there that say the same.
func (l List) Like(r harness.Result) (names []string) {
	id := r.Scenario + "/" + string(r.Mode)
	for _, others := range []bool{false, true} {
		for _, f := range l {
			isLike := slices.ContainsFunc(f.Failures, func(one Failure) bool {
				debugger := r.Debugger
				if others {
					debugger = one.Configurations[0]
				}
				return one.names(debugger, id, r.Rule) && (!others || f.saysOf(one, id, r))
			})
			if isLike && len(names) < 2 && !slices.Contains(names, f.name()) {
				names = append(names, f.name())
			}
		}
	}
	return names
}

// saysOf tells whether a line's finding says one of the violations of a failure in its scenario.
func (f Finding) saysOf(one Failure, id string, r harness.Result) bool {
	return slices.ContainsFunc(violations(r), func(v judge.Violation) bool {
		return slices.ContainsFunc(f.says, func(s saying) bool {
			return s.isAbout(one.Debugger, id, r.Rule) && s.text.MatchString(v.Kind+": "+v.Text)
		})
	})
}

// saysElsewhere tells whether a finding says a violation, in any scenario and version.
func (f Finding) saysElsewhere(r harness.Result, v judge.Violation) bool {
	return slices.ContainsFunc(f.Failures, func(one Failure) bool {
		isNamed := func(c string) bool { return isBuildOf(c, r.Debugger) }
		return slices.Contains(one.Rules, r.Rule) &&
			slices.ContainsFunc(one.Configurations, isNamed) &&
			slices.ContainsFunc(f.says, func(s saying) bool {
				return (s.debugger == "" || s.debugger == one.Debugger) &&
					slices.Contains(s.rules, r.Rule) && s.text.MatchString(v.Kind+": "+v.Text)
			})
	})
}

// names tells whether a line is about a debugger, a scenario and a rule, in some version.
func (f Failure) names(debugger, id, rule string) bool {
	return slices.Contains(f.Rules, rule) &&
		slices.ContainsFunc(f.Configurations, func(c string) bool {
			return isBuildOf(c, debugger)
		}) &&
		slices.ContainsFunc(f.Scenarios, func(p string) bool { return matches(p, id) })
}

// isWide tells whether a pattern of a line may name several scenarios: that one of them passes says
// nothing of the others.
func (f Failure) isWide() bool {
	return slices.ContainsFunc(f.Scenarios, func(p string) bool {
		return strings.ContainsAny(p, `*?[\`)
	})
}

// Expect turns a verdict about a failure that is known into KFAIL or KPASS. It is for
// harness.Options.Expect.
func (l List) Expect(r harness.Result) harness.Result {
	lines := l.known(r)
	switch {
	case len(lines) == 0:
	case r.Verdict == judge.Fail:
		return asKnown(r, lines)
	case r.Verdict == judge.Pass:
		return asMended(r, lines, r.Passed-r.Cut)
	}
	return r
}

// asKnown is KFAIL, or a failure still if a violation fits none of the findings.
func asKnown(r harness.Result, lines []known) harness.Result {
	var said []string // of the findings that fit
	var strange []string
	for _, v := range violations(r) {
		fits := false
		for _, k := range lines {
			if !k.fits(r, v) {
				continue
			}
			fits = true
			if line := k.sentence(r); !slices.Contains(said, line) {
				said = append(said, line)
			}
		}
		if !fits {
			strange = append(strange, v.Text)
		}
	}
	if len(strange) == 0 {
		r.Verdict, r.Detail = judge.KFail, strings.Join(append(said, r.Detail), "\n")
		return r
	}
	for _, k := range lines {
		if line := "what is known says otherwise: " + k.sentence(r); len(said) == 0 &&
			!slices.Contains(strange, line) {
			strange = append(strange, line)
		}
	}
	for _, line := range said {
		strange = append(strange, "beside what is known: "+line)
	}
	r.Detail = strings.Join(strange, "\n")
	return r
}

// violations are those of a failure. What a debugger's own test made up has its detail alone.
func violations(r harness.Result) []judge.Violation {
	if len(r.Violations) == 0 {
		return []judge.Violation{{Text: r.Detail}}
	}
	return r.Violations
}

// fits tells whether a violation is as the finding says. A finding whose words were not measured
// fits them all.
func (k known) fits(r harness.Result, v judge.Violation) bool {
	id := r.Scenario + "/" + string(r.Mode)
	measured := false
	for _, s := range k.finding.says {
		if !s.isAbout(k.failure.Debugger, id, r.Rule) {
			continue
		}
		if s.text.MatchString(v.Kind + ": " + v.Text) {
			return true
		}
		measured = true
	}
	return !measured
}

func (s saying) isAbout(debugger, id, rule string) bool {
	return (s.debugger == "" || s.debugger == debugger) && slices.Contains(s.rules, rule) &&
		(len(s.scenarios) == 0 ||
			slices.ContainsFunc(s.scenarios, func(p string) bool { return matches(p, id) }))
}

// sentence names the finding, and the version that was measured where that is another.
func (k known) sentence(r harness.Result) string {
	line := k.finding.name()
	if up := k.finding.Upstream; up != "" && up != notReported {
		line += " (" + up + ")"
	}
	if k.nearest != "" {
		line += fmt.Sprintf("; %s %s was not measured, and this is what %s does",
			r.Debugger, r.Version, k.nearest)
	}
	return line
}

// notReported is what a head says of a finding that upstream was not told of.
const notReported = "not reported"

// asMended is KPASS if a failure that is known should have come in so many passes. A run that was
// cut short by another failure may have ended before this one, and is none of them. In a version
// that was not measured a pass is a pass, and says that it is another than in the version below.
func asMended(r harness.Result, lines []known, passes int) harness.Result {
	for _, k := range lines {
		due := k.failure.due()
		switch {
		case due == 0 || passes < due:
		case k.nearest == "":
			r.Verdict = judge.KPass
			r.Detail = fmt.Sprintf("known to fail: %s (%s in %s)",
				k.sentence(r), k.failure.Rate, k.failure.Version)
			if due > 1 {
				r.Detail += fmt.Sprintf("; it has passed %d times, and %d are enough", passes, due)
			}
			return r
		case k.failure.Always && !strings.Contains(r.Detail, "was not measured"):
			r.Detail += "\nthis is known to fail: " + k.sentence(r)
		}
	}
	return r
}

// due is after how many passes a failure no longer comes; zero if they cannot tell that.
func (f Failure) due() int {
	switch {
	case f.Always:
		return 1
	case f.isWide():
		return 0
	}
	return passesDue(f.least())
}

// isSaid tells whether it was measured what a rule says when a failure comes: in all its scenarios.
func (f Finding) isSaid(one Failure, rule string) bool {
	return !slices.ContainsFunc(one.Scenarios, func(id string) bool {
		return !slices.ContainsFunc(f.says, func(s saying) bool {
			return s.isAbout(one.Debugger, id, rule)
		})
	})
}

// Package judge judges a debugger by the suite's rules, from one run's evidence.
//
// [Open] makes the truth of a run from the raw accounts in its [Evidence], and aligns what the
// debugger reported with the lifetimes in it. Each of [Rules] is then a pure function of the
// [Case], and [Case.Rulings] gives each its [Verdict]. Nothing here reads a clock, /proc or a
// process: a run that was kept is judged as it was when it ran.
package judge

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// A Verdict is what came of one rule in one scenario, in DejaGnu's words.
type Verdict string

// The verdicts. KFail and KPass are of a list of known failures, which this package does not know.
const (
	Pass        Verdict = "PASS"
	Fail        Verdict = "FAIL"
	KFail       Verdict = "KFAIL"       // it fails, as is known
	KPass       Verdict = "KPASS"       // it is known to fail, and passed
	Unsupported Verdict = "UNSUPPORTED" // the debugger does not offer what the rule judges
	Untested    Verdict = "UNTESTED"    // the machine lacks something, or nothing was to be judged
	Unresolved  Verdict = "UNRESOLVED"  // our own fault: the run proves nothing
)

// A Ruling is the verdict of one rule.
type Ruling struct {
	Rule       string
	Verdict    Verdict
	Reason     string // for people; of a pass, how it was judged
	Violations []Violation
}

// A Violation is one way in which a run broke a rule, as data and in words.
type Violation struct {
	Kind    string      `json:"kind"`              // a stable name: "unreported birth"
	TIDs    []event.TID `json:"tids,omitempty"`    // the tasks that it is about
	Numbers []int       `json:"numbers,omitempty"` // what was true, then what was told or seen
	Text    string      `json:"text"`
}

// tids are the tasks that a violation is about, and numbers its counts or statuses.
type (
	tids    = []event.TID
	numbers = []int
)

// A Case is the evidence of a run with what is made of it.
type Case struct {
	*Evidence
	truth    *truth // nil if the program never began, or is not known
	reports  []report
	foreign  map[*life]bool // those that were never the debugger's
	kernel   [2]int
	births   map[event.Path]event.Kind // the kinds of births that the head states
	changed  string                    // how the tasks lived otherwise than declared; else empty
	expected event.Expected
	fault    error // ours: the run proves nothing

	atDetach map[event.TID]Task // what a look just before the detach showed
	lookedAt time.Duration      // when that was; never without it
}

// Open makes the truth of a run and labels what the debugger reported.
func Open(e *Evidence) *Case {
	c := &Case{Evidence: e}
	c.lookBeforeDetach()
	if unjudged[e.Progress.State] == "" {
		c.fault = c.open()
	}
	return c
}

// unjudged are the verdicts on runs that did not come to what the rules judge.
var unjudged = map[ProgressState]Verdict{
	NotSupplied: Unsupported, Lacking: Untested, OurFault: Unresolved,
}

func (c *Case) open() error {
	kernel, err := event.ParseKernel(c.Kernel)
	if err != nil {
		return err
	}
	c.kernel = kernel
	if c.expected, err = event.Expand(c.Declared.Wants, c.Declared.Params, kernel); err != nil {
		return err
	}
	if ledger(c.Ledger).root().State == Claimed && c.isOverdue() {
		return nil // the program never began
	}
	if c.truth, err = newTruth(c.Evidence, c.expected); err != nil {
		return err
	}
	if err = c.truth.asAnnounced(c.Ledger); err != nil {
		return err
	}
	if !c.isOverdue() {
		c.changed = c.truth.asDeclared(c.expected) + c.truth.otherStatuses(c.expected)
	}
	c.births = c.declaredBirths()
	c.label()
	return nil
}

// isOverdue tells whether a step of the run failed or did not come in time.
func (e *Evidence) isOverdue() bool {
	return e.Progress.State == TimedOut || e.Progress.State == Failed
}

// Fault is why the run proves nothing, nil if it proves something.
func (c *Case) Fault() error { return c.fault }

// Began tells whether the program began: else there is no truth.
func (c *Case) Began() bool { return c.truth != nil }

// Rulings are those of all rules that the run's mode is judged by.
func (c *Case) Rulings() []Ruling {
	var rulings []Ruling
	for _, r := range Rules {
		if r.in(c.Mode) {
			rulings = append(rulings, c.Ruling(r))
		}
	}
	return rulings
}

// Ruling applies one rule.
func (c *Case) Ruling(r Rule) Ruling {
	rule := func(v Verdict, reason string, bad ...Violation) Ruling {
		return Ruling{r.Name, v, reason, bad}
	}
	if verdict := unjudged[c.Progress.State]; verdict != "" {
		return rule(verdict, c.Progress.Reason)
	}
	if c.fault != nil {
		return rule(Unresolved, c.fault.Error())
	}
	failed := c.failure() != ""
	switch {
	case failed && r.onFailure == judgedWhole && !c.wentOn():
		return rule(Untested, "the debugger failed")
	case c.Attach.State == Refused && r.onRefusal == untested:
		return rule(Untested, "it refused to attach")
	case c.truth == nil && !r.withoutTruth:
		return rule(Untested, "the program never began")
	}
	f := finding{lacks: c.Debugger.Abilities.lacks(r.needs...)}
	if f.lacks == "" {
		r.judge(c, &f)
	}
	switch {
	case failed && f.judged == 0 && f.untested == "" &&
		(f.lacks == "" || c.End.State == NoSession): // without a session its abilities are unknown
		return rule(Untested, "the debugger failed before there was anything to judge")
	case f.lacks != "":
		return rule(Unsupported, f.lacks.missing())
	case f.untested != "":
		return rule(Untested, f.untested)
	case len(f.bad) > 0:
		return rule(Fail, summary(f.bad), f.bad...)
	case f.judged == 0:
		return rule(Untested, "there was nothing to judge")
	}
	return rule(Pass, c.how(r, f))
}

// how says how a rule that passed was judged, and by which account of what was true.
func (c *Case) how(r Rule, f finding) string {
	switch {
	case f.how != "" || !r.byTruth:
		return cmp.Or(f.how, r.by)
	case c.truth.witnessed:
		return r.by + "; accounts: " + string(c.Account.Source) + " and the ledger"
	}
	return r.by + "; account: the ledger alone"
}

// maxViolations is how many violations a ruling's reason spells out.
const maxViolations = 20

func summary(bad []Violation) string {
	var lines []string
	for i, v := range bad {
		if i == maxViolations {
			lines = append(lines, fmt.Sprintf("and %d more", len(bad)-i))
			break
		}
		lines = append(lines, v.Text)
	}
	return strings.Join(lines, "\n")
}

// looks are the tasks that /proc showed at some moment, of all looks at such moments.
func (e *Evidence) looks(when When) (tasks []Task) {
	for _, l := range e.Looks {
		if l.When == when {
			tasks = append(tasks, l.Tasks...)
		}
	}
	return tasks
}

// failure is how the debugger failed, empty if it did not. After a step that timed out, that it had
// to be killed says no more.
func (e *Evidence) failure() string {
	switch {
	case e.Progress.State == Failed:
		return e.Progress.Reason
	case e.End.State == EndFailed, e.End.State == Unending && e.Progress.State != TimedOut:
		return e.End.Reason
	}
	return ""
}

// brokeOff tells whether the debugger failed, and may not have told what it was about to tell. One
// that only did not end when all was done had told everything.
func (e *Evidence) brokeOff() bool {
	return e.failure() != "" && (e.Progress.State != Done || e.End.State == EndFailed)
}

// wentOn tells whether the program came through the whole run, or went on without a debugger that
// had failed to attach.
func (e *Evidence) wentOn() bool { return e.Progress.State == Done || e.Program.Alone }

// session judges the debugger by itself: whether it failed. A step that does not come in time is
// for the rule bounded.
func session(c *Case, f *finding) {
	f.judged = 1
	failure := c.failure()
	for i, r := range c.Rounds {
		if r.End.State != Ended && failure == "" {
			f.breach("debugger failed", nil, nil, "the debugger failed: its end at attach %d: %s",
				i+1, r.End.Reason)
		}
	}
	switch {
	case failure != "":
		f.breach("debugger failed", nil, nil, "the debugger failed: %s", failure)
	case c.Attach.State == Refused:
		f.how = "it refused, since another tracer has a part of the program: " + c.Attach.Reason
	case c.Progress.State == TimedOut:
		f.untested = c.Progress.Step + " did not come in time, which the rule bounded judges"
	}
}

// A Tally counts the verdicts of several runs by one rule.
type Tally map[Verdict]int

// severities are the verdicts of which the worst of several runs stands, the worst last. One run
// that passed outranks those that were not judged; their count is to be told beside it.
var severities = []Verdict{Unsupported, Untested, Pass, Unresolved, Fail}

// Worst is the verdict that stands for all runs.
func (t Tally) Worst() (worst Verdict) {
	for _, v := range severities {
		if t[v] > 0 {
			worst = v
		}
	}
	return worst
}

// Others are the runs with verdicts that are not the worst: "99 UNTESTED".
func (t Tally) Others() string {
	var others []string
	for _, v := range severities {
		if t[v] > 0 && v != t.Worst() {
			others = append(others, fmt.Sprintf("%d %s", t[v], v))
		}
	}
	return strings.Join(others, ", ")
}

package judge

import (
	"fmt"
	"slices"

	"github.com/tidcheck/tidcheck/fixtures"
)

// A Rule is one thing that a debugger is held to, with all that is to be known about when.
type Rule struct {
	Name     string
	Sentence string

	modes     []fixtures.Mode // in which it is judged
	needs     Abilities       // without them it is UNSUPPORTED
	onFailure stance          // the debugger failed: judged, or judgedWhole
	onRefusal stance          // the debugger refused a program that another tracer has in part
	by        string          // what a PASS says of how it was judged, unless the finding does
	byTruth   bool            // it was held against the truth, whose account a PASS names
	// withoutTruth tells that the rule can be judged if the program never began.
	withoutTruth bool
	judge        func(*Case, *finding)
}

// A stance is what a rule says where a run ended early.
type stance uint8

const (
	untested    stance = iota
	judged             // by what there is
	judgedWhole        // only if the program came through the run, or went on without the debugger
)

// A finding is what a rule found in a run.
type finding struct {
	bad      []Violation
	judged   int     // how many things it looked at
	how      string  // what a PASS says of how it was judged, if not by the rule's own way
	lacks    Ability // without which it cannot be judged; else empty
	untested string  // why else it cannot be judged; empty if it can
}

// breach adds a violation.
func (f *finding) breach(kind string, tasks tids, counts numbers, format string, args ...any) {
	f.bad = append(f.bad, Violation{kind, tasks, counts, fmt.Sprintf(format, args...)})
}

// breachBy adds a violation by a task, and says in which state /proc showed it.
func (f *finding) breachBy(c *Case, t Task, kind, what string) {
	f.breach(kind, tids{t.TID}, nil, "%s %s: %s", c.truth.name(t.TID), what, t)
}

// untestedUnlessBad says why the rule cannot be judged whole. What it found holds nevertheless.
func (f *finding) untestedUnlessBad(why string) {
	if len(f.bad) == 0 {
		f.untested = why
	}
}

// Rules are all rules, in the order in which they are reported.
var Rules = []Rule{
	{
		Name:     "session",
		Sentence: "the debugger did what it was asked, without a crash, an error or nonsense",
		modes:    fixtures.Modes, onFailure: judged, onRefusal: judged, withoutTruth: true,
		by:    "by its answers and its end",
		judge: session,
	},
	{
		Name: "complete",
		Sentence: "every task that lived while it was debugged was reported born, " +
			"or listed at the attach, and every exec, vforkdone and signal was reported",
		modes: fixtures.Modes, onFailure: judged, by: "by births and attaches", byTruth: true,
		judge: complete,
	},
	{
		Name: "sound",
		Sentence: "nothing was reported that the kernel did not do for this program: " +
			"no task, exec or signal that never was, no thread as a process, no vfork as a fork",
		modes: fixtures.Modes, onFailure: judged, by: "by what it named", byTruth: true,
		judge: sound,
	},
	{
		Name: "once", Sentence: "each birth, exec, signal and death was reported once",
		modes: fixtures.Modes, onFailure: judged, by: "by its words", byTruth: true,
		judge: once,
	},
	{
		Name: "parent", Sentence: "the reported creator is the real one",
		modes: survives, needs: Abilities{Births, Creators}, onFailure: judged, by: "by births",
		byTruth: true, judge: parent,
	},
	{
		Name: "order",
		Sentence: "a birth comes before anything else about its task, " +
			"and nothing after its death",
		modes: survives, needs: Abilities{Births}, onFailure: judged, by: "by its words",
		byTruth: true, judge: order,
	},
	{
		Name: "exit",
		Sentence: "each death is reported, not before it comes, with the kernel's status, " +
			"and each process's end after its last task's",
		modes: survives, needs: Abilities{Deaths}, onFailure: judged,
		by: "by deaths", byTruth: true,
		judge: exit,
	},
	{
		Name: "snapshot", Sentence: "at a stop, the list of threads is that of /proc",
		modes: standing, needs: Abilities{Threads}, onFailure: judged,
		by: "by lists, against /proc", judge: snapshot,
	},
	{
		Name: "stopped", Sentence: "after a stop, no task runs",
		modes: standing, needs: Abilities{Stop}, onFailure: judged, by: "by /proc, at each stop",
		judge: stopped,
	},
	{
		Name: "running", Sentence: "after a resume, no task is left held",
		modes: survives, onFailure: judged, onRefusal: judged, by: "by the program's progress",
		judge: running,
	},
	{
		Name: "released",
		Sentence: "after a detach, or the debugger's death, " +
			"no task is traced or newly stopped",
		modes:     []fixtures.Mode{fixtures.DetachDuring, fixtures.AttachAgain, fixtures.Orphaned},
		onFailure: judged, by: "by /proc, after each detach",
		judge: released,
	},
	{
		Name: "transparent", Sentence: "exit status, signals and output are as without a debugger",
		modes: fixtures.Modes, onFailure: judgedWhole, onRefusal: judged,
		by: "by the program's status, signals, tasks and output", byTruth: true, judge: transparent,
	},
	{
		Name: "bounded", Sentence: "everything came within its time",
		modes: fixtures.Modes, onFailure: judged, onRefusal: judged, withoutTruth: true,
		by:    "by the time limits",
		judge: bounded,
	},
}

// survives are the modes in which the debugger lives to tell what it saw, and to let tasks go on.
var survives = slices.DeleteFunc(slices.Clone(fixtures.Modes), func(m fixtures.Mode) bool {
	return m == fixtures.Orphaned
})

// standing are the modes in which all tasks of a program stand at some time.
var standing = slices.DeleteFunc(slices.Clone(survives), func(m fixtures.Mode) bool {
	return m == fixtures.Launch
})

// in tells whether a mode is judged by the rule.
func (r Rule) in(m fixtures.Mode) bool { return slices.Contains(r.modes, m) }

// RuleNamed is the rule of that name.
func RuleNamed(name string) (Rule, error) {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, fmt.Errorf("no rule is called %s", name)
	}
	return Rules[i], nil
}

// lacks says which of some abilities is not among these, empty if all are.
func (a Abilities) lacks(wanted ...Ability) Ability {
	for _, w := range wanted {
		if !a.Has(w) {
			return w
		}
	}
	return ""
}

// missing says that the debugger does not offer an ability.
func (a Ability) missing() string {
	switch a {
	case Stop:
		return "the debugger cannot be told to stop the program"
	case Threads:
		return "the debugger lists no threads"
	}
	return "the debugger tells no " + string(a)
}

// noWitness is why a rule that needs every task cannot be judged by the ledger alone.
const noWitness = "without the kernel's account not every task is known"

package harness

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// A Rule is one thing that a debugger is held to: a pure function of a run's evidence.
type Rule struct {
	Name     string
	Sentence string
	// judge returns what violates the rule, and how many things it looked at. The
	// error says what was missing to judge by.
	judge func(e *evidence) (violations []string, judged int, err error)
	modes []fixtures.Mode // nil for all
}

// Rules are all rules, in the order in which they are reported.
var Rules = []Rule{
	{"complete", "every task that lived while it was debugged was reported born, or listed at the attach, and every exec was reported", complete, nil},
	{"sound", "no task was reported that the kernel did not create for this program, and no thread as a process", sound, livesOn},
	{"once", "each birth and each death was reported once", once, livesOn},
	{"parent", "the reported creator is the real one", parent, livesOn},
	{"order", "a birth comes before anything else about its task, and nothing after its death", order, livesOn},
	{"exit", "each death is reported, with the kernel's status, and a process's end after its last task's", exit, livesOn},
	{"snapshot", "at a stop, the list of threads is that of /proc", snapshot, standing},
	{"stopped", "after a stop, no task runs", stopped, standing},
	{"running", "after a resume, no task is left held", running, livesOn},
	{"released", "after a detach, or the debugger's death, no task is traced or newly stopped", released, []fixtures.Mode{fixtures.DetachDuring, fixtures.AttachAgain, fixtures.Orphaned}},
	{"transparent", "exit status, signals and output are as without a debugger", transparent, nil},
	{"bounded", "everything came within its time", bounded, nil},
}

// livesOn are the modes in which the debugger lives to tell what it saw, and to let tasks go on.
var livesOn = slices.DeleteFunc(slices.Clone(fixtures.Modes), func(m fixtures.Mode) bool { return m == fixtures.Orphaned })

// standing are the modes in which all tasks of a program stand at some time.
var standing = []fixtures.Mode{fixtures.AttachBefore, fixtures.AttachDuring, fixtures.AttachAgain, fixtures.DetachDuring, fixtures.Stops, fixtures.Stepped, fixtures.Killed}

// An unofferedError is the reason for which a rule cannot be judged: the debugger does not offer what it judges.
type unofferedError struct{ ability Ability }

func (e unofferedError) Error() string {
	switch e.ability {
	case Stop:
		return "the debugger cannot be told to stop the program"
	case Threads:
		return "the debugger lists no threads"
	}
	return fmt.Sprintf("the debugger tells no %s", e.ability)
}

func (unofferedError) Is(target error) bool { return target == errors.ErrUnsupported }

// lacks tells which of some abilities is not offered, nil if all are.
func lacks(can Abilities, wanted ...Ability) error {
	for _, w := range wanted {
		if !can.Has(w) {
			return unofferedError{w}
		}
	}
	return nil
}

// errNoWitness is why a rule that needs every task of the program cannot be judged by the ledger alone.
var errNoWitness = errors.New("without the kernel's account not every task is known")

func complete(e *evidence) (bad []string, judged int, err error) {
	if e.mode == fixtures.Orphaned {
		bad, judged = e.untraced()
		return bad, judged, nil
	}
	if e.byLists() {
		bad, judged = e.unlisted()
		return bad, judged, nil
	}
	if err := lacks(e.can, Births); err != nil {
		return nil, 0, err
	}
	if e.mayMissAttach() || !e.truth.witnessed && e.detached.issued != 0 {
		return nil, 0, errNoWitness // the ledger has no times: who came after the detach is not known
	}
	known := make(map[*life]bool)
	for _, w := range e.words {
		known[w.child] = true
	}
	foreign := e.foreign()
	for _, l := range e.truth.lives {
		if !e.debugged(l) || foreign(l) || l == e.truth.root() && e.mode.Launches() {
			continue
		}
		judged++
		switch {
		case known[l]:
		case l.Creator == nil || e.truth.witnessed && l.born <= e.attached.issued:
			bad = append(bad, fmt.Sprintf("task %d (%s) lived at the attach and was not listed", l.TID, l.Path))
		default:
			bad = append(bad, fmt.Sprintf("task %d (%s), born of %s, was not reported", l.TID, l.Path, l.Creator.Path))
		}
	}
	if !e.can.Has(Execs) {
		return bad, judged, nil
	}
	untold, execs := e.untoldExecs(foreign)
	return append(bad, untold...), judged + execs, nil
}

// untoldExecs are the execs of which the debugger did not tell. An exec is its process's, whatever its former id.
func (e *evidence) untoldExecs(foreign func(*life) bool) (bad []string, judged int) {
	told := make(map[event.TID]int)
	for _, w := range e.words {
		if w.Kind == event.Exec {
			told[cmp.Or(w.PID, w.TID)]++
		}
	}
	for _, pid := range slices.Sorted(maps.Keys(e.truth.execs)) {
		due := 0
		for _, x := range e.truth.execs[pid] {
			if x.at > e.attached.complete && x.at < e.until() && e.debugged(x.by) && !foreign(x.by) {
				due++
			}
		}
		judged += due
		if due > told[pid] {
			bad = append(bad, fmt.Sprintf("process %d executed a program %d times, and that was reported %d times", pid, due, told[pid]))
		}
	}
	return bad, judged
}

// byLists tells whether a debugger that announces no births is held to its lists of threads instead.
func (e *evidence) byLists() bool {
	return !e.can.Has(Births) && e.can.Has(Threads) && len(e.standstills) > 0
}

// untraced are the threads of the process that was attached to which nobody traced when the debugger was killed: what it had to say
// of them may have gone with it.
func (e *evidence) untraced() (bad []string, judged int) {
	for _, t := range e.orphaned {
		if t.pid != e.truth.root().PID || !t.stoppable() {
			continue
		}
		judged++
		if t.tracer == 0 {
			bad = append(bad, fmt.Sprintf("%s was not attached to: %s", e.truth.name(t.tid), t))
		}
	}
	return bad, judged
}

// mayMissAttach tells whether tasks may have come and gone before the attach, since the program was at work or
// makes them without pause, and nobody knows when: the ledger has no times.
func (e *evidence) mayMissAttach() bool {
	return !e.truth.witnessed && e.attached.complete != 0 && (!e.exact || e.mode == fixtures.AttachDuring)
}

// foreign tells which lives were never the debugger's: who attaches to a process has neither those
// that it had made before, nor what they make, nor its leader if that is a zombie, nor who has another tracer. A process
// whose birth was under way is announced to nobody and not below /proc/PID/task: one born inside the attach is the
// debugger's if it says so.
func (e *evidence) foreign() func(*life) bool {
	root := e.truth.root()
	processes, zombie := make(map[event.TID]bool), false
	for _, l := range e.truth.lives {
		inside := l.born > e.attached.issued && l.born < e.attached.complete
		if inside && l.PID == l.TID && !slices.ContainsFunc(e.words, func(w word) bool { return w.child == l }) {
			processes[l.PID] = true
		}
	}
	for _, t := range e.before {
		processes[t.pid] = t.pid != root.PID
		zombie = zombie || t.tid == root.TID && strings.HasPrefix(t.state, "Z")
	}
	return func(l *life) bool {
		for at := l.Life; at != nil; at = at.Creator {
			if processes[at.PID] {
				return true
			}
		}
		return zombie && l == root || e.taken(l.TID)
	}
}

func sound(e *evidence) (bad []string, judged int, err error) {
	if !e.truth.witnessed && !e.exact {
		return nil, 0, errNoWitness
	}
	for _, w := range e.said {
		for _, tid := range mentioned(w) {
			judged++
			if len(e.truth.byTID[tid]) == 0 {
				bad = append(bad, fmt.Sprintf("%q: the program had no task %d", w, tid))
			}
		}
	}
	for _, s := range e.standstills {
		for _, tid := range s.listed {
			judged++
			if len(e.truth.byTID[tid]) == 0 {
				bad = append(bad, fmt.Sprintf("listed %s: the program had no task %d", s.where, tid))
			}
		}
	}
	for _, w := range e.words {
		if w.Kind.IsBirth() && w.child != nil && w.child.Kind.IsBirth() && (w.Kind == event.Clone) != (w.child.Kind == event.Clone) {
			bad = append(bad, fmt.Sprintf("%q: a clone is a thread's birth, a fork or vfork a process's, and it was a %s", w.Event, w.child.Kind))
		}
	}
	return bad, judged, nil
}

// mentioned are the tids that an event names. Who cannot tell a creator leaves it zero, but a
// birth is of somebody.
func mentioned(v event.Event) []event.TID {
	var tids []event.TID
	for _, tid := range []event.TID{v.TID, v.Child, v.Former} {
		if tid != 0 {
			tids = append(tids, tid)
		}
	}
	if v.Kind.IsBirth() && v.Child == 0 {
		tids = append(tids, 0)
	}
	return tids
}

func once(e *evidence) (bad []string, judged int, err error) {
	if err := lacks(e.can, Births); err != nil {
		return nil, 0, err
	}
	for _, w := range e.words {
		if !begins(w.Kind) && w.Kind != event.Exit {
			continue
		}
		judged++
		if w.again {
			bad = append(bad, fmt.Sprintf("%q was told before", w.Event))
		}
	}
	return bad, judged, nil
}

func parent(e *evidence) (bad []string, judged int, err error) {
	if err := lacks(e.can, Births, Creators); err != nil {
		return nil, 0, err
	}
	for _, w := range e.words {
		if !w.Kind.IsBirth() || w.child == nil {
			continue
		}
		judged++
		if real := w.child.Maker; w.child.Creator != nil && w.TID != real {
			bad = append(bad, fmt.Sprintf("%q: it is %s, which %s created", w.Event, w.child.Path, e.truth.name(real)))
		}
	}
	return bad, judged, nil
}

func order(e *evidence) (bad []string, judged int, err error) {
	if err := lacks(e.can, Births); err != nil {
		return nil, 0, err
	}
	told := make(map[*life]bool) // lives whose beginning is told at some time
	for _, w := range e.words {
		told[w.child] = true
	}
	for _, w := range e.words {
		judged++
		switch {
		case w.early && told[w.self]:
			bad = append(bad, fmt.Sprintf("%q came before the birth of %s", w.Event, e.truth.name(w.TID)))
		case w.late && !w.again:
			bad = append(bad, fmt.Sprintf("%q came after the death of %s", w.Event, e.truth.name(w.TID)))
		}
	}
	return bad, judged, nil
}

package judge

import (
	"fmt"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// complete holds the debugger to its births and attaches. If it tells no births it is held to its
// lists of threads, and in the mode orphaned to what it traced.
func complete(c *Case, f *finding) {
	abilities := c.Debugger.Abilities
	switch {
	case c.Mode == fixtures.Orphaned:
		untraced(c, f)
		c.attachedLate(f)
		return
	case !abilities.Has(Births) && abilities.Has(Threads) && len(c.Standstills) > 0:
		unlisted(c, f)
		c.unattached(f)
		c.attachedLate(f)
		f.how = "by its lists of threads, since it tells no births"
		return
	case !abilities.Has(Births):
		f.lacks = Births
		return
	case c.failure() != "" && !c.Mode.Launches() && c.Attach.State != Complete:
		return // an attach that is not complete owes nothing yet
	}
	c.unattached(f)
	c.attachedLate(f)
	c.listedLate(f)
	if c.mayHaveMissed() || !c.truth.witnessed && c.Detach.State != NotAsked {
		// the ledger has no times: which tasks came after the detach is not known
		f.untestedUnlessBad(noWitness)
		return
	}
	known, owed := c.known(), c.owed()
	for _, l := range c.truth.lives {
		isLaunched := l == c.truth.root() && c.Mode.Launches()
		if isLaunched || !c.debugged(l) || !known[l] && !owed.birth(l) {
			continue
		}
		f.judged++
		switch {
		case known[l]:
		case c.truth.wasThere(l, c.Attach.Asked):
			f.breach("unlisted at the attach", tids{l.TID}, nil,
				"task %d (%s) lived at the attach and was not listed", l.TID, l.Path)
		default:
			f.breach("unreported birth", tids{l.TID}, nil,
				"task %d (%s), created by %s, was not reported", l.TID, l.Path, l.creator())
		}
	}
	if abilities.Has(Execs) {
		unreportedExecs(c, f)
	}
	if abilities.Has(Vforks) {
		c.unreportedVforkDones(f)
	}
	if abilities.Has(Signals) {
		c.unreportedSignals(f)
	}
}

// unattached are the tasks that lived before the attach and that have no tracer at the look after
// it, though others of their process have one.
func (c *Case) unattached(f *finding) {
	before := c.livedBefore()
	for _, s := range c.Standstills {
		isTraced := func(t Task) bool { return t.PID == c.truth.root().PID && t.Tracer != 0 }
		if !slices.ContainsFunc(s.Stood.Tasks, isTraced) {
			continue
		}
		for _, t := range s.Stood.Tasks {
			l := before[t.TID]
			isSame := l != nil && l == c.truth.holder(t.TID, s.Stood.At)
			if isSame && t.Stoppable() && t.Tracer == 0 {
				f.breachBy(c, t, "not attached", "was not attached to "+s.Where)
			}
		}
	}
}

// livedBefore are the tasks that lived before the attach, and that the debugger had to attach to.
// They stand by the ids that they had then.
func (c *Case) livedBefore() map[event.TID]*life {
	before := make(map[event.TID]*life)
	for _, t := range c.looks(BeforeAttach) {
		l := c.truth.holder(t.TID, c.Attach.Asked)
		if t.Stoppable() && l != nil && l.PID == t.PID && !c.foreign[l] {
			before[t.TID] = l
		}
	}
	return before
}

// listedLate are the tasks that lived before the attach and were told only after the word that it
// was complete.
func (c *Case) listedLate(f *finding) {
	before, ready := c.livedBefore(), false
	reports := c.reports
	for _, w := range c.Words {
		if w.Kind == event.Ready {
			ready = true
			continue
		}
		r := reports[0]
		reports = reports[1:]
		if ready && r.child != nil && r.child == before[r.TID] {
			f.breach("listed after ready", tids{r.TID}, nil,
				"%s: this was reported after the word that the attach was complete",
				sentence(r.Event))
		}
	}
}

// untraced are the threads of the process that was attached to which had no tracer when the
// debugger was killed. Its words do not count: the last of them may have died with it.
func untraced(c *Case, f *finding) {
	for _, t := range c.looks(AtKill) {
		if t.PID != c.truth.root().PID || !t.Stoppable() {
			continue
		}
		f.judged++
		if t.Tracer == 0 {
			f.breachBy(c, t, "not attached", "was not attached to")
		}
	}
	f.how = "by /proc, when it was killed"
}

func sound(c *Case, f *finding) {
	if !c.truth.witnessed && (!c.Control.Exact || c.brokeOff()) {
		// a task that was held at its birth, when the debugger failed, did not announce itself
		f.untested = noWitness
		return
	}
	c.unknownTasks(f, c.Words, "reported")
	for i, r := range c.Rounds {
		c.unknownTasks(f, r.Words, fmt.Sprintf("reported at attach %d", i+1))
	}
	for _, s := range c.Standstills {
		for _, tid := range s.Listed {
			f.judged++
			if !c.existed(tid) {
				f.breach("unknown task listed", tids{tid}, nil,
					"listed %s: task %d; the kernel created no such task for this program",
					s.Where, tid)
			}
		}
	}
	c.wrongProcesses(f)
	unsoundExecs(c, f)
	wrongKinds(c, f)
	c.unsoundVforkDones(f)
	c.unsoundSignals(f)
	for _, r := range c.reports {
		if r.child != nil && r.before(r.child.born) {
			f.breach("birth told early", tids{newborn(r.Event)}, nil,
				"%s: this was reported at %v, and %s was born at %v",
				sentence(r.Event), r.at, r.child.Path, r.child.born)
		}
		if r.Kind == event.End && r.self != nil && !c.leads(r.TID) {
			f.breach("no such process", tids{r.TID}, nil,
				"reported: %s; the program had no process %d", sentence(r.Event), r.TID)
		}
	}
}

// wrongProcesses are those that a word names, and that its task was not of. A debugger that cannot
// tell the process leaves it zero.
func (c *Case) wrongProcesses(f *finding) {
	told := make(map[[2]event.TID]bool)
	for _, w := range c.Words {
		of := w.TID
		if pair := [2]event.TID{w.PID, of}; w.PID == 0 || told[pair] {
			continue
		} else {
			told[pair] = true
		}
		lives := c.truth.byTID[of]
		isOf := func(l *life) bool { return l.PID == w.PID }
		switch {
		case of == 0 && !c.leads(w.PID):
			f.breach("no such process", tids{w.PID}, nil,
				"reported: %s; the program had no process %d", sentence(w.Event), w.PID)
		case len(lives) > 0 && !slices.ContainsFunc(lives, isOf):
			f.breach("wrong process", tids{of, lives[0].PID, w.PID}, nil,
				"reported: %s; %s was of process %d",
				sentence(w.Event), c.truth.name(of), lives[0].PID)
		}
	}
}

// leads tells whether the id is a process's by the truth.
func (c *Case) leads(tid event.TID) bool {
	return slices.ContainsFunc(c.truth.byTID[tid], func(l *life) bool { return l.PID == tid })
}

// wrongKinds are births of another kind than was told. That a process was born by a vfork is known
// from the fixture's head alone: the kernel's account has it as a fork.
func wrongKinds(c *Case, f *finding) {
	for _, r := range c.reports {
		if !r.Kind.IsBirth() || r.child == nil || !r.child.kind().IsBirth() {
			continue
		}
		real, stated := r.child.kind(), c.births[r.child.Path]
		switch {
		case (r.Kind == event.Clone) != (real == event.Clone):
		case real == event.Clone, stated == 0, stated == r.Kind:
			continue
		case r.Kind == event.Fork && !c.Debugger.Abilities.Has(Vforks):
			continue // it calls each process's birth so
		default:
			real = stated
		}
		f.breach("wrong kind of birth", tids{r.Child}, nil,
			"reported: %s; it was a %s (a clone is a thread's birth, a fork or vfork a process's)",
			sentence(r.Event), real)
	}
}

// unknownTasks are the tasks that words name and that the program did not have.
func (c *Case) unknownTasks(f *finding, words Words, how string) {
	f.judged += len(words)
	for _, w := range words {
		for _, tid := range mentioned(w.Event) {
			if !c.existed(tid) {
				f.breach("unknown task", tids{tid}, nil,
					"%s: %s; the kernel created no task %d for this program",
					how, sentence(w.Event), tid)
			}
		}
	}
}

// existed tells whether the program had a task with this tid: by the truth, or by what a look at
// /proc showed. A newborn that is held before it could announce itself is in no ledger.
func (c *Case) existed(tid event.TID) bool {
	seen := func(l Look) bool {
		return slices.ContainsFunc(l.Tasks, func(t Task) bool { return t.TID == tid })
	}
	return len(c.truth.byTID[tid]) > 0 || slices.ContainsFunc(c.Looks, seen) ||
		slices.ContainsFunc(c.Standstills, func(s Standstill) bool {
			return seen(s.Stood) || seen(s.After) || seen(s.Left)
		})
}

// mentioned are the tids that an event names. A debugger that cannot tell a creator leaves it zero,
// but a birth is always of some task.
func mentioned(e event.Event) []event.TID {
	var named []event.TID
	for _, tid := range []event.TID{e.TID, e.Child, e.Former} {
		if tid != 0 {
			named = append(named, tid)
		}
	}
	if e.Kind.IsBirth() && e.Child == 0 {
		named = append(named, 0)
	}
	return named
}

func once(c *Case, f *finding) {
	for _, r := range c.reports {
		if !begins(r.Kind) && r.Kind != event.Exit {
			continue
		}
		f.judged++
		if r.again {
			f.breach("told twice", tids{r.TID, r.Child}, nil,
				"%s: this was reported before", sentence(r.Event))
		}
	}
	ready := 0
	for _, w := range c.Words {
		if w.Kind == event.Ready {
			if ready++; ready == 2 {
				f.breach("told twice", tids{w.TID}, nil,
					"%s: this was reported before", sentence(w.Event))
			}
		}
	}
	execsToldTwice(c, f)
	c.vforkDonesToldTwice(f)
	c.signalsToldTwice(f)
	if len(f.bad) == 0 && !c.Debugger.Abilities.Has(Births) {
		f.lacks = Births // what it tells twice is twice told, whatever it offers
	}
}

func parent(c *Case, f *finding) {
	for _, r := range c.reports {
		if !r.Kind.IsBirth() || r.child == nil {
			continue
		}
		f.judged++
		if real := r.child.Maker; r.child.Creator != nil && r.TID != real {
			f.breach("wrong creator", tids{r.Child, real, r.TID}, nil,
				"reported: %s; %s was created by %s",
				sentence(r.Event), r.child.Path, c.truth.name(real))
		}
	}
}

func order(c *Case, f *finding) {
	c.earlyVforkDones(f)
	known := c.known()
	for _, r := range c.reports {
		f.judged++
		switch {
		case r.early && known[r.self]:
			f.breach("before its birth", tids{r.TID}, nil,
				"%s: this was reported before the birth of %s",
				sentence(r.Event), c.truth.name(r.TID))
		case r.late && !r.again:
			f.breach("after its death", tids{r.TID}, nil,
				"%s: this was reported after the death of %s",
				sentence(r.Event), c.truth.name(r.TID))
		}
	}
}

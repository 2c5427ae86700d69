package judge

import (
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// What a debugger had to tell: of which tasks, until when, and up to which failure of its own.

// until is when the debugger was asked to let go, or the run's time was over, or never. Then the
// suite ends the program, and bounded judges that it had to.
func (e *Evidence) until() time.Duration {
	end := never
	if e.Detach.State != NotAsked {
		end = e.Detach.Asked
	}
	for _, l := range e.Looks {
		if l.When == AtOverdue {
			end = min(end, l.At)
		}
	}
	return end
}

// debugged tells whether a life must have been reported: it is not foreign, and lived while the
// program was under the debugger, and not only while that attached or let go. A thread that was
// born during the attach and outlives it is announced by its creator, or /proc shows it once the
// creator has stopped. The kernel tells no tracer of an untraced birth; a task that was born so
// must be found at an attach.
func (c *Case) debugged(l *life) bool {
	if l.untraced && (!c.truth.witnessed || l.born >= c.Attach.Asked) {
		return false
	}
	return !c.foreign[l] && c.truth.livedPast(l, c.Attach.Complete) && c.bornBeforeDetach(l)
}

// hadTracer tells whether a task had another tracer when the debugger attached. Then it cannot be
// the debugger's.
func (c *Case) hadTracer(tid event.TID) bool {
	return slices.ContainsFunc(c.looks(BeforeAttach), func(t Task) bool {
		return t.TID == tid && t.Tracer != 0
	})
}

// findForeign finds the lives that were never the debugger's. One that attaches to a process has
// neither the processes that it had made before, nor their children, nor a leader that is a zombie,
// nor tasks with another tracer. A process whose birth was under way at the attach is announced to
// no debugger, and is not below /proc/PID/task: one born inside the attach is the debugger's if it
// says so.
func (c *Case) findForeign() {
	root := c.truth.root()
	processes, zombie := make(map[event.TID]bool), false
	known := c.known()
	for _, l := range c.truth.lives {
		since := c.truth.witnessed && l.born < c.Attach.Complete
		inside := l.born > c.Attach.Asked
		isProcess := l.Kind.IsBirth() && l.Kind != event.Clone
		if since && isProcess && !(inside && known[l]) {
			processes[l.PID] = true
		}
	}
	there := make(map[event.TID]bool)
	for _, t := range c.looks(BeforeAttach) {
		processes[t.PID] = t.PID != root.PID
		zombie = zombie || t.TID == root.TID && strings.HasPrefix(t.State, "Z")
		there[t.TID] = true
	}
	c.foreign = make(map[*life]bool)
	for _, l := range c.truth.lives {
		// Without the kernel's account, the look says which of those that had come were gone.
		gone := 0 < l.came && l.came <= c.announced() && !there[l.TID]
		c.foreign[l] = zombie && l == root || c.hadTracer(l.TID) || gone
		for at := l.Life; at != nil; at = c.truth.above(at) {
			c.foreign[l] = c.foreign[l] || processes[at.PID]
		}
	}
}

// announced is how many tasks had announced themselves when the debugger was to attach, as far as
// it is known.
func (c *Case) announced() int {
	for _, l := range c.Looks {
		if l.When == BeforeAttach {
			return l.Announced
		}
	}
	return 0
}

// known are the lives whose beginning was reported.
func (c *Case) known() map[*life]bool {
	known := make(map[*life]bool)
	for _, r := range c.reports {
		known[r.child] = true
	}
	return known
}

// mayHaveMissed tells whether tasks may have come and gone before the attach at times that are not
// known: the program was at work, or makes tasks without pause, and the ledger has no times.
func (c *Case) mayHaveMissed() bool {
	return !c.truth.witnessed && c.Attach.State == Complete &&
		(!c.Control.Exact || c.Mode == fixtures.AttachDuring)
}

// isWhole tells whether the program ran to its end under the debugger, and no step failed.
func (c *Case) isWhole() bool {
	return c.Program.State == Over && c.Detach.State == NotAsked && !c.isOverdue() && !c.brokeOff()
}

// A debt is what a debugger had to tell: all, unless it broke off.
type debt struct {
	whole  bool
	named  map[*event.Life]bool // lives that it named otherwise than by their births
	latest time.Duration        // the last birth that it told; zero without an account of times
	over   map[event.TID]bool   // processes whose end it told
}

// owed is the run's debt. A debugger that broke off had to tell of what it cannot have been about
// to tell of.
func (c *Case) owed() debt {
	d := debt{
		whole: !c.brokeOff(),
		named: make(map[*event.Life]bool), over: make(map[event.TID]bool),
	}
	for _, r := range c.reports {
		if r.self != nil {
			d.named[r.self.Life] = true
			d.over[r.self.PID] = d.over[r.self.PID] || r.Kind == event.End
		}
		if r.child != nil && r.Kind.IsBirth() {
			d.named[r.child.Creator] = true
			d.latest = max(d.latest, r.child.born)
		}
	}
	for _, s := range c.Standstills {
		if s.Stood.At < c.Attach.Complete {
			continue // at an attach that was let go of again
		}
		for tid := range c.due(s.Stood) {
			for _, l := range c.truth.byTID[tid] {
				if l.born <= s.Stood.At { // one that had ended was reaped, since its id was free
					d.named[l.Life] = true
				}
			}
		}
	}
	return d
}

// birth tells whether a life's birth was due. It was if the debugger named the task otherwise: by
// an event of the task's, by the birth of its child, or as one that stood when a stop was said to
// be done.
func (d debt) birth(l *life) bool { return d.exec(l) || d.named[l.Life] }

// exec tells whether an exec by a life was due. It was if the life was over before the last birth
// that was told: a traced task comes to its end only when its tracer has let it go on from each of
// its stops.
func (d debt) exec(by *life) bool { return d.death(by) || by.died < d.latest }

// death tells whether a life's death was due. A tracer may learn of it late, but before the end of
// the process.
func (d debt) death(l *life) bool { return d.whole || d.over[l.PID] }

// The kernel stamps an event before the debugger can know it. So a debugger that was asked to let
// go of the program must have known an event if a look at /proc just before shows that it did: a
// birth or an exec if the task has gone on since, and a death if the task was reaped. A run that
// was kept without such a look is judged by the kernel's times.

// lookBeforeDetach notes what the look just before the detach showed.
func (c *Case) lookBeforeDetach() {
	c.lookedAt, c.atDetach = never, make(map[event.TID]Task)
	for _, l := range c.Looks {
		if l.When == BeforeDetach {
			c.lookedAt = l.At
			for _, t := range l.Tasks {
				c.atDetach[t.TID] = t
			}
		}
	}
}

// before tells whether something happened before the debugger was asked to let go of the program,
// and before the look just before that.
func (c *Case) before(at time.Duration) bool { return at < min(c.until(), c.lookedAt) }

// bornBeforeDetach tells whether the debugger must have known a task's birth by then. It need not
// if the task or its creator stands: one of the two may do so since the birth.
func (c *Case) bornBeforeDetach(l *life) bool {
	switch {
	case !c.before(l.born):
		return false
	case l.born <= c.Attach.Complete:
		return true // it was to be found at the attach
	case c.atDetach[l.TID].isHeldByTracer():
		return false
	}
	return !c.mayStandSince(l) ||
		slices.ContainsFunc(c.truth.lives, func(later *life) bool {
			return !l.found && later.Creator == l.Creator &&
				later.born > l.born && c.before(later.born)
		})
}

// mayStandSince tells whether the creator of a life stands. Any task of its process may be that of
// a thread whose creator is not known.
func (c *Case) mayStandSince(l *life) bool {
	if !l.found {
		return c.atDetach[l.Maker].isHeldByTracer()
	}
	for _, t := range c.atDetach {
		if t.PID == l.PID && t.isHeldByTracer() {
			return true
		}
	}
	return false
}

// diedBeforeDetach tells whether the debugger must have known a task's death by then: the task is
// gone, or is a zombie that its tracer has left to its parent. A leader can be waited for only
// after its threads.
func (c *Case) diedBeforeDetach(l *life) bool {
	t, there := c.atDetach[l.TID]
	return c.before(l.died) && (!there || t.Ended() && t.Tracer == 0)
}

// executedBeforeDetach tells whether the debugger must have known an exec by then. Without the
// connector, one process is taken to come to the checkpoint of the detach after its exec.
func (c *Case) executedBeforeDetach(pid event.TID, x execution) bool {
	if !c.before(x.at) || c.atDetach[pid].isHeldByTracer() {
		return false
	}
	return c.Detach.State == NotAsked ||
		len(c.truth.processes) == 1 && c.Account.Source != PerfAndConnector ||
		c.truth.wasExecOver(pid, x, min(c.until(), c.lookedAt))
}

// wasExecOver tells whether an exec was over for sure at some time after its record. The kernel
// records an exec before PTRACE_EVENT_EXEC: a debugger that attaches between the two is told of it,
// and one that detaches is not. A process that has made a task, executed again or exited since is
// past both, and the connector's record comes after both. A death by a signal says nothing. Without
// the kernel's account no time is known, and nothing is over for sure.
func (t *truth) wasExecOver(pid event.TID, x execution, at time.Duration) bool {
	if t.late {
		return true
	}
	isSince := func(happened time.Duration) bool { return happened > x.at && happened <= at }
	return isSince(x.by.died) && x.by.status.Signal() == 0 ||
		slices.ContainsFunc(t.returns[pid], isSince) ||
		slices.ContainsFunc(t.execs[pid], func(x execution) bool { return isSince(x.at) }) ||
		slices.ContainsFunc(t.lives, func(l *life) bool {
			return l.Creator != nil && l.Creator.PID == pid && isSince(l.born)
		})
}

func (t Task) isHeldByTracer() bool { return t.Held() && t.Tracer != 0 }

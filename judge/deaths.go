package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// exit judges the ends of tasks and of processes. Where tasks may have come and gone before the
// attach, it judges only those that are told, of ids that one task had.
func exit(c *Case, f *finding) {
	unsure := c.mayHaveMissed()
	ends := make(map[*life]int) // the place of each life's end in the reports
	for i, r := range c.reports {
		if r.Kind == event.Exit && r.self != nil && !r.again {
			ends[r.self] = i
		}
	}
	statuses, owed := c.Debugger.Abilities.Has(Statuses), c.owed()
	for _, l := range c.truth.lives {
		end, told := ends[l]
		due := !unsure && c.debugged(l) && l.died != never && c.diedBeforeDetach(l) && owed.death(l)
		if !told && !due || unsure && len(c.truth.byTID[l.TID]) > 1 {
			continue
		}
		f.judged++
		if !told {
			f.breach("unreported death", tids{l.TID}, nil,
				"task %d (%s) ended, and its end was not reported", l.TID, l.Path)
			continue
		}
		said := c.reports[end].Status
		if statuses && !said.Same(l.status) && !c.mayBeGroupStatus(end) {
			f.breach("wrong status", tids{l.TID}, numbers{int(l.status), int(said)},
				"task %d (%s): the kernel says status %s, the debugger said %s",
				l.TID, l.Path, l.status, said)
		}
	}
	c.processEnds(f, ends)
	c.earlyEnds(f)
	if unsure {
		f.untestedUnlessBad(noWitness)
	}
}

// mayBeGroupStatus tells whether a task may have been waited for only when its whole process had
// ended. Then the kernel gives the process's status, also for a task that ended earlier with
// another (wait_task_zombie in kernel/exit.c). It may if only ends of that process are reported
// from there on. A leader is never waited for before.
func (c *Case) mayBeGroupStatus(at int) bool {
	end := c.reports[at]
	p := c.truth.process[end.self]
	return p.ended() != never && end.Status.Same(c.endOf(p)) &&
		!slices.ContainsFunc(c.reports[at:], func(r report) bool {
			return c.truth.process[r.self] == p && r.Kind != event.Exit && r.Kind != event.End
		})
}

// processEnds judges the end of each process, which comes after its last task's. The kernel tells
// it to the leader's tracer, so to none if the leader was a zombie at the attach.
func (c *Case) processEnds(f *finding, told map[*life]int) {
	ends := make(map[*process]int)      // the place of each process's end in the reports
	asThread := make(map[*process]bool) // sound accuses the debugger that took it for a thread
	for i, r := range c.reports {
		p := c.processOf(r)
		if _, again := ends[p]; r.Kind == event.End && p != nil && !again &&
			(r.TID == 0 || r.TID == p.pid) {
			ends[p] = i
		}
		if r.Kind == event.Clone && r.child != nil {
			born := c.truth.process[r.child]
			asThread[born] = asThread[born] || r.child == born.tasks[0]
		}
	}
	for _, p := range c.truth.processes {
		end, isTold := ends[p]
		switch {
		case isTold:
			f.judged++
			c.processEnd(f, p, end)
		case !asThread[p] && c.mustTellEnd(p, told):
			f.breach("unreported end", tids{p.pid}, nil,
				"process %d ended, and its end was not reported", p.pid)
		}
	}
	for i, r := range c.reports {
		p := c.processOf(r)
		if end, isTold := ends[p]; isTold && i > end {
			f.breach("after the end of its process", tids{r.TID}, nil,
				"%s: this was reported after the end of process %d", sentence(r.Event), p.pid)
		}
	}
}

// processOf is the process that a report is about, nil if the truth has no such process.
func (c *Case) processOf(r report) *process {
	if r.self != nil {
		return c.truth.process[r.self]
	}
	for _, p := range c.truth.processes {
		if p.pid == r.PID {
			return p
		}
	}
	return nil
}

// mustTellEnd tells whether the end of a process was due. That of another than the first is due if
// the ends of all its tasks were told: else those are missed already.
func (c *Case) mustTellEnd(p *process, told map[*life]int) bool {
	if c.Detach.State != NotAsked || c.foreign[p.leader] || c.mayHaveMissed() || c.brokeOff() {
		return false
	}
	if p == c.truth.processes[0] {
		return c.Program.State == Over
	}
	return c.debugged(p.leader) && p.ended() != never &&
		!slices.ContainsFunc(p.tasks, func(l *life) bool {
			_, ok := told[l]
			return !ok
		})
}

// endOf is the status with which a process ended, as far as it is known.
func (c *Case) endOf(p *process) event.Status {
	if p == c.truth.processes[0] {
		if c.Program.Status == event.Unknown {
			return p.toldEnd() // before Linux 6.15 its parent alone knows
		}
		return c.Program.Status
	}
	if told := p.toldEnd(); told != event.Unknown {
		return told
	}
	// An end comes after the leader's exit, and stands in the head only if it differs.
	status, _ := declaredStatus(c.expected, p.leader.Path, event.Exit, event.End)
	return status
}

func (c *Case) processEnd(f *finding, p *process, end int) {
	said, real := c.reports[end].Status, c.endOf(p)
	if c.Debugger.Abilities.Has(Statuses) && !said.Same(real) {
		f.breach("wrong status of the process", tids{p.pid}, numbers{int(real), int(said)},
			"process %d: the kernel says status %s, the debugger said %s", p.pid, real, said)
	}
}

// earlyEnds are ends that were told before they came: after the word was read, the task did what no
// dying task does. The kernel's record of the end is no yardstick: a task that is held at
// PTRACE_EVENT_EXIT is rightly told to have ended, long before that record.
//
// This is a matter of exit, not of order: a debugger that tells only deaths is held to it too.
func (c *Case) earlyEnds(f *finding) {
	acts := c.latestActs()
	for _, r := range c.reports {
		var last act
		switch {
		case r.Kind == event.Exit:
			last = acts[actor{r.self, r.TID}]
		case r.Kind == event.End:
			if p := c.processOf(r); p != nil && (r.TID == 0 || r.TID == p.pid) {
				last = acts.ofProcess(p)
			}
		}
		if r.before(last.at) {
			f.breach("told before its end", tids{cmp.Or(r.TID, r.PID)}, nil,
				"%s: this was reported at %v, and %s at %v",
				sentence(r.Event), r.at, last.what, last.at)
		}
	}
}

// An act shows that a task lived at some time and was not about to end.
type act struct {
	at   time.Duration
	what string
}

// An actor is a task under one of its ids. The task that takes its process's id by an exec ends
// under its former id, and some debuggers tell that.
type actor struct {
	*life
	as event.TID
}

type latestActs map[actor]act

// latestActs are the latest acts of all tasks: a birth that it made, an exec, or that /proc showed
// it alive.
func (c *Case) latestActs() latestActs {
	latest := make(latestActs)
	note := func(l *life, as event.TID, at time.Duration, what string, args ...any) {
		if key := (actor{l, as}); latest[key].at < at {
			latest[key] = act{at, fmt.Sprintf(what, args...)}
		}
	}
	if c.truth.witnessed {
		lives := make(map[*event.Life]*life)
		for _, l := range c.truth.lives { // a creator comes before its children
			lives[l.Life] = l
			if maker := lives[l.Creator]; maker != nil {
				note(maker, l.Maker, l.born, "task %d made task %d", l.Maker, l.First)
			}
		}
		for pid, execs := range c.truth.execs {
			for _, x := range execs {
				note(x.by, pid, x.at, "process %d executed a program", pid)
			}
		}
	}
	looks := slices.Clone(c.Looks)
	for _, s := range c.Standstills {
		looks = append(looks, s.Stood, s.After)
	}
	for _, look := range looks {
		for _, t := range look.Tasks {
			l := c.truth.holder(t.TID, look.At)
			// A look takes its time: what it shows may be the next task with that id.
			lives := c.truth.byTID[t.TID]
			isLast := len(lives) > 0 && l == lives[len(lives)-1]
			if isLast && l.PID == t.PID && t.Lives(c.kernel) {
				note(l, t.TID, look.At, "/proc showed task %d alive (%s)", t.TID, t)
			}
		}
	}
	return latest
}

// ofProcess is the latest act of any task of a process.
func (a latestActs) ofProcess(p *process) (last act) {
	for _, l := range p.tasks {
		for _, as := range []event.TID{l.First, l.TID} {
			if one := a[actor{l, as}]; one.at > last.at {
				last = one
			}
		}
	}
	return last
}

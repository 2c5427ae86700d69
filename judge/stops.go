package judge

import (
	"maps"
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// MustStand tells whether a debugger had to stop a task at a standstill: it can be stopped, and is
// of the program's first process or of another in which the debugger traces a task.
func MustStand(t Task, tasks []Task, root event.TID) bool {
	return t.Stoppable() && (t.PID == root || slices.ContainsFunc(tasks, func(other Task) bool {
		return other.PID == t.PID && other.Tracer != 0
	}))
}

// due are the tasks of a look that the debugger had to stop, by their ids. Of an untraced task the
// kernel tells it nothing; it need not look for one.
func (c *Case) due(stood Look) map[event.TID]bool {
	due := make(map[event.TID]bool)
	for _, t := range stood.Tasks {
		untraced := slices.ContainsFunc(c.truth.byTID[t.TID], func(l *life) bool {
			return l.untraced && (!c.truth.witnessed || l.born >= c.Attach.Asked)
		})
		if MustStand(t, stood.Tasks, c.truth.root().PID) && !untraced && !c.hadTracer(t.TID) {
			due[t.TID] = true
		}
	}
	return due
}

// snapshot compares each list of threads with what /proc showed before and after it was made.
func snapshot(c *Case, f *finding) {
	unlisted(c, f)
	for _, s := range c.Standstills {
		listed, ended := make(map[event.TID]int), make(map[event.TID]bool)
		for _, tid := range s.Listed {
			listed[tid]++
		}
		there := make(map[event.TID]bool)
		for _, t := range s.Stood.Tasks {
			there[t.TID], ended[t.TID] = true, t.Ended()
		}
		for _, t := range s.After.Tasks {
			there[t.TID] = true
		}
		for _, tid := range slices.Sorted(maps.Keys(listed)) {
			name := c.truth.name(tid)
			switch {
			case !there[tid] && !c.truth.livedIn(tid, s.During):
				f.breach("listed and not there", tids{tid}, nil,
					"%s was listed %s, and the program has no such task then", name, s.Where)
			case ended[tid]:
				f.breach("listed and ended", tids{tid}, nil,
					"%s was listed %s, and had ended", name, s.Where)
			case listed[tid] > 1:
				f.breach("listed twice", tids{tid}, numbers{1, listed[tid]},
					"%s was listed %d times %s", name, listed[tid], s.Where)
			}
		}
		f.judged += len(s.Listed)
	}
}

// unlisted are the tasks that stood all the time while a list was made, and are not in it.
func unlisted(c *Case, f *finding) {
	for _, s := range c.Standstills {
		due := c.due(s.Stood)
		f.judged += len(due)
		for _, t := range s.After.Tasks {
			if due[t.TID] && t.Stoppable() && !slices.Contains(s.Listed, t.TID) {
				f.breachBy(c, t, "unlisted", "was not listed "+s.Where)
			}
		}
	}
}

// stopped looks whether every task stood.
func stopped(c *Case, f *finding) {
	for _, s := range c.Standstills {
		due := c.due(s.Stood)
		f.judged += len(due)
		for _, t := range s.Stood.Tasks {
			if due[t.TID] && !t.Stands() {
				f.breachBy(c, t, "ran on", "ran on "+s.Where)
			}
		}
	}
}

package scene

import (
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

// Stood looks at a program whose debugger says that all of it stands. The debugger has waited for
// each task then, so the look comes at once. A task that does not stand is looked at again until
// that is proven or explained: its motion then says which, and a task that is on its way out, or
// that stands by then, is shown so.
func (s Scene) Stood() []judge.Task {
	root, tasks := s.Root(), s.Tasks()
	var doubts []*doubt
	for i, t := range tasks {
		if judge.MustStand(t, tasks, root) && !stands(t) {
			procfs.Examine(&tasks[i])
			d := &doubt{task: &tasks[i], last: t}
			d.ran, _, _ = procfs.CPU(t)
			doubts = append(doubts, d)
		}
	}
	gone := make(map[event.TID]bool)
	for deadline := time.Now().Add(s.Scale.Of(limits.Settle)); len(doubts) > 0; {
		late := time.Now().After(deadline)
		doubts = slices.DeleteFunc(doubts, func(d *doubt) bool {
			now, ok := procfs.ReadTask(d.last.PID, d.last.TID)
			if !ok {
				gone[d.last.TID] = true
				return true
			}
			if late {
				d.task.Motion = judge.Starved
			}
			return d.settle(now) || late
		})
		time.Sleep(time.Millisecond) // sleep: /proc tells of no change
	}
	return slices.DeleteFunc(tasks, func(t judge.Task) bool { return gone[t.TID] })
}

// stands tells whether a task is where a stop brings it. The parent of a vfork stays in D, and so
// does a task whose exec waits for the end of the others: the stop comes when they go on.
func stands(t judge.Task) bool {
	return t.Held() || t.Tracer != 0 && (procfs.IsVforkParent(t) || procfs.IsExecuting(t))
}

// A doubt is a task that did not stand when the stop was said to be done.
type doubt struct {
	task  *judge.Task // as it was looked at first
	last  judge.Task
	ran   time.Duration
	moves int // how often it had moved since the look before
}

// provenMoves is how often in a row a task that is about to run must have moved. A newborn on its
// way to its first stop, or a task on its way out that the kernel has not marked yet, moves once.
const provenMoves = 2

// settle takes a further look. It is true if that settles the doubt.
func (d *doubt) settle(now judge.Task) bool {
	ran, _, _ := procfs.CPU(now)
	moved := now.Switches != d.last.Switches || ran != d.ran
	asleep := strings.HasPrefix(d.last.State, "S") && strings.HasPrefix(now.State, "S")
	d.last, d.ran = now, ran
	if moved {
		d.moves++
	}
	switch {
	case stands(now) || !now.Stoppable():
		*d.task = now
		return true
	case asleep, strings.HasPrefix(now.State, "D") && now.Tracer == 0:
		// A stop that is on its way would have woken it; without a tracer there is none.
		d.task.Motion = judge.Still
		return true
	case d.moves >= provenMoves:
		d.task.Motion = judge.Moved
		return true
	}
	return false
}

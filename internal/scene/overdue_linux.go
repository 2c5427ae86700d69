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

// Overdue looks at a program whose time is over, and again a moment later. One look proves nothing,
// since tasks are stopped for a moment at each birth. A task that a debugger holds is still only if
// the debugger had the time to let it go: one that waits for a CPU has not.
func (s Scene) Overdue() []judge.Task {
	program := s.Tasks()
	for i := range program {
		procfs.Examine(&program[i])
	}
	rested := s.debuggerRests(s.Scale.Of(limits.SecondLook), s.Scale.Of(limits.Grace))
	for i, t := range program {
		later, there := procfs.ReadTask(t.PID, t.TID)
		program[i].Motion = motion(t, later, there, rested)
	}
	return program
}

// motion compares two looks at a task. there tells that it lives on, and rested that its debugger
// had the time to let it go.
func motion(before, later judge.Task, there, rested bool) judge.Motion {
	switch {
	case !there || later.State != before.State || later.Switches != before.Switches:
		return judge.Moved
	case before.Tracer != 0 && !rested:
		return judge.Starved
	}
	return judge.Still
}

// rests tells whether a thread of the debugger sleeps, or has had enough of a CPU.
func rests(t judge.Task, ran, enough time.Duration) bool {
	awake := strings.HasPrefix(t.State, "R") || strings.HasPrefix(t.State, "D")
	return !awake || ran >= enough
}

// AwaitRest waits until the program's tasks sleep and have not moved for a moment. It gives up
// after some time: a runtime's threads may never rest.
func (s Scene) AwaitRest() {
	awake := func(t judge.Task) bool { return !rests(t, 0, 1) }
	before := s.Tasks()
	for begin := time.Now(); time.Since(begin) < s.Scale.Of(limits.Grace); {
		time.Sleep(s.Scale.Of(limits.SecondLook)) // sleep: nothing must happen meanwhile
		now := s.Tasks()
		if slices.Equal(before, now) && !slices.ContainsFunc(now, awake) {
			return
		}
		before = now
	}
}

// debuggerRests waits for a time, and until at one look each thread of the debugger sleeps or has
// run for that time since. It gives up after the patience, and tells that.
func (s Scene) debuggerRests(enough, patience time.Duration) bool {
	first := make(map[event.TID]time.Duration)
	for begin := time.Now(); ; {
		program, debugger := s.tasks()
		restless := false
		for _, t := range append(debugger, tracers(program)...) {
			now, _, counted := procfs.CPU(t)
			if _, seen := first[t.TID]; !seen {
				first[t.TID] = now
			}
			restless = restless || counted && !rests(t, now-first[t.TID], enough)
		}
		passed := time.Since(begin)
		if passed >= enough && !restless || passed >= patience {
			return !restless
		}
		time.Sleep(time.Millisecond) // sleep: /proc tells of no change
	}
}

package harness

import (
	"fmt"
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// A standstill is a moment at which all tasks of the program were to stand: after an attach, or a stop.
type standstill struct {
	where  string      // "at the attach"
	stood  []procTask  // what /proc showed then
	listed []event.TID // what the debugger listed; empty if it lists nothing
	during interval    // when it did
	after  []procTask  // what /proc showed after that
	left   []procTask  // who stood on when all were to go on
}

// mustStand tells whether a debugger had to stop a task at a standstill: whether it can be stopped, and is of the program's first
// process or of another that the debugger has.
func mustStand(t procTask, tasks []procTask, root event.TID) bool {
	if !t.stoppable() {
		return false
	}
	return t.pid == root || slices.ContainsFunc(tasks, func(other procTask) bool { return other.pid == t.pid && other.tracer != 0 })
}

// stands tells whether a task is where a debugger's stop brings it: in a stop, or, as the parent of a vfork, in D with one to come.
func (t procTask) stands() bool {
	return t.held() || t.state != "" && t.state[0] == 'D'
}

// hidden tells a task of which the kernel tells no debugger, which need not look for it.
func (e *evidence) hidden(tid event.TID) bool {
	return slices.ContainsFunc(e.truth.byTID[tid], func(l *life) bool {
		return l.untraced && (!e.truth.witnessed || l.born >= e.attached.issued)
	})
}

// expected are the tasks that a debugger had to stop, by their ids.
func (e *evidence) expected(tasks []procTask) map[event.TID]procTask {
	due := make(map[event.TID]procTask)
	for _, t := range tasks {
		if mustStand(t, tasks, e.truth.root().PID) && !e.hidden(t.tid) && !e.taken(t.tid) {
			due[t.tid] = t
		}
	}
	return due
}

// snapshot compares each list of threads with what /proc showed before and after it was made.
func snapshot(e *evidence) (bad []string, judged int, err error) {
	if err := lacks(e.can, Threads); err != nil {
		return nil, 0, err
	}
	bad, judged = e.unlisted()
	for _, s := range e.standstills {
		listed, ended := make(map[event.TID]int), make(map[event.TID]bool)
		for _, tid := range s.listed {
			listed[tid]++
		}
		there := make(map[event.TID]bool)
		for _, t := range s.stood {
			there[t.tid], ended[t.tid] = true, t.ended()
		}
		for _, t := range s.after {
			there[t.tid] = true
		}
		for _, tid := range slices.Compact(slices.Sorted(slices.Values(s.listed))) {
			switch {
			case !there[tid] && !e.truth.lived(tid, s.during):
				bad = append(bad, fmt.Sprintf("%s was listed %s, and the program has no such task then", e.truth.name(tid), s.where))
			case ended[tid]:
				bad = append(bad, fmt.Sprintf("%s was listed %s, and had ended", e.truth.name(tid), s.where))
			case listed[tid] > 1:
				bad = append(bad, fmt.Sprintf("%s was listed %d times %s", e.truth.name(tid), listed[tid], s.where))
			}
		}
		judged += len(s.listed)
	}
	return bad, judged, nil
}

// unlisted are the tasks that stood all the time while a list was made, and are not in it.
func (e *evidence) unlisted() (bad []string, judged int) {
	for _, s := range e.standstills {
		due := e.expected(s.stood)
		judged += len(due)
		for _, t := range s.after {
			if _, stood := due[t.tid]; stood && t.stoppable() && !slices.Contains(s.listed, t.tid) {
				bad = append(bad, fmt.Sprintf("%s was not listed %s: %s", e.truth.name(t.tid), s.where, t))
			}
		}
	}
	return bad, judged
}

// lived tells whether a task lived in an interval by the witness's account: an orphan that has not announced itself yet
// is nobody's child that we know in /proc.
func (t *truth) lived(tid event.TID, in interval) bool {
	return t.witnessed && slices.ContainsFunc(t.byTID[tid], func(l *life) bool { return l.born <= in.complete && l.died > in.issued })
}

// stopped looks whether every task stood.
func stopped(e *evidence) (bad []string, judged int, err error) {
	if err := lacks(e.can, Stop); err != nil {
		return nil, 0, err
	}
	for _, s := range e.standstills {
		due := e.expected(s.stood)
		judged += len(due)
		for _, t := range s.stood {
			if _, ok := due[t.tid]; ok && !t.stands() {
				bad = append(bad, fmt.Sprintf("%s ran on %s: %s", e.truth.name(t.tid), s.where, t))
			}
		}
	}
	return bad, judged, nil
}

package harness

import (
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// announced is a ledger's content: what the tasks of a program said of themselves, a
// slot a task, in the order in which their creators claimed the slots.
type announced []announcement

type announcement struct {
	tid, pid      event.TID // zero if the task never came
	creator       int       // the creator's slot, -1 if unknown
	sent, handled int       // signals
	came          int       // how many had announced themselves then, with itself
	exec          bool      // it is no new task, but what its creator became by an exec
	host          bool      // it is none of the fixture's, but of the program that hosts it
}

// root is the program's first task, which has slot 0.
func (a announced) root() announcement {
	if len(a) == 0 {
		return announcement{}
	}
	return a[0]
}

// paths are the birth paths by the program's own account: creators claim slots in the order
// of their births. A slot whose creator is unknown, or who never came, has none.
func (a announced) paths() []event.Path {
	paths := make([]event.Path, len(a))
	born := make(map[event.Path]int)
	for i, s := range a {
		switch {
		case s.tid == 0:
		case i == 0:
			paths[i] = event.Main
		case s.creator < 0 || s.creator >= i:
		case s.exec:
			paths[i] = paths[s.creator]
		case paths[s.creator] != "":
			creator := paths[s.creator]
			born[creator]++
			paths[i] = creator.Nth(born[creator])
		}
	}
	return paths
}

// trace is the births and execs in an order in which they can have been, for where there is no other account: those of
// a creator in the order of its slots, and of two tasks with one id the one that came first. Tasks of unknown creator
// are left out.
func (a announced) trace() event.Trace {
	var trace event.Trace
	paths := a.paths()
	untold := make(map[int][]int) // of each creator's slot, the slots that are to be told of
	var came []int
	for i, s := range a {
		if paths[i] != "" {
			untold[s.creator] = append(untold[s.creator], i)
			came = append(came, i)
		}
	}
	slices.SortStableFunc(came, func(i, j int) int { return a[i].came - a[j].came })
	told := make([]bool, len(a))
	var tell func(slot int)
	tell = func(slot int) {
		if told[slot] {
			return
		}
		creator := a[slot].creator
		if slot > 0 {
			tell(creator)
		}
		for !told[slot] {
			next := untold[creator][0]
			untold[creator] = untold[creator][1:]
			trace, told[next] = append(trace, a.event(next)), true
		}
	}
	for _, slot := range came {
		tell(slot)
	}
	return trace
}

// event is what a slot tells of: a birth, or an exec.
func (a announced) event(slot int) event.Event {
	s := a[slot]
	if slot == 0 {
		return event.Event{Kind: event.Ready, PID: s.pid, TID: s.tid}
	}
	creator := a[s.creator]
	switch {
	case s.exec:
		return event.Event{Kind: event.Exec, PID: s.pid, TID: s.tid, Former: creator.tid}
	case s.pid != creator.pid:
		return event.Event{Kind: event.Fork, PID: creator.pid, TID: creator.tid, Child: s.tid}
	default:
		return event.Event{Kind: event.Clone, PID: creator.pid, TID: creator.tid, Child: s.tid}
	}
}

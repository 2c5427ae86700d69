package harness

import "github.com/tidcheck/tidcheck/event"

// announced is a ledger's content: what the tasks of a program said of themselves, a
// slot a task, in the order in which their creators claimed the slots.
type announced []announcement

type announcement struct {
	tid, pid      event.TID // zero if the task never came
	creator       int       // the creator's slot, -1 if unknown
	sent, handled int       // signals
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

// trace is the births and execs in the order of the slots, for where there is no other account. Tasks of unknown
// creator are left out.
func (a announced) trace() event.Trace {
	var trace event.Trace
	paths := a.paths()
	for i, s := range a {
		switch {
		case paths[i] == "":
		case i == 0:
			trace = append(trace, event.Event{Kind: event.Ready, PID: s.pid, TID: s.tid})
		case s.exec:
			trace = append(trace, event.Event{Kind: event.Exec, PID: s.pid, TID: s.tid, Former: a[s.creator].tid})
		default:
			creator, kind := a[s.creator], event.Clone
			if s.pid != creator.pid {
				kind = event.Fork
			}
			trace = append(trace, event.Event{Kind: kind, PID: creator.pid, TID: creator.tid, Child: s.tid})
		}
	}
	return trace
}

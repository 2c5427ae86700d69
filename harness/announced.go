package harness

import (
	"iter"
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
	came          int       // its place in the order in which the tasks came; that of two with one id is the order of their lives
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

// trace is the births and execs by slot, in the order of the slots, for where there is no other account. Tasks of
// unknown creator are left out. In place of ids it has the numbers of the slots in which the tasks were born, from 1: of
// two tasks with one id the second may have the first slot, since slots are claimed before births.
func (a announced) trace() iter.Seq2[int, event.Event] {
	return func(yield func(int, event.Event) bool) {
		paths := a.paths()
		tids, pids := make([]event.TID, len(a)), make([]event.TID, len(a))
		for i, s := range a {
			if paths[i] == "" {
				continue
			}
			own := event.TID(i + 1)
			e := event.Event{Kind: event.Ready, PID: own, TID: own}
			tids[i], pids[i] = own, own
			if i > 0 {
				tid, pid := tids[s.creator], pids[s.creator]
				switch {
				case s.exec:
					tids[i], pids[i] = pid, pid
					e = event.Event{Kind: event.Exec, PID: pid, TID: pid, Former: tid}
				case s.pid != a[s.creator].pid:
					e = event.Event{Kind: event.Fork, PID: pid, TID: tid, Child: own}
				default:
					pids[i] = pid
					e = event.Event{Kind: event.Clone, PID: pid, TID: tid, Child: own}
				}
			}
			if !yield(i, e) {
				return
			}
		}
	}
}

// inOrder are the slots in the order in which their tasks came.
func (a announced) inOrder() []int {
	slots := make([]int, len(a))
	for i := range slots {
		slots[i] = i
	}
	slices.SortStableFunc(slots, func(i, j int) int { return a[i].came - a[j].came })
	return slots
}

// overtaken is, of each slot, how many later ones of its id have tasks that came before its own.
func (a announced) overtaken(order []int) []int {
	counts := make([]int, len(a))
	had := make(map[event.TID][]int) // of each id, the slots whose tasks have come
	for _, i := range order {
		if a[i].tid == 0 || a[i].exec {
			continue
		}
		for _, other := range had[a[i].tid] {
			if other > i {
				counts[i]++
			}
		}
		had[a[i].tid] = append(had[a[i].tid], i)
	}
	return counts
}

package judge

import (
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// A ledger is what a program's tasks said of themselves, a slot a task.
type ledger []Announcement

// root is the program's first task, which has slot 0. Its state is Claimed if it never came.
func (l ledger) root() Announcement {
	if len(l) == 0 {
		return Announcement{State: Claimed}
	}
	return l[0]
}

// paths are the birth paths by the program's own account: creators claim slots in the order of
// their births. A slot has none if its task never came, or if its creator is unknown.
func (l ledger) paths() []event.Path {
	paths := make([]event.Path, len(l))
	born := make(map[event.Path]int)
	for i, a := range l {
		switch {
		case a.State == Claimed:
		case i == 0:
			paths[i] = event.Main
		case a.Creator == UnknownCreator || a.Creator >= i:
		case a.State == Executed:
			paths[i] = paths[a.Creator]
		case paths[a.Creator] != "":
			creator := paths[a.Creator]
			born[creator]++
			paths[i] = creator.Nth(born[creator])
		}
	}
	return paths
}

// trace is the birth or exec of each slot, for a run without an account by the kernel. It is zero
// for a slot without a path. Each id is replaced by the number, from 1, of the slot in which its
// task was born: slots are claimed before births, so of two tasks with one id the second may have
// the first slot.
func (l ledger) trace(paths []event.Path) []event.Event {
	events := make([]event.Event, len(l))
	tids, pids := make([]event.TID, len(l)), make([]event.TID, len(l))
	for i, a := range l {
		if paths[i] == "" {
			continue
		}
		own := event.TID(i + 1)
		tids[i], pids[i] = own, own
		if i == 0 {
			events[i] = event.Event{Kind: event.Ready, PID: own, TID: own}
			continue
		}
		tid, pid := tids[a.Creator], pids[a.Creator]
		switch {
		case a.State == Executed:
			tids[i], pids[i] = pid, pid
			events[i] = event.Event{Kind: event.Exec, PID: pid, TID: pid, Former: tid}
		case a.PID != l[a.Creator].PID:
			events[i] = event.Event{Kind: event.Fork, PID: pid, TID: tid, Child: own}
		default:
			pids[i] = pid
			events[i] = event.Event{Kind: event.Clone, PID: pid, TID: tid, Child: own}
		}
	}
	return events
}

// inOrder are the slots in the order in which their tasks announced themselves.
func (l ledger) inOrder() []int {
	slots := make([]int, len(l))
	for i := range slots {
		slots[i] = i
	}
	slices.SortStableFunc(slots, func(i, j int) int { return l[i].Came - l[j].Came })
	return slots
}

// overtaken counts for each slot the later slots with the same id whose tasks announced themselves
// before its own task did.
func (l ledger) overtaken(order []int) []int {
	counts := make([]int, len(l))
	earlier := make(map[event.TID][]int) // the slots of each id whose tasks have come
	for _, i := range order {
		a := l[i]
		if a.State == Claimed || a.State == Executed {
			continue
		}
		for _, other := range earlier[a.TID] {
			if other > i {
				counts[i]++
			}
		}
		earlier[a.TID] = append(earlier[a.TID], i)
	}
	return counts
}

// setHostApart tells the tasks of a program that hosts a fixture from the fixture's own: those that
// announced themselves as the host's, and their descendants. They are named as found tasks are, and
// births are counted without them, so that the fixture's tasks have the paths that it declares.
func (t *truth) setHostApart(all ledger) {
	hosted := false
	for _, a := range all {
		if a.State != Host {
			continue
		}
		lives := t.byTID[a.TID]
		i := slices.IndexFunc(lives, func(l *life) bool { return l.PID == a.PID && !l.host })
		if i >= 0 {
			lives[i].host, hosted = true, true
		}
	}
	if !hosted {
		return
	}
	hosts, born, found := make(map[*event.Life]bool), make(map[*event.Life]int), 0
	byOldPath := make(map[event.Path]*life)
	for _, l := range t.lives { // a creator comes before its children
		byOldPath[l.Path] = l
		// the fixture's own tasks say which task made them
		l.host = l.host || hosts[l.Creator] || l.found
		hosts[l.Life] = l.host
		switch {
		case l.host:
			found++
			l.Path = event.Found(found)
		case l.Creator != nil:
			born[l.Creator]++
			l.Path = l.Creator.Path.Nth(born[l.Creator])
		}
	}
	for _, l := range t.lives {
		l.Acts = slices.DeleteFunc(l.Acts, func(a event.Act) bool {
			return a.Kind.IsBirth() && byOldPath[a.Child].host && !l.host
		})
		for i, a := range l.Acts {
			if a.Kind.IsBirth() {
				l.Acts[i].Child = byOldPath[a.Child].Path
			}
		}
	}
}

// form is the canonical form of the fixture's own tasks.
func (t *truth) form() event.Form {
	hosts := make(map[event.Path]bool)
	for _, l := range t.lives {
		hosts[l.Path] = l.host
	}
	return slices.DeleteFunc(t.family.Form(),
		func(line event.Line) bool { return hosts[line.Path] })
}

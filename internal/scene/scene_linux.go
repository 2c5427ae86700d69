// Package scene reads from /proc what the tasks of a run do: those of the program, and those of its
// debugger.
//
// Everything that a run starts lives below its keeper. There a process is the program's if one of
// these holds: it announced itself, it has the ledger mapped, it is traced and its parent is gone,
// or it descends from such a process. What is left is the debugger's: one may trace a child of its
// own, as our tracer does to be woken.
package scene

import (
	"cmp"
	"os"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/ledger"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

// A Scene is where one run takes place.
type Scene struct {
	Keeper event.TID
	Ledger *ledger.Ledger
	Scale  limits.Scale
}

// Root is the program's first process, zero if it has not announced itself.
func (s Scene) Root() event.TID {
	all, err := s.Ledger.Read()
	if err != nil || len(all) == 0 {
		return 0
	}
	return all[0].PID
}

// Tasks lists the tasks of all processes of the program by their ids. Before the program has
// announced itself, they are those of all that runs below the keeper.
func (s Scene) Tasks() []judge.Task {
	program, debugger := s.tasks()
	if s.Root() == 0 {
		program = byID(append(program, debugger...))
	}
	return program
}

// tasks lists the tasks below the keeper.
func (s Scene) tasks() (program, debugger []judge.Task) {
	announced, seen := s.announced(), make(map[event.TID]bool)
	program = []judge.Task{}
	var walk func(pid event.TID, ours, orphan bool)
	walk = func(pid event.TID, ours, orphan bool) {
		if seen[pid] {
			return // it got another parent meanwhile
		}
		seen[pid] = true
		tasks := procfs.Tasks(pid)
		ours = ours || announced[pid] || orphan && slices.ContainsFunc(tasks, traced) ||
			s.Ledger.MappedBy(pid)
		if ours {
			program = append(program, tasks...)
		} else {
			debugger = append(debugger, tasks...)
		}
		for _, child := range procfs.Children(pid) {
			walk(child, ours, false)
		}
	}
	for _, child := range procfs.Children(s.Keeper) {
		walk(child, false, true) // it was started below the keeper, or its parent is gone
	}
	for pid := range announced {
		// One that gets another parent can be missed above. The pid of one that has ended may be
		// another program's by now.
		if !seen[pid] && procfs.Descends(pid, s.Keeper) {
			walk(pid, true, false)
		}
	}
	return byID(program), debugger
}

// announced are the processes that announced themselves.
func (s Scene) announced() map[event.TID]bool {
	pids := make(map[event.TID]bool)
	all, _ := s.Ledger.Read() // an error says that there are too many
	for _, a := range all {
		pids[a.PID] = true
	}
	return pids
}

func traced(t judge.Task) bool { return t.Tracer != 0 }

func byID(tasks []judge.Task) []judge.Task {
	slices.SortFunc(tasks, func(a, b judge.Task) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.TID, b.TID))
	})
	return tasks
}

// tracers are the threads of our own process that trace the program.
func tracers(program []judge.Task) (ours []judge.Task) {
	seen := make(map[event.TID]bool)
	for _, t := range program {
		if t.Tracer == 0 || seen[t.Tracer] {
			continue
		}
		seen[t.Tracer] = true
		if own, ok := procfs.ReadTask(event.TID(os.Getpid()), t.Tracer); ok {
			ours = append(ours, own)
		}
	}
	return ours
}

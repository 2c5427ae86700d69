package harness

import (
	"fmt"
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// exit judges the ends of tasks, and of the program's process.
func exit(e *evidence) (bad []string, judged int, err error) {
	if err := lacks(e.can, Deaths); err != nil {
		return nil, 0, err
	}
	if e.mayMissAttach() {
		return nil, 0, errNoWitness
	}
	ends := make(map[*life]int) // where in the words
	for i, w := range e.words {
		if w.Kind == event.Exit && w.self != nil && !w.again {
			ends[w.self] = i
		}
	}
	foreign := e.foreign()
	for _, l := range e.truth.lives {
		end, told := ends[l]
		if !told && (!e.endedDebugged(l) || foreign(l)) {
			continue
		}
		judged++
		switch {
		case !told:
			bad = append(bad, fmt.Sprintf("task %d (%s) ended and it was not reported", l.TID, l.Path))
		case e.can.Has(Statuses) && !e.words[end].Status.Same(l.status) && !e.isGroupStatus(end):
			bad = append(bad, fmt.Sprintf("task %d (%s) ended with %s, reported was %s", l.TID, l.Path, l.status, e.words[end].Status))
		}
	}
	return append(bad, processEnd(e)...), judged, nil
}

// isGroupStatus tells whether the end of a thread may have been waited for when its whole process ended already: the
// kernel gives that status then, also of a thread that ended before with another (wait_task_zombie in kernel/exit.c).
// It may if nothing but ends is told of the process from there on.
func (e *evidence) isGroupStatus(at int) bool {
	root := e.truth.root().TID
	end := e.words[at]
	return end.self.PID == root && end.self.TID != root && e.outcome.ended && end.Status.Same(e.outcome.status) &&
		!slices.ContainsFunc(e.words[at:], func(w word) bool {
			return w.self != nil && w.self.PID == root && w.Kind != event.Exit && w.Kind != event.End
		})
}

// processEnd judges the end of the program's process, which comes after its last task's. The kernel tells
// a leader's tracer of it, so nobody where the leader was a zombie.
func processEnd(e *evidence) (bad []string) {
	root := e.truth.root().TID
	isEnd := func(w word) bool { return w.Kind == event.End && (w.TID == root || w.TID == 0 && w.PID == root) }
	last := slices.IndexFunc(e.words, isEnd)
	if last < 0 {
		if e.outcome.ended && e.detached.issued == 0 && !e.foreign()(e.truth.root()) {
			bad = append(bad, fmt.Sprintf("process %d ended and it was not reported", root))
		}
		return bad
	}
	if said := e.words[last].Status; e.can.Has(Statuses) && !said.Same(e.outcome.status) {
		bad = append(bad, fmt.Sprintf("process %d ended with %s, reported was %s", root, e.outcome.status, said))
	}
	for _, w := range e.words[last+1:] {
		if w.PID == root || w.self != nil && w.self.PID == root {
			bad = append(bad, fmt.Sprintf("%q came after the end of process %d", w.Event, root))
		}
	}
	return bad
}

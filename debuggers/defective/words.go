package defective

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/tidcheck/tidcheck/event"
)

// above plants a wrapper of the sink.
func above(wrap func(tell) tell) func(context.Context) seams {
	return func(context.Context) seams { return seams{sink: wrap} }
}

// seldom hands one of so many births to a wrapper that tells it wrong, by chance. All events that
// are no births go through the wrapper.
func seldom(births int, wrong func(tell) tell) func(tell) tell {
	return func(next tell) tell {
		wrong := wrong(next)
		return func(e event.Event) {
			if e.Kind.IsBirth() && rand.IntN(births) != 0 {
				next(e)
				return
			}
			wrong(e)
		}
	}
}

// reportsLeadersExit takes the end of a leader for its process's.
func reportsLeadersExit(next tell) tell {
	return func(e event.Event) {
		switch {
		case e.Kind == event.End:
			return
		case e.Kind == event.Exit && e.TID == e.PID:
			next(e)
			e.Kind = event.End
		}
		next(e)
	}
}

// keepsOldTIDs goes on to list the threads that an exec has ended.
func keepsOldTIDs(context.Context) seams {
	g := &ghosts{}
	all := make(map[event.TID][]event.TID) // the threads of a process, alive or not
	return g.seams(func(e event.Event) {
		switch e.Kind {
		case event.Clone:
			all[e.PID] = append(all[e.PID], e.Child)
		case event.Attach:
			all[e.PID] = append(all[e.PID], e.TID)
		case event.Exec:
			g.listed = append(g.listed, all[e.PID]...)
		}
	})
}

// listsGone goes on to list the thread that ended last.
func listsGone(context.Context) seams {
	g := &ghosts{}
	return g.seams(func(e event.Event) {
		if e.Kind == event.Exit && e.TID != e.PID {
			g.listed = []event.TID{e.TID}
		}
	})
}

// Ghosts are threads that are gone and are listed.
type ghosts struct {
	mu     sync.Mutex
	listed []event.TID
}

func (g *ghosts) seams(note tell) seams {
	return seams{
		sink: func(next tell) tell {
			return func(e event.Event) {
				g.mu.Lock()
				note(e)
				g.mu.Unlock()
				next(e)
			}
		},
		list: g.join,
	}
}

// join adds the threads to a list.
func (g *ghosts) join(tids []event.TID) []event.TID {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tid := range g.listed {
		if !slices.Contains(tids, tid) {
			tids = append(tids, tid)
		}
	}
	return tids
}

// listsTooFew lists one thread less than there are.
func listsTooFew(context.Context) seams {
	return seams{list: func(tids []event.TID) []event.TID { return tids[:max(0, len(tids)-1)] }}
}

// drops tells nothing of one kind.
func drops(kind event.Kind) func(tell) tell {
	return func(next tell) tell {
		return func(e event.Event) {
			if e.Kind != kind {
				next(e)
			}
		}
	}
}

// missesKilled tells of no death by a signal.
func missesKilled(next tell) tell {
	return func(e event.Event) {
		if e.Kind != event.Exit || e.Status.Signal() == 0 {
			next(e)
		}
	}
}

// zeroes takes every end for an exit with 0.
func zeroes(next tell) tell {
	return func(e event.Event) {
		e.Status = 0
		next(e)
	}
}

// deduplicates tells no birth of a tid that it has told one of.
func deduplicates(next tell) tell {
	told := make(map[event.TID]bool)
	return func(e event.Event) {
		if e.Kind.IsBirth() && told[e.Child] {
			return
		}
		told[e.Child] = true
		next(e)
	}
}

// takesLastStatus gives a process the status of the thread that ended last before its leader.
func takesLastStatus(next tell) tell {
	last := make(map[event.TID]event.Status)
	return func(e event.Event) {
		if e.Kind == event.Exit && e.TID != e.PID {
			last[e.PID] = e.Status
		}
		if status, ok := last[e.PID]; ok && e.Kind == event.End {
			e.Status = status
		}
		next(e)
	}
}

// missesThousandths drops each thousandth birth.
func missesThousandths(next tell) tell {
	births := 0
	return func(e event.Event) {
		if e.Kind.IsBirth() {
			if births++; births%1000 == 0 {
				return
			}
		}
		next(e)
	}
}

// tellsBirthsTwice tells each birth twice.
func tellsBirthsTwice(next tell) tell {
	return func(e event.Event) {
		if e.Kind.IsBirth() {
			next(e)
		}
		next(e)
	}
}

// tellsTwice tells each event of a kind twice.
func tellsTwice(kind event.Kind) func(tell) tell {
	return func(next tell) tell {
		return func(e event.Event) {
			if e.Kind == kind {
				next(e)
			}
			next(e)
		}
	}
}

// inventsExec tells an exec before the first end of a task.
func inventsExec(next tell) tell {
	invented := false
	return func(e event.Event) {
		if e.Kind == event.Exit && !invented {
			invented = true
			next(event.Event{Kind: event.Exec, PID: e.PID, TID: e.PID, Time: e.Time})
		}
		next(e)
	}
}

// namesLeaderAsFormer says that each exec was by its process's leader.
func namesLeaderAsFormer(next tell) tell {
	return func(e event.Event) {
		if e.Kind == event.Exec {
			e.Former = e.TID
		}
		next(e)
	}
}

// takesVforkForFork calls each process's birth a fork.
func takesVforkForFork(next tell) tell {
	return func(e event.Event) {
		if e.Kind == event.VFork {
			e.Kind = event.Fork
		}
		next(e)
	}
}

// tellsFirstEndOnly tells the end of no other process than the first that it names.
func tellsFirstEndOnly(next tell) tell {
	first := event.TID(0)
	return func(e event.Event) {
		first = cmp.Or(first, e.PID)
		if e.Kind != event.End || e.PID == first {
			next(e)
		}
	}
}

// tellsEndsAtBirth tells the end of each task behind its birth, and not when it comes.
func tellsEndsAtBirth(next tell) tell {
	told := make(map[event.TID]bool)
	return func(e event.Event) {
		if e.Kind == event.Exit && told[e.TID] {
			delete(told, e.TID)
			return
		}
		next(e)
		if e.Kind == event.Clone {
			told[e.Child] = true
			next(event.Event{
				Kind: event.Exit, PID: e.PID, TID: e.Child, Status: event.Unknown, Time: e.Time,
			})
		}
	}
}

// namesWrongProcess says of each thread at an attach that it leads its process.
func namesWrongProcess(next tell) tell {
	return func(e event.Event) {
		if e.Kind == event.Attach {
			e.PID = e.TID
		}
		next(e)
	}
}

// isReadyEarly tells that the attach is complete behind the first task.
func isReadyEarly(next tell) tell {
	ready := false
	return func(e event.Event) {
		if e.Kind == event.Ready && ready {
			return
		}
		next(e)
		if e.Kind == event.Attach && !ready {
			ready = true
			next(event.Event{Kind: event.Ready, PID: e.PID, TID: e.TID, Time: e.Time})
		}
	}
}

// noTID is more than the kernel gives out (PID_MAX_LIMIT).
const noTID = 1<<22 + 1

// inventsTID tells of one thread more than there are.
func inventsTID(next tell) tell {
	invented := false
	return func(e event.Event) {
		next(e)
		if e.Kind.IsBirth() && !invented {
			invented = true
			e.Kind, e.Child = event.Clone, noTID
			next(e)
		}
	}
}

// namesLeader says that each thread was made by its process's leader.
func namesLeader(next tell) tell {
	return func(e event.Event) {
		if e.Kind.IsBirth() {
			e.TID = cmp.Or(e.PID, e.TID)
		}
		next(e)
	}
}

// losesOrder tells of a thread's birth only after its end.
func losesOrder(next tell) tell {
	var births []event.Event
	return func(e event.Event) {
		switch e.Kind {
		case event.Clone:
			births = append(births, e)
			return
		case event.Exit:
			isOwn := func(birth event.Event) bool { return birth.Child == e.TID }
			if i := slices.IndexFunc(births, isOwn); i >= 0 {
				next(e)
				e = births[i]
				births = slices.Delete(births, i, i+1)
			}
		case event.End:
			for _, birth := range births {
				next(birth)
			}
			births = nil
		}
		next(e)
	}
}

// hangs takes no more events from the third birth on, until it is mended.
func hangs(mended context.Context) seams {
	births := 0
	return seams{sink: func(next tell) tell {
		return func(e event.Event) {
			if e.Kind.IsBirth() {
				births++
			}
			if births == 3 {
				<-mended.Done()
			}
			next(e)
		}
	}}
}

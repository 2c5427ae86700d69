package defective

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// above plants a wrapper of the sink.
func above(wrap func(tell) tell) func(*atomic.Bool) seams {
	return func(*atomic.Bool) seams { return seams{sink: wrap} }
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
func keepsOldTIDs(*atomic.Bool) seams {
	g := &ghosts{of: make(map[event.TID][]event.TID)}
	note := func(e event.Event) {
		switch e.Kind {
		case event.Clone:
			g.of[e.PID] = append(g.of[e.PID], e.Child)
		case event.Attach:
			g.of[e.PID] = append(g.of[e.PID], e.TID)
		case event.Exec:
			g.listed = append(g.listed, g.of[e.PID]...)
		}
	}
	return g.seams(note)
}

// listsGone goes on to list the thread that ended last.
func listsGone(*atomic.Bool) seams {
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
	of     map[event.TID][]event.TID // the threads of a process, alive or not
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
		session: func(s harness.Session) harness.Session { return haunted{s, g} },
	}
}

type haunted struct {
	harness.Session
	*ghosts
}

func (s haunted) Threads(ctx context.Context) ([]event.TID, error) {
	tids, err := s.Session.Threads(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, tid := range s.listed {
		if !slices.Contains(tids, tid) {
			tids = append(tids, tid)
		}
	}
	return tids, err
}

// A sparing session lists one thread less than there are.
type sparing struct{ harness.Session }

func listsTooFew(*atomic.Bool) seams {
	return seams{session: func(s harness.Session) harness.Session { return sparing{s} }}
}

func (s sparing) Threads(ctx context.Context) ([]event.TID, error) {
	tids, err := s.Session.Threads(ctx)
	return tids[:max(0, len(tids)-1)], err
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
		switch e.Kind {
		case event.Exit:
			if e.TID != e.PID {
				last[e.PID] = e.Status
			}
		case event.End:
			if status, ok := last[e.PID]; ok {
				e.Status = status
			}
		}
		next(e)
	}
}

// missesEvery drops each n-th birth.
func missesEvery(n int) func(tell) tell {
	return func(next tell) tell {
		births := 0
		return func(e event.Event) {
			if e.Kind.IsBirth() {
				if births++; births%n == 0 {
					return
				}
			}
			next(e)
		}
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

// losesOrder tells of a thread's birth only when it ends, behind that.
func losesOrder(next tell) tell {
	var order []event.TID
	births := make(map[event.TID]event.Event)
	return func(e event.Event) {
		switch birth, held := births[e.TID]; {
		case e.Kind == event.Clone:
			births[e.Child] = e
			order = append(order, e.Child)
			return
		case e.Kind == event.Exit && held:
			next(e)
			next(birth)
			delete(births, e.TID)
			return
		case e.Kind == event.End:
			for _, tid := range order {
				if birth, held := births[tid]; held {
					next(birth)
				}
			}
			clear(births)
		}
		next(e)
	}
}

// hangs takes no more events from the third birth on, until it is mended.
func hangs(mended *atomic.Bool) seams {
	over := make(chan struct{})
	return seams{
		sink: func(next tell) tell {
			births := 0
			return func(e event.Event) {
				if e.Kind.IsBirth() {
					births++
				}
				if births == 3 && !mended.Load() {
					<-over
				}
				next(e)
			}
		},
		session: func(s harness.Session) harness.Session { return &hanging{Session: s, over: over} },
	}
}

type hanging struct {
	harness.Session
	once sync.Once
	over chan struct{}
}

func (s *hanging) End() error {
	s.once.Do(func() { close(s.over) })
	return s.Session.End()
}

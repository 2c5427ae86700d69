//go:build amd64 || arm64

package defective

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Defects of an attach.

// attachesLeaderOnly sees of each process the leader alone.
func attachesLeaderOnly(_ tracer.Kernel, h *hooks) {
	h.tasks = func(pid int) ([]int, error) { return []int{pid}, nil }
}

// manyLooks is how often slowly looks for a change before it goes on without one.
const manyLooks = 1000

// slowly lists the tasks as if much time passed between the list and what is done with it: the
// tasks have changed meanwhile in the way that changed tells. It lists again until they do, since
// they may never change so from the first list on.
func slowly(k tracer.Kernel, changed func(listed, now []int) bool) func(int) ([]int, error) {
	return func(pid int) ([]int, error) {
		listed, err := k.Tasks(pid)
		for range manyLooks {
			now, err := k.Tasks(pid)
			if err != nil || changed(listed, now) {
				break
			}
			listed = now
			runtime.Gosched()
		}
		return listed, err
	}
}

// without tells whether a list lacks some task of another.
func without(list, of []int) bool {
	return slices.ContainsFunc(of, func(tid int) bool { return !slices.Contains(list, tid) })
}

// attachesInOnePass lists once. Later lists have only those tasks of the first that are still
// there.
func attachesInOnePass(k tracer.Kernel, h *hooks) {
	var mu sync.Mutex
	var listed []int
	first := slowly(k, without)
	h.tasks = func(pid int) (_ []int, err error) {
		mu.Lock()
		defer mu.Unlock()
		if listed == nil {
			listed, err = first(pid)
			return listed, err
		}
		now, err := k.Tasks(pid)
		isNew := func(tid int) bool { return !slices.Contains(listed, tid) }
		return slices.DeleteFunc(now, isNew), err
	}
}

// looksBeforeStops looks for threads after each attach to one, and no more when they have stopped.
func looksBeforeStops(k tracer.Kernel, h *hooks) {
	var mu sync.Mutex // while the tracer seizes it may list tasks, to rescue those that cannot stop
	var root int      // the process that is attached to; zero before the first list
	var seen []int
	h.seize = func(tid, options int) error {
		err := k.Seize(tid, options)
		mu.Lock()
		defer mu.Unlock()
		if root != 0 {
			seen, _ = k.Tasks(root)
		}
		return err
	}
	h.tasks = func(pid int) ([]int, error) {
		mu.Lock()
		defer mu.Unlock()
		if pid == root && seen != nil {
			return seen, nil
		}
		root = cmp.Or(root, pid)
		return k.Tasks(pid)
	}
}

// failsOnESRCH makes a failure of a task that is gone when it is to be seized.
func failsOnESRCH(k tracer.Kernel, h *hooks) {
	h.tasks = slowly(k, func(listed, now []int) bool { return without(now, listed) })
	h.seize = func(tid, options int) error {
		err := k.Seize(tid, options)
		if err == unix.ESRCH {
			return errors.New("no such process")
		}
		return err
	}
}

// failsOnDeath waits for the first stop of each task that it attaches to, and makes a failure of
// one that ends instead.
func failsOnDeath(k tracer.Kernel, h *hooks) {
	stands := make(map[int]bool)
	h.seize = func(tid, options int) error {
		err := k.Seize(tid, options)
		if err != nil || !seam.IsAttach(options) {
			return err
		}
		k.Interrupt(tid)
		_, ended, err := seam.Peek(unix.P_PID, tid, unix.WSTOPPED|unix.WEXITED)
		if ended {
			return errors.New("it has ended already")
		}
		stands[tid] = err == nil // ECHILD: an exec has taken its id
		return nil
	}
	h.interrupt = func(tid int) error {
		if stands[tid] {
			delete(stands, tid) // a second interrupt would stop it once more when it goes on
			return nil
		}
		return k.Interrupt(tid)
	}
}

// staysAttached traces on, from another thread of ours, the first task that it lets go of.
func staysAttached(k tracer.Kernel, h *hooks) {
	clings := false
	h.detach = func(tid, sig int) error {
		err := k.Detach(tid, sig)
		clings = clings || cling(k, tid)
		return err
	}
}

// cling traces a task, and those that are born traced by it (CLONE_PTRACE), until they end. That
// does them no harm. It tells whether the task could be seized.
func cling(k tracer.Kernel, tid int) bool {
	seized := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread that traces is not to run anything else
		err := k.Seize(tid, 0)
		seized <- err
		for err == nil {
			var status unix.WaitStatus
			tid, status, err = k.Wait(-1, unix.WCLONE) // ECHILD: all have ended
			switch {
			case !status.Stopped():
			case seam.IsEvent(status, unix.PTRACE_EVENT_STOP) &&
				status.StopSignal() != unix.SIGTRAP:
				k.Listen(tid)
			case seam.IsEvent(status, unix.PTRACE_EVENT_STOP):
				k.Cont(tid, 0)
			default:
				k.Cont(tid, int(status.StopSignal()))
			}
		}
	}()
	return <-seized == nil
}

// attachesLate attaches when it is asked for the first time what it can, which is after its word
// that it has attached and before a look at /proc.
func attachesLate(context.Context) seams {
	return seams{
		noticed: true,
		start: func(target harness.Target, begin begin) (harness.Session, error) {
			if target.PID == 0 {
				return begin()
			}
			return &lateSession{Session: &noSession{}, begin: sync.OnceValues(begin)}, nil
		},
	}
}

type lateSession struct {
	harness.Session
	begin begin
}

func (s *lateSession) Can() judge.Abilities {
	if begun, err := s.begin(); err == nil {
		s.Session = begun
	} else {
		s.Session = &noSession{err: err}
	}
	return s.Session.Can()
}

// A noSession is of a tracer that has not attached.
type noSession struct {
	harness.Unsupported
	harness.Log
	err error // why it could not
}

func (*noSession) Can() judge.Abilities           { return nil }
func (s *noSession) Resume(context.Context) error { return s.err }
func (s *noSession) Wait(context.Context) error   { return s.err }
func (*noSession) End() error                     { return nil }

// letsGoLate lets go of the program when that, which was to run untraced, does something that a
// tracer is told.
func letsGoLate(context.Context) seams {
	s := &clingingSession{}
	return seams{
		sink: func(next tell) tell {
			return func(e event.Event) {
				next(e)
				if s.said.Swap(false) { // its own thread tells the events, and is to let go
					go s.Session.Detach(context.Background())
				}
			}
		},
		start: func(_ harness.Target, begin begin) (_ harness.Session, err error) {
			s.Session, err = begin()
			return s, err
		},
	}
}

type clingingSession struct {
	harness.Session
	said atomic.Bool // that it has let go
}

func (s *clingingSession) Detach(context.Context) error {
	s.said.Store(true)
	return nil
}

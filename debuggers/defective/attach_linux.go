//go:build amd64 || arm64

package defective

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// below plants a wrapper of the kernel.
func below(wrap func(tracer.Kernel) tracer.Kernel) func(*atomic.Bool) seams {
	return func(*atomic.Bool) seams { return seams{kernel: wrap} }
}

// A lonely kernel shows of each process its leader alone.
type lonely struct{ tracer.Kernel }

func (lonely) Tasks(pid int) ([]int, error) { return []int{pid}, nil }

func attachesLeaderOnly(k tracer.Kernel) tracer.Kernel { return lonely{k} }

// manyLooks is how often a slow tracer looks for a change before it goes on without one.
const manyLooks = 1000

// A slow kernel is slow between the list of tasks and what is done with it: the tasks have changed in one way meanwhile. It
// lists again until they do, since they may never change so from the first list on.
type slow struct {
	tracer.Kernel
	changed func(listed, now []int) bool
}

func (k slow) Tasks(pid int) ([]int, error) {
	listed, err := k.Kernel.Tasks(pid)
	for range manyLooks {
		now, err := k.Kernel.Tasks(pid)
		if err != nil || k.changed(listed, now) {
			break
		}
		listed = now
		runtime.Gosched()
	}
	return listed, err
}

// without tells whether a list lacks some task of another.
func without(list, of []int) bool {
	return slices.ContainsFunc(of, func(tid int) bool { return !slices.Contains(list, tid) })
}

// A onePass kernel lists once: later lists have only those of the first that could be seized, and are there still.
type onePass struct {
	slow
	pass *pass
}

type pass struct {
	sync.Mutex
	listed, seized []int
}

func attachesInOnePass(k tracer.Kernel) tracer.Kernel {
	return onePass{slow{k, without}, &pass{}}
}

func (k onePass) Tasks(pid int) ([]int, error) {
	k.pass.Lock()
	defer k.pass.Unlock()
	if k.pass.listed != nil {
		now, err := k.Kernel.Tasks(pid)
		return slices.DeleteFunc(now, func(tid int) bool { return !slices.Contains(k.pass.seized, tid) }), err
	}
	listed, err := k.slow.Tasks(pid)
	k.pass.listed = listed
	return listed, err
}

func (k onePass) Seize(tid, options int) error {
	err := k.slow.Seize(tid, options)
	k.pass.Lock()
	defer k.pass.Unlock()
	if err == nil {
		k.pass.seized = append(k.pass.seized, tid)
	}
	return err
}

// An early kernel looks for threads after each attach to one, and no more when they have stopped.
type early struct {
	tracer.Kernel
	last *look
}

// A look may be asked for by two: a tracer's rescue of who cannot stop looks while it seizes.
type look struct {
	sync.Mutex
	pid  int // who is attached to; zero before the first
	tids []int
}

func looksBeforeStops(k tracer.Kernel) tracer.Kernel { return early{k, new(look)} }

func (k early) Seize(tid, options int) error {
	err := k.Kernel.Seize(tid, options)
	k.last.Lock()
	defer k.last.Unlock()
	if k.last.pid != 0 {
		k.last.tids, _ = k.Kernel.Tasks(k.last.pid)
	}
	return err
}

func (k early) Tasks(pid int) ([]int, error) {
	k.last.Lock()
	defer k.last.Unlock()
	if pid == k.last.pid && k.last.tids != nil {
		return k.last.tids, nil
	}
	k.last.pid = cmp.Or(k.last.pid, pid)
	return k.Kernel.Tasks(pid)
}

// A fragile kernel makes a failure of a task that is gone when it is to be seized.
type fragile struct{ slow }

func failsOnESRCH(k tracer.Kernel) tracer.Kernel {
	return fragile{slow{k, func(listed, now []int) bool { return without(now, listed) }}}
}

func (k fragile) Seize(tid, options int) error {
	err := k.slow.Seize(tid, options)
	if err == unix.ESRCH {
		return errors.New("no such process")
	}
	return err
}

// A brittle kernel waits for the first stop of each task that it attaches to, and makes a failure of one that ends instead.
type brittle struct {
	tracer.Kernel
	stands map[int]bool
}

func failsOnDeath(k tracer.Kernel) tracer.Kernel { return brittle{k, make(map[int]bool)} }

func (k brittle) Seize(tid, options int) error {
	err := k.Kernel.Seize(tid, options)
	if err != nil || options&unix.PTRACE_O_EXITKILL != 0 {
		return err
	}
	k.Kernel.Interrupt(tid)
	_, ended, err := peek(unix.P_PID, tid, unix.WSTOPPED|unix.WEXITED)
	if ended {
		return errors.New("it has ended already")
	}
	k.stands[tid] = err == nil // ECHILD: an exec has taken its id
	return nil
}

func (k brittle) Interrupt(tid int) error {
	if k.stands[tid] {
		delete(k.stands, tid) // the second would stop it once more when it goes on
		return nil
	}
	return k.Kernel.Interrupt(tid)
}

// A clinging kernel traces on, from another thread of ours, the first task that it lets go of.
type clinging struct {
	tracer.Kernel
	clings *bool
}

func staysAttached(k tracer.Kernel) tracer.Kernel { return clinging{k, new(bool)} }

func (k clinging) Detach(tid, sig int) error {
	err := k.Kernel.Detach(tid, sig)
	if !*k.clings {
		*k.clings = cling(k.Kernel, tid)
	}
	return err
}

// cling traces a task, and who is born traced by it (CLONE_PTRACE), until they end, which harms them in nothing; it tells
// whether the task could be seized.
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
			case isEvent(status, unix.PTRACE_EVENT_STOP) && status.StopSignal() != unix.SIGTRAP:
				k.Listen(tid)
			case isEvent(status, unix.PTRACE_EVENT_STOP):
				k.Cont(tid, 0)
			default:
				k.Cont(tid, int(status.StopSignal()))
			}
		}
	}()
	return <-seized == nil
}

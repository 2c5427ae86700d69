//go:build amd64 || arm64

package defective

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/event"
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
const manyLooks = 200

// A slow kernel is slow between the list of tasks and what is done with it: the tasks have changed in one way meanwhile.
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
		runtime.Gosched()
	}
	return listed, err
}

// without tells whether a list lacks some task of another.
func without(list, of []int) bool {
	return slices.ContainsFunc(of, func(tid int) bool { return !slices.Contains(list, tid) })
}

// A onePass kernel lists once: later lists have only those of the first that could be seized.
type onePass struct {
	slow
	pass *pass
}

type pass struct{ listed, seized []int }

func attachesInOnePass(k tracer.Kernel) tracer.Kernel {
	return onePass{slow{k, without}, &pass{}}
}

func (k onePass) Tasks(pid int) ([]int, error) {
	if k.pass.listed != nil {
		return k.pass.seized, nil
	}
	listed, err := k.slow.Tasks(pid)
	k.pass.listed = listed
	return listed, err
}

func (k onePass) Seize(tid, options int) error {
	err := k.slow.Seize(tid, options)
	if err == nil {
		k.pass.seized = append(k.pass.seized, tid)
	}
	return err
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

// A cloneOnly kernel sets PTRACE_O_TRACECLONE alone of the births, and PTRACE_O_TRACEEXEC, without which no
// program would ever stand at its start.
type cloneOnly struct{ tracer.Kernel }

func setsCloneOnly(k tracer.Kernel) tracer.Kernel { return cloneOnly{k} }

const allButClone = unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEVFORKDONE

func (k cloneOnly) Seize(tid, options int) error {
	return k.Kernel.Seize(tid, options&^allButClone)
}

func (k cloneOnly) SetOptions(tid, options int) error {
	return k.Kernel.SetOptions(tid, options&^allButClone)
}

// A literal kernel has the event say what was born: PTRACE_EVENT_FORK and VFORK a process.
type literal struct {
	tracer.Kernel
	latest *unix.WaitStatus
}

func takesForkForProcess(k tracer.Kernel) tracer.Kernel { return literal{k, new(unix.WaitStatus)} }

func (k literal) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := k.Kernel.Wait(tid, flags)
	*k.latest = status
	return got, status, err
}

func (k literal) InGroup(pid, tid int) bool {
	return !isEvent(*k.latest, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK) && k.Kernel.InGroup(pid, tid)
}

// A reader takes the message of every event for a birth. It means something at each, and something
// else: at an end it is the status, after a vfork the child once more.
type reader struct {
	tracer.Kernel
	tell  *tell
	ready *bool
}

func readsEveryEvent(*atomic.Bool) seams {
	tell, ready := new(tell), new(bool)
	return seams{
		kernel: func(k tracer.Kernel) tracer.Kernel { return reader{k, tell, ready} },
		sink: func(next func(event.Event)) func(event.Event) {
			*tell = func(e event.Event) {
				*ready = *ready || e.Kind == event.Ready
				next(e)
			}
			return *tell
		},
	}
}

func (k reader) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := k.Kernel.Wait(tid, flags)
	if err == nil && *k.ready && status.Stopped() && int(status)>>16 != 0 && !isBirth(status) {
		if msg, err := k.Kernel.EventMsg(got); err == nil {
			(*k.tell)(event.Event{Kind: event.Clone, PID: event.TID(tgid(k, got)), TID: event.TID(got), Child: event.TID(msg)})
		}
	}
	return got, status, err
}

// A mute kernel lets a task go on without its signal.
type mute struct{ tracer.Kernel }

func swallowsSignals(k tracer.Kernel) tracer.Kernel { return mute{k} }

func (k mute) Cont(tid, _ int) error { return k.Kernel.Cont(tid, 0) }

// A stammering kernel sends each signal that it delivers once more.
type stammering struct {
	tracer.Kernel
	again map[int]int // the signal of a task that is on its way again
}

func deliversTwice(k tracer.Kernel) tracer.Kernel { return stammering{k, make(map[int]int)} }

func (k stammering) Cont(tid, sig int) error {
	switch {
	case sig == 0:
	case k.again[tid] == sig:
		delete(k.again, tid)
	default:
		k.again[tid] = sig
		k.Kernel.Tgkill(tgid(k, tid), tid, sig) // ESRCH: it was killed meanwhile
	}
	return k.Kernel.Cont(tid, sig)
}

// A stopping kernel gives each task that was attached to a SIGSTOP when it goes on: who attaches by PTRACE_ATTACH
// is sent one, which is his to suppress.
type stopping struct {
	tracer.Kernel
	due map[int]bool
}

func reinjectsStop(k tracer.Kernel) tracer.Kernel { return stopping{k, make(map[int]bool)} }

func (k stopping) Seize(tid, options int) error {
	err := k.Kernel.Seize(tid, options)
	k.due[tid] = err == nil && options&unix.PTRACE_O_EXITKILL == 0
	return err
}

func (k stopping) Cont(tid, sig int) error {
	if k.due[tid] {
		delete(k.due, tid)
		k.Kernel.Tgkill(tgid(k, tid), tid, int(unix.SIGSTOP)) // ESRCH: it was killed meanwhile
	}
	return k.Kernel.Cont(tid, sig)
}

// A parting kernel sends the first task that it lets go of a SIGSTOP.
type parting struct {
	tracer.Kernel
	sent *bool
}

func leavesStopPending(k tracer.Kernel) tracer.Kernel { return parting{k, new(bool)} }

func (k parting) Detach(tid, sig int) error {
	if !*k.sent {
		*k.sent = true
		k.Kernel.Tgkill(tgid(k, tid), tid, int(unix.SIGSTOP))
	}
	return k.Kernel.Detach(tid, sig)
}

// A chooser picks one thread of all that are stopped by PTRACE_INTERRUPT: the first that is no leader.
type chooser struct {
	tracer.Kernel
	chosen *int
}

func (k chooser) Interrupt(tid int) error {
	if *k.chosen == 0 && tgid(k, tid) != tid {
		*k.chosen = tid
	}
	return k.Kernel.Interrupt(tid)
}

// A leaky kernel has one thread go on from its stop by itself.
type leaky struct{ chooser }

func leavesOneRunning(k tracer.Kernel) tracer.Kernel { return leaky{chooser{k, new(int)}} }

func (k leaky) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := k.chooser.Wait(tid, flags)
	if err == nil && got == *k.chosen && got != 0 && isEvent(status, unix.PTRACE_EVENT_STOP) {
		k.Kernel.Cont(got, 0)
	}
	return got, status, err
}

// A forgetful kernel has one thread stay in its stop, until it is mended and asked for another.
type forgetful struct {
	chooser
	mended    *atomic.Bool
	forgotten *int
}

func forgetsToResume(mended *atomic.Bool) seams {
	return seams{kernel: func(k tracer.Kernel) tracer.Kernel {
		return forgetful{chooser{k, new(int)}, mended, new(int)}
	}}
}

func (k forgetful) Cont(tid, sig int) error {
	if tid == *k.chosen && *k.forgotten == 0 {
		*k.forgotten = tid
		return nil
	}
	return k.chooser.Cont(tid, sig)
}

func (k forgetful) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	if *k.forgotten > 0 && k.mended.Load() {
		k.Kernel.Cont(*k.forgotten, 0)
		k.Kernel.Interrupt(*k.forgotten)
		*k.forgotten = -1
	}
	return k.chooser.Wait(tid, flags)
}

//go:build amd64 || arm64

package defective

import (
	"sync/atomic"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

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

// A bundler takes every PTRACE_EVENT_CLONE for a thread's birth, and a process that shares memory is one too: it is of the kind
// by its exit signal.
type bundler struct{ literal }

func takesCloneForThread(k tracer.Kernel) tracer.Kernel {
	return bundler{literal{k, new(unix.WaitStatus)}}
}

func (k bundler) InGroup(pid, tid int) bool {
	return isEvent(*k.latest, unix.PTRACE_EVENT_CLONE) || k.Kernel.InGroup(pid, tid)
}

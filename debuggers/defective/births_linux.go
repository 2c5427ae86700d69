//go:build amd64 || arm64

package defective

import (
	"context"

	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Defects at births.

// setsCloneOnly sets PTRACE_O_TRACECLONE alone of the births, and PTRACE_O_TRACEEXEC, without
// which no program would ever stand at its start.
func setsCloneOnly(k tracer.Kernel, h *hooks) {
	const others = unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEVFORKDONE
	h.seize = func(tid, options int) error { return k.Seize(tid, options&^others) }
	h.setOptions = func(tid, options int) error { return k.SetOptions(tid, options&^others) }
}

// latestStatus has the hooks note the status that the latest wait gave.
func latestStatus(h *hooks) *unix.WaitStatus {
	latest := new(unix.WaitStatus)
	h.afterWaits(func(_ int, status unix.WaitStatus) { *latest = status })
	return latest
}

// takesForkForProcess has the event say what was born: a process at PTRACE_EVENT_FORK and VFORK.
func takesForkForProcess(k tracer.Kernel, h *hooks) {
	latest := latestStatus(h)
	h.inGroup = func(pid, tid int) bool {
		isFork := seam.IsEvent(*latest, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK)
		return !isFork && k.InGroup(pid, tid)
	}
}

// takesCloneForThread takes every PTRACE_EVENT_CLONE for a thread's birth. A process that shares
// memory gives that event too: the event depends on the exit signal.
func takesCloneForThread(k tracer.Kernel, h *hooks) {
	latest := latestStatus(h)
	h.inGroup = func(pid, tid int) bool {
		return seam.IsEvent(*latest, unix.PTRACE_EVENT_CLONE) || k.InGroup(pid, tid)
	}
}

// readsEveryEvent takes the message of every event for a birth. It means something at each, and
// something else: at an end it is the status, after a vfork the child once more.
func readsEveryEvent(mended context.Context) seams {
	var report tell
	ready := false
	s := below(func(k tracer.Kernel, h *hooks) {
		h.afterWaits(func(tid int, status unix.WaitStatus) {
			if !ready || !status.Stopped() || int(status)>>16 == 0 || isBirth(status) {
				return
			}
			if msg, err := k.EventMsg(tid); err == nil {
				report(event.Event{
					Kind: event.Clone, PID: event.TID(tgid(k, tid)), TID: event.TID(tid),
					Child: event.TID(msg),
				})
			}
		})
	})(mended)
	s.sink = func(next tell) tell {
		report = func(e event.Event) {
			ready = ready || e.Kind == event.Ready
			next(e)
		}
		return report
	}
	return s
}

//go:build amd64 || arm64

package defective

import (
	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Defects with signals.

// swallowsSignals lets tasks go on without their signals.
func swallowsSignals(k tracer.Kernel, h *hooks) {
	h.cont = func(tid, _ int) error { return k.Cont(tid, 0) }
}

// deliversTwice sends each signal that it delivers once more.
func deliversTwice(k tracer.Kernel, h *hooks) {
	again := make(map[int]int) // the signal of a task that is on its way again
	h.cont = func(tid, sig int) error {
		switch {
		case sig == 0:
		case again[tid] == sig:
			delete(again, tid)
		default:
			again[tid] = sig
			send(k, tid, unix.Signal(sig))
		}
		return k.Cont(tid, sig)
	}
}

// seized has the hooks note the tasks that are attached to.
func seized(h *hooks) map[int]bool {
	fresh := make(map[int]bool)
	h.seize = func(tid, options int) error {
		err := h.Kernel.Seize(tid, options)
		fresh[tid] = err == nil && seam.IsAttach(options)
		return err
	}
	return fresh
}

// reinjectsStop gives each task that was attached to a SIGSTOP when it goes on. PTRACE_ATTACH sends
// one, which the tracer is to suppress.
func reinjectsStop(k tracer.Kernel, h *hooks) {
	due := seized(h)
	h.cont = func(tid, sig int) error {
		if due[tid] {
			delete(due, tid)
			send(k, tid, unix.SIGSTOP)
		}
		return k.Cont(tid, sig)
	}
}

// leavesStopPending sends the first task that it lets go of a SIGSTOP.
func leavesStopPending(k tracer.Kernel, h *hooks) {
	sent := false
	h.detach = func(tid, sig int) error {
		if !sent {
			sent = true
			send(k, tid, unix.SIGSTOP)
		}
		return k.Detach(tid, sig)
	}
}

// trustsFirstStop has attached by PTRACE_ATTACH, and taken the first stop for that of SIGSTOP,
// which is still to come. When SIGSTOP comes, it is not passed on. A task that is let go of
// before that has it taken back by SIGCONT.
func trustsFirstStop(k tracer.Kernel, h *hooks) {
	fresh, due := seized(h), make(map[int]bool)
	h.afterWaits(func(tid int, status unix.WaitStatus) {
		if fresh[tid] && status.Stopped() {
			fresh[tid], due[tid] = false, true
			send(k, tid, unix.SIGSTOP)
		}
	})
	h.cont = func(tid, sig int) error {
		if due[tid] && sig == int(unix.SIGSTOP) {
			sig, due[tid] = 0, false
		}
		return k.Cont(tid, sig)
	}
	h.detach = func(tid, sig int) error {
		if due[tid] {
			send(k, tid, unix.SIGCONT)
		}
		return k.Detach(tid, sig)
	}
}

// swallows takes a signal for its own: SIGTRAP for a breakpoint's, SIGSTOP for an attach's.
func swallows(own unix.Signal) func(tracer.Kernel, *hooks) {
	return func(k tracer.Kernel, h *hooks) {
		h.cont = func(tid, sig int) error {
			if sig == int(own) {
				sig = 0
			}
			return k.Cont(tid, sig)
		}
	}
}

// resumesGroupStop ends a group stop as if it were any other stop.
func resumesGroupStop(k tracer.Kernel, h *hooks) {
	h.listen = func(tid int) error { return k.Cont(tid, 0) }
}

// killsAtDetach kills each task that it lets go of. The first takes its process along.
func killsAtDetach(k tracer.Kernel, h *hooks) {
	h.detach = func(tid, sig int) error {
		send(k, tid, unix.SIGKILL)
		return k.Detach(tid, sig)
	}
}

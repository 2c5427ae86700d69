//go:build amd64 || arm64

package defective

import (
	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Defects at a stop.

// chosen has the hooks choose one thread of all that are stopped by PTRACE_INTERRUPT: the first
// that is no leader. It is zero before.
func chosen(h *hooks) *int {
	chosen := new(int)
	h.interrupt = func(tid int) error {
		if *chosen == 0 && tgid(h.Kernel, tid) != tid {
			*chosen = tid
		}
		return h.Kernel.Interrupt(tid)
	}
	return chosen
}

// leavesOneRunning has one thread go on from its stop by itself.
func leavesOneRunning(k tracer.Kernel, h *hooks) {
	chosen := chosen(h)
	h.afterWaits(func(tid int, status unix.WaitStatus) {
		if tid == *chosen && seam.IsEvent(status, unix.PTRACE_EVENT_STOP) {
			k.Cont(tid, 0)
		}
	})
}

// forgetsToResume has one thread stay in its stop, until it is mended and asked for another.
func forgetsToResume(k tracer.Kernel, h *hooks) {
	chosen := chosen(h)
	forgotten := 0
	h.cont = func(tid, sig int) error {
		if tid == *chosen && forgotten == 0 {
			forgotten = tid
			return nil
		}
		return k.Cont(tid, sig)
	}
	h.wait = func(tid, flags int) (int, unix.WaitStatus, error) {
		if forgotten > 0 && h.isMended() {
			k.Cont(forgotten, 0)
			k.Interrupt(forgotten)
			forgotten = -1
		}
		return k.Wait(tid, flags)
	}
}

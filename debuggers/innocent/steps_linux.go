//go:build amd64 || arm64

package innocent

import (
	"strconv"

	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// stepping has each task that is to go on make one step, and go on then.
func stepping(k tracer.Kernel) tracer.Kernel {
	return &step{Kernel: k, in: make(map[int]bool), again: make(map[int]bool)}
}

type step struct {
	tracer.Kernel
	in    map[int]bool // tasks in a step
	again map[int]bool // those whose step was cut short by a stop that is asked for once more
}

// Cont makes a step of it, but for a task that blocks or ignores SIGTRAP. The kernel forces the
// step's SIGTRAP on it, and it would lose that setting and its handler (force_sig_info_to_task in
// kernel/signal.c).
func (s *step) Cont(tid, sig int) error {
	if hasTrap(s.Kernel, tid, "SigBlk") || hasTrap(s.Kernel, tid, "SigIgn") {
		return s.Kernel.Cont(tid, sig)
	}
	s.in[tid] = true
	return s.Kernel.Step(tid, sig)
}

func (s *step) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	for {
		got, status, err := s.Kernel.Wait(tid, flags)
		if err != nil || got == 0 || !s.in[got] {
			return got, status, err
		}
		delete(s.in, got)
		switch {
		case s.isTrap(got, status):
			if s.again[got] {
				delete(s.again, got)
				s.Kernel.Interrupt(got)
			}
			s.Kernel.Cont(got, 0) // ESRCH, the only error: it was killed meanwhile
		case seam.IsEvent(status, unix.PTRACE_EVENT_STOP) && status.StopSignal() == unix.SIGTRAP &&
			hasTrap(s.Kernel, got, "SigPnd"):
			// The stop has cut a system call short, and the trap is queued: it comes next.
			s.in[got], s.again[got] = true, true
			s.Kernel.Cont(got, 0)
		default:
			return got, status, err
		}
	}
}

// isTrap tells whether a task stands at the trap of its step: after an instruction, a system call
// or the entry of a signal's handler.
func (s *step) isTrap(tid int, status unix.WaitStatus) bool {
	const trace, brkpt, notify, user = 2, 1, int32(unix.SIGTRAP), 0
	if !status.Stopped() || status.StopSignal() != unix.SIGTRAP || int(status)>>16 != 0 {
		return false
	}
	info, err := s.Kernel.Siginfo(tid)
	if err != nil {
		return false
	}
	return info.Code == trace || info.Code == brkpt || info.Code == notify ||
		info.Code == user && info.PID == 0
}

// hasTrap tells whether SIGTRAP is in one of the sets of /proc/TID/status.
func hasTrap(k tracer.Kernel, tid int, set string) bool {
	bits, _ := strconv.ParseUint(field(k, tid, set), 16, 64) // zero for a task that is gone
	return bits&(1<<(unix.SIGTRAP-1)) != 0
}

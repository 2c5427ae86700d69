//go:build amd64 || arm64

package tracer

import (
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A stop is one answer of wait4: a task stopped, or it is gone.
type stop struct {
	tid    int
	kind   stopKind
	birth  event.Kind // stopBirth: the kernel's event, which does not tell thread from process
	code   int32      // at an event: siginfo's si_code
	sig    int        // stopSignal, stopGroup: the signal
	status event.Status
}

type stopKind uint8

// The stops of ptrace(2), "Stopped states".
const (
	stopGone      stopKind = iota // no stop: the task ended and is reaped
	stopBirth                     // PTRACE_EVENT_CLONE, FORK or VFORK, in the creator
	stopVForkDone                 // PTRACE_EVENT_VFORK_DONE
	stopExec                      // PTRACE_EVENT_EXEC, under the thread group's id
	stopExit                      // PTRACE_EVENT_EXIT: about to end
	stopSyscall                   // at the entry or the exit of a system call
	stopTrap                      // PTRACE_EVENT_STOP with SIGTRAP: a newcomer, an INTERRUPT, the end of a group stop
	stopGroup                     // PTRACE_EVENT_STOP with a stopping signal: a group stop
	stopSignal                    // a signal is about to be delivered
)

// classify names a stop from its wait status alone.
func classify(tid int, status unix.WaitStatus) stop {
	s := stop{tid: tid}
	if !status.Stopped() {
		s.status = event.StatusOf(uint32(status))
		return s
	}
	sig := int(status.StopSignal())
	cause := int(status) >> 16
	if cause != 0 {
		s.code = int32(status) >> 8
	}
	switch cause {
	case unix.PTRACE_EVENT_CLONE:
		s.kind, s.birth = stopBirth, event.Clone
	case unix.PTRACE_EVENT_FORK:
		s.kind, s.birth = stopBirth, event.Fork
	case unix.PTRACE_EVENT_VFORK:
		s.kind, s.birth = stopBirth, event.VFork
	case unix.PTRACE_EVENT_VFORK_DONE:
		s.kind = stopVForkDone
	case unix.PTRACE_EVENT_EXEC:
		s.kind = stopExec
	case unix.PTRACE_EVENT_EXIT:
		s.kind = stopExit
	case unix.PTRACE_EVENT_STOP:
		s.kind, s.sig = stopTrap, sig
		if sig != int(unix.SIGTRAP) {
			s.kind = stopGroup
		}
	default:
		const sysgood = 0x80 // PTRACE_O_TRACESYSGOOD
		s.kind, s.sig = stopSignal, sig
		if sig == int(unix.SIGTRAP)|sysgood {
			s.kind, s.sig = stopSyscall, 0
		}
	}
	return s
}

// isStopping tells whether the default action of a signal is to stop its process.
func isStopping(sig int) bool {
	switch unix.Signal(sig) {
	case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return true
	}
	return false
}

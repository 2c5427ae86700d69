//go:build amd64 || arm64

// Package seam is what the tracers of packages defective and innocent share: both wrap the kernel
// below the reference tracer's loop.
package seam

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IsAttach tells by the options of a seize whether it is of an attach: a launched program is seized
// with PTRACE_O_EXITKILL.
func IsAttach(options int) bool { return options&unix.PTRACE_O_EXITKILL == 0 }

// IsEvent tells whether a task stands at one of these events (PTRACE_EVENT_…).
func IsEvent(status unix.WaitStatus, events ...int) bool {
	return status.Stopped() && slices.Contains(events, int(status)>>16)
}

// Peek is the task that wait4 would tell of next, and whether it has ended. The task is zero if
// there is none and flags have WNOHANG.
func Peek(which, id, flags int) (tid int, ended bool, err error) {
	const exited, dumped = 1, 3 // CLD_EXITED and CLD_DUMPED; between them is CLD_KILLED
	var info struct {
		signo, errno, code, _ int32
		pid                   int32
		_                     [108]byte // siginfo_t has 128
	}
	flags |= unix.WNOWAIT | unix.WALL | unix.WNOTHREAD
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Waitid(which, id, (*unix.Siginfo)(unsafe.Pointer(&info)), flags, nil)
	}
	return int(info.pid), info.code >= exited && info.code <= dumped, err
}

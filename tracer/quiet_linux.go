//go:build amd64 || arm64

package tracer

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Each stop of a tracee has the kernel send us SIGCHLD and wake a thread, the process's first, to run the Go runtime's
// handler: a third of what an attach to many threads costs. SA_NOCLDSTOP has it sent for ends only. Nobody
// who is not a tracer asks for more; a tracer that is noticed by SIGCHLD does.
var quiet struct {
	sync.Mutex
	tracers, listeners int
}

// enlist counts a tracer in, and the function that it returns counts it out.
func enlist(notify Notify) (leave func()) {
	count := func(n int) {
		quiet.Lock()
		defer quiet.Unlock()
		quiet.tracers += n
		if notify == SIGCHLD {
			quiet.listeners += n
		}
		setNoCldStop(quiet.tracers > 0 && quiet.listeners == 0)
	}
	count(1)
	return func() { count(-1) }
}

// setNoCldStop changes one flag of what the runtime has set up for SIGCHLD.
func setNoCldStop(on bool) {
	const noCldStop, setSize = 1, 8 // SA_NOCLDSTOP; of the kernel's sigset_t
	var action struct {
		handler           uintptr
		flags             uint64
		restorer, signals uintptr
	}
	sigaction := func(set, get unsafe.Pointer) unix.Errno {
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), uintptr(set), uintptr(get), setSize, 0, 0)
		return errno
	}
	if sigaction(nil, unsafe.Pointer(&action)) != 0 {
		return // nothing is lost but time
	}
	if action.flags &^= noCldStop; on {
		action.flags |= noCldStop
	}
	sigaction(unsafe.Pointer(&action), nil)
}

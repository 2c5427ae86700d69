//go:build amd64 || arm64

package tracer

import (
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Kernel is all that the loop asks of Linux: ptrace(2), wait4(2), kill(2) and
// proc(5). Its errors are bare errnos, except those of ReadFile and Tasks.
// It is used on one OS thread only, the tracer's.
type Kernel interface {
	// Wait waits for a stop or the end of the task tid, -1 for any that this
	// thread traces or has as a child; flags are wait4's (WNOHANG).
	Wait(tid, flags int) (int, unix.WaitStatus, error)
	Seize(tid, options int) error
	SetOptions(tid, options int) error
	Interrupt(tid int) error
	Listen(tid int) error
	Cont(tid, sig int) error
	Detach(tid, sig int) error
	// EventMsg is PTRACE_GETEVENTMSG. It means something at an event stop only.
	EventMsg(tid int) (uint, error)
	// HasSiginfo tells a signal-delivery stop from a group stop where the status
	// does not (after PTRACE_TRACEME): PTRACE_GETSIGINFO is EINVAL in the latter.
	HasSiginfo(tid int) bool
	// PC is the instruction pointer of a stopped task.
	PC(tid int) (uint64, error)
	// InGroup tells whether the task tid belongs to the thread group pid.
	InGroup(pid, tid int) bool
	Kill(pid, sig int) error
	Tgkill(pid, tid, sig int) error
	ReadFile(name string) ([]byte, error)
	// Tasks lists /proc/PID/task.
	Tasks(pid int) ([]int, error)
}

type linux struct{}

func (linux) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	var status unix.WaitStatus
	for {
		// __WNOTHREAD keeps us from reaping children that os/exec started on
		// other threads; __WALL has us see clone children of any exit signal.
		got, err := unix.Wait4(tid, &status, flags|unix.WALL|unix.WNOTHREAD, nil)
		if err != unix.EINTR {
			return got, status, err
		}
	}
}

func (linux) Seize(tid, options int) error {
	return ptrace(unix.PTRACE_SEIZE, tid, 0, uintptr(options))
}

func (linux) SetOptions(tid, options int) error {
	return ptrace(unix.PTRACE_SETOPTIONS, tid, 0, uintptr(options))
}
func (linux) Interrupt(tid int) error { return ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0) }
func (linux) Listen(tid int) error    { return ptrace(unix.PTRACE_LISTEN, tid, 0, 0) }
func (linux) Cont(tid, sig int) error { return ptrace(unix.PTRACE_CONT, tid, 0, uintptr(sig)) }
func (linux) Detach(tid, sig int) error {
	return ptrace(unix.PTRACE_DETACH, tid, 0, uintptr(sig))
}

func (linux) EventMsg(tid int) (uint, error) {
	var msg uint
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETEVENTMSG, uintptr(tid), 0, uintptr(unsafe.Pointer(&msg)), 0, 0)
	return msg, nilOr(errno)
}

func (linux) HasSiginfo(tid int) bool {
	var info [128]byte // siginfo_t
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETSIGINFO, uintptr(tid), 0, uintptr(unsafe.Pointer(&info)), 0, 0)
	return errno != unix.EINVAL
}

func (linux) PC(tid int) (uint64, error) {
	// PTRACE_GET_SYSCALL_INFO gives the instruction pointer at any stop and for
	// any architecture, since Linux 5.3; the registers' layout is not needed.
	var info struct {
		op, _          uint8
		_              uint16
		arch           uint32
		pc, sp         uint64
		entry          uint64
		args           [6]uint64
		seccompRetData uint32
	}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return info.pc, nilOr(errno)
}

// InGroup asks with signal 0: ESRCH is the kernel's word that the task is not in the
// group; a task that has ended and was not reaped yet is still in it.
func (linux) InGroup(pid, tid int) bool { return unix.Tgkill(pid, tid, 0) != unix.ESRCH }

func (linux) Kill(pid, sig int) error { return unix.Kill(pid, unix.Signal(sig)) }
func (linux) Tgkill(pid, tid, sig int) error {
	return unix.Tgkill(pid, tid, unix.Signal(sig))
}
func (linux) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

func (linux) Tasks(pid int) ([]int, error) {
	dir, err := os.Open("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	tids := make([]int, 0, len(names))
	for _, name := range names {
		if tid, err := strconv.Atoi(name); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids, err
}

func ptrace(request, tid int, addr, data uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, data, 0, 0)
	return nilOr(errno)
}

func nilOr(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

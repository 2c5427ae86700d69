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
// It is used on one OS thread only, the tracer's; but while Seize waits there, Reap, ReadFile and Tasks may be
// called on another.
type Kernel interface {
	// Wait waits for a stop or the end of the task tid, -1 for any that this
	// thread traces or has as a child; flags are wait4's: WNOHANG, and WCLONE to leave out children that
	// it does not trace.
	Wait(tid, flags int) (int, unix.WaitStatus, error)
	Seize(tid, options int) error
	// Reap is Wait with WNOHANG for one task that another thread of our process traces.
	Reap(tid int) (int, unix.WaitStatus, error)
	SetOptions(tid, options int) error
	Interrupt(tid int) error
	Listen(tid int) error
	Cont(tid, sig int) error
	Syscall(tid, sig int) error // PTRACE_SYSCALL
	Step(tid, sig int) error    // PTRACE_SINGLESTEP
	Detach(tid, sig int) error
	// EventMsg is PTRACE_GETEVENTMSG. It means something at an event stop only.
	EventMsg(tid int) (uint, error)
	// Siginfo is PTRACE_GETSIGINFO. In a group stop it is EINVAL, which is all that
	// tells one from a signal-delivery stop after PTRACE_TRACEME.
	Siginfo(tid int) (Siginfo, error)
	// SyscallInfo describes the system call at whose entry or exit a task stands; entry is what
	// the caller expects, where neither kernel nor registers tell.
	SyscallInfo(tid int, entry bool) (SyscallInfo, error)
	// Peek reads a word of the task's memory.
	Peek(tid int, address uint64) (uint64, error)
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

// A Siginfo is the part of siginfo_t by which a signal's sender is known: a positive
// code (and SI_KERNEL) is the kernel, else a process has sent it.
type Siginfo struct{ Code, PID int32 }

type linux struct{}

func (linux) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	var status int32
	// __WNOTHREAD keeps us from reaping children that os/exec started on
	// other threads; __WALL has us see clone children of any exit signal. Of tracees that is not
	// asked, so __WCLONE leaves out only who is a child and no more (kernel/exit.c, eligible_child).
	if flags |= unix.WNOTHREAD; flags&unix.WCLONE == 0 {
		flags |= unix.WALL
	}
	wait4 := unix.Syscall6
	if flags&unix.WNOHANG != 0 {
		wait4 = unix.RawSyscall6
	}
	for {
		got, _, errno := wait4(unix.SYS_WAIT4, uintptr(tid), uintptr(unsafe.Pointer(&status)), uintptr(flags), 0, 0, 0)
		if errno != unix.EINTR {
			return int(got), unix.WaitStatus(status), nilOr(errno)
		}
	}
}

// Seize alone of these may have to wait, for an exec of the task's process to be over: the
// runtime must know of that.
func (linux) Seize(tid, options int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(tid), 0, uintptr(options), 0, 0)
	return nilOr(errno)
}

// Reap leaves __WNOTHREAD out: the tracees of all our threads are ours to wait for.
func (linux) Reap(tid int) (int, unix.WaitStatus, error) {
	var status unix.WaitStatus
	got, err := unix.Wait4(tid, &status, unix.WNOHANG|unix.WALL, nil)
	return got, status, err
}

func (linux) SetOptions(tid, options int) error {
	return ptrace(unix.PTRACE_SETOPTIONS, tid, 0, uintptr(options))
}
func (linux) Interrupt(tid int) error    { return ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0) }
func (linux) Listen(tid int) error       { return ptrace(unix.PTRACE_LISTEN, tid, 0, 0) }
func (linux) Cont(tid, sig int) error    { return ptrace(unix.PTRACE_CONT, tid, 0, uintptr(sig)) }
func (linux) Syscall(tid, sig int) error { return ptrace(unix.PTRACE_SYSCALL, tid, 0, uintptr(sig)) }

func (linux) Step(tid, sig int) error { return ptrace(unix.PTRACE_SINGLESTEP, tid, 0, uintptr(sig)) }

func (linux) Detach(tid, sig int) error {
	return ptrace(unix.PTRACE_DETACH, tid, 0, uintptr(sig))
}

func (linux) EventMsg(tid int) (uint, error) {
	var msg uint
	return msg, ptraceRead(unix.PTRACE_GETEVENTMSG, tid, 0, unsafe.Pointer(&msg))
}

func (linux) Siginfo(tid int) (Siginfo, error) {
	var info struct {
		signo, errno, code, _ int32
		pid                   int32
		_                     [108]byte // siginfo_t has 128
	}
	err := ptraceRead(unix.PTRACE_GETSIGINFO, tid, 0, unsafe.Pointer(&info))
	return Siginfo{Code: info.code, PID: info.pid}, err
}

func (linux) PC(tid int) (uint64, error) {
	info, err := syscallInfo(tid)
	return info.pc, err
}

func (linux) Peek(tid int, address uint64) (uint64, error) {
	var word uint64
	return word, ptraceRead(unix.PTRACE_PEEKDATA, tid, uintptr(address), unsafe.Pointer(&word))
}

// InGroup asks with signal 0: ESRCH is the kernel's word that the task is not in the
// group; a task that has ended and was not reaped yet is still in it.
func (linux) InGroup(pid, tid int) bool {
	_, _, errno := unix.RawSyscall(unix.SYS_TGKILL, uintptr(pid), uintptr(tid), 0)
	return errno != unix.ESRCH
}

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

// ptrace is a request that does not block, so the runtime's scheduler is not told.
func ptrace(request, tid int, addr, data uintptr) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, data, 0, 0)
	return nilOr(errno)
}

// ptraceRead is a request that writes to our memory.
func ptraceRead(request, tid int, addr uintptr, data unsafe.Pointer) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, uintptr(data), 0, 0)
	return nilOr(errno)
}

func nilOr(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

//go:build amd64 || arm64

package tracer

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Kernel is all that the loop asks of Linux: ptrace(2), wait4(2), kill(2) and proc(5). Its errors
// are bare errnos, except those of ReadFile and Tasks. It is used on one OS thread only, the
// tracer's; but while Seize waits there, Reap, ReadFile and Tasks may be called on another.
type Kernel interface {
	// Wait waits for a stop or the end of the task tid, -1 for any that this thread traces or has
	// as a child. Flags are wait4's: WNOHANG, and WCLONE to leave out children that are not traced.
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
	// Siginfo is PTRACE_GETSIGINFO. In a group stop it is EINVAL: after PTRACE_TRACEME nothing else
	// tells a group stop from a signal-delivery stop.
	Siginfo(tid int) (Siginfo, error)
	// SyscallInfo describes the system call at whose entry or exit a task is stopped.
	SyscallInfo(tid int) (SyscallInfo, error)
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

// A Siginfo is the part of siginfo_t by which a signal's sender is known: with a positive code (as
// SI_KERNEL is) it is the kernel, else a process.
type Siginfo struct{ Code, PID int32 }

type linux struct{}

func (linux) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	// __WNOTHREAD keeps us from reaping children that os/exec started on other threads. __WALL has
	// us see clone children of any exit signal. The kernel does not ask for that signal of tracees,
	// so __WCLONE leaves out only children that are not traced (kernel/exit.c, eligible_child).
	if flags |= unix.WNOTHREAD; flags&unix.WCLONE == 0 {
		flags |= unix.WALL
	}
	wait4 := unix.Syscall6
	if flags&unix.WNOHANG != 0 {
		wait4 = unix.RawSyscall6 // does not wait, and need not tell the Go scheduler
	}
	for {
		var status int32
		got, _, errno := wait4(unix.SYS_WAIT4, uintptr(tid), uintptr(unsafe.Pointer(&status)),
			uintptr(flags), 0, 0, 0)
		if errno != unix.EINTR {
			return int(got), unix.WaitStatus(status), nilOr(errno)
		}
	}
}

// Seize is the only request that may have to wait: for the end of an exec of the task's process.
// The runtime's scheduler must know of that.
func (linux) Seize(tid, options int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(tid), 0,
		uintptr(options), 0, 0)
	return nilOr(errno)
}

// Reap leaves __WNOTHREAD out: the tracees of all our threads are ours to wait for.
func (linux) Reap(tid int) (int, unix.WaitStatus, error) {
	var status unix.WaitStatus
	got, err := unix.Wait4(tid, &status, unix.WNOHANG|unix.WALL, nil)
	return got, status, err
}

func (linux) SetOptions(tid, options int) error {
	return ptrace(unix.PTRACE_SETOPTIONS, tid, options)
}
func (linux) Interrupt(tid int) error    { return ptrace(unix.PTRACE_INTERRUPT, tid, 0) }
func (linux) Listen(tid int) error       { return ptrace(unix.PTRACE_LISTEN, tid, 0) }
func (linux) Cont(tid, sig int) error    { return ptrace(unix.PTRACE_CONT, tid, sig) }
func (linux) Syscall(tid, sig int) error { return ptrace(unix.PTRACE_SYSCALL, tid, sig) }
func (linux) Step(tid, sig int) error    { return ptrace(unix.PTRACE_SINGLESTEP, tid, sig) }
func (linux) Detach(tid, sig int) error  { return ptrace(unix.PTRACE_DETACH, tid, sig) }

func (linux) EventMsg(tid int) (uint, error) {
	return unix.PtraceGetEventMsg(tid)
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

// InGroup asks with signal 0. ESRCH means that the task is not in the group. A task that has ended
// and was not reaped yet is still in it.
func (linux) InGroup(pid, tid int) bool {
	return unix.Tgkill(pid, tid, 0) != unix.ESRCH
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
func ptrace(request, tid, data int) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0,
		uintptr(data), 0, 0)
	return nilOr(errno)
}

// ptraceRead is a request that writes to our memory.
func ptraceRead(request, tid int, addr uintptr, data unsafe.Pointer) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr,
		uintptr(data), 0, 0)
	return nilOr(errno)
}

func nilOr(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// statusLine is a line in /proc/TID/status: empty if there is no such task or line.
func statusLine(k Kernel, tid int, name string) string {
	content, _ := k.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	_, rest, _ := strings.Cut(string(content), "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// statusField is the first number of a line in /proc/TID/status, or zero.
func statusField(k Kernel, tid int, name string) int {
	return firstNumber(statusLine(k, tid, name))
}

func firstNumber(text string) (n int) {
	fmt.Sscan(text, &n) // an error leaves zero
	return n
}

// isPending tells whether a signal waits in a task's own queue.
func isPending(k Kernel, tid int, sig unix.Signal) bool {
	set, _ := strconv.ParseUint(statusLine(k, tid, "SigPnd"), 16, 64)
	return set&(1<<(sig-1)) != 0
}

// statFields are the fields of a task's stat from the third on; the second, in brackets, may hold
// anything. It is /proc/TID/task/TID/stat, since a leader's /proc/TID/stat is its whole process's:
// the kernel walks all threads for that.
func statFields(k Kernel, tid int) []string {
	id := strconv.Itoa(tid)
	content, err := k.ReadFile("/proc/" + id + "/task/" + id + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
}

// procState is a task's state letter in proc(5), or zero where there is no such task.
func procState(k Kernel, tid int) byte {
	if fields := statFields(k, tid); len(fields) > 0 {
		return fields[0][0]
	}
	return 0
}

func isGone(k Kernel, tid int) bool {
	state := procState(k, tid)
	return state == 0 || state == 'Z' || state == 'X'
}

// isKernelTask tells a task that the kernel made for itself or for io_uring by its flags
// (include/linux/sched.h); names prove nothing.
func isKernelTask(k Kernel, tid int) bool {
	const kthread, ioWorker, userWorker = 0x200000, 0x10, 0x4000
	fields := statFields(k, tid)
	if len(fields) < 7 {
		return false
	}
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags&(kthread|ioWorker|userWorker) != 0
}

func comm(k Kernel, pid int) string {
	content, err := k.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(content))
}

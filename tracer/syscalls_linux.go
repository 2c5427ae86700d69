//go:build amd64 || arm64

package tracer

import (
	"strconv"
	"strings"
	"unsafe"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// cont lets a task go on, to its next system call if births are learnt from these.
func (t *Tracer) cont(tid, sig int) error {
	if t.opts.Method == Syscalls {
		return t.check(tid, "PTRACE_SYSCALL", t.kernel.Syscall(tid, sig))
	}
	return t.check(tid, "PTRACE_CONT", t.kernel.Cont(tid, sig))
}

// syscall is the entry or the exit of a task's system call. At the exit of one that made a task its
// result is the new tid.
func (t *Tracer) syscall(k *task) {
	info, err := t.kernel.SyscallInfo(k.tid)
	if err != nil {
		t.check(k.tid, "PTRACE_GET_SYSCALL_INFO", err)
		return
	}
	if info.Entry {
		k.birth = birthOf(info, func(address uint64) (uint64, error) {
			return t.kernel.Peek(k.tid, address)
		})
		return
	}
	birth := k.birth
	k.birth = 0
	if birth == 0 || info.Result <= 0 {
		return
	}
	if tid := t.translate(k, int(info.Result)); tid != 0 {
		t.born(k, tid, birth)
	}
}

// birthCalls are the numbers of the system calls that make tasks.
type birthCalls struct{ clone, fork, vfork, clone3 uint64 }

const none = ^uint64(0)

var birthNumbers = map[uint32]birthCalls{
	unix.AUDIT_ARCH_X86_64:  {56, 57, 58, 435},
	unix.AUDIT_ARCH_I386:    {120, 2, 190, 435},
	unix.AUDIT_ARCH_AARCH64: {220, none, none, 435},
	unix.AUDIT_ARCH_ARM:     {120, 2, 190, 435},
}

// birthOf decodes a system call at its entry: the event by which the kernel tells of the task that
// its result names, zero if it names none. Peek reads the caller's memory, where clone3 has its
// flags.
func birthOf(info SyscallInfo, peek func(uint64) (uint64, error)) event.Kind {
	const x32 = 0x40000000 // __X32_SYSCALL_BIT
	numbers, known := birthNumbers[info.Arch]
	flags, signal := info.Args[0], info.Args[0]&unix.CSIGNAL
	switch number := info.Number &^ x32; {
	case !known:
		return 0
	case number == numbers.fork:
		flags, signal = 0, uint64(unix.SIGCHLD)
	case number == numbers.vfork:
		flags, signal = unix.CLONE_VFORK|unix.CLONE_VM, uint64(unix.SIGCHLD)
	case number == numbers.clone:
	case number == numbers.clone3:
		const exitSignal = 4 * 8 // of struct clone_args, whose first word is the flags
		var err error
		if flags, err = peek(info.Args[0]); err == nil {
			signal, err = peek(info.Args[0] + exitSignal)
		}
		if err != nil {
			return 0 // the pointer leads nowhere, and the kernel will refuse the call
		}
	default:
		return 0
	}
	switch {
	case flags&unix.CLONE_UNTRACED != 0 && flags&unix.CLONE_PTRACE == 0:
		return 0 // it will not be traced
	case flags&unix.CLONE_VFORK != 0:
		return 0 // its result is too late
	case signal == uint64(unix.SIGCHLD):
		return event.Fork
	}
	return event.Clone
}

// translate makes our id of the one that a system call returned, which is one of the caller's pid
// namespace. It is zero if there is none: the newcomer is then adopted.
func (t *Tracer) translate(creator *task, result int) int {
	level := len(t.namespaceIDs(creator.tid))
	if level <= 1 {
		return result
	}
	candidates, _ := t.kernel.Tasks(creator.pid) // an error leaves those that have stopped
	for tid, k := range t.tasks {
		if k.isUnborn() {
			candidates = append(candidates, tid)
		}
	}
	for _, tid := range candidates {
		ids, k := t.namespaceIDs(tid), t.tasks[tid]
		isNew := k == nil || k.isUnborn()
		if isNew && len(ids) >= level && ids[level-1] == strconv.Itoa(result) {
			return tid
		}
	}
	return 0
}

// namespaceIDs are a task's ids from the pid namespace of our /proc down to its own.
func (t *Tracer) namespaceIDs(tid int) []string {
	return strings.Fields(statusLine(t.kernel, tid, "NSpid"))
}

// A SyscallInfo is one system call of a task, at its entry or its exit.
type SyscallInfo struct {
	Entry  bool
	Arch   uint32    // AUDIT_ARCH_…: a 64-bit kernel runs 32-bit programs too
	Number uint64    // at the entry
	Args   [2]uint64 // at the entry: those that a birth's flags are in
	Result int64     // at the exit; -errno if it failed
}

// SyscallInfo is PTRACE_GET_SYSCALL_INFO, which Linux 5.3 and later has.
func (linux) SyscallInfo(tid int) (SyscallInfo, error) {
	info, err := syscallInfo(tid)
	return info.decode(), err
}

// ptraceSyscallInfo is struct ptrace_syscall_info of <linux/ptrace.h>.
type ptraceSyscallInfo struct {
	op      uint8
	_       [3]uint8
	arch    uint32
	pc, sp  uint64
	payload [8]uint64 // entry: the number and six arguments; exit: the result
}

// syscallInfo works at any stop and for any architecture, and has the instruction pointer.
func syscallInfo(tid int) (info ptraceSyscallInfo, err error) {
	err = ptraceRead(unix.PTRACE_GET_SYSCALL_INFO, tid, unsafe.Sizeof(info), unsafe.Pointer(&info))
	return info, err
}

func (i ptraceSyscallInfo) decode() SyscallInfo {
	p := i.payload
	if i.op == unix.PTRACE_SYSCALL_INFO_ENTRY {
		return SyscallInfo{Entry: true, Arch: i.arch, Number: p[0], Args: [2]uint64{p[1], p[2]}}
	}
	return SyscallInfo{Arch: i.arch, Result: int64(p[0])}
}

//go:build amd64 || arm64

package tracer

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A SyscallInfo is one system call of a task, at its entry or its exit.
type SyscallInfo struct {
	Entry  bool
	Arch   uint32    // AUDIT_ARCH_…: a 64-bit kernel runs 32-bit programs too
	Number uint64    // at the entry
	Args   [2]uint64 // at the entry: those that a birth's flags are in
	Result int64     // at the exit; -errno if it failed
}

// SyscallInfo asks for PTRACE_GET_SYSCALL_INFO, and before Linux 5.3 reads the registers.
func (linux) SyscallInfo(tid int, entry bool) (SyscallInfo, error) {
	info, err := syscallInfo(tid)
	if err == unix.EIO {
		return callByRegisters(tid, entry)
	}
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
func syscallInfo(tid int) (ptraceSyscallInfo, error) {
	var info ptraceSyscallInfo
	return info, ptraceRead(unix.PTRACE_GET_SYSCALL_INFO, tid, unsafe.Sizeof(info), unsafe.Pointer(&info))
}

func (i ptraceSyscallInfo) decode() SyscallInfo {
	if i.op == unix.PTRACE_SYSCALL_INFO_ENTRY {
		return SyscallInfo{Entry: true, Arch: i.arch, Number: i.payload[0], Args: [2]uint64{i.payload[1], i.payload[2]}}
	}
	return SyscallInfo{Arch: i.arch, Result: int64(i.payload[0])}
}

//go:build amd64 || arm64

package tracer

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// callByRegisters reads a system call from the task's general registers, by this machine's ABI.
func callByRegisters(tid int, entry bool) (SyscallInfo, error) {
	const prstatus = 1 // NT_PRSTATUS of <elf.h>
	var regs [512]byte
	vector := unix.Iovec{Base: &regs[0], Len: uint64(len(regs))}
	if err := ptraceRead(unix.PTRACE_GETREGSET, tid, prstatus, unsafe.Pointer(&vector)); err != nil {
		return SyscallInfo{}, err
	}
	if runtime.GOARCH == "arm64" {
		return decodeARM64(regs[:vector.Len]), nil
	}
	return decodeAMD64(regs[:vector.Len], entry, func(address uint64) (uint64, error) { return linux{}.Peek(tid, address) }), nil
}

// decodeAMD64 reads user_regs_struct, which has 17 words of 32 bits if the program is an i386 one. At
// the entry the result's register is -ENOSYS, but it may be that at the exit too, so the caller
// has to know where the task stands. A 64-bit program may have come by the gate of the others: peek reads its
// instruction.
func decodeAMD64(regs []byte, entry bool, peek func(uint64) (uint64, error)) SyscallInfo {
	if len(regs) == 17*4 {
		const bx, cx, ax, origAX = 0, 1, 6, 11
		return decoded(unix.AUDIT_ARCH_I386, entry, word32(regs, origAX), word32(regs, bx), word32(regs, cx), signed32(word32(regs, ax)))
	}
	const bx, ax, cx, si, di, origAX, ip = 5, 10, 11, 13, 14, 15, 16
	const gate, size = 0x80cd, 2 // int $0x80
	if code, err := peek(word64(regs, ip) - size); err == nil && code&0xffff == gate {
		return decoded(unix.AUDIT_ARCH_I386, entry, word32(regs, 2*origAX), word32(regs, 2*bx), word32(regs, 2*cx), signed32(word32(regs, 2*ax)))
	}
	return decoded(unix.AUDIT_ARCH_X86_64, entry, word64(regs, origAX), word64(regs, di), word64(regs, si), int64(word64(regs, ax)))
}

// decodeARM64 reads user_pt_regs, or the 18 words of 32 bits of an arm program. The first argument
// and the result share a register. While a task stands at a system call, the kernel keeps 0 for
// the entry and 1 for the exit in x7, or in r12 (arch/arm64/kernel/ptrace.c).
func decodeARM64(regs []byte) SyscallInfo {
	if len(regs) == 18*4 {
		return decoded(unix.AUDIT_ARCH_ARM, word32(regs, 12) == 0, word32(regs, 7), word32(regs, 0), word32(regs, 1), signed32(word32(regs, 0)))
	}
	return decoded(unix.AUDIT_ARCH_AARCH64, word64(regs, 7) == 0, word64(regs, 8), word64(regs, 0), word64(regs, 1), int64(word64(regs, 0)))
}

func decoded(arch uint32, entry bool, number, arg0, arg1 uint64, result int64) SyscallInfo {
	if entry {
		return SyscallInfo{Entry: true, Arch: arch, Number: number, Args: [2]uint64{arg0, arg1}}
	}
	return SyscallInfo{Arch: arch, Result: result}
}

// word32 and word64 are the nth register of a 32-bit or a 64-bit program.
func word32(regs []byte, n int) uint64 { return uint64(binary.LittleEndian.Uint32(regs[4*n:])) }
func word64(regs []byte, n int) uint64 { return binary.LittleEndian.Uint64(regs[8*n:]) }

// signed32 widens a 32-bit program's result.
func signed32(word uint64) int64 { return int64(int32(word)) }

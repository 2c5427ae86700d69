//go:build amd64 || arm64

package tracer

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

func TestCallsThatMakeTasks(t *testing.T) {
	const (
		amd64, i386, arm64, arm = unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_AARCH64, unix.AUDIT_ARCH_ARM
		thread                  = unix.CLONE_VM | unix.CLONE_SIGHAND | unix.CLONE_THREAD
		chld                    = uint64(unix.SIGCHLD)
	)
	for _, c := range []struct {
		name         string
		arch         uint32
		number, arg  uint64
		flags, exits uint64 // in memory, for clone3
		births       event.Kind
	}{
		{"a thread", amd64, 56, thread, 0, 0, event.Clone},
		{"a thread of an x32 program", amd64, 0x40000000 + 56, thread, 0, 0, event.Clone},
		{"a fork by clone", amd64, 56, chld, 0, 0, event.Fork},
		{"a process with another exit signal", amd64, 56, uint64(unix.SIGUSR1), 0, 0, event.Clone},
		{"a vfork by clone", amd64, 56, unix.CLONE_VFORK | unix.CLONE_VM | chld, 0, 0, 0},
		{"fork", amd64, 57, thread, 0, 0, event.Fork}, // its argument is none
		{"vfork", amd64, 58, 0, 0, 0, 0},
		{"clone3, a thread", amd64, 435, 4096, thread, 0, event.Clone},
		{"clone3, a process", amd64, 435, 4096, 0, chld, event.Fork},
		{"clone3, a vfork", amd64, 435, 4096, unix.CLONE_VFORK, chld, 0},
		{"untraced", amd64, 56, thread | unix.CLONE_UNTRACED, 0, 0, 0},
		{"untraced, and yet traced", amd64, 56, thread | unix.CLONE_UNTRACED | unix.CLONE_PTRACE, 0, 0, event.Clone},
		{"i386 clone", i386, 120, thread, 0, 0, event.Clone},
		{"i386 fork", i386, 2, 0, 0, 0, event.Fork},
		{"i386 vfork", i386, 190, 0, 0, 0, 0},
		{"arm64 clone", arm64, 220, thread, 0, 0, event.Clone},
		{"arm64 clone3", arm64, 435, 4096, 0, chld, event.Fork},
		{"arm vfork", arm, 190, 0, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			memory := map[uint64]uint64{4096: c.flags, 4096 + 32: c.exits}
			peek := func(address uint64) (uint64, error) { return memory[address], nil }
			got, err := entered(SyscallInfo{Entry: true, Arch: c.arch, Number: c.number, Args: [2]uint64{c.arg}}, peek)
			if err != nil || got != (call{true, c.births}) {
				t.Errorf("got %+v, error %v; want a %s", got, err, c.births)
			}
		})
	}
	peek := func(uint64) (uint64, error) { return 0, unix.EIO }
	for _, info := range []SyscallInfo{
		{Arch: amd64, Number: 59}, // execve
		{Arch: i386, Number: 56},  // another number there
		{Arch: arm64, Number: 57}, // close
		{Arch: unix.AUDIT_ARCH_PPC64, Number: 120},
		{Arch: amd64, Number: 435, Args: [2]uint64{4096}}, // no such memory: EFAULT
	} {
		if got, _ := entered(info, peek); got != (call{entered: true}) {
			t.Errorf("%+v: got %+v, want a call that makes no task", info, got)
		}
	}
}

// words are registers of 4 or 8 bytes, at their places.
func words(size, n int, at map[int]uint64) []byte {
	regs := make([]byte, size*n)
	for i, word := range at {
		if size == 4 {
			binary.LittleEndian.PutUint32(regs[4*i:], uint32(word))
		} else {
			binary.LittleEndian.PutUint64(regs[8*i:], word)
		}
	}
	return regs
}

// The layouts are those of <sys/user.h> (27 and 17 words) and <asm/ptrace.h> (34 and 18).
func TestRegistersAreReadByTheABI(t *testing.T) {
	const minus11 = ^uint64(10) // -EAGAIN
	amd64 := words(8, 27, map[int]uint64{16: 0x1002, 15: 56, 14: 0x100, 13: 0x200, 10: 4711})
	gate := words(8, 27, map[int]uint64{16: 0x2002, 15: 120, 5: 0x100, 11: 0xffffffff00000200, 10: minus11, 14: 1, 13: 1})
	peek := func(address uint64) (uint64, error) {
		return map[uint64]uint64{0x1000: 0x050f, 0x2000: 0x123480cd}[address], nil
	}
	i386 := words(4, 17, map[int]uint64{11: 120, 0: 0x100, 1: 0x200, 6: minus11})
	for _, c := range []struct {
		name  string
		entry bool
		got   func(entry bool) SyscallInfo
		want  SyscallInfo
	}{
		{"amd64", true, func(e bool) SyscallInfo { return decodeAMD64(amd64, e, peek) }, SyscallInfo{true, unix.AUDIT_ARCH_X86_64, 56, [2]uint64{0x100, 0x200}, 0}},
		{"amd64", false, func(e bool) SyscallInfo { return decodeAMD64(amd64, e, peek) }, SyscallInfo{Arch: unix.AUDIT_ARCH_X86_64, Result: 4711}},
		{"i386", true, func(e bool) SyscallInfo { return decodeAMD64(i386, e, nil) }, SyscallInfo{true, unix.AUDIT_ARCH_I386, 120, [2]uint64{0x100, 0x200}, 0}},
		{"i386", false, func(e bool) SyscallInfo { return decodeAMD64(i386, e, nil) }, SyscallInfo{Arch: unix.AUDIT_ARCH_I386, Result: -11}},
		{"i386's gate", true, func(e bool) SyscallInfo { return decodeAMD64(gate, e, peek) }, SyscallInfo{true, unix.AUDIT_ARCH_I386, 120, [2]uint64{0x100, 0x200}, 0}},
		{"i386's gate", false, func(e bool) SyscallInfo { return decodeAMD64(gate, e, peek) }, SyscallInfo{Arch: unix.AUDIT_ARCH_I386, Result: -11}},
		{
			"arm64", true, func(bool) SyscallInfo {
				return decodeARM64(words(8, 34, map[int]uint64{8: 220, 0: 0x100, 1: 0x200, 7: 0}))
			},
			SyscallInfo{true, unix.AUDIT_ARCH_AARCH64, 220, [2]uint64{0x100, 0x200}, 0},
		},
		{
			"arm64", false, func(bool) SyscallInfo { return decodeARM64(words(8, 34, map[int]uint64{8: 220, 0: minus11, 7: 1})) },
			SyscallInfo{Arch: unix.AUDIT_ARCH_AARCH64, Result: -11},
		},
		{
			"arm", true, func(bool) SyscallInfo {
				return decodeARM64(words(4, 18, map[int]uint64{7: 120, 0: 0x100, 1: 0x200, 12: 0}))
			},
			SyscallInfo{true, unix.AUDIT_ARCH_ARM, 120, [2]uint64{0x100, 0x200}, 0},
		},
		{
			"arm", false, func(bool) SyscallInfo { return decodeARM64(words(4, 18, map[int]uint64{7: 120, 0: minus11, 12: 1})) },
			SyscallInfo{Arch: unix.AUDIT_ARCH_ARM, Result: -11},
		},
	} {
		if diff := cmp.Diff(c.want, c.got(c.entry)); diff != "" {
			t.Errorf("%s, entry %t (-want +got):\n%s", c.name, c.entry, diff)
		}
	}
}

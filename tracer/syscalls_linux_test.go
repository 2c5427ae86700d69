//go:build amd64 || arm64

package tracer

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

func TestCallsThatMakeTasks(t *testing.T) {
	const (
		amd64, i386, arm64, arm = unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_I386,
			unix.AUDIT_ARCH_AARCH64, unix.AUDIT_ARCH_ARM
		thread = unix.CLONE_VM | unix.CLONE_SIGHAND | unix.CLONE_THREAD
		chld   = uint64(unix.SIGCHLD)
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
		{
			"untraced, and yet traced", amd64, 56,
			thread | unix.CLONE_UNTRACED | unix.CLONE_PTRACE, 0, 0, event.Clone,
		},
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
			got := birthOf(SyscallInfo{
				Entry: true, Arch: c.arch, Number: c.number,
				Args: [2]uint64{c.arg},
			}, peek)
			if got != c.births {
				t.Errorf("got %+v, want a %s", got, c.births)
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
		if got := birthOf(info, peek); got != 0 {
			t.Errorf("%+v: got %+v, want a call that makes no task", info, got)
		}
	}
}

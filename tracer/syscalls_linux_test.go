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

// The result of a call is an id of the caller's pid namespace. 10 and its tasks are one level below
// ours here: the new task is found by its ids.
func TestResultOfACallIsTranslated(t *testing.T) {
	const thirtyIsNew = "NSpid:\t30\t3\n"
	unborn := &task{tid: 30, backlog: &backlog{}}
	for _, c := range []struct {
		name    string
		caller  string
		threads []int // of 10
		tasks   []*task
		ids     string // of 30
		want    int
	}{
		{"our own namespace", "NSpid:\t10\n", nil, nil, "", 3},
		{"a kernel that does not say", "", nil, nil, "", 3},
		{"a thread that has not stopped", "NSpid:\t10\t1\n", []int{10, 30}, nil, thirtyIsNew, 30},
		{
			"a process that has stopped", "NSpid:\t10\t1\n",
			[]int{10},
			[]*task{unborn},
			thirtyIsNew, 30,
		},
		{
			"the first process of a namespace below", "NSpid:\t10\t1\n", nil,
			[]*task{unborn},
			"NSpid:\t30\t3\t1\n", 30,
		},
		{"another id", "NSpid:\t10\t1\n", nil, []*task{unborn}, "NSpid:\t30\t4\n", 0},
		{"that id one level above", "NSpid:\t10\t1\n", nil, []*task{unborn}, "NSpid:\t3\t30\n", 0},
		{"a task of our namespace", "NSpid:\t10\t1\n", nil, []*task{unborn}, "NSpid:\t3\n", 0},
		{
			"a task whose birth is known", "NSpid:\t10\t1\n",
			[]int{10, 30},
			[]*task{{tid: 30, pid: 10}},
			thirtyIsNew, 0,
		},
	} {
		k := newScript("")
		k.files = map[string]string{
			"/proc/10/status": "Name:\tx\n" + c.caller, "/proc/30/status": "Name:\tx\n" + c.ids,
		}
		k.lists = [][]int{c.threads}
		caller := &task{tid: 10, pid: 10}
		tr := &Tracer{kernel: k, tasks: map[int]*task{10: caller}}
		for _, known := range c.tasks {
			tr.tasks[known.tid] = known
		}
		if got := tr.translate(caller, 3); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

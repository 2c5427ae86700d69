//go:build amd64 || arm64

package tracer

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A call is the system call that a task is in, as far as births go.
type call struct {
	entered bool
	births  event.Kind // the event by which the kernel announces what it makes, if its result is to tell of that
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

// entered decodes a system call at its entry; peek reads the caller's memory, where
// clone3 has its flags.
func entered(info SyscallInfo, peek func(uint64) (uint64, error)) (call, error) {
	c := call{entered: true}
	const x32 = 0x40000000 // __X32_SYSCALL_BIT
	numbers, known := birthNumbers[info.Arch]
	flags, signal := info.Args[0], info.Args[0]&unix.CSIGNAL
	switch number := info.Number &^ x32; {
	case !known:
		return c, nil
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
			return c, err
		}
	default:
		return c, nil
	}
	switch {
	case flags&unix.CLONE_UNTRACED != 0 && flags&unix.CLONE_PTRACE == 0: // nobody is told
	case flags&unix.CLONE_VFORK != 0: // its result is too late
	case signal == uint64(unix.SIGCHLD):
		c.births = event.Fork
	default:
		c.births = event.Clone
	}
	return c, nil
}

// syscall is the entry or the exit of a task's system call. At the exit of one that made a
// task its result is the new tid.
func (t *Tracer) syscall(k *task) {
	info, err := t.kernel.SyscallInfo(k.tid, !k.call.entered)
	if err != nil {
		t.check(k.tid, "PTRACE_GET_SYSCALL_INFO", err)
		return
	}
	if info.Entry {
		// What the program points to may not be there: the kernel will refuse its call.
		k.call, _ = entered(info, func(address uint64) (uint64, error) { return t.kernel.Peek(k.tid, address) })
		return
	}
	births := k.call.births
	k.call = call{}
	if births == 0 || info.Result <= 0 {
		return
	}
	if tid := t.translate(k, int(info.Result)); tid != 0 {
		t.born(k, tid, births)
	}
}

// translate makes our id of one that a system call returned, which is one of the caller's
// pid namespace. Zero if it cannot be found: the newcomer is then taken in as a found one.
func (t *Tracer) translate(creator *task, result int) int {
	level := len(t.namespaceIDs(creator.tid))
	if level <= 1 {
		return result
	}
	candidates, _ := t.kernel.Tasks(creator.pid) // an error leaves those who have stopped
	for tid, k := range t.tasks {
		if k.unborn {
			candidates = append(candidates, tid)
		}
	}
	for _, tid := range candidates {
		ids := t.namespaceIDs(tid)
		if k := t.tasks[tid]; (k == nil || k.unborn) && len(ids) >= level && ids[level-1] == strconv.Itoa(result) {
			return tid
		}
	}
	return 0
}

// namespaceIDs are a task's ids from the pid namespace of our /proc down to its own.
func (t *Tracer) namespaceIDs(tid int) []string {
	content, _ := t.kernel.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	_, rest, _ := bytes.Cut(content, []byte("\nNSpid:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strings.Fields(string(line))
}

package procfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
)

// A limit says where a system call has its time limit, and which value is none.
type limit uint8

const (
	always  limit = iota // it has no time limit
	null                 // a pointer to a time, NULL if there is none
	endless              // milliseconds, negative if there is none
)

// An untimed wait is a system call that may wait without a time limit: argument at says so.
type untimed struct {
	by limit
	at int
}

// untimedWaits are the system calls of all architectures that may wait for ever. One that reads a
// file is in WaitsForever. Their numbers are this architecture's own. A 32-bit call with such a
// number does not block on amd64 (nice, chroot and others), but for waitpid(2) and
// restart_syscall(2). Their arguments are not those of a poll without a time limit, and of a read
// of a pipe.
var untimedWaits = map[int]untimed{
	unix.SYS_WAIT4: {}, unix.SYS_RT_SIGSUSPEND: {},
	unix.SYS_RT_SIGTIMEDWAIT: {null, 2},
	unix.SYS_PPOLL:           {null, 2},
	unix.SYS_PSELECT6:        {null, 4},
	unix.SYS_EPOLL_PWAIT:     {endless, 3},
	unix.SYS_EPOLL_PWAIT2:    {null, 3},
}

// A call is what /proc/TID/syscall says of a task that waits in a system call.
type call struct {
	number int
	args   [6]uint64
}

// callOf reads the system call that a task waits in. It is false if it waits in none, or if that is
// not known.
func callOf(t judge.Task) (c call, ok bool) {
	fields := strings.Fields(FirstLine(filepath.Join(taskDir(t.PID, t.TID), "syscall")))
	if len(fields) != 9 { // the number, six arguments, sp and pc; fewer outside a system call
		return c, false
	}
	number, err := strconv.Atoi(fields[0])
	for i := range c.args {
		c.args[i], _ = strconv.ParseUint(fields[i+1], 0, 64)
	}
	c.number = number
	return c, err == nil
}

// WaitsForever tells whether a task is shown to wait without a time limit: for another task, a
// pipe or a futex. That of any other wait is not known.
func WaitsForever(t judge.Task) bool {
	c, ok := callOf(t)
	if !ok {
		return false
	}
	if w, ok := untimedWaits[c.number]; ok {
		switch w.by {
		case null:
			return c.args[w.at] == 0
		case endless:
			return int32(c.args[w.at]) < 0
		}
		return true
	}
	switch c.number {
	case unix.SYS_FUTEX:
		return futexIsUntimed(c.args[1]) && c.args[3] == 0
	case unix.SYS_READ:
		return strings.HasPrefix(fileOf(t, c.args[0]), "pipe:")
	}
	return IsVforkParent(t)
}

// futexIsUntimed tells whether a futex operation waits, with a time limit as its fourth argument
// that may be NULL (FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI and
// FUTEX_LOCK_PI2).
func futexIsUntimed(op uint64) bool {
	const options = 128 | 256 // FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME
	switch op &^ options {
	case 0, 6, 9, 11, 13:
		return true
	}
	return false
}

// IsVforkParent tells whether a task waits in D for the end or the exec of a child by vfork(2). The
// flags of clone3(2) are not seen: one that stays in D there is taken for such a parent.
func IsVforkParent(t judge.Task) bool {
	c, ok := callOf(t)
	if !ok || !strings.HasPrefix(t.State, "D") {
		return false
	}
	return c.number == sysVfork || c.number == unix.SYS_CLONE3 ||
		c.number == unix.SYS_CLONE && c.args[0]&unix.CLONE_VFORK != 0
}

// IsExecuting tells whether a task waits in D in an exec: for the end of its process's other tasks.
func IsExecuting(t judge.Task) bool {
	c, ok := callOf(t)
	return ok && strings.HasPrefix(t.State, "D") &&
		(c.number == unix.SYS_EXECVE || c.number == unix.SYS_EXECVEAT)
}

// fileOf names the file of a descriptor: "pipe:[4711]".
func fileOf(t judge.Task, fd uint64) string {
	name, _ := os.Readlink(filepath.Join(taskDir(t.PID, t.TID), "fd", fmt.Sprint(fd)))
	return name
}

// MayHaveTimers tells whether the process of a task has timers that are known, or none can be
// known of: timer_create(2), timerfd_create(2) and io_uring. That of setitimer(2) is not shown.
func MayHaveTimers(t judge.Task) bool {
	timers, err := os.ReadFile(filepath.Join("/proc", t.PID.String(), "timers"))
	if err != nil || len(timers) > 0 {
		return true
	}
	files, err := os.ReadDir(filepath.Join(taskDir(t.PID, t.TID), "fd"))
	if err != nil {
		return true
	}
	for _, f := range files {
		name, _ := os.Readlink(filepath.Join(taskDir(t.PID, t.TID), "fd", f.Name()))
		if strings.Contains(name, "[timerfd]") || strings.Contains(name, "[io_uring]") {
			return true
		}
	}
	return false
}

// CPU is how long a task ran, and how long it waited for a CPU. It is false if the task is gone, or
// the kernel does not count that. The kernel counts a wait when it is over.
func CPU(t judge.Task) (ran, waited time.Duration, ok bool) {
	n, err := fmt.Sscan(FirstLine(filepath.Join(taskDir(t.PID, t.TID), "schedstat")), &ran, &waited)
	return ran, waited, n == 2 && err == nil
}

// Package witness is the kernel's own account of task births, execs and
// deaths, by perf_event_open(2) and without ptrace.
//
// It is opened on a single-threaded process before that has children, and by
// inheritance covers all that descends from it: also tasks that no tracer is
// told of (CLONE_UNTRACED, io_uring's). Every CPU has a ring of its own, which
// one goroutine empties; Close merges the rings by time.
//
// The kernel stops the account of a task that executes a program which it may
// not read, or which changes its credentials: such a task has an Exit there, and
// nothing that follows is seen (begin_new_exec in fs/exec.c).
package witness

import (
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// A Record is one event with the kernel's clock. Its Kind is
//
//   - Clone or Fork: PID and TID are the creator's, Child is the new task. A
//     vfork cannot be told from a fork;
//   - Exec: PID and TID are the group's, whichever thread called execve;
//   - Exit: PID and TID are the ended task's, and Status is Unknown.
type Record struct {
	event.Event               // Time is zero
	At          time.Duration // CLOCK_MONOTONIC
}

// A LostError says that the account has gaps. N is the number of records that
// the rings had no room for. On kernels before 6.0 there may be more, and N is
// zero if a ring was full at the end and the kernel does not say what it dropped.
type LostError struct{ N uint64 }

func (e *LostError) Error() string {
	if e.N == 0 {
		return "a perf ring was full, and the kernel does not say whether records were lost"
	}
	return fmt.Sprintf("%d records were lost: the perf rings were full", e.N)
}

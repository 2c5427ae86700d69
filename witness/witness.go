// Package witness is the kernel's own account of task births, execs and deaths, without ptrace:
// by perf_event_open(2), and by the proc connector.
//
// [Open] starts perf's account of a process that has one thread and no children. By inheritance it
// covers all that descends from the process, also tasks of which the kernel tells no tracer
// (CLONE_UNTRACED, io_uring's). Each CPU has a ring of its own. One goroutine empties the rings,
// and Close merges them by time.
//
// [Connect] starts the connector's account of such a process. It adds exit statuses and the tracers
// of tasks, and knows no creators of threads. The kernel sends notices of the whole machine; one
// socket serves all accounts of this process, which keep what descends from theirs.
//
// The kernel ends perf's account of a task that executes a program which it may not read, or which
// changes its credentials: the account has an Exit of the task there, and nothing that follows
// (begin_new_exec in fs/exec.c).
package witness

import (
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// A Record is one event with the kernel's time. Its Kind is
//
//   - Clone or Fork: PID and TID are the creator's, Child is the new task. A vfork cannot be told
//     from a fork.
//   - Exec: PID and TID are both the thread group's, whichever thread called execve.
//   - Exit: PID and TID are the ended task's, and Status is Unknown.
//
// The connector differs (drivers/connector/cn_proc.c). It names the new task's real parent, and not
// its creator:
//
//   - Clone: the real parent is that of the whole process. TID is zero, for unknown.
//   - Fork: the real parent is the creating thread. With CLONE_PARENT it is the creator's own
//     parent, and no other word tells the two apart.
//   - Exec: At is when the task goes on from PTRACE_EVENT_EXEC, so if it is traced, when its tracer
//     lets it (exec_binprm in fs/exec.c).
//   - Exit: Status is the task's own, the one of PTRACE_EVENT_EXIT. At is when the kernel had let
//     go of the task already: its parent may have waited for it, and its tid may be another's, for
//     as long as the task was off the CPU there (do_exit in kernel/exit.c).
type Record struct {
	event.Event               // its Time is zero
	At          time.Duration // CLOCK_MONOTONIC, as in [Now]
}

// A Tracing is a PTRACE_ATTACH or PTRACE_SEIZE of a task, or a PTRACE_DETACH. The kernel tells of
// no others: not of PTRACE_TRACEME, nor of a newborn that it attaches for its creator's tracer, nor
// that a tracer has ended.
type Tracing struct {
	PID, TID event.TID     // the task
	Tracer   event.TID     // the thread that attached, zero at a detach
	At       time.Duration // CLOCK_MONOTONIC, as in [Now]
}

// A LostError says that the account has gaps. N is the number of records for which there was no
// room, as far as that is known.
//
// Of perf a kernel before 6.0 may have lost more. N is zero if a ring was full at the end and such
// a kernel does not say what it lost. Of the connector N counts notices of the whole machine; it is
// zero if the kernel told nothing afterwards on the CPU that had lost.
type LostError struct {
	N         uint64
	Connector bool // the connector's socket had no room, else perf's rings
}

func (e *LostError) Error() string {
	switch {
	case e.Connector && e.N == 0:
		return "records were lost: the proc connector's socket was full (see net.core.rmem_max)"
	case e.Connector:
		const format = "%d records of the whole machine were lost: " +
			"the proc connector's socket was full (see net.core.rmem_max)"
		return fmt.Sprintf(format, e.N)
	case e.N == 0:
		return "a perf ring was full, and the kernel does not say whether records were lost"
	}
	return fmt.Sprintf("%d records were lost: the perf rings were full", e.N)
}

// Package tracer follows every thread and process of a program with ptrace(2).
//
// One goroutine owns all of ptrace, on an OS thread of its own. Its loop is two functions: await
// waits for one stop and classifies it, handle acts on it. A table (task_linux.go) decides what
// becomes of the stopped task. Below the loop is the [Kernel] interface, above it the sink of
// [Options.Events]. The rest is starting (Launch, LaunchHeld, Attach), requests of other goroutines
// (Stop, Threads, Step, …) and ending (Detach, Kill, Abandon).
//
// It works beside os/exec and beside other tracers in the same process. While tracers are at work,
// the process gets SIGCHLD only for the ends of its children (SA_NOCLDSTOP), unless one of them
// uses [SIGCHLD].
package tracer

import (
	"errors"
	"fmt"

	"github.com/tidcheck/tidcheck/event"
)

// ErrEnded is the answer to a request when its tracer no longer traces anything.
var ErrEnded = errors.New("the tracer has ended")

// Options say how a program is traced. The zero value follows all of it.
type Options struct {
	// Events is called with each event, on the tracer's own thread and in order. It must not call
	// the tracer. Tasks that have stopped wait while it runs.
	Events func(event.Event)

	// Method is how births are learnt.
	Method Method

	// Notify is how the tracer learns that a task has stopped.
	Notify Notify

	// Threads says which tasks are followed at the birth of a thread, and Processes at the birth of
	// a process. SetFollow changes both while the program runs.
	//
	// A task that is not followed is detached and runs untraced. If an untraced thread of a process
	// executes a program, the followed threads end and the process is out of sight: its end is told
	// only if it was launched. If an untraced thread calls exit_group, the followed threads report
	// their ends as ever.
	//
	// At a birth during an attach both tasks are followed, except for a process at FollowParent.
	Threads, Processes Follow

	// Ask decides where Threads or Processes is FollowAsk; FollowAsk is no answer. It is called
	// like Events, after Events was called with the birth, and never during an attach. If it is
	// nil, both tasks are followed.
	Ask func(birth event.Event) Follow

	// TraceMe has Launch start the program by PTRACE_TRACEME, as older tracers do. A group stop of
	// the program cannot be kept then (PTRACE_LISTEN is EIO).
	TraceMe bool

	// Kernel, if set, wraps the tracer's view of the kernel: for tests, and for tracers that are
	// wrong on purpose.
	Kernel func(Kernel) Kernel
}

// A Method is how a tracer learns of births.
type Method uint8

const (
	// Events takes births from the kernel's event stops (PTRACE_O_TRACECLONE and its like).
	Events Method = iota

	// Syscalls stops each task at the entry and the exit of every system call (PTRACE_SYSCALL) and
	// takes the new task's id from the result of clone, clone3 or fork. The event options stay on,
	// since the kernel attaches newcomers only with them. The child of a vfork is taken from its
	// event, since it has to run before that call can return.
	Syscalls
)

// A Notify is how a tracer learns that a task has stopped.
type Notify uint8

const (
	Wait    Notify = iota // it sleeps in wait4
	SIGCHLD               // it sleeps until SIGCHLD comes, then asks wait4 without blocking
)

// A Follow says which tasks are followed at a birth.
type Follow uint8

// Both the creator and the new task are traced on, or one of them; or Options.Ask says at each
// birth.
const (
	FollowBoth Follow = iota
	FollowParent
	FollowChild
	FollowAsk
)

var (
	methodNames = []string{Events: "events", Syscalls: "syscalls"}
	notifyNames = []string{Wait: "wait", SIGCHLD: "sigchld"}
	followNames = []string{
		FollowBoth: "both", FollowParent: "parent", FollowChild: "child", FollowAsk: "ask",
	}
)

func (m Method) String() string { return methodNames[m] }
func (n Notify) String() string { return notifyNames[n] }
func (f Follow) String() string { return followNames[f] }

// MarshalText gives the name.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalText gives the name.
func (n Notify) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// MarshalText gives the name.
func (f Follow) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads "events" or "syscalls".
func (m *Method) UnmarshalText(text []byte) error { return named(m, methodNames, text) }

// UnmarshalText reads "wait" or "sigchld".
func (n *Notify) UnmarshalText(text []byte) error { return named(n, notifyNames, text) }

// UnmarshalText reads "both", "parent", "child" or "ask".
func (f *Follow) UnmarshalText(text []byte) error { return named(f, followNames, text) }

func named[T ~uint8](to *T, names []string, text []byte) error {
	for i, name := range names {
		if name == string(text) {
			*to = T(i)
			return nil
		}
	}
	return fmt.Errorf("%q is none of %q", text, names)
}

// A Thread is one task of the program as the tracer knows it.
type Thread struct {
	TID, PID event.TID
	Name     string // its comm, at most 15 bytes
	State    State
	PC       uint64 // the instruction at which it is stopped; zero if it is not stopped
}

// A State says what a thread is doing.
type State uint8

const (
	Running     State = iota
	Stopped           // it is stopped, and goes on when it is resumed
	GroupStop         // it is in a group stop: it goes on when the program gets SIGCONT
	InVFork           // it waits for the child of its vfork, and cannot stop
	Ended             // it has ended, and its process has not
	KernelsOwn        // the kernel made it, for io_uring: it cannot be traced
	NotAttached       // it has been born, and its first stop has not come yet
)

var stateNames = []string{
	Running: "running", Stopped: "stopped", GroupStop: "group stop", InVFork: "in vfork",
	Ended: "ended", KernelsOwn: "the kernel's own", NotAttached: "new",
}

func (s State) String() string { return stateNames[s] }

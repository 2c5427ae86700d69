// Package event is the vocabulary of tidcheck: what can happen to a kernel
// task, how tasks are named by their births, and the forms in which both are
// written.
//
// An [Event] is one thing that happened to one task; a [Trace] is what one
// observer said, in its order. A [Family] follows a trace, refuses what a
// kernel could not have done, and names each task by its birth path. A [Form]
// is the canonical account of a run, and a [Want] is what a fixture declares of it.
package event

import (
	"strconv"
	"time"
)

// A TID is a kernel task id as the observer's pid namespace sees it: what
// gettid(2) returns, not what the C library or a debugger numbers.
type TID int

func (t TID) String() string { return strconv.Itoa(int(t)) }

// A Kind says what happened.
type Kind uint8

// The kinds of events. Clone is a thread's birth; Fork and VFork are a process's.
const (
	Attach    Kind = iota + 1 // a task was found when its process was attached to
	Ready                     // the attach is complete, or the program stands at its start
	Clone                     // a thread was born
	Fork                      // a process was born
	VFork                     // a process was born whose creator waits for it
	VForkDone                 // a vfork's creator goes on
	Exec                      // the task's process runs a new program
	Exit                      // the task ended
	End                       // the task's process ended
	Signal                    // a signal was delivered to the task
)

var kindNames = [...]string{
	Attach: "attach", Ready: "ready", Clone: "clone", Fork: "fork", VFork: "vfork",
	VForkDone: "vforkdone", Exec: "exec", Exit: "exit", End: "end", Signal: "signal",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// IsBirth tells whether the event made a new task.
func (k Kind) IsBirth() bool { return k == Clone || k == Fork || k == VFork }

func parseKind(s string) (Kind, bool) {
	for k, name := range kindNames {
		if name != "" && name == s {
			return Kind(k), true
		}
	}
	return 0, false
}

// An Event is one thing that happened to one task.
type Event struct {
	Kind   Kind
	PID    TID       // the task's thread group, zero where an observer cannot tell
	TID    TID       // the task it happened to, zero where an observer cannot tell
	Child  TID       // Clone, Fork, VFork: the new task
	Former TID       // Exec: the id the task had before it took over its group's
	Status Status    // Exit: the task's own status; End: its process's
	Signal Signo     // Signal: which one
	PC     uint64    // Attach, Ready: the address at which the task stood, zero if unknown
	Time   time.Time // zero where an observer has no clock
}

// A Trace is what one observer said, in the order in which it said it.
type Trace []Event

// A Status is how a task or a process ended, in the encoding of wait(2)
// without the core flag: an exit code in bits 8 to 15, or a signal in bits 0 to 6.
type Status int32

// Unknown is the status of an end whose observer did not learn it.
const Unknown Status = -1

// Exited is the status of an end by exit(2) or exit_group(2) with this code.
func Exited(code int) Status { return Status(code&0xff) << 8 }

// Killed is the status of an end by this signal.
func Killed(sig Signo) Status { return Status(sig & 0x7f) }

// StatusOf converts a wait(2) status word, or the message of a
// PTRACE_EVENT_EXIT, which has the same encoding.
func StatusOf(word uint32) Status { return Status(word & 0xff7f) }

// Signal is the signal that ended the task, or zero.
func (s Status) Signal() Signo {
	if s == Unknown {
		return 0
	}
	return Signo(s & 0x7f)
}

// Code is the exit code; it means something only if there is no signal.
func (s Status) Code() int {
	if s == Unknown {
		return -1
	}
	return int(s >> 8 & 0xff)
}

// String is the code in decimal, the signal's name, or "?" where it is unknown.
func (s Status) String() string {
	switch {
	case s == Unknown:
		return "?"
	case s.Signal() != 0:
		return s.Signal().String()
	}
	return strconv.Itoa(s.Code())
}

// Same tells whether two observers can mean the same end: they agree, or one
// of them does not know.
func (s Status) Same(other Status) bool {
	return s == other || s == Unknown || other == Unknown
}

// Package event is the vocabulary of tidcheck: what can happen to a kernel task, how tasks are
// named by their births, and how both are written.
//
// An [Event] is one thing that happened to one task. A [Trace] is what one observer said, in its
// order. A [Family] follows a trace, refuses what no kernel can do, and names each task by its
// birth [Path]. A [Form] is a run's canonical form. A [Want] is one line of a fixture's
// declaration: [Expand] works such lines out, and [Expected.Compare] compares them with a Form.
package event

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A TID is a kernel task id as the observer's pid namespace sees it: what gettid(2) returns there,
// not a number that the C library or a debugger gives to a thread.
type TID int

func (t TID) String() string { return strconv.Itoa(int(t)) }

// A Kind says what happened.
type Kind uint8

// The kinds of events. Clone is a thread's birth; Fork and VFork are a process's.
const (
	Attach    Kind = iota + 1 // a task was found at an attach
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

func (k Kind) isEnd() bool { return k == Exit || k == End }

func parseKind(s string) (Kind, error) {
	if k := slices.Index(kindNames[:], s); k > 0 { // 0 is no kind
		return Kind(k), nil
	}
	return 0, fmt.Errorf("%q is no kind of event", s)
}

// An Event is one thing that happened to one task.
type Event struct {
	Kind   Kind
	PID    TID       // the task's thread group, zero where the observer cannot tell
	TID    TID       // the task it happened to, zero where the observer cannot tell
	Child  TID       // Clone, Fork, VFork: the new task
	Former TID       // Exec: the id that the task had before it got its group's
	Status Status    // Exit: the task's own status; End: its process's
	Signal Signo     // Signal: the one that was delivered
	PC     uint64    // Attach, Ready: the address at which the task stood, zero if unknown
	Time   time.Time // zero where the observer has no clock
}

// A Trace is what one observer said, in the order in which it said it.
type Trace []Event

// A Status is how a task or a process ended, in the encoding of wait(2) without the core flag: an
// exit code in bits 8 to 15, or a signal in bits 0 to 6.
type Status int32

// Unknown is the status of an end whose observer did not learn it.
const Unknown Status = -1

// Exited is the status of an end by exit(2) or exit_group(2). The kernel keeps the low eight bits
// of the code.
func Exited(code int) Status { return Status(code&0xff) << 8 }

// Killed is the status of an end by this signal.
func Killed(sig Signo) Status { return Status(sig & 0x7f) }

// StatusOf converts the status word of an end, as wait(2) returns it. The message of a
// PTRACE_EVENT_EXIT has the same encoding.
func StatusOf(word uint32) Status { return Status(word & 0xff7f) }

// Signal is the signal that ended the task, zero if it exited or the status is unknown.
func (s Status) Signal() Signo {
	if s == Unknown {
		return 0
	}
	return Signo(s & 0x7f)
}

// Code is the exit code, -1 if the status is unknown. It means nothing if a signal ended the task.
func (s Status) Code() int {
	if s == Unknown {
		return -1
	}
	return int(s >> 8 & 0xff)
}

// String is the exit code in decimal, the signal's name, or "?" for an unknown status.
func (s Status) String() string {
	switch {
	case s == Unknown:
		return "?"
	case s.Signal() != 0:
		return s.Signal().String()
	}
	return strconv.Itoa(s.Code())
}

// Same tells whether two observers can mean the same end: their statuses are equal, or one of them
// is unknown.
func (s Status) Same(other Status) bool {
	return s == other || s == Unknown || other == Unknown
}

package judge

import (
	"fmt"
	"strings"

	"github.com/tidcheck/tidcheck/event"
)

// A Task is what /proc/PID/task/TID showed of a task.
type Task struct {
	TID      event.TID `json:"tid"`
	PID      event.TID `json:"pid"`
	State    string    `json:"state"`             // the letter and its meaning: "t (tracing stop)"
	Flags    uint64    `json:"flags,omitempty"`   // PF_… of include/linux/sched.h
	Tracer   event.TID `json:"tracer,omitempty"`  // the thread that traces it, zero if none
	Holder   string    `json:"holder,omitempty"`  // that thread's process, where it was looked up
	Switches uint64    `json:"switches"`          // how often it was taken off a CPU
	Pending  bool      `json:"pending,omitempty"` // a signal is on its way to it
	// Killed tells that this signal is SIGKILL: by kill(2), or since another task of its process
	// ends or executes a program for all of them.
	Killed bool   `json:"killed,omitempty"`
	Motion Motion `json:"motion"`
	// Wchan is where in the kernel it sleeps, if that was looked up.
	Wchan   string `json:"wchan,omitempty"`
	Syscall string `json:"syscall,omitempty"` // the system call's number and arguments, sp and pc
}

// A Motion says whether a task moved between two looks.
type Motion string

// The motions.
const (
	SeenOnce Motion = "seen once"
	Still    Motion = "still" // the same state, and it had not run
	Moved    Motion = "moved"
	// Starved is the motion of a task that did not move, perhaps since it or its debugger waited
	// for a CPU.
	Starved Motion = "starved"
)

// Flags of a task (include/linux/sched.h).
const (
	Exiting    = 0x4    // PF_EXITING
	Dying      = 0x8    // PF_POSTCOREDUMP, from Linux 5.16 on; set at PTRACE_EVENT_EXIT already
	IOWorker   = 0x10   // PF_IO_WORKER
	UserWorker = 0x4000 // PF_USER_WORKER
)

// Held tells whether the task is in a tracing stop or a group stop.
func (t Task) Held() bool {
	return strings.HasPrefix(t.State, "t") || strings.HasPrefix(t.State, "T")
}

// Ended tells whether the task is a zombie or dead.
func (t Task) Ended() bool {
	return strings.HasPrefix(t.State, "Z") || strings.HasPrefix(t.State, "X")
}

// Stoppable tells whether a debugger can stop the task and list it: it is not on its way out, and
// the kernel did not make it for itself.
func (t Task) Stoppable() bool {
	return !t.Ended() && !t.Killed && t.Flags&(Exiting|IOWorker|UserWorker) == 0
}

// Lives tells whether the task was certainly not on its way out. On kernels that do not show a task
// at PTRACE_EVENT_EXIT as such it is never certain, nor of a task whose flags are not known.
func (t Task) Lives(kernel [2]int) bool {
	showsDying := kernel[0] > 5 || kernel[0] == 5 && kernel[1] >= 16
	return showsDying && t.Flags != 0 && t.Flags&Dying == 0 && t.Stoppable()
}

// Stands tells whether the task is where a debugger's stop brings it: in a stop, or in D with a
// stop to come, as the parent of a vfork. One that was looked at again is no such parent. It passes
// only if it had no CPU to come to its stop.
func (t Task) Stands() bool {
	return t.Held() || t.Motion == Starved ||
		strings.HasPrefix(t.State, "D") && t.Motion != Still && t.Motion != Moved
}

func (t Task) String() string {
	s := "state " + t.State
	if t.Wchan != "" {
		s += fmt.Sprintf(", at %s, syscall %s", t.Wchan, t.Syscall)
	}
	switch {
	case t.Holder != "":
		s += ", traced by " + t.Holder
	case t.Tracer != 0:
		s += fmt.Sprintf(", traced by thread %d", t.Tracer)
	}
	return s
}

// Package tracer follows every thread and process of a program with ptrace(2).
//
// One goroutine owns all of ptrace, on an OS thread of its own. Its loop is two
// functions: next waits for one stop and classifies it, handle acts on it; what
// becomes of the stopped task is decided in one place, settle. Below the loop is
// the [Kernel] interface, above it the sink of [Options.Events]; everything
// else is starting (Launch, LaunchHeld, Attach) and ending (Detach, Kill).
//
// It works beside os/exec and beside other tracers in the same process.
package tracer

import (
	"errors"

	"github.com/tidcheck/tidcheck/event"
)

// ErrEnded is what a request gets when its tracer no longer traces anything.
var ErrEnded = errors.New("the tracer has ended")

// Options say how a program is traced. The zero value follows all of it.
type Options struct {
	// Events is told of each event, on the tracer's own thread and in order. It
	// must not call the tracer, and the program waits while it runs.
	Events func(event.Event)

	// TraceMe has Launch start the program by PTRACE_TRACEME, as older tracers
	// do. A group stop of the program cannot be kept then (PTRACE_LISTEN is EIO).
	TraceMe bool

	// Kernel, if set, wraps the tracer's view of the kernel: for tests, and for
	// tracers that are wrong on purpose.
	Kernel func(Kernel) Kernel
}

// Package command plugs in any debugger that prints JSON lines: what `tidcheck trace --json`
// prints is read here. The debugger is started as
//
//	CMD launch -- PROGRAM ARG…
//	CMD attach PID
//
// and says by a "ready" line that the program stands at its start, or that all its tasks are
// attached to. Without a "hello" line it is taken to offer all fields and no requests.
// With one it takes requests on standard input, an object a line. Lines that are no
// JSON objects are passed over; an object that has no meaning is the debugger's failure.
//
// A debugger refuses a program that another tracer has in part by ending before it is ready, with a
// status above 0 and a last line on standard error that says what it may not; see adapter.Death.
package command

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"slices"
	"strconv"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// Debugger is a command that speaks JSON lines.
type Debugger struct {
	Called string   // its name in results; "command" if empty
	Argv   []string // the command and its first arguments
}

// Name is Called.
func (d Debugger) Name() string { return cmp.Or(d.Called, "command") }

// Version is unknown: a session's hello may tell it.
func (d Debugger) Version(context.Context) (string, error) {
	if len(d.Argv) == 0 {
		return "", errors.New("the command is empty")
	}
	_, err := exec.LookPath(d.Argv[0])
	return "unknown", err
}

// Start starts the command and waits until it is ready.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	argv := slices.Concat(d.Argv, []string{"launch", "--"}, target.Argv)
	if target.PID != 0 {
		argv = slices.Concat(d.Argv, []string{"attach", strconv.Itoa(target.PID)})
	}
	s := &session{hello: hello{Fields: judge.AllFields}}
	var err error
	s.Tool, err = adapter.Start(target, harness.Spec{Argv: argv}, adapter.Lines{Take: s.take}.Read)
	if err != nil {
		return nil, err
	}
	return s, s.Await(ctx, s.Tool, func() bool { return s.ready })
}

//go:build linux && (amd64 || arm64)

// Package tiny is a debugger of one's own, as small as can be, and how it is plugged into tidcheck. It launches a program
// and follows every thread and process of it; it attaches to nothing.
package tiny

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Debugger is what tidcheck is given: see tiny_test.go.
type Debugger struct{}

// Name stands in results.
func (Debugger) Name() string { return "tiny" }

// Version stands there too; its error would say what is missing on this machine.
func (Debugger) Version(context.Context) (string, error) { return "1", nil }

// Start launches the target's program, which stands at its first instruction when this returns.
func (Debugger) Start(_ context.Context, target harness.Target) (harness.Session, error) {
	if target.PID != 0 {
		return nil, fmt.Errorf("attach: %w", errors.ErrUnsupported)
	}
	// The harness starts the program, so that nothing outlives the run, and holds it before its exec.
	program, err := target.Start(harness.Spec{Argv: target.Argv})
	if err != nil {
		return nil, err
	}
	s := &session{root: program.PID, kind: make(map[int]event.Kind), resume: make(chan bool), over: make(chan struct{})}
	ready := make(chan error, 1)
	// A thread of its own, on which no other goroutine has started a child: a wait for any task must not take another's.
	tracer.OnThread(func() { s.trace(program, ready) })
	return s, <-ready
}

// A session is one program being followed. What it cannot do is harness.Unsupported's to say, and what it
// has said is kept by harness.Log.
type session struct {
	harness.Unsupported
	harness.Log
	root   int
	group  map[int]int        // each task's process
	kind   map[int]event.Kind // tasks that stopped before their birth was told, or were told of before they stopped
	resume chan bool
	over   chan struct{}
	err    error
}

// Can says which fields it tells: rules that need others are UNSUPPORTED.
func (s *session) Can() harness.Abilities {
	return harness.Abilities{harness.Births, harness.Creators, harness.Deaths, harness.Statuses, harness.Execs}
}

func (s *session) Resume(context.Context) error {
	close(s.resume)
	return nil
}

func (s *session) Wait(ctx context.Context) error {
	select {
	case <-s.over:
		return s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End kills the program; the tracer sees its end then. All else below the run is the harness's to end.
func (s *session) End() error {
	unix.Kill(s.root, unix.SIGKILL) // ESRCH: it is over
	return nil
}

const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEEXIT | unix.PTRACE_O_EXITKILL

// trace is the debugger. Its thread ends with it, and what it still traces dies then.
func (s *session) trace(program *harness.Process, ready chan<- error) {
	defer close(s.over)
	err := s.catch(program)
	ready <- err
	if err == nil {
		<-s.resume
		s.err = s.loop()
	}
}

// catch takes hold of the program, lets it execute, and stops at its first instruction.
func (s *session) catch(program *harness.Process) error {
	if err := unix.PtraceSeize(s.root); err != nil {
		return os.NewSyscallError("ptrace(PTRACE_SEIZE)", err)
	}
	if err := unix.PtraceInterrupt(s.root); err != nil {
		return os.NewSyscallError("ptrace(PTRACE_INTERRUPT)", err)
	}
	if _, _, err := wait(s.root); err != nil {
		return err
	}
	if err := unix.PtraceSetOptions(s.root, options); err != nil {
		return os.NewSyscallError("ptrace(PTRACE_SETOPTIONS)", err)
	}
	if err := program.Release(); err != nil {
		return err
	}
	for {
		if err := unix.PtraceCont(s.root, 0); err != nil {
			return os.NewSyscallError("ptrace(PTRACE_CONT)", err)
		}
		_, status, err := wait(s.root)
		if err != nil {
			return err
		}
		if status.Exited() || status.Signaled() {
			return errors.New("it ended before its program began")
		}
		if status>>16 == unix.PTRACE_EVENT_EXEC {
			return nil
		}
	}
}

// wait waits for one stop or end of a task, -1 for any that this thread traces.
func wait(tid int) (int, unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(tid, &status, unix.WALL|unix.WNOTHREAD, nil)
		if err != unix.EINTR {
			return got, status, os.NewSyscallError("wait4", err)
		}
	}
}

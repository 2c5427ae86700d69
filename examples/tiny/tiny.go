//go:build linux && (amd64 || arm64)

// Package tiny is a minimal debugger, plugged into tidcheck.
// It launches a program and follows its threads and processes; it attaches to nothing.
package tiny

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
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
	// The harness starts the program, so that nothing outlives the run, and holds it before its
	// exec.
	program, err := target.Start(harness.Spec{Argv: target.Argv})
	if err != nil {
		return nil, err
	}
	s := &session{
		root: program.PID, early: make(map[int]bool),
		resume: make(chan bool), over: make(chan struct{}),
	}
	ready := make(chan error, 1)
	// The thread is the tracer's alone. No other goroutine has started a child on it, so a wait for
	// any task takes no other code's child.
	tracer.OnThread(func() { s.trace(program, ready) })
	return s, <-ready
}

// A session follows one program. harness.Unsupported answers for what it cannot do, and harness.Log
// keeps what it has told.
type session struct {
	harness.Unsupported
	harness.Log
	root   int
	group  map[int]int  // each task's process
	early  map[int]bool // tasks that stopped before their creators' events
	resume chan bool
	over   chan struct{}
	err    error
}

// Can says which fields it tells: rules that need others are UNSUPPORTED.
func (s *session) Can() judge.Abilities {
	return judge.Abilities{judge.Births, judge.Creators, judge.Deaths, judge.Statuses, judge.Execs}
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

// End kills the program; the tracer sees its end then. The harness ends all else below the run.
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

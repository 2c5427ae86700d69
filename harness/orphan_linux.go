package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/witness"
	"golang.org/x/sys/unix"
)

// orphan kills the debugger, which has just attached and stands over the program: the processes that trace its tasks, all of
// them before one is waited for.
func (s *stage) orphan(ctx context.Context, session Session) error {
	e := s.evidence
	e.detached.issued = witness.Now()
	e.orphaned = s.procTasks()
	var dead []*os.File
	defer func() {
		for _, process := range dead {
			process.Close()
		}
	}()
	tracers := e.tracers()
	for _, pid := range tracers {
		if pid == event.TID(os.Getpid()) {
			if err := session.(Mortal).Die(ctx); err != nil {
				return step("the debugger's death", err)
			}
			continue
		}
		process, err := s.killTracer(pid)
		if err != nil {
			return err
		}
		if process != nil {
			dead = append(dead, process)
		}
	}
	for _, process := range dead {
		if err := awaitEnd(ctx, process); err != nil {
			return step("the debugger's death", err)
		}
	}
	if len(tracers) > 0 {
		e.detached.complete = witness.Now()
		s.noteReleased()
	}
	return nil
}

// tracers are the processes that trace the program and are none of its own.
func (e *evidence) tracers() (pids []event.TID) {
	own := make(map[event.TID]bool)
	for _, t := range e.orphaned {
		own[t.pid] = true
	}
	for _, t := range e.orphaned {
		pid := number(statusFields(filepath.Join("/proc", t.tracer.String()))["Tgid"]) // zero where nobody traces it, or he has ended
		if pid != 0 && !own[pid] && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killTracer kills a process of the debugger's; it is nil where that has ended by itself.
func (s *stage) killTracer(pid event.TID) (*os.File, error) {
	process, err := openProcess(int(pid))
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("process %d, which traces the program, was not started for this run: %w", pid, errors.ErrUnsupported)
	if descends(pid, event.TID(s.keeper.cmd.Process.Pid)) {
		err = os.NewSyscallError("pidfd_send_signal", unix.PidfdSendSignal(int(process.Fd()), unix.SIGKILL, nil, 0))
	}
	switch {
	case err == nil:
		return process, nil
	case errors.Is(err, unix.ESRCH):
		err = nil
	case errors.Is(err, unix.EPERM):
		err = fmt.Errorf("process %d, which traces the program, may not be killed by us: %w", pid, errors.ErrUnsupported)
	}
	process.Close()
	return nil, err
}

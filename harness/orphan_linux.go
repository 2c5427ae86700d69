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
	var dying []*os.File
	defer func() {
		for _, process := range dying {
			process.Close()
		}
	}()
	tracers := tracersOf(e.orphaned)
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
			dying = append(dying, process)
		}
	}
	for _, process := range dying {
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

// tracersOf are the processes that trace a program's tasks, and are none of its own.
func tracersOf(tasks []procTask) (pids []event.TID) {
	own, threads := make(map[event.TID]bool), make(map[event.TID]bool)
	for _, t := range tasks {
		own[t.pid], threads[t.tracer] = true, true
	}
	for tid := range threads {
		pid := number(statusFields(filepath.Join("/proc", tid.String()))["Tgid"]) // zero of zero, and where it has ended
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
	if !descends(pid, event.TID(s.keeper.cmd.Process.Pid)) {
		process.Close()
		return nil, fmt.Errorf("process %d, which traces the program, was not started for this run: %w", pid, errors.ErrUnsupported)
	}
	err = unix.PidfdSendSignal(int(process.Fd()), unix.SIGKILL, nil, 0)
	if err == nil {
		return process, nil
	}
	process.Close()
	switch err {
	case unix.ESRCH:
		return nil, nil
	case unix.EPERM:
		return nil, fmt.Errorf("process %d, which traces the program, may not be killed by us: %w", pid, errors.ErrUnsupported)
	}
	return nil, os.NewSyscallError("pidfd_send_signal", err)
}

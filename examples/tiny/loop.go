//go:build linux && (amd64 || arm64)

package tiny

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// loop follows the program from its first instruction until nothing of it is left.
func (s *session) loop() error {
	s.group = map[int]int{s.root: s.root}
	tid, signal := s.root, 0
	for {
		if tid != 0 {
			// ESRCH: SIGKILL, or another thread's exec, has taken it out of its stop; its end
			// comes.
			if err := unix.PtraceCont(tid, signal); err != nil && err != unix.ESRCH {
				err = os.NewSyscallError("ptrace(PTRACE_CONT)", err)
				return fmt.Errorf("task %d: %w", tid, err)
			}
		}
		got, status, err := wait(-1)
		if errors.Is(err, unix.ECHILD) {
			return nil
		}
		if err != nil {
			return err
		}
		tid, signal = s.handle(got, status)
	}
}

// handle takes one stop or end, and says which task goes on, zero for none, and with which signal.
func (s *session) handle(tid int, status unix.WaitStatus) (next, signal int) {
	if !status.Stopped() {
		if s.group[tid] == tid { // a leader's wait status is its process's
			s.say(event.End, tid, 0, event.StatusOf(uint32(status)))
		}
		delete(s.group, tid)
		return 0, 0
	}
	switch status >> 16 {
	case unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
		return s.born(tid)
	case unix.PTRACE_EVENT_EXIT:
		if how, err := unix.PtraceGetEventMsg(tid); err == nil {
			s.say(event.Exit, tid, 0, event.StatusOf(uint32(how)))
		}
	case unix.PTRACE_EVENT_EXEC:
		// The task has its process's id now; the event's message is the id that it had.
		if former, err := unix.PtraceGetEventMsg(tid); err == nil {
			pid := event.TID(tid)
			s.Add(event.Event{Kind: event.Exec, PID: pid, TID: pid, Former: event.TID(former)})
		}
	case unix.PTRACE_EVENT_STOP:
		if s.group[tid] == 0 { // a newcomer stops before its creator's event, and waits for that
			s.early[tid] = true
			return 0, 0
		}
	case 0:
		return tid, int(status.StopSignal())
	}
	return tid, 0
}

// born is a creator at its event. The newcomer may have stopped already; then it goes on too.
func (s *session) born(creator int) (next, signal int) {
	message, err := unix.PtraceGetEventMsg(creator)
	if err != nil {
		return creator, 0
	}
	child := int(message)
	kind := event.Fork
	s.group[child] = child
	// Whether it is a thread or a process, the kind of the event does not tell.
	if sameGroup(s.group[creator], child) {
		kind, s.group[child] = event.Clone, s.group[creator]
	}
	s.say(kind, creator, child, event.Unknown)
	if s.early[child] {
		delete(s.early, child)
		unix.PtraceCont(child, 0) // ESRCH: it was killed
	}
	return creator, 0
}

func sameGroup(pid, tid int) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid)) // empty once it is gone
	return strings.Contains(string(status), fmt.Sprintf("\nTgid:\t%d\n", pid))
}

func (s *session) say(kind event.Kind, tid, child int, status event.Status) {
	s.Add(event.Event{
		Kind: kind, PID: event.TID(s.group[tid]), TID: event.TID(tid), Child: event.TID(child),
		Status: status,
	})
}

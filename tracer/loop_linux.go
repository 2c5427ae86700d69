//go:build amd64 || arm64

package tracer

import (
	"errors"
	"os"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A stop is one answer of wait4: a task stopped, or it is gone.
type stop struct {
	tid    int
	kind   stopKind
	birth  event.Kind  // at a birth: the kernel's event, which does not tell thread from process
	code   int32       // at an event: siginfo's si_code
	sig    unix.Signal // at a stopSignal, stopTrap or stopGroup
	status event.Status
}

type stopKind uint8

// The stops of ptrace(2), "Stopped states". A stopTrap is a newcomer's first stop, the answer to
// PTRACE_INTERRUPT, or the end of a group stop.
const (
	stopNone      stopKind = iota // the task is in no stop that the tracer has heard of
	stopGone                      // no stop: the task ended and is reaped
	stopBirth                     // PTRACE_EVENT_CLONE or FORK, in the creator
	stopVFork                     // PTRACE_EVENT_VFORK: the creator waits for its child next, in D
	stopVForkDone                 // PTRACE_EVENT_VFORK_DONE
	stopExec                      // PTRACE_EVENT_EXEC, under the thread group's id
	stopExit                      // PTRACE_EVENT_EXIT: about to end
	stopSyscall                   // at the entry or the exit of a system call
	stopTrap                      // PTRACE_EVENT_STOP with SIGTRAP
	stopGroup                     // PTRACE_EVENT_STOP with a stopping signal: a group stop
	stopSignal                    // a signal is about to be delivered
)

// classify names a stop from its wait status alone.
func classify(tid int, status unix.WaitStatus) stop {
	if !status.Stopped() {
		return stop{tid: tid, kind: stopGone, status: event.StatusOf(uint32(status))}
	}
	const sysgood = 0x80 // PTRACE_O_TRACESYSGOOD
	s := stop{tid: tid}
	sig := status.StopSignal()
	cause := int(status) >> 16
	if cause != 0 {
		s.code = int32(status) >> 8
	}
	switch cause {
	case unix.PTRACE_EVENT_CLONE:
		s.kind, s.birth = stopBirth, event.Clone
	case unix.PTRACE_EVENT_FORK:
		s.kind, s.birth = stopBirth, event.Fork
	case unix.PTRACE_EVENT_VFORK:
		s.kind, s.birth = stopVFork, event.VFork
	case unix.PTRACE_EVENT_VFORK_DONE:
		s.kind = stopVForkDone
	case unix.PTRACE_EVENT_EXEC:
		s.kind = stopExec
	case unix.PTRACE_EVENT_EXIT:
		s.kind = stopExit
	case unix.PTRACE_EVENT_STOP:
		s.kind, s.sig = stopTrap, sig
		if sig != unix.SIGTRAP {
			s.kind = stopGroup
		}
	default:
		s.kind, s.sig = stopSignal, sig
		if sig == unix.SIGTRAP|sysgood {
			s.kind, s.sig = stopSyscall, 0
		}
	}
	return s
}

// run is the loop: until nothing is left to trace.
func (t *Tracer) run() error {
	for {
		if t.unborn == len(t.tasks) && len(t.strangers) == 0 {
			t.adopt(0)
		}
		if t.released {
			return nil
		}
		if len(t.tasks) == 0 {
			if over, err := t.isOver(); over {
				return err
			}
			continue
		}
		select {
		case request := <-t.requests:
			request()
			continue
		default:
		}
		s, err := t.await()
		if err != nil {
			return err
		}
		t.handle(s)
	}
}

// isOver tells whether nothing is left to trace. A creator that was killed on the way to its birth
// event leaves a newcomer that is not known until it stops. So the tracer is over only when wait4
// has no task left, apart from the waker's child, which is ended first. A launched program that was
// let go of is still a child of ours: its end is for its own Wait.
func (t *Tracer) isOver() (bool, error) {
	if t.cmd != nil && t.status == event.Unknown {
		return true, nil
	}
	t.waker.close()
	s, err := t.next(-1, 0)
	if errors.Is(err, unix.ECHILD) {
		return true, nil
	}
	if err == nil {
		err = t.waker.start()
	}
	if err != nil {
		return true, err
	}
	t.handle(s)
	return false, nil
}

// await waits for one stop of any task.
func (t *Tracer) await() (stop, error) {
	if s, err := t.askLikely(); s.tid != 0 || err != nil {
		return s, err
	}
	return t.next(-1, t.waitFlags())
}

// awaitAWhile handles the next stop of any task, and returns without one after some time.
func (t *Tracer) awaitAWhile() error {
	alarm := time.AfterFunc(patience, t.waker.wake)
	defer alarm.Stop()
	s, err := t.await()
	if err == nil {
		t.handle(s)
	}
	return err
}

// next waits for one stop of the task tid, -1 for any, and classifies it. With WNOHANG it is the
// zero stop if there was none.
func (t *Tracer) next(tid, flags int) (stop, error) {
	got, status, err := t.kernel.Wait(tid, flags)
	if err != nil {
		return stop{}, os.NewSyscallError("wait4", err)
	}
	if got == 0 {
		return stop{}, nil
	}
	return classify(got, status), nil
}

// waitFlags are the flags of a wait for any task. A launched program that was let go of is still a
// child of ours, and its end is for the Wait of its exec.Cmd.
func (t *Tracer) waitFlags() int {
	if t.programIsFree {
		return unix.WCLONE
	}
	return 0
}

// handle acts on one stop.
func (t *Tracer) handle(s stop) {
	switch {
	case t.waker.isChild(s.tid):
		t.woken(s)
		return
	case t.strangers[s.tid]:
		t.dismiss(s)
		return
	}
	k := t.tasks[s.tid]
	switch {
	case k == nil && s.kind == stopExec:
		// Its leader had ended before the attach, so no task has the group's id yet.
		k = &task{tid: s.tid, pid: s.tid}
	case k == nil:
		k = t.park(s.tid)
	case k.state == ended && s.kind != stopExec && s.kind != stopGone:
		k = t.idTakenOver(k)
	}
	if s.kind != stopExec && s.kind != stopGone {
		k.stop(s.kind)
	}
	switch s.kind {
	case stopGone:
		t.reap(k, s.status)
		return
	case stopBirth, stopVFork:
		t.birth(k, s)
	case stopSyscall:
		t.syscall(k)
	case stopVForkDone:
		t.emit(event.Event{Kind: event.VForkDone}, k)
	case stopExec:
		k = t.exec(k, s)
	case stopExit:
		t.end(k, t.exitStatus(k.tid))
		t.clearExitKill(k.tid)
	case stopTrap, stopGroup:
		t.stoppedInStep(k)
	case stopSignal:
		t.signal(k, s.sig)
	}
	t.settle(k)
}

// signal is a signal-delivery stop: the program gets its signal when the task goes on.
func (t *Tracer) signal(k *task, sig unix.Signal) {
	switch {
	case sig == unix.SIGTRAP && k.owed.has(owedStep) && t.isStepTrap(k):
		t.stopOnceMore(k)
	case sig == unix.SIGTRAP && k.owed.has(owedTrap) && t.isStepTrap(k):
		k.owed.take(owedTrap)
	case t.isTracersSignal(k, sig):
		t.endStep(k, nil)
	default:
		k.sig = uint8(sig)
		t.emit(event.Event{Kind: event.Signal, Signal: event.Signo(sig)}, k)
	}
}

// emit tells an event of a task. What happens to an unborn task is told after its birth.
func (t *Tracer) emit(e event.Event, k *task) {
	e.PID, e.TID, e.Time = event.TID(k.pid), event.TID(k.tid), time.Now()
	switch {
	case k.isLetGo():
	case k.isUnborn():
		k.backlog.events = append(k.backlog.events, e)
	default:
		t.tell(e)
	}
}

// tell calls Options.Events. At the start that is put off until all tasks that were found are told.
func (t *Tracer) tell(e event.Event) {
	switch {
	case t.starting:
		t.early = append(t.early, e)
	case t.opts.Events != nil:
		t.opts.Events(e)
	}
}

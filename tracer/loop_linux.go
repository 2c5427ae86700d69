//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A task is one thread that is traced. There may be many: it has 48 bytes, the size of one of Go's classes.
type task struct {
	tid, pid int      // pid is its thread group; zero while it is unborn and was not asked for
	account  *account // what it did before its birth was known; else nil
	former   int32    // the id that it had before an exec whose event may be to come
	sig      uint8    // stopped at a signal's delivery: the signal to go on with
	state    taskState
	call     call // Syscalls: the system call that it is in

	held     bool // stays stopped when it stops
	leaving  bool // is let go of when it stops
	unborn   bool // it stopped before its creator's event told of its birth
	group    bool // stopped in a group stop, to be kept
	vfork    bool // it waits for its vfork child, in D, and cannot stop
	ended    bool // its own end was reported
	stepping bool // somebody waits for its step
	owed     bool // a SIGSTOP is due that is not the program's (after PTRACE_TRACEME)
	trapped  bool // it has had the trap of its step, and is to stop once more
	owesTrap bool // the trap of a step is due
	unasked  bool // the kernel is still to be asked to stop it at its end
}

type taskState uint8

const (
	running taskState = iota
	newborn           // its birth is known and its first stop is due
	stopped
)

// run is the loop: until nothing is left to trace.
func (t *Tracer) run() error {
	for {
		if t.unborn == len(t.tasks) {
			t.adopt(0)
		}
		if t.released {
			return nil
		}
		if len(t.tasks) == 0 {
			if over, err := t.isOver(); over || err != nil {
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
		t.sweep()
	}
}

// isOver tells whether nothing is left to trace. A creator that was killed on the way to its birth event
// leaves a newcomer of whom we know nothing until it stops; so the bell is silenced, and only when wait4 has
// nobody to wait for it is over. A program that was let go is our child still, and its own to be waited for.
func (t *Tracer) isOver() (bool, error) {
	if t.cmd != nil && !t.over {
		return true, nil
	}
	t.bell.close()
	s, err := t.next(-1, 0)
	if errors.Is(err, unix.ECHILD) {
		return true, nil
	}
	if err == nil {
		err = t.bell.start()
	}
	if err != nil {
		return true, err
	}
	t.handle(s)
	return false, nil
}

// next waits for one stop of the task tid, -1 for any, and classifies it. With
// WNOHANG its tid is zero if there was none.
func (t *Tracer) next(tid, flags int) (stop, error) {
	got, status, err := t.kernel.Wait(tid, flags)
	if err != nil {
		return stop{}, os.NewSyscallError("wait4", err)
	}
	return classify(got, status), nil
}

// handle acts on one stop.
func (t *Tracer) handle(s stop) {
	if t.bell.is(s.tid) {
		t.answer(s)
		return
	}
	if t.strangers[s.tid] {
		t.dismiss(s)
		return
	}
	k := t.tasks[s.tid]
	switch {
	case k == nil && s.kind == stopExec:
		// Its leader had ended before we attached, so nobody has the group's id yet.
		k = &task{tid: s.tid, pid: s.tid}
	case k == nil:
		k = t.park(s.tid)
	case k.ended && s.kind != stopExec && s.kind != stopGone:
		k = t.takenOver(k)
	}
	k.state, k.group = stopped, s.kind == stopGroup
	switch s.kind {
	case stopGone:
		t.reap(k, s.status)
		return
	case stopBirth:
		t.birth(k, s)
	case stopSyscall:
		t.syscall(k)
	case stopVForkDone:
		k.vfork = false
		t.emit(event.Event{Kind: event.VForkDone, TID: event.TID(k.tid)}, k)
	case stopExec:
		k = t.exec(k, s)
	case stopExit:
		t.end(k, t.exitStatus(k.tid))
		t.spare(k.tid)
	case stopTrap, stopGroup:
		t.standing(k)
	case stopSignal:
		t.signal(k, s.sig)
	}
	t.settle(k, s.kind)
}

// settle decides what becomes of a stopped task: it goes on, stays, or is let go of.
func (t *Tracer) settle(k *task, at stopKind) {
	switch {
	case k.state != stopped:
	case at == stopExit || k.owed:
		// A task on its way out is never held: an exec by another thread waits, in D, until it is
		// gone. Nor is one that a SIGSTOP of ours is still to stop, lest it get that when it is let go.
		t.resume(k)
	case k.unborn:
	case k.leaving:
		t.release(k)
	case !k.held || k.stepping:
		t.resume(k)
	}
}

// resume lets one task go on from the stop it is in.
func (t *Tracer) resume(k *task) {
	if k.state != stopped {
		return
	}
	if k.unasked {
		k.unasked = false
		t.check(k.tid, "PTRACE_SETOPTIONS", t.kernel.SetOptions(k.tid, follow))
	}
	k.state = running
	t.likely.add(k.tid)
	switch {
	case k.group && !t.opts.TraceMe:
		t.check(k.tid, "PTRACE_LISTEN", t.kernel.Listen(k.tid))
		return
	case k.stepping:
		t.check(k.tid, "PTRACE_SINGLESTEP", t.kernel.Step(k.tid, int(k.sig)))
	case t.opts.Method == Syscalls:
		t.check(k.tid, "PTRACE_SYSCALL", t.kernel.Syscall(k.tid, int(k.sig)))
	default:
		t.check(k.tid, "PTRACE_CONT", t.kernel.Cont(k.tid, int(k.sig)))
	}
	k.sig = 0
}

// check keeps the first error of a request to a stopped task. ESRCH is none: the task was
// killed out of its stop, which SIGKILL alone can do, and its end is still to be waited for.
func (t *Tracer) check(tid int, request string, err error) {
	if err != nil && err != unix.ESRCH && t.failure == nil {
		t.failure = fmt.Errorf("task %d: %w", tid, os.NewSyscallError("ptrace("+request+")", err))
	}
}

// exec renames the task that executed a new program: it has its group's id now,
// and the group's other tasks are gone. The event's message is its former id.
func (t *Tracer) exec(leader *task, at stop) *task {
	former, ok := t.message(leader, at)
	if !ok {
		return leader
	}
	if leader.former != 0 && int(leader.former) == former {
		return leader // we know
	}
	survivor := t.tasks[former]
	if survivor == nil {
		survivor = leader
	}
	t.succeed(leader, survivor, survivor.tid)
	return survivor
}

// succeed has one task of a process take over its leader's id, and forgets the others.
func (t *Tracer) succeed(leader, survivor *task, former int) {
	t.adopt(t.group(leader))
	if survivor != leader && t.tasks[leader.tid] == leader {
		// If it was killed out of a stop, and let go on from its last one unseen, nothing else tells
		// of its end. Whom an exec kills ends with 0.
		t.end(leader, event.Exited(0))
	}
	for _, k := range t.tasks {
		if k.pid == leader.pid && k != survivor {
			t.forget(k)
		}
	}
	delete(t.tasks, survivor.tid)
	survivor.tid, survivor.state, survivor.ended, survivor.vfork, survivor.sig = leader.tid, stopped, false, false, 0
	survivor.call = call{entered: true}
	t.tasks[survivor.tid] = survivor
	delete(t.parted, survivor.pid)
	if t.started || !t.launched {
		t.emit(event.Event{Kind: event.Exec, TID: event.TID(survivor.tid), Former: event.TID(former)}, survivor)
	}
}

// takenOver is called when a leader stops that has ended. No task stops after its end: another one of
// its process has its id, by an exec that the kernel was not asked to tell of.
func (t *Tracer) takenOver(leader *task) *task {
	survivor, former := leader, 0
	for _, k := range t.tasks {
		if k.pid == leader.pid && !k.ended && !k.unborn {
			survivor, former = k, k.tid
		}
	}
	t.succeed(leader, survivor, former)
	return survivor
}

// signal is a signal-delivery stop: the program gets its signal when it goes on.
func (t *Tracer) signal(k *task, sig int) {
	switch {
	case sig == int(unix.SIGTRAP) && k.stepping && t.isStep(k):
		t.stopAgain(k)
		return
	case sig == int(unix.SIGTRAP) && k.owesTrap && t.isStep(k):
		k.owesTrap = false
		return
	case t.opts.TraceMe && isStopping(sig):
		// Without SEIZE a newcomer has a SIGSTOP of the kernel's making, which a signal with
		// a smaller number overtakes, and a group stop looks like a signal's delivery.
		info, err := t.kernel.Siginfo(k.tid)
		if err == unix.EINVAL {
			t.endStep(k, nil)
			return
		}
		if sig == int(unix.SIGSTOP) && k.owed && isOurs(info) {
			k.owed = false
			t.endStep(k, nil)
			return
		}
	}
	k.sig = uint8(sig)
	t.emit(event.Event{Kind: event.Signal, TID: event.TID(k.tid), Signal: event.Signo(sig)}, k)
}

// isOurs tells whether a SIGSTOP is the kernel's for a newcomer, or sent by us to one task: not the program's own.
func isOurs(info Siginfo) bool {
	const tkill = -6 // SI_TKILL
	// From another PID namespace the sender is zero as well.
	return info.PID == 0 || info.Code == tkill && int(info.PID) == os.Getpid()
}

func (t *Tracer) exitStatus(tid int) event.Status {
	msg, err := t.kernel.EventMsg(tid)
	if err != nil {
		return event.Unknown // killed out of its stop: its wait status follows
	}
	return event.StatusOf(uint32(msg))
}

// spare takes PTRACE_O_EXITKILL from a task on its way out. Should we end before it has, the
// kernel would kill its whole process for it, which Detach may have let go by then.
func (t *Tracer) spare(tid int) {
	if t.launched {
		t.check(tid, "PTRACE_SETOPTIONS", t.kernel.SetOptions(tid, follow))
	}
}

// end reports a task's own end, once.
func (t *Tracer) end(k *task, status event.Status) {
	if k.ended || status == event.Unknown {
		return
	}
	t.group(k) // it can still be asked
	k.ended = true
	t.endStep(k, ErrEnded)
	t.emit(event.Event{Kind: event.Exit, TID: event.TID(k.tid), Status: status}, k)
	if k.tid == k.pid && t.parted[k.pid] {
		t.doubts.arise() // an exec by a released thread makes it vanish, without a word
	}
}

// reap forgets a task that wait4 has said to be gone. A leader's wait status is its process's,
// and comes when nothing else of that is left.
func (t *Tracer) reap(k *task, status event.Status) {
	t.end(k, status)
	if k.unborn {
		k.state, k.account.gone, k.account.status = running, true, status
		return
	}
	t.forget(k)
	if k.tid != k.pid {
		return
	}
	t.adopt(k.pid)
	for _, other := range t.tasks {
		if other.pid == k.pid {
			t.forget(other)
		}
	}
	delete(t.parted, k.pid)
	t.emit(event.Event{Kind: event.End, TID: event.TID(k.tid), Status: status}, k)
	if k.pid == t.pid {
		t.status, t.over = status, true
	}
}

// emit tells the sink; what happens to a task whose birth is not known waits for that.
func (t *Tracer) emit(e event.Event, k *task) {
	e.PID, e.Time = event.TID(k.pid), time.Now()
	switch {
	case k.leaving:
	case k.unborn:
		k.account.events = append(k.account.events, e)
	default:
		t.tell(e)
	}
}

// tell tells the sink; during an attach that waits until all that was found is told.
func (t *Tracer) tell(e event.Event) {
	switch {
	case t.attaching:
		t.early = append(t.early, e)
	case t.opts.Events != nil:
		t.opts.Events(e)
	}
}

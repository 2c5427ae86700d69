//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"os"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A task is one thread that is traced.
type task struct {
	tid, pid int
	state    taskState
	sig      int  // stopped at a signal's delivery: the signal to go on with
	group    bool // stopped in a group stop, to be kept
	vfork    bool // it waits for its vfork child, in D, and cannot stop
	ended    bool // its own end was reported
	owed     bool // a SIGSTOP is due that is not the program's (after PTRACE_TRACEME)
}

type taskState uint8

const (
	running taskState = iota
	newborn           // its birth is known and its first stop is due
	stopped
)

// A stray is a task that stopped before its creator's event told of its birth.
// With eight creators at once that is two births in three.
type stray struct {
	pid    int // its thread group, zero if it was gone before it could be asked
	parent int // the process that made it
	stops  []stop
}

// run is the loop: until nothing is left to trace.
func (t *Tracer) run() error {
	for {
		if len(t.tasks) == 0 {
			t.adoptStrays(0)
		}
		if len(t.tasks) == 0 || t.released {
			return nil
		}
		if t.holding {
			(<-t.requests)()
			continue
		}
		select {
		case request := <-t.requests:
			request()
			continue
		default:
		}
		s, err := t.next(-1, 0)
		if err != nil {
			return err
		}
		t.handle(s)
	}
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
	k := t.tasks[s.tid]
	if k == nil && s.kind == stopExec {
		// Its leader had ended before we attached, so nobody has the group's id yet.
		k = &task{tid: s.tid, pid: s.tid}
	}
	if k == nil {
		t.park(s)
		return
	}
	k.state = stopped
	switch s.kind {
	case stopGone:
		t.reap(k, s.status)
		return
	case stopBirth:
		t.born(k, s.birth)
	case stopVForkDone:
		k.vfork = false
		t.emit(event.Event{Kind: event.VForkDone, TID: event.TID(k.tid)}, k)
	case stopExec:
		k = t.exec(k)
	case stopExit:
		t.end(k, t.exitStatus(k.tid))
		t.spare(k.tid)
	case stopTrap:
		k.group = false
	case stopGroup:
		k.group = true
	case stopSignal:
		t.signal(k, s.sig)
	}
	t.settle(k, s.kind)
}

// settle lets a stopped task go on, unless all are being held. A task on its way
// out is never held: an exec by another thread waits, in D, until it is gone. Nor is one
// that a SIGSTOP of ours is still to stop, lest it get that when it is let go.
func (t *Tracer) settle(k *task, at stopKind) {
	if !t.holding || at == stopExit || k.owed {
		t.resume(k)
	}
}

// resume lets one task go on from the stop it is in.
func (t *Tracer) resume(k *task) {
	if k.state != stopped {
		return
	}
	k.state = running
	if k.group && !t.opts.TraceMe {
		t.check(k.tid, "PTRACE_LISTEN", t.kernel.Listen(k.tid))
		return
	}
	t.check(k.tid, "PTRACE_CONT", t.kernel.Cont(k.tid, k.sig))
	k.sig = 0
}

// check keeps the first error of a request to a stopped task. ESRCH is none: the task was
// killed out of its stop, which SIGKILL alone can do, and its end is still to be waited for.
func (t *Tracer) check(tid int, request string, err error) {
	if err != nil && err != unix.ESRCH && t.failure == nil {
		t.failure = fmt.Errorf("task %d: %w", tid, os.NewSyscallError("ptrace("+request+")", err))
	}
}

// born takes in the child of a creator that stands at its birth event. The child
// has stopped already and is a stray, or its first stop is still to come.
func (t *Tracer) born(creator *task, kind event.Kind) {
	msg, err := t.kernel.EventMsg(creator.tid)
	if err != nil {
		t.check(creator.tid, "PTRACE_GETEVENTMSG", err)
		return
	}
	child := &task{tid: int(msg), pid: int(msg), state: newborn, owed: t.opts.TraceMe}
	early := t.strays[child.tid]
	delete(t.strays, child.tid)
	creator.vfork = kind == event.VFork
	// The kernel picks its event by CLONE_VFORK and the exit signal, so a thread can be
	// announced as a fork and a process as a clone. The thread group decides.
	isThread := t.kernel.InGroup(creator.pid, child.tid)
	if early.pid != 0 {
		isThread = early.pid == creator.pid
	}
	switch {
	case isThread:
		kind, child.pid = event.Clone, creator.pid
	case kind == event.Clone:
		kind = event.Fork
	}
	t.emit(event.Event{Kind: kind, TID: event.TID(creator.tid), Child: event.TID(child.tid)}, creator)
	t.enter(child, early.stops)
}

// enter begins to trace a task, and acts on the stops that it has made so far.
func (t *Tracer) enter(k *task, stops []stop) {
	t.tasks[k.tid] = k
	if t.killing && k.tid == k.pid {
		t.kernel.Kill(k.pid, int(unix.SIGKILL)) // it was born behind Kill's back
	}
	for _, s := range stops {
		if s.kind == stopExit { // park has let it go
			k.state = running
			t.end(k, s.status)
			continue
		}
		t.handle(s)
	}
}

// park keeps the stops of a task whose birth is not known yet.
func (t *Tracer) park(s stop) {
	early, known := t.strays[s.tid]
	if !known {
		// A task that stands in a stop can be asked; one that is gone cannot.
		early.pid = statusField(t.kernel, s.tid, "Tgid")
		early.parent = statusField(t.kernel, s.tid, "PPid")
	}
	if s.kind == stopExit {
		// It was killed, and if its creator was too, no event tells of it; but an exec, or
		// the end of its process, waits for it.
		s.status = t.exitStatus(s.tid)
		t.spare(s.tid)
		t.check(s.tid, "PTRACE_CONT", t.kernel.Cont(s.tid, 0))
	}
	early.stops = append(early.stops, s)
	t.strays[s.tid] = early
}

// adoptStrays takes in tasks whose creator's event never came, because SIGKILL
// took the creator out of it: those that the process pid made, or all for zero. It is
// called when no thread of that process can be at a birth: they are gone, or one has executed
// a program, which waits for the others' ends. Strays are reported as found.
func (t *Tracer) adoptStrays(pid int) {
	for tid, early := range t.strays {
		if pid != 0 && early.pid != pid && early.parent != pid {
			continue
		}
		delete(t.strays, tid)
		k := &task{tid: tid, pid: early.pid, state: newborn, owed: t.opts.TraceMe}
		if k.pid == 0 {
			k.pid = tid
		}
		t.emit(event.Event{Kind: event.Attach, TID: event.TID(tid)}, k)
		t.enter(k, early.stops)
	}
}

// exec renames the task that executed a new program: it has its group's id now,
// and the group's other tasks are gone. The event's message is its former id.
func (t *Tracer) exec(leader *task) *task {
	msg, err := t.kernel.EventMsg(leader.tid)
	if err != nil {
		t.check(leader.tid, "PTRACE_GETEVENTMSG", err)
		return leader
	}
	survivor := t.tasks[int(msg)]
	if survivor == nil {
		survivor = leader
	}
	former := survivor.tid
	t.adoptStrays(leader.pid)
	for tid, k := range t.tasks {
		if k.pid == leader.pid {
			delete(t.tasks, tid)
		}
	}
	survivor.tid, survivor.state, survivor.ended, survivor.vfork, survivor.sig = leader.tid, stopped, false, false, 0
	t.tasks[survivor.tid] = survivor
	if t.started || !t.launched {
		t.emit(event.Event{Kind: event.Exec, TID: event.TID(survivor.tid), Former: event.TID(former)}, survivor)
	}
	return survivor
}

// signal is a signal-delivery stop: the program gets its signal when it goes on.
func (t *Tracer) signal(k *task, sig int) {
	if t.opts.TraceMe && isStopping(sig) {
		// Without SEIZE a newcomer has a SIGSTOP of the kernel's making, which a signal with
		// a smaller number overtakes, and a group stop looks like a signal's delivery.
		if !t.kernel.HasSiginfo(k.tid) {
			return
		}
		if sig == int(unix.SIGSTOP) && k.owed {
			k.owed = false
			return
		}
	}
	k.sig = sig
	t.emit(event.Event{Kind: event.Signal, TID: event.TID(k.tid), Signal: event.Signo(sig)}, k)
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
	k.ended = true
	t.emit(event.Event{Kind: event.Exit, TID: event.TID(k.tid), Status: status}, k)
}

// reap forgets a task that wait4 has said to be gone. A leader's wait status is its process's.
func (t *Tracer) reap(k *task, status event.Status) {
	t.end(k, status)
	delete(t.tasks, k.tid)
	if k.tid != k.pid {
		return
	}
	t.adoptStrays(k.pid)
	t.emit(event.Event{Kind: event.End, TID: event.TID(k.tid), Status: status}, k)
	if k.pid == t.pid {
		t.status = status
	}
}

// emit tells the sink; during an attach it waits until all that was found is told.
func (t *Tracer) emit(e event.Event, k *task) {
	e.PID, e.Time = event.TID(k.pid), time.Now()
	switch {
	case t.attaching:
		t.early = append(t.early, e)
	case t.opts.Events != nil:
		t.opts.Events(e)
	}
}

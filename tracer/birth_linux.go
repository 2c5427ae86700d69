//go:build amd64 || arm64

package tracer

import (
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A backlog is what happened to an unborn task: one that stopped before its creator's event. With
// eight creators at once two births in three begin so.
type backlog struct {
	events []event.Event
	since  time.Time
	gone   bool // wait4 has said so
	status event.Status
}

// park takes in a task that stopped before its birth was known.
func (t *Tracer) park(tid int) *task {
	k := &task{tid: tid, owed: t.newcomerIsOwed(), backlog: &backlog{since: time.Now()}}
	if t.starting { // an attach: a launch waits for its process alone
		k.owed.add(owedExitOption)
	}
	if t.holdNewcomers {
		k.wanted = toHold
	}
	t.tasks[tid] = k
	t.unborn++
	t.scheduleRecheck()
	return k
}

// group is a task's process. An unborn task is looked up in /proc, unless it was reaped.
func (t *Tracer) group(k *task) int {
	if k.pid == 0 && !k.backlog.gone {
		k.pid = statusField(t.kernel, k.tid, "Tgid")
	}
	return k.pid
}

// birth is a creator at its birth event, whose message is the child. Where births are learnt from
// system calls, a creator that runs on tells of the child by its call's result. One that is held,
// let go of or stepped here has no such stop to come, and its child may not have stopped yet.
func (t *Tracer) birth(creator *task, at stop) {
	goesOn := creator.wanted == toRun && !creator.owed.has(owedStep)
	if creator.birth != 0 && goesOn {
		return
	}
	creator.birth = 0 // the result would tell of the child once more
	if tid, ok := t.message(creator, at); ok {
		t.born(creator, tid, at.birth)
	}
}

// message is the event message of a task at an event. SIGKILL, or an exec by another thread, may
// have taken the task out of that stop since. It may even be at its PTRACE_EVENT_EXIT already, and
// then the message is the exit status: that stop is left for the next wait.
func (t *Tracer) message(k *task, at stop) (int, bool) {
	msg, err := t.kernel.EventMsg(k.tid)
	if err != nil {
		t.check(k.tid, "PTRACE_GETEVENTMSG", err)
		return 0, false
	}
	if info, err := t.kernel.Siginfo(k.tid); err == nil && info.Code != at.code {
		if k.isStopped() {
			k.leave(running)
		}
		return 0, false
	}
	return int(msg), true
}

// born takes in a creator's child: it is unborn so far, or its first stop is still to come. Kind is
// the kernel's, which picks it by CLONE_VFORK and the exit signal. So a thread can be announced as
// a fork and a process as a clone: only the child's thread group tells.
func (t *Tracer) born(creator *task, tid int, kind event.Kind) {
	child := t.tasks[tid]
	if child == nil || !child.isUnborn() {
		child = &task{tid: tid, state: newborn, owed: t.newcomerIsOwed()}
		t.tasks[tid] = child
		t.likely.add(tid)
	}
	isThread := kind == event.Clone
	switch {
	case child.pid != 0:
		isThread = child.pid == creator.pid
	case !child.isUnborn() || !child.backlog.gone: // a task that is gone cannot be asked
		isThread = t.kernel.InGroup(creator.pid, tid)
	}
	switch {
	case isThread:
		kind, child.pid = event.Clone, creator.pid
	case kind == event.Clone:
		kind, child.pid = event.Fork, tid
	default:
		child.pid = tid
	}
	child.wanted = creator.wanted
	child.owed.take(owedExitOption)
	child.owed.add(creator.owed & owedExitOption) // a child has its creator's options
	e := event.Event{Kind: kind, Child: event.TID(tid)}
	t.emit(e, creator)
	t.choose(creator, child, e)
	t.enter(child)
}

// enter begins to trace a task whose birth is known, and tells what it has done so far.
func (t *Tracer) enter(k *task) {
	if t.killing {
		t.kernel.Kill(k.pid, int(unix.SIGKILL)) // it was born while Kill killed the others
	}
	if !k.isUnborn() {
		return
	}
	early := k.backlog
	k.backlog = nil
	if k.state == unborn {
		k.state = stopped
	}
	t.unborn--
	for _, e := range early.events {
		e.PID = event.TID(k.pid)
		if k.wanted != toLetGo {
			t.tell(e)
		}
	}
	if early.gone {
		t.reap(k, early.status)
	} else {
		t.settle(k)
	}
}

// adopt takes in unborn tasks without their creator's event, which never comes if SIGKILL took the
// creator out of it, or if the kernel was not to tell of the birth (CLONE_UNTRACED with
// CLONE_PTRACE). They are told as found: those that the process maker made, or all for zero. It is
// called when no thread of that process can be at a birth: all are gone, or asleep, or one has
// executed a program, which waits for the others' ends.
func (t *Tracer) adopt(maker int) {
	if t.unborn == 0 {
		return
	}
	for _, k := range t.tasks {
		if k.isUnborn() && (maker == 0 || t.maker(k) == maker) {
			t.adoptOne(k)
		}
	}
}

func (t *Tracer) adoptOne(k *task) {
	if t.group(k) == 0 {
		k.pid = k.tid
	}
	t.tell(event.Event{
		Kind: event.Attach, PID: event.TID(k.pid), TID: event.TID(k.tid), Time: time.Now(),
	})
	t.enter(k)
}

// maker is the process that made an unborn task, by /proc: with CLONE_PARENT, that process's
// parent. It is zero if the task was reaped.
func (t *Tracer) maker(k *task) int {
	if pid := t.group(k); pid != k.tid {
		return pid
	}
	return statusField(t.kernel, k.tid, "PPid")
}

// patience is how long a task may be silent before it is asked about.
const patience = 20 * time.Millisecond

// scheduleRecheck has a timer wake the tracer for a look at tasks of which the kernel may say
// nothing more: an unborn task whose creator has nothing to tell, and a leader whose id an untraced
// thread took over by an exec.
func (t *Tracer) scheduleRecheck() {
	if t.recheck == nil {
		t.recheck = time.AfterFunc(patience, t.waker.wake)
	}
}

func (t *Tracer) stopRecheck() {
	if t.recheck != nil {
		t.recheck.Stop()
		t.recheck = nil
	}
}

// recheckTasks adopts and forgets the tasks of which nothing more will be told, and schedules
// another look if there are tasks for it.
func (t *Tracer) recheckTasks() {
	if t.recheck == nil {
		return
	}
	t.stopRecheck() // something else may have woken the tracer
	for _, k := range t.tasks {
		switch {
		case k.isUnborn() && time.Since(k.backlog.since) >= patience && t.isOrphan(k):
			if maker := t.maker(k); maker != 0 {
				t.adopt(maker)
			} else {
				t.adoptOne(k)
			}
			t.scheduleRecheck()
			return // the tasks are others now
		case k.isUnborn():
			t.scheduleRecheck()
		case k.state == ended && k.tid == k.pid && t.partlyTraced[k.pid]:
			if !t.vanished(k) {
				t.scheduleRecheck()
			}
		}
	}
}

// isOrphan tells whether no task can still tell of an unborn task's birth. Between a birth and its
// event the kernel does not sleep. So it is an orphan if each task that may have made it is asleep,
// or is in a stop that the tracer has heard of, unless it stopped in the middle of a call whose
// result tells of the birth. Its possible makers are the threads of the process that made it, and
// with CLONE_PARENT those of that process's other children. If it was reaped before it was looked
// up, all tasks are possible makers.
func (t *Tracer) isOrphan(orphan *task) bool {
	if len(t.strangers) > 0 {
		return false // a stranger may have made it, and will stop and tell
	}
	maker := t.maker(orphan)
	for tid, k := range t.tasks {
		if k == orphan || k.state == ended || k.isStopped() && k.birth == 0 {
			continue
		}
		mayBeMaker := maker == 0 || k.pid == maker ||
			statusField(t.kernel, k.pid, "PPid") == maker
		if !mayBeMaker {
			continue
		}
		state := procState(t.kernel, tid)
		if k.birth != 0 || state != 'S' && state != 'D' && state != 'Z' {
			return false // its event, or the result of its call, may be to come
		}
	}
	return true
}

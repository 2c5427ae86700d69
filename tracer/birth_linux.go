//go:build amd64 || arm64

package tracer

import (
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// An account is what happened to a task before its birth was told. With eight creators at once
// two births in three begin so: the newcomer's first stop comes before its creator's event.
type account struct {
	events []event.Event
	since  time.Time
	gone   bool // wait4 has said so
	status event.Status
}

// park takes in a task that stopped before its birth was known.
func (t *Tracer) park(tid int) *task {
	k := &task{
		tid: tid, unborn: true, held: t.holding, owed: t.opts.TraceMe, unasked: t.attaching && !t.launched,
		account: &account{since: time.Now()},
	}
	t.tasks[tid] = k
	t.unborn++
	t.doubts.arise()
	return k
}

// group is a task's process. An unborn one is asked while it can be: one that was reaped cannot.
func (t *Tracer) group(k *task) int {
	if k.pid == 0 && !k.account.gone {
		k.pid = statusField(t.kernel, k.tid, "Tgid")
	}
	return k.pid
}

// birth is a creator at its birth event, whose message is the child.
func (t *Tracer) birth(creator *task, at stop) {
	creator.vfork = at.birth == event.VFork
	if creator.call.births != 0 && !creator.stepping {
		return // the call's result will tell; but a step does not stop at that
	}
	if tid, ok := t.message(creator, at); ok {
		t.born(creator, tid, at.birth)
	}
}

// message is the event message of a task that stands at an event. SIGKILL, or an exec by another thread, can have
// taken it out of that since, and then it may stand at its end already: the message is that one's. It
// is left there, for the next wait.
func (t *Tracer) message(k *task, at stop) (int, bool) {
	msg, err := t.kernel.EventMsg(k.tid)
	if err != nil {
		t.check(k.tid, "PTRACE_GETEVENTMSG", err)
		return 0, false
	}
	if info, err := t.kernel.Siginfo(k.tid); err == nil && info.Code != at.code {
		k.state = running
		return 0, false
	}
	return int(msg), true
}

// born takes in a creator's child, which has stopped already and is unborn, or whose first stop
// is still to come. Kind is the kernel's, which picks it by CLONE_VFORK and the exit signal: so a
// thread can be announced as a fork and a process as a clone. The thread group decides.
func (t *Tracer) born(creator *task, tid int, kind event.Kind) {
	child := t.tasks[tid]
	if child == nil || !child.unborn {
		child = &task{tid: tid, state: newborn, owed: t.opts.TraceMe}
		t.tasks[tid] = child
		t.likely.add(tid)
	}
	isThread := kind == event.Clone
	switch {
	case child.pid != 0:
		isThread = child.pid == creator.pid
	case child.account == nil || !child.account.gone: // then nothing can be asked
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
	child.held, child.leaving, child.unasked = creator.held, creator.leaving, creator.unasked // as its options are
	e := event.Event{Kind: kind, TID: event.TID(creator.tid), Child: event.TID(tid)}
	t.emit(e, creator)
	t.choose(creator, child, e)
	t.enter(child)
}

// enter begins to trace a task whose birth is known, and tells what it has done so far.
func (t *Tracer) enter(k *task) {
	if t.killing && k.tid == k.pid {
		t.kernel.Kill(k.pid, int(unix.SIGKILL)) // it was born behind Kill's back
	}
	if !k.unborn {
		return
	}
	early := k.account
	k.unborn, k.account = false, nil
	t.unborn--
	for _, e := range early.events {
		e.PID = event.TID(k.pid)
		if !k.leaving {
			t.tell(e)
		}
	}
	if early.gone {
		t.reap(k, early.status)
	} else {
		t.settle(k, stopTrap)
	}
}

// choose decides who is followed of a creator and its child.
func (t *Tracer) choose(creator, child *task, birth event.Event) {
	how := t.opts.Processes
	if birth.Kind == event.Clone {
		how = t.opts.Threads
	}
	if creator.leaving || t.attaching && (how != FollowParent || birth.Kind == event.Clone) {
		return // an attach finds whom it would have let go of
	}
	if how == FollowAsk && t.opts.Ask != nil {
		birth.PID = event.TID(creator.pid)
		how = t.opts.Ask(birth)
	}
	switch {
	case how == FollowParent:
		child.leaving = true
	case how == FollowChild && birth.Kind == event.Clone:
		t.leave(creator)
	case how == FollowChild:
		for _, k := range t.tasks {
			if k.pid != creator.pid {
				continue
			}
			t.leave(k)
			if k != creator { // which goes on from its birth event
				t.settle(k, stopTrap)
			}
		}
	default:
		return
	}
	if birth.Kind == event.Clone {
		t.parted[creator.pid] = true
	}
}

// leave lets go of a task as soon as it stops, and asks it to stop.
func (t *Tracer) leave(k *task) {
	if k.ended || k.leaving {
		return
	}
	k.leaving = true
	if k.state == running {
		t.interrupt(k)
	}
}

// adopt takes in unborn tasks whose creator's event never came, because SIGKILL took the
// creator out of it, or the kernel was not to tell of them (CLONE_UNTRACED with CLONE_PTRACE): those that
// the process maker made, or all for zero. They are told as found. It is called when no thread of
// that process can be at a birth: they are gone, or asleep, or one has executed a program, which
// waits for the others' ends.
func (t *Tracer) adopt(maker int) {
	if t.unborn == 0 {
		return
	}
	for _, k := range t.tasks {
		if k.unborn && (maker == 0 || t.maker(k) == maker) {
			t.takeIn(k)
		}
	}
}

// takeIn tells of an unborn task as found.
func (t *Tracer) takeIn(k *task) {
	if t.group(k) == 0 {
		k.pid = k.tid
	}
	t.tell(event.Event{Kind: event.Attach, PID: event.TID(k.pid), TID: event.TID(k.tid), Time: time.Now()})
	t.enter(k)
}

// maker is the process that made an unborn task, by /proc. With CLONE_PARENT it is that one's parent. Zero if the task
// was reaped.
func (t *Tracer) maker(k *task) int {
	if pid := t.group(k); pid != k.tid {
		return pid
	}
	return statusField(t.kernel, k.tid, "PPid")
}

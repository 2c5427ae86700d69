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
	told   bool     // what comes now goes on to the next
	onto   *account // the creator's own, nil for the sink

	since  time.Time
	gone   bool // wait4 has said so, and no birth is known yet
	status event.Status
}

// park takes in a task that stopped before its birth was known.
func (t *Tracer) park(tid int) *task {
	k := &task{
		tid: tid, unborn: true, held: t.holding, owed: t.opts.TraceMe,
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
func (t *Tracer) birth(creator *task, kind event.Kind) {
	creator.vfork = kind == event.VFork
	if creator.call.makes {
		return // the call's result will tell
	}
	msg, err := t.kernel.EventMsg(creator.tid)
	if err != nil {
		t.check(creator.tid, "PTRACE_GETEVENTMSG", err)
		return
	}
	t.born(creator, int(msg), kind)
}

// born takes in a creator's child, which has stopped already and is unborn, or whose first stop
// is still to come. Kind is the kernel's, which picks it by CLONE_VFORK and the exit signal: so a
// thread can be announced as a fork and a process as a clone. The thread group decides.
func (t *Tracer) born(creator *task, tid int, kind event.Kind) {
	t.group(creator)
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
	child.held, child.leaving = creator.held, creator.leaving
	e := event.Event{Kind: kind, TID: event.TID(creator.tid), Child: event.TID(tid)}
	t.emit(e, creator)
	t.choose(creator, child, e)
	t.enter(child, creator.account)
}

// enter begins to trace a task whose birth is known, and tells what it has done so far.
func (t *Tracer) enter(k *task, onto *account) {
	if t.killing && k.tid == k.pid {
		t.kernel.Kill(k.pid, int(unix.SIGKILL)) // it was born behind Kill's back
	}
	early := k.account
	if early == nil {
		k.account = onto
		return
	}
	k.unborn = false
	if t.unborn--; t.unborn == 0 {
		t.doubts.stop()
	}
	early.told, early.onto = true, onto
	for _, e := range early.events {
		if e.TID == event.TID(k.tid) {
			e.PID = event.TID(k.pid)
		}
		if !k.leaving {
			t.tell(e, onto)
		}
	}
	early.events = nil
	if early.gone {
		t.reap(k, early.status)
	} else if k.state == stopped {
		t.settle(k, stopTrap)
	}
}

// choose decides who is followed of a creator and its child.
func (t *Tracer) choose(creator, child *task, birth event.Event) {
	how := t.opts.Processes
	if birth.Kind == event.Clone {
		how = t.opts.Threads
	}
	if creator.leaving {
		return
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
			if k.pid == creator.pid {
				t.leave(k)
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
		if !k.unborn || maker != 0 && t.maker(k) != maker {
			continue
		}
		if t.group(k) == 0 {
			k.pid = k.tid
		}
		t.tell(event.Event{Kind: event.Attach, PID: event.TID(k.pid), TID: event.TID(k.tid), Time: time.Now()}, nil)
		t.enter(k, nil)
	}
}

// maker is the process that made an unborn task, by /proc. With CLONE_PARENT it is that one's parent.
func (t *Tracer) maker(k *task) int {
	if pid := t.group(k); pid != k.tid {
		return pid
	}
	return statusField(t.kernel, k.tid, "PPid")
}

//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"sync/atomic"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// exec renames the task that executed a program: it has its group's id now, and the group's other
// tasks are gone. The event's message is its former id.
func (t *Tracer) exec(leader *task, at stop) *task {
	former, ok := t.message(leader, at)
	if !ok {
		return leader
	}
	told := leader.former != 0 && int(leader.former) == former
	leader.former = 0 // the id may be another task's by the next exec
	if told {
		leader.stop(stopExec) // the exec was told already, by seizedInExec
		return leader
	}
	survivor := cmp.Or(t.tasks[former], leader)
	t.takeOver(leader, survivor, survivor.tid)
	return survivor
}

// takeOver gives the id of a process's leader to its only survivor, and forgets the other tasks.
func (t *Tracer) takeOver(leader, survivor *task, former int) {
	t.adopt(t.group(leader))
	if survivor != leader && t.tasks[leader.tid] == leader {
		// The leader's end is still untold: it was killed in a stop, and left its PTRACE_EVENT_EXIT
		// before we saw that. A task that an exec kills ends with 0.
		t.end(leader, event.Exited(0))
	}
	for _, k := range t.tasks {
		if k.pid == leader.pid && k != survivor {
			t.forget(k)
		}
	}
	delete(t.tasks, survivor.tid)
	survivor.tid, survivor.sig = leader.tid, 0
	survivor.stop(stopExec)
	survivor.birth = 0
	t.tasks[survivor.tid] = survivor
	delete(t.partlyTraced, survivor.pid)
	if !t.starting || !t.launched { // else it is the exec of the program that is launched
		t.emit(event.Event{Kind: event.Exec, Former: event.TID(former)}, survivor)
	}
}

// idTakenOver is called when a leader stops that has ended. No task stops after its end: another
// task of its process has its id, by an exec that the kernel was not asked to tell of.
func (t *Tracer) idTakenOver(leader *task) *task {
	survivor, former := leader, 0
	for _, k := range t.tasks {
		if k.pid == leader.pid && k.state != ended && !k.isUnborn() {
			survivor, former = k, k.tid
		}
	}
	t.takeOver(leader, survivor, former)
	return survivor
}

// seizedInExec is called for a task that executed a program while PTRACE_SEIZE of it waited, and
// has its group's id now. The event of that exec may or may not follow.
func (t *Tracer) seizedInExec(k *task) {
	leader := cmp.Or(t.tasks[k.pid], &task{tid: k.pid, pid: k.pid})
	former := k.tid
	t.takeOver(leader, k, former)
	k.leave(running)
	k.former = int32(former)
	t.interrupt(k)
}

// leaderIsTraced tells whether the leader is still ours: a thread that was not seized yet may have
// ended it by an exec.
func (t *Tracer) leaderIsTraced() bool {
	leader := t.tasks[t.pid]
	if leader == nil || !leader.isStopped() {
		return true
	}
	if t.kernel.SetOptions(t.pid, followWithoutExit) != unix.ESRCH {
		return true
	}
	leader.leave(running)
	return false
}

// A seizeWatch reaps tasks while PTRACE_SEIZE waits. A thread that executes a program holds the
// lock that PTRACE_SEIZE of its process needs (cred_guard_mutex) until its siblings have ended and,
// if they are traced, were reaped. Only we can reap our tracees, and our tracing thread waits for
// the lock; so another thread of ours does it.
type seizeWatch struct {
	kernel   Kernel
	progress atomic.Int64
	over     chan struct{}
	reaped   chan []stop
}

func (t *Tracer) watchSeizing() *seizeWatch {
	w := &seizeWatch{kernel: t.kernel, over: make(chan struct{}), reaped: make(chan []stop)}
	go w.watch(t.pid, unix.Gettid())
	return w
}

// stop ends the watch, and returns the ends that it has taken.
func (w *seizeWatch) stop() []stop {
	close(w.over)
	return <-w.reaped
}

// watch reaps those ended tasks of a process that the thread tracer traces, whenever that thread
// makes no progress.
func (w *seizeWatch) watch(pid, tracer int) {
	var reaped []stop
	ticks := time.NewTicker(patience)
	defer ticks.Stop()
	for last := int64(-1); ; {
		select {
		case <-w.over:
			w.reaped <- reaped
			return
		case <-ticks.C:
		}
		now := w.progress.Load()
		if now == last {
			reaped = append(reaped, w.reapEnded(pid, tracer)...)
		}
		last = now
	}
}

func (w *seizeWatch) reapEnded(pid, tracer int) (reaped []stop) {
	tids, _ := w.kernel.Tasks(pid) // an error leaves none
	for _, tid := range tids {
		traced := statusField(w.kernel, tid, "TracerPid") == tracer
		if !traced || procState(w.kernel, tid) != 'Z' {
			continue
		}
		if got, status, _ := w.kernel.Reap(tid); got == tid { // with an error it is none
			reaped = append(reaped, classify(tid, status))
		}
	}
	return reaped
}

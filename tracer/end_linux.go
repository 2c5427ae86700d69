//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

func (t *Tracer) exitStatus(tid int) event.Status {
	msg, err := t.kernel.EventMsg(tid)
	if err != nil {
		return event.Unknown // it was killed out of its stop: its wait status follows
	}
	return event.StatusOf(uint32(msg))
}

// clearExitKill takes PTRACE_O_EXITKILL from a task at its exit. If the tracer ended before the
// task has, the kernel would kill the whole process, which Detach may have let go of by then.
func (t *Tracer) clearExitKill(tid int) {
	if t.launched {
		t.check(tid, "PTRACE_SETOPTIONS", t.kernel.SetOptions(tid, follow))
	}
}

// end tells a task's own end, once.
func (t *Tracer) end(k *task, status event.Status) {
	if k.state == ended || status == event.Unknown {
		return
	}
	t.group(k) // it can still be looked up
	k.state = ended
	t.endStep(k, ErrEnded)
	t.emit(event.Event{Kind: event.Exit, Status: status}, k)
	if k.tid == k.pid && t.partlyTraced[k.pid] {
		t.scheduleRecheck() // an exec by an untraced thread makes it vanish, and nothing tells
	}
}

// reap forgets a task that wait4 has said to be gone. A leader's wait status is its process's, and
// comes when nothing else of the process is left.
func (t *Tracer) reap(k *task, status event.Status) {
	if k.isUnborn() {
		k.backlog.gone, k.backlog.status = true, status
	}
	t.end(k, status)
	if k.isUnborn() {
		k.leave(ended)
		return
	}
	t.forget(k)
	if k.tid != k.pid {
		return
	}
	t.claim(k.pid, status)
	t.adopt(k.pid)
	for _, other := range t.tasks {
		if other.pid == k.pid {
			t.forget(other)
		}
	}
	delete(t.partlyTraced, k.pid)
	t.emit(event.Event{Kind: event.End, Status: status}, k)
	if k.pid == t.pid {
		t.status = status
	}
}

// claim finds the threads of a process that has ended among the unborn tasks that were reaped
// before they could be looked up: killed in their first stop, they have the status of its
// exit_group or its signal. It finds none while another process is traced, whose threads they may
// be.
func (t *Tracer) claim(pid int, status event.Status) {
	for _, k := range t.tasks {
		if k.pid != 0 && k.pid != pid {
			return
		}
	}
	for _, k := range t.tasks {
		if k.isUnborn() && k.backlog.gone && k.backlog.status == status {
			k.pid = pid
		}
	}
}

// forget drops a task from the tracer's account.
func (t *Tracer) forget(k *task) {
	if k.isUnborn() {
		t.unborn--
	}
	t.endStep(k, errNoTask)
	delete(t.tasks, k.tid)
}

// Detach lets go of every task and ends the tracer. Stopped tasks go on, with the signals that they
// were about to get; group stops are kept. Afterwards nothing is traced, also if there is an error:
// that of the first request to the kernel that failed (ptrace(2)), or ErrEnded if the tracer had
// ended before or Kill came meanwhile.
//
// A task in a launched program that waits for its vfork child is waited for: it cannot stop, so it
// cannot be detached, and at the tracer's end PTRACE_O_EXITKILL would kill it. Kill ends that wait.
func (t *Tracer) Detach() error {
	err := t.ask(t.detach)
	if !errors.Is(err, ErrEnded) {
		<-t.done
	}
	return err
}

// Kill kills every process that is traced and waits until all are gone. It is ErrEnded if the
// tracer had ended before.
func (t *Tracer) Kill() error {
	err := t.ask(func() error {
		t.kill()
		return nil
	})
	if err == nil {
		<-t.done
	}
	return err
}

// Abandon ends the tracer as its death would: nothing is undone. The kernel lets go of a program
// that was attached to, and kills one that was launched (PTRACE_O_EXITKILL). It is ErrEnded if the
// tracer had ended before.
func (t *Tracer) Abandon() error {
	err := t.ask(func() error {
		t.released = true
		return nil
	})
	<-t.done
	return err
}

func (t *Tracer) detach() error {
	t.released = true
	err := t.hold()
	err = cmp.Or(err, t.releaseStopped())
	// A task that is left cannot stop: it is at its exit, or waits for its vfork child. The end of
	// our thread lets it go; but that would kill a launched one.
	for late := true; late && t.launched && !t.killing; t.serve() {
		var failed error
		late, failed = t.awaitLate()
		err = cmp.Or(err, failed, t.releaseStopped())
	}
	if t.killing { // by a request that came meanwhile: it waits for all to be gone
		t.released = false
		return ErrEnded
	}
	return err
}

// releaseStopped lets go of all stopped tasks, oldest first.
func (t *Tracer) releaseStopped() (err error) {
	for _, tid := range slices.Sorted(maps.Keys(t.tasks)) {
		if k := t.tasks[tid]; k.isStopped() {
			err = cmp.Or(err, t.release(k))
		}
	}
	return err
}

// awaitLate waits for a stop or an end of a task that is not at its exit, and tells whether it is
// to be called again. It does not wait for long: a task that an exec of an untraced thread has
// ended is gone without a word.
func (t *Tracer) awaitLate() (again bool, err error) {
	for tid, k := range t.tasks {
		if k.state == ended {
			continue
		}
		s, err := t.next(tid, unix.WNOHANG)
		switch {
		case errors.Is(err, unix.ECHILD):
			t.forget(k)
			return true, nil
		case err != nil:
			return false, err
		case s.tid != 0:
			t.handle(s)
			return true, nil
		}
		again = true
	}
	if !again {
		return false, nil
	}
	err = t.awaitAWhile()
	return err == nil, err
}

func (t *Tracer) kill() {
	t.wantAllToRun()
	t.killing = true
	for pid := range t.processes() {
		t.kernel.Kill(pid, int(unix.SIGKILL)) // ESRCH: it has ended, and is to be reaped
	}
}

//go:build amd64 || arm64

package tracer

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// hold stops every task that can stop and waits until it has. Its errors are of waits.
func (t *Tracer) hold() error {
	t.holding = true
	for _, k := range t.tasks {
		k.held = true
		if k.state == running && !k.ended {
			t.interrupt(k)
		}
	}
	return t.collect(t.due)
}

// interrupt asks a running task to stop. PTRACE_INTERRUPT is EIO without SEIZE: after TRACEME a SIGSTOP does it, and never
// a second one beside the first, which would stop the program for good when it is let go of.
func (t *Tracer) interrupt(k *task) {
	switch {
	case !t.opts.TraceMe:
		t.check(k.tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(k.tid))
	case !k.owed || isLost(t.kernel, k.tid):
		k.owed = true
		t.kernel.Tgkill(t.group(k), k.tid, int(unix.SIGSTOP)) // ESRCH: it has ended
	}
}

// isLost tells whether the SIGSTOP that a task is owed is neither pending nor what it stands at: any SIGCONT to its
// program takes it away. From the queue to the stop the kernel holds one lock (siglock, get_signal in
// kernel/signal.c), so a look at the queue and then at the state leaves no gap.
func isLost(k Kernel, tid int) bool {
	return !isPending(k, tid, unix.SIGSTOP) && procState(k, tid) != 't'
}

// collect waits until those tasks have stopped that are due and can stop. It asks for each by its
// tid, since a wait for any walks all tracees; only a round without news waits for any, and other requests
// are served meanwhile: some may have nobody due any more.
func (t *Tracer) collect(due func() []int) error {
	last, asked := time.Now(), time.Now()
	for {
		t.serve()
		tids, news := due(), false
		for _, tid := range tids {
			s, err := t.next(tid, unix.WNOHANG)
			switch {
			case errors.Is(err, unix.ECHILD):
				news = t.lose(tid) || news
			case err != nil:
				return err
			case s.tid != 0:
				news = true
				t.handle(s)
			}
		}
		switch {
		case len(tids) == 0:
			return nil
		case news, time.Since(last) > patience && t.endZombies(tids):
			last = time.Now()
		case time.Since(last) > patience && t.allInD(tids):
			return nil
		default:
			if err := t.awaitAWhile(); err != nil {
				return err
			}
		}
		if t.opts.TraceMe && time.Since(asked) > patience {
			t.stopOnceMore(tids)
			asked = time.Now()
		}
	}
}

// stopOnceMore interrupts those tasks once more whose SIGSTOPs are lost.
func (t *Tracer) stopOnceMore(tids []int) {
	for _, tid := range tids {
		if k := t.tasks[tid]; k != nil && k.isDue() {
			t.interrupt(k)
		}
	}
}

// lose forgets a leader that is not ours any more: a thread that we have not seized yet has taken its
// id by an exec, which ends it without a word. Another task that has no such id has executed a program itself, and
// the event is to come.
func (t *Tracer) lose(tid int) bool {
	k := t.tasks[tid]
	if k == nil || k.tid != k.pid {
		return false
	}
	t.end(k, event.Exited(0))
	t.forget(k)
	return true
}

// endZombies reports the ends of leaders that cannot stop any more, and tells whether there were any. One that is seized
// after its PTRACE_EVENT_EXIT, or on its way there without that option, does not answer, and as long as
// another thread of its process lives wait4 says nothing of it.
func (t *Tracer) endZombies(tids []int) (news bool) {
	for _, tid := range tids {
		k := t.tasks[tid]
		if k == nil || k.tid != k.pid || procState(t.kernel, tid) != 'Z' {
			continue
		}
		const exitCode = 52 - 3 // in proc(5), where statFields begins with the third
		fields := statFields(t.kernel, tid)
		if len(fields) <= exitCode {
			continue // it was reaped meanwhile
		}
		status, _ := strconv.ParseUint(fields[exitCode], 10, 32)
		t.end(k, event.StatusOf(uint32(status)))
		news = true
	}
	return news
}

// due are the tasks that have yet to stop, oldest first for the most part: the kernel's records of 10,000 are
// walked as they lie in memory, which saves a tenth of an attach.
func (t *Tracer) due() []int {
	var due []int
	for tid, k := range t.tasks {
		if k.isDue() {
			due = append(due, tid)
		}
	}
	slices.Sort(due)
	return due
}

func (k *task) isDue() bool {
	return (k.held || k.leaving) && k.state != stopped && !k.vfork && !k.ended
}

// allInD tells whether all these tasks sleep uninterruptibly, as the parent of a vfork does
// from before our attach: none of them stops before its child lets it. A page fault and a
// held lock of the kernel's look the same, but not for long.
func (t *Tracer) allInD(tids []int) bool {
	return !slices.ContainsFunc(tids, func(tid int) bool { return procState(t.kernel, tid) != 'D' })
}

// awaitAWhile handles the next stop of any task, and returns without one after some time.
func (t *Tracer) awaitAWhile() error {
	alarm := time.AfterFunc(patience, t.bell.ring)
	defer alarm.Stop()
	s, err := t.await()
	if err == nil {
		t.handle(s)
	}
	return err
}

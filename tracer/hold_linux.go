//go:build amd64 || arm64

package tracer

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// hold stops every task that can stop and waits until it has.
func (t *Tracer) hold() error {
	t.holding = true
	for _, k := range t.tasks {
		switch {
		case k.state != running || k.ended:
		case t.opts.TraceMe: // PTRACE_INTERRUPT is EIO without SEIZE
			k.owed = true
			t.kernel.Tgkill(k.pid, k.tid, int(unix.SIGSTOP)) // ESRCH: it has ended
		default:
			t.check(k.tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(k.tid))
		}
	}
	return t.collect()
}

// collect waits until every task has stopped that can. It asks for each by its tid, since a
// wait for any walks all tracees; only a round without news waits for any.
func (t *Tracer) collect() error {
	last := time.Now()
	for {
		due, news := t.due(), false
		for _, tid := range due {
			s, err := t.next(tid, unix.WNOHANG)
			if err != nil && !errors.Is(err, unix.ECHILD) {
				return err
			}
			if err == nil && s.tid != 0 {
				news = true
				t.handle(s)
			}
		}
		switch {
		case len(due) == 0:
			return t.failure
		case news:
			last = time.Now()
		case time.Since(last) > patience && t.allInD(due):
			return t.failure
		default:
			if err := t.waitAny(); err != nil {
				return err
			}
		}
	}
}

// due are the tasks that have yet to stop, in no order.
func (t *Tracer) due() []int {
	var due []int
	for tid, k := range t.tasks {
		if k.state != stopped && !k.vfork && !k.ended {
			due = append(due, tid)
		}
	}
	return due
}

// allInD tells whether all these tasks sleep uninterruptibly, as the parent of a vfork does
// from before our attach: none of them stops before its child lets it. A page fault and a
// held lock of the kernel's look the same, but not for long.
func (t *Tracer) allInD(tids []int) bool {
	return !slices.ContainsFunc(tids, func(tid int) bool { return procState(t.kernel, tid) != 'D' })
}

// patience is how long a task may sleep in D before it is taken for one that cannot stop.
const patience = 20 * time.Millisecond

func (t *Tracer) waitAny() error {
	alarm := time.AfterFunc(patience, t.bell.ring)
	defer alarm.Stop()
	s, err := t.next(-1, 0)
	if err == nil {
		t.handle(s)
	}
	return err
}

//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Stop stops every task, and returns when all have stopped that can. Resume lets them go on, also
// while Stop waits. A task that waits for the child of its vfork cannot stop before that child lets
// it: it stops then. Another that sleeps uninterruptibly is waited for, but not longer than 10 s.
func (t *Tracer) Stop() error { return t.do(t.hold) }

// Resume lets every task go on that is stopped since Launch, Attach, Stop or StopThread.
func (t *Tracer) Resume() error {
	return t.do(func() (err error) {
		t.wantAllToRun()
		for _, k := range t.tasks {
			err = cmp.Or(err, t.settle(k))
		}
		return err
	})
}

// StopThread stops one task, and those that it will make. It returns when the task has stopped, or
// is seen to be unable to: see Stop.
func (t *Tracer) StopThread(tid int) error {
	return t.doWith(tid, func(k *task) error {
		if err := t.holdTask(k); err != nil {
			return err
		}
		return t.collect(k)
	})
}

// ResumeThread lets one task go on, and those that it will make.
func (t *Tracer) ResumeThread(tid int) error {
	return t.doWith(tid, func(k *task) error {
		k.want(toRun)
		return t.settle(k)
	})
}

func (t *Tracer) wantAllToRun() {
	t.holdNewcomers = false
	for _, k := range t.tasks {
		k.want(toRun)
	}
}

// hold stops every task that can stop and waits until it has.
func (t *Tracer) hold() (err error) {
	t.holdNewcomers = true
	for _, k := range t.tasks {
		err = cmp.Or(err, t.holdTask(k))
	}
	return cmp.Or(t.collect(nil), err)
}

// holdTask has a task stop.
func (t *Tracer) holdTask(k *task) error {
	k.want(toHold)
	if k.canStop() {
		return t.interrupt(k)
	}
	return nil
}

// interrupt asks a running task to stop.
func (t *Tracer) interrupt(k *task) error {
	if t.opts.TraceMe {
		t.sendSIGSTOP(k)
		return nil
	}
	return t.check(k.tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(k.tid))
}

// due are the tasks that have yet to stop: of all, or of one if that is given.
func (t *Tracer) due(only *task) (due []int) {
	for tid, k := range t.tasks {
		if k.isDue() && (only == nil || only == k) {
			due = append(due, tid)
		}
	}
	return due
}

// collect waits until the tasks that are due have stopped, or are seen to be unable to. It asks for
// each by its tid, since a wait for any task walks all tracees; only a round without news waits for
// any. Other requests are served meanwhile: after some of them no task is due any more.
func (t *Tracer) collect(only *task) error {
	last, asked := time.Now(), time.Now()
	for {
		t.serve()
		tids := t.due(only)
		if len(tids) == 0 {
			return nil
		}
		news, err := t.collectRound(tids)
		if err != nil {
			return err
		}
		silence := time.Since(last)
		switch {
		case news, silence > patience && t.endZombies(tids):
			last = time.Now()
		case silence > patience && t.cannotStop(tids, silence):
			return nil
		default:
			if err := t.awaitAWhile(); err != nil {
				return err
			}
		}
		if time.Since(asked) > patience {
			t.resendSIGSTOP(tids)
			asked = time.Now()
		}
	}
}

// collectRound asks for each of these tasks once, and tells whether there was news of one.
func (t *Tracer) collectRound(tids []int) (news bool, err error) {
	for _, tid := range tids {
		s, err := t.next(tid, unix.WNOHANG)
		switch {
		case errors.Is(err, unix.ECHILD):
			news = t.lose(tid) || news
		case err != nil:
			return news, err
		case s.tid != 0:
			news = true
			t.handle(s)
		}
	}
	return news, nil
}

// lose forgets a leader that is not ours any more: a thread that was not seized yet has taken over
// its id by an exec, which ends the leader without a word. If another task's id is gone, that task
// has executed a program itself, and the event is to come.
func (t *Tracer) lose(tid int) bool {
	k := t.tasks[tid]
	if k == nil || k.tid != k.pid {
		return false
	}
	t.end(k, event.Exited(0))
	t.forget(k)
	return true
}

// endZombies tells the ends of leaders that cannot stop any more, and whether there were any. A
// leader that is seized after its PTRACE_EVENT_EXIT, or on its way there without that option, does
// not answer PTRACE_INTERRUPT; and as long as another thread of its process lives, wait4 says
// nothing of it.
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

// cannotStop tells whether these tasks, silent for so long, are not to be waited for: all of them
// sleep uninterruptibly (D). A vfork's parent does that as long as its child wants. A page fault
// and a lock of the kernel's look the same, but not for long.
func (t *Tracer) cannotStop(tids []int, silence time.Duration) bool {
	return !slices.ContainsFunc(tids, func(tid int) bool {
		return procState(t.kernel, tid) != 'D' || silence < longestSleep && !t.isInVFork(tid)
	})
}

// longestSleep is how long a task in D is waited for that is in no vfork: longer than a page fault
// from a slow disk, shorter than a user waits for a dead file server.
const longestSleep = 10 * time.Second

// isInVFork tells whether a task that sleeps in D waits for its vfork child, by the function of the
// kernel that it sleeps in: kernel_clone, before Linux 5.10 _do_fork. It is true also where the
// kernel does not say the function.
func (t *Tracer) isInVFork(tid int) bool {
	wchan, _ := t.kernel.ReadFile("/proc/" + strconv.Itoa(tid) + "/wchan")
	waits := []string{"kernel_clone", "_do_fork", "do_fork", "wait_for_vfork_done", "0", ""}
	return slices.Contains(waits, string(wchan))
}

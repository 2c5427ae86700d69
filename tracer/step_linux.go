//go:build amd64 || arm64

package tracer

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Step has one stopped task execute one instruction, and waits until it is stopped again, whatever
// stopped it. A system call lasts as long as it lasts. Other tasks stay as they are meanwhile. When
// ctx is done the task is asked to stop, and the answer is the cause. It is an error if the task is
// not stopped, or is in a group stop; ErrEnded if it ends in the step.
//
// A task that blocks or ignores SIGTRAP loses that setting, and its handler, by a step: the kernel
// forces the step's trap on it, and sets SIGTRAP to its default first (force_sig_info_to_task in
// kernel/signal.c).
//
// In the instant between the end of the step and the tracer's next wait, the task is about to get
// the step's SIGTRAP. If the tracer is killed just then, an attached program dies of that signal.
func (t *Tracer) Step(ctx context.Context, tid int) error {
	over := make(chan error, 1)
	err := t.doWith(tid, func(k *task) error {
		if k.state != stopped || k.at == stopGroup {
			return fmt.Errorf("task %d: only a stopped task can be stepped", tid)
		}
		k.wanted, t.steps[k] = toHold, over
		k.owed.add(owedStep)
		return t.settle(k)
	})
	if err != nil {
		return err
	}
	select {
	case err := <-over:
		return err
	case <-t.done:
		return ErrEnded
	case <-ctx.Done():
		if err := t.StopThread(tid); err != nil {
			return err
		}
		return context.Cause(ctx)
	}
}

// endStep ends a task's step, if one is in progress.
func (t *Tracer) endStep(k *task, err error) {
	if k.owed.take(owedStep) {
		t.steps[k] <- err
		delete(t.steps, k)
	}
}

// isStepTrap tells the trap at the end of a step from the program's own. The kernel made it, and
// not for a breakpoint instruction, which is SI_KERNEL. After a system call, and where a signal's
// handler was entered, it has other codes (user_single_step_report, ptrace_notify).
func (t *Tracer) isStepTrap(k *task) bool {
	const user, breakpoint, trace, notify = 0, 1, 2, int32(unix.SIGTRAP)
	info, err := t.kernel.Siginfo(k.tid)
	switch {
	case err != nil:
		return false
	case info.Code == user:
		return info.PID == 0
	}
	return info.Code == breakpoint || info.Code == trace || info.Code == notify
}

// stopOnceMore lets a task leave the trap of its step at once, for a stop that has no signal in it:
// if the tracer dies then, the task runs on.
func (t *Tracer) stopOnceMore(k *task) {
	if t.opts.TraceMe { // the program was launched, and dies with the tracer anyway
		t.endStep(k, nil)
		return
	}
	k.owed.add(owedStop)
	err := t.interrupt(k)
	if err == nil {
		err = t.leaveStop(k)
	}
	if err != nil {
		t.endStep(k, err)
	}
}

// stoppedInStep ends the step of a task that has come to a stop other than its trap. If that cut a
// system call short, the kernel has queued the trap, which comes next.
func (t *Tracer) stoppedInStep(k *task) {
	if !k.owed.has(owedStep) {
		return
	}
	if !k.owed.take(owedStop) && isPending(t.kernel, k.tid, unix.SIGTRAP) {
		if k.at != stopGroup {
			t.leaveStop(k)
			return
		}
		k.owed.add(owedTrap)
	}
	t.endStep(k, nil)
}

// leaveStop lets a task go on to a stop that comes at once.
func (t *Tracer) leaveStop(k *task) error {
	k.leave(running)
	return t.check(k.tid, "PTRACE_CONT", t.kernel.Cont(k.tid, 0))
}

var errNoTask = errors.New("no such task is traced")

// doWith has f run with one task on the tracer's thread.
func (t *Tracer) doWith(tid int, f func(*task) error) error {
	return t.do(func() error {
		k := t.tasks[tid]
		if k == nil {
			return fmt.Errorf("task %d: %w", tid, errNoTask)
		}
		return f(k)
	})
}

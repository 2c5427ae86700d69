//go:build amd64 || arm64

package tracer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// SetFollow changes whom to follow, from the next birth on.
func (t *Tracer) SetFollow(threads, processes Follow) error {
	return t.do(func() error {
		t.opts.Threads, t.opts.Processes = threads, processes
		return nil
	})
}

// Stop stops every task and returns when all have that can: the parent of a vfork cannot,
// before its child lets it. Resume lets them go on, also those that are still waited for.
func (t *Tracer) Stop() error {
	return t.do(func() error { return cmp.Or(t.hold(), t.failure) })
}

// Threads lists the tasks, sorted by process and id, with those that stand in the processes' /proc
// but cannot be traced.
func (t *Tracer) Threads() ([]Thread, error) {
	var all []Thread
	err := t.do(func() error {
		processes := make(map[int]bool)
		for _, k := range t.tasks {
			processes[t.group(k)] = true
			all = append(all, t.describe(k))
		}
		for pid := range processes {
			tids, _ := t.kernel.Tasks(pid) // an error: it has just ended
			for _, tid := range tids {
				if t.tasks[tid] == nil && isKernelTask(t.kernel, tid) {
					all = append(all, Thread{TID: event.TID(tid), PID: event.TID(pid), Name: comm(t.kernel, tid), State: KernelsOwn})
				}
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Thread) int { return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.TID, b.TID)) })
	return all, err
}

func (t *Tracer) describe(k *task) Thread {
	thread := Thread{TID: event.TID(k.tid), PID: event.TID(k.pid), Name: comm(t.kernel, k.tid)}
	switch {
	case k.ended:
		thread.State = Ended
	case k.group: // also where it is kept there by PTRACE_LISTEN
		thread.State = GroupStop
	case k.state == stopped:
		thread.State = Stopped
	case k.state == newborn:
		thread.State = NotAttached
	case k.vfork:
		thread.State = InVFork
	}
	if k.state == stopped {
		thread.PC = t.pc(k.tid)
	}
	return thread
}

// ResumeThread lets one task go on, and those that it will make.
func (t *Tracer) ResumeThread(tid int) error {
	return t.doWith(tid, func(k *task) error {
		k.held = false
		t.settle(k, stopTrap)
		return t.failure
	})
}

// StopThread stops one task, and those that it will make, and returns when it has stopped, unless it
// cannot.
func (t *Tracer) StopThread(tid int) error {
	return t.doWith(tid, func(k *task) error {
		k.held = true
		if k.state == running && !k.ended {
			t.interrupt(k)
		}
		return t.collectOne(k)
	})
}

// DetachThread lets go of one task, which runs on untraced; what Options.Threads says of such
// holds for it. Where it cannot stop yet it is let go when it does.
func (t *Tracer) DetachThread(tid int) error {
	return t.doWith(tid, func(k *task) error {
		t.parted[k.pid] = true
		k.held = false
		t.leave(k)
		t.settle(k, stopTrap)
		return t.collectOne(k)
	})
}

// collectOne waits until a task has stopped, or ended, or is seen not to be able to.
func (t *Tracer) collectOne(k *task) error {
	err := t.collect(func() []int {
		if t.tasks[k.tid] == k && k.isDue() {
			return []int{k.tid}
		}
		return nil
	})
	return cmp.Or(err, t.failure)
}

// Step has one stopped task execute one instruction and waits until it stands again, whatever stopped
// it: a system call lasts as long as it lasts, and other tasks stay as they are meanwhile. When ctx is
// done the task is asked to stop.
//
// In the instant between the end of the step and the tracer's next wait, a task is about to get the step's
// SIGTRAP. A tracer that is killed just then leaves an attached program to die of it.
func (t *Tracer) Step(ctx context.Context, tid int) error {
	over := make(chan error, 1)
	err := t.doWith(tid, func(k *task) error {
		if k.state != stopped || k.group {
			return fmt.Errorf("task %d: only a stopped task can be stepped", tid)
		}
		k.held, k.stepping, t.steps[k] = true, true, over
		t.resume(k)
		return t.failure
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

// endStep answers who waits for a task's step.
func (t *Tracer) endStep(k *task, err error) {
	if k.stepping {
		t.steps[k] <- err
		k.stepping = false
		delete(t.steps, k)
	}
}

// isStep tells the trap at the end of a step from the program's own: the kernel made it, and not for
// a breakpoint instruction, which is SI_KERNEL. After a system call, and where a handler was
// entered, it looks otherwise (user_single_step_report, ptrace_notify).
func (t *Tracer) isStep(k *task) bool {
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

// stopAgain leaves the trap of a step at once, for a stop whose end has no signal in it: a task
// that our death lets go there runs on.
func (t *Tracer) stopAgain(k *task) {
	if t.opts.TraceMe {
		t.endStep(k, nil)
		return
	}
	k.trapped = true
	t.check(k.tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(k.tid))
	t.leaveStop(k)
}

// standing is a stepped task in a stop that is not its trap's. Where that cut a system call short,
// the kernel has queued the trap, which comes next.
func (t *Tracer) standing(k *task) {
	if !k.stepping {
		return
	}
	if !k.trapped && t.trapPending(k) {
		if !k.group {
			t.leaveStop(k)
			return
		}
		k.owesTrap = true
	}
	k.trapped = false
	t.endStep(k, nil)
}

// leaveStop lets a task go on to a stop that is due at once.
func (t *Tracer) leaveStop(k *task) {
	k.state = running
	t.check(k.tid, "PTRACE_CONT", t.kernel.Cont(k.tid, 0))
}

func (t *Tracer) trapPending(k *task) bool {
	content, _ := t.kernel.ReadFile("/proc/" + strconv.Itoa(k.tid) + "/status")
	_, rest, _ := bytes.Cut(content, []byte("\nSigPnd:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	pending, _ := strconv.ParseUint(string(line), 16, 64)
	return pending&(1<<(unix.SIGTRAP-1)) != 0
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

//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// After PTRACE_TRACEME in place of PTRACE_SEIZE:
//   - the exec that the program starts with is a plain SIGTRAP, since no options can be set before;
//   - PTRACE_INTERRUPT is EIO: a task is stopped by a SIGSTOP of ours;
//   - a newcomer's first stop is a SIGSTOP that the kernel makes; a signal with a smaller number
//     comes before it;
//   - a group stop looks like a signal-delivery stop, and cannot be kept.

// launchTraceMe opens the gate of a stub that has PTRACE_TRACEME called, and waits for its exec.
//
// Go's own way to that, SysProcAttr.Ptrace, will not do: a signal between PTRACE_TRACEME and the
// exec stops the child, while our thread sleeps in vfork until that has executed its program. Then
// neither ever goes on (seen in a storm of signals).
func (t *Tracer) launchTraceMe(pid int, gate io.Writer) error {
	t.pid, t.launched = pid, true
	if _, err := gate.Write([]byte{1}); err != nil {
		return fmt.Errorf("let it go: %w", err)
	}
	return t.traceFromExec()
}

func (t *Tracer) traceFromExec() error {
	s, err := t.next(t.pid, 0)
	if err != nil {
		return err
	}
	k := &task{tid: t.pid, pid: t.pid, wanted: toHold}
	t.tasks[t.pid] = k
	if s.kind == stopGone {
		t.handle(s)
		return &earlyEnd{s.status}
	}
	if err := t.kernel.SetOptions(t.pid, follow|unix.PTRACE_O_EXITKILL); err != nil {
		return os.NewSyscallError("ptrace(PTRACE_SETOPTIONS)", err)
	}
	if t.isExecTrap(s) {
		k.stop(stopExec)
		t.announceReady(k)
		return nil
	}
	t.handle(s) // a signal has come before the exec, which is an event now
	return t.toExec(k)
}

// isExecTrap tells whether a stop is the SIGTRAP of an exec. That has the task itself for a sender
// (ptrace_event in include/linux/ptrace.h), by its id in its own pid namespace.
func (t *Tracer) isExecTrap(s stop) bool {
	info, _ := t.kernel.Siginfo(s.tid) // an error leaves no sender
	return s.sig == unix.SIGTRAP && info.Code == 0 &&
		slices.Contains(t.namespaceIDs(s.tid), strconv.Itoa(int(info.PID)))
}

// newcomerIsOwed is what a task is owed when it is born.
func (t *Tracer) newcomerIsOwed() owed {
	if t.opts.TraceMe {
		return owedSIGSTOP
	}
	return 0
}

// sendSIGSTOP stops a task. It never sends a second SIGSTOP beside the first: that would stop the
// program for good when it is let go of.
func (t *Tracer) sendSIGSTOP(k *task) {
	if !k.owed.has(owedSIGSTOP) || isSIGSTOPLost(t.kernel, k.tid) {
		k.owed.add(owedSIGSTOP)
		t.kernel.Tgkill(t.group(k), k.tid, int(unix.SIGSTOP)) // ESRCH: it has ended
	}
}

// isSIGSTOPLost tells whether the SIGSTOP that a task is owed is neither pending nor what it is
// stopped at: any SIGCONT to its program takes it away. From the queue to the stop the kernel holds
// one lock (siglock, get_signal in kernel/signal.c), so a look at the queue and then at the state
// leaves no gap.
func isSIGSTOPLost(k Kernel, tid int) bool {
	return !isPending(k, tid, unix.SIGSTOP) && procState(k, tid) != 't'
}

// resendSIGSTOP stops those tasks once more whose SIGSTOPs are lost.
func (t *Tracer) resendSIGSTOP(tids []int) {
	if !t.opts.TraceMe {
		return
	}
	for _, tid := range tids {
		if k := t.tasks[tid]; k != nil && k.isDue() {
			t.sendSIGSTOP(k)
		}
	}
}

// isTracersSignal tells whether what looks like a signal-delivery stop is none of the program's: it
// is a group stop, or the SIGSTOP that the task is owed.
func (t *Tracer) isTracersSignal(k *task, sig unix.Signal) bool {
	if !t.opts.TraceMe {
		return false
	}
	info, err := t.kernel.Siginfo(k.tid)
	if err == unix.EINVAL {
		return true // a group stop
	}
	return sig == unix.SIGSTOP && isOurs(info) && k.owed.take(owedSIGSTOP)
}

// isOurs tells whether a SIGSTOP is the kernel's for a newcomer, or was sent by us to one task: not
// the program's own.
func isOurs(info Siginfo) bool {
	const tkill = -6 // SI_TKILL
	// A sender in another PID namespace is zero as well.
	return info.PID == 0 || info.Code == tkill && int(info.PID) == os.Getpid()
}

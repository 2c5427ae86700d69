//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Launch starts cmd and holds it before its program's first instruction; Resume
// lets it go. It dies with the tracer, and with our process. Use Wait, Detach and
// Kill of the Tracer: cmd's own Wait would take the tracer's stops from it,
// unless the program has been let go.
func Launch(cmd *exec.Cmd, opts Options) (*Tracer, error) {
	start := func(t *Tracer) error { return t.launch(cmd) }
	if opts.TraceMe {
		start = func(t *Tracer) error { return t.launchTraceMe(cmd) }
	}
	t, err := begin(opts, start)
	if err != nil {
		return nil, fmt.Errorf("launch %s: %w", cmd.Path, err)
	}
	return t, nil
}

// LaunchHeld traces a process from its next exec on. The caller started it and holds
// it until then; release lets it go, and is called once it is traced.
func LaunchHeld(pid int, release func() error, opts Options) (*Tracer, error) {
	t, err := begin(opts, func(t *Tracer) error { return t.launchHeld(pid, release) })
	if err != nil {
		return nil, fmt.Errorf("launch process %d: %w", pid, err)
	}
	return t, nil
}

// Attach attaches to every thread of a running process and holds them; Resume lets
// them go. When the tracer ends, they run on.
func Attach(pid int, opts Options) (*Tracer, error) {
	t, err := begin(opts, func(t *Tracer) error { return t.attach(pid) })
	if err != nil {
		return nil, fmt.Errorf("attach to process %d: %w", pid, err)
	}
	return t, nil
}

func (t *Tracer) launch(cmd *exec.Cmd) error {
	gate, err := startHeld(cmd)
	if err != nil {
		return err
	}
	defer gate.Close()
	t.cmd = cmd
	err = t.launchHeld(cmd.Process.Pid, func() error {
		_, err := gate.Write([]byte{0})
		return err
	})
	var early *earlyEnd
	if errors.As(err, &early) && early.status.Code() > 0 {
		return unix.Errno(early.status.Code()) // the stub's exit code is the errno of its exec
	}
	return err
}

// An earlyEnd is a process that ended before the exec that it was to be traced from.
type earlyEnd struct{ status event.Status }

func (e *earlyEnd) Error() string { return "it ended before its exec: " + e.status.String() }

func (t *Tracer) launchHeld(pid int, release func() error) error {
	t.pid, t.launched = pid, true
	if err := t.kernel.Seize(pid, follow|unix.PTRACE_O_EXITKILL); err != nil {
		return refusal(t.kernel, pid, os.NewSyscallError("ptrace(PTRACE_SEIZE)", err))
	}
	k := &task{tid: pid, pid: pid}
	t.tasks[pid] = k
	if err := t.settleDown(k); err != nil {
		return err
	}
	if err := release(); err != nil {
		return fmt.Errorf("let it go: %w", err)
	}
	return t.awaitExec(k)
}

// settleDown has a held process stop once and go on. It may still be in the exec by
// which it became what holds it, since os/exec returns when that cannot fail any more: the
// event of that exec is not the one that is waited for. Any stop will do: it is that event, or
// comes after it, and it takes the place of the interrupt's own (ptrace_stop in kernel/signal.c).
func (t *Tracer) settleDown(k *task) error {
	if err := t.kernel.Interrupt(k.tid); err != nil {
		return os.NewSyscallError("ptrace(PTRACE_INTERRUPT)", err)
	}
	s, err := t.next(k.tid, 0)
	if err != nil {
		return err
	}
	t.handle(s)
	if s.kind == stopGone {
		return &earlyEnd{s.status}
	}
	t.resume(k)
	return t.failure
}

// awaitExec lets a new process run to its exec. Signals on the way are its own.
func (t *Tracer) awaitExec(k *task) error {
	for {
		s, err := t.next(k.tid, 0)
		if err != nil {
			return err
		}
		t.handle(s)
		switch {
		case s.kind == stopGone:
			return &earlyEnd{s.status}
		case s.kind == stopExec:
			t.emit(event.Event{Kind: event.Ready, TID: event.TID(k.tid), PC: t.pc(k.tid)}, k)
			return t.failure
		}
		t.resume(k)
	}
}

func (t *Tracer) pc(tid int) uint64 {
	pc, _ := t.kernel.PC(tid) // zero where the kernel cannot say
	return pc
}

// launchTraceMe starts cmd by PTRACE_TRACEME. Its exec is a plain SIGTRAP, since no
// options can be set before it.
func (t *Tracer) launchTraceMe(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return err
	}
	t.cmd, t.pid, t.launched = cmd, cmd.Process.Pid, true
	s, err := t.next(t.pid, 0)
	if err != nil {
		return err
	}
	if s.kind == stopGone {
		return &earlyEnd{s.status}
	}
	k := &task{tid: t.pid, pid: t.pid, state: stopped}
	t.tasks[t.pid] = k
	if err := t.kernel.SetOptions(t.pid, follow|unix.PTRACE_O_EXITKILL); err != nil {
		return os.NewSyscallError("ptrace(PTRACE_SETOPTIONS)", err)
	}
	t.emit(event.Event{Kind: event.Ready, TID: event.TID(k.tid), PC: t.pc(k.tid)}, k)
	return nil
}

// attach seizes every task of a process, again and again until a look at /proc
// shows none that is not ours and none that vanished while it was seized: a task that
// was not traced yet may have made another behind our back.
func (t *Tracer) attach(pid int) error {
	t.pid = pid
	if err := checkProcess(t.kernel, pid); err != nil {
		return err
	}
	var found []*task
	for {
		tids, err := t.kernel.Tasks(pid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			return err
		}
		fresh, vanished, err := t.seizeAll(tids)
		if err != nil {
			return err
		}
		found = append(found, fresh...)
		if err := t.collect(); err != nil {
			return err
		}
		if len(fresh) == 0 && !vanished {
			break
		}
	}
	if len(t.tasks) == 0 {
		return fmt.Errorf("it ended meanwhile: %w", unix.ESRCH)
	}
	t.tellFound(found)
	return nil
}

// seizeAll seizes the tasks that are not traced yet and asks them to stop.
func (t *Tracer) seizeAll(tids []int) (fresh []*task, vanished bool, err error) {
	for _, tid := range tids {
		if _, stray := t.strays[tid]; stray || t.tasks[tid] != nil {
			continue
		}
		switch err := t.kernel.Seize(tid, follow); err {
		case nil:
			k := &task{tid: tid, pid: t.pid, found: true}
			t.tasks[tid] = k
			fresh = append(fresh, k)
			t.check(tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(tid))
		case unix.ESRCH:
			vanished = true
		case unix.EPERM:
			if !t.passOver(tid) {
				return nil, false, refusal(t.kernel, tid, os.NewSyscallError("ptrace(PTRACE_SEIZE)", err))
			}
		default:
			return nil, false, refusal(t.kernel, tid, os.NewSyscallError("ptrace(PTRACE_SEIZE)", err))
		}
	}
	return fresh, vanished, nil
}

// passOver tells whether a task may be left out that the kernel does not let us
// seize: it is ours already, born of a task of ours; it has ended; or the kernel made it.
func (t *Tracer) passOver(tid int) bool {
	return statusField(t.kernel, tid, "TracerPid") == unix.Gettid() || isGone(t.kernel, tid) || isKernelTask(t.kernel, tid)
}

// tellFound puts the tasks that were found, and where they stood, before all that
// happened since.
func (t *Tracer) tellFound(found []*task) {
	since := t.early
	t.early = nil
	for _, k := range found {
		t.emit(event.Event{Kind: event.Attach, TID: event.TID(k.tid), PC: t.pc(k.tid)}, k)
	}
	leader := &task{tid: t.pid, pid: t.pid}
	t.emit(event.Event{Kind: event.Ready, TID: event.TID(t.pid)}, leader)
	t.early = append(t.early, since...)
}

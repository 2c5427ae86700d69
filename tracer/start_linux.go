//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Launch starts cmd and holds it before its program's first instruction; Resume
// lets it go, and until then its death is not noticed. It dies with the tracer, and with our process. Use Wait, Detach and
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
	k := &task{tid: pid, pid: pid, held: true}
	t.tasks[pid] = k
	// It may be in an exec yet, our stub's own: os/exec returns when that closes a pipe, which
	// is before PTRACE_EVENT_EXEC. Its next stop is that event, or the one that we ask for,
	// after it; not both, since any stop answers PTRACE_INTERRUPT.
	t.check(pid, "PTRACE_INTERRUPT", t.kernel.Interrupt(pid))
	if _, err := t.step(k); err != nil {
		return err
	}
	if err := release(); err != nil {
		return fmt.Errorf("let it go: %w", err)
	}
	for {
		t.resume(k)
		at, err := t.step(k)
		if err != nil {
			return err
		}
		if at == stopExec {
			break
		}
	}
	t.early = nil // the signals of what ran before the program
	t.emit(event.Event{Kind: event.Ready, TID: event.TID(k.tid), PC: t.pc(k.tid)}, k)
	return t.failure
}

// step waits for the next stop of a process on its way to its program. Signals are its own.
func (t *Tracer) step(k *task) (stopKind, error) {
	s, err := t.next(k.tid, 0)
	if err != nil {
		return stopGone, err
	}
	t.handle(s)
	if s.kind == stopGone {
		return stopGone, &earlyEnd{s.status}
	}
	return s.kind, t.failure
}

func (t *Tracer) pc(tid int) uint64 {
	pc, _ := t.kernel.PC(tid) // zero where the kernel cannot say
	return pc
}

// launchTraceMe starts cmd by PTRACE_TRACEME. Its exec is a plain SIGTRAP, since no
// options can be set before it.
func (t *Tracer) launchTraceMe(cmd *exec.Cmd) error {
	theirs, ours := cmd.SysProcAttr, syscall.SysProcAttr{}
	if theirs != nil {
		ours = *theirs
	}
	ours.Ptrace, cmd.SysProcAttr = true, &ours
	defer func() { cmd.SysProcAttr = theirs }()
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
	k := &task{tid: t.pid, pid: t.pid, state: stopped, held: true}
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
	var all []found
	for refusals := 0; ; {
		tids, err := t.kernel.Tasks(pid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			return err
		}
		fresh, vanished, err := t.seizeAll(tids)
		if err != nil {
			// A leader whose place another thread takes by an exec just now is refused as well.
			if refusals++; refusals == patientLooks || statusField(t.kernel, pid, "TracerPid") != 0 {
				return err
			}
			vanished = true
		}
		all = append(all, fresh...)
		before := len(t.tasks)
		if err := cmp.Or(t.collect(t.due), t.failure); err != nil {
			return err
		}
		if !vanished && (len(fresh) == 0 || t.isWhole()) && len(t.tasks) >= before && t.leads() {
			break
		}
	}
	if len(t.tasks) == 0 {
		return fmt.Errorf("it ended meanwhile: %w", unix.ESRCH)
	}
	for _, f := range all {
		if f.tid == pid && f.state == stopped {
			t.early[f.at].PC = t.pc(pid)
		}
	}
	t.emit(event.Event{Kind: event.Ready, TID: event.TID(pid)}, &task{tid: pid, pid: pid})
	return t.failure
}

// isWhole tells whether we have as many tasks as the process, and so all of it. To count is cheaper than to
// list once more. A zombie leader, or a task that the kernel made, is never ours, and then a list has to tell.
func (t *Tracer) isWhole() bool {
	ours := 0
	for _, k := range t.tasks {
		if t.group(k) == t.pid {
			ours++
		}
	}
	return statusField(t.kernel, t.pid, "Threads") == ours
}

// leads tells whether the leader is still ours, which a thread that we had not seized may have ended by an exec.
func (t *Tracer) leads() bool {
	leader := t.tasks[t.pid]
	if leader == nil || leader.state != stopped || t.kernel.SetOptions(t.pid, unasked) != unix.ESRCH {
		return true
	}
	leader.state = running
	return false
}

// patientLooks is how often something is looked at that may be in the middle of a change.
const patientLooks = 10

// A found task was told among the early events, before it was known where it stands.
type found struct {
	at int
	*task
}

// unasked are the options of a task that is to stop only when it goes on from its attach: at its end. Until all are
// ours none is to stop there: an exec by one that is not waits for the others' ends, and PTRACE_SEIZE for the exec.
const unasked = follow &^ unix.PTRACE_O_TRACEEXIT

// seizeAll seizes the tasks that are not traced yet and asks them to stop.
func (t *Tracer) seizeAll(tids []int) (fresh []found, vanished bool, err error) {
	r := t.rescue()
	defer func() {
		for _, s := range r.stop() {
			t.handle(s)
		}
	}()
	t.early = slices.Grow(t.early, len(tids))
	for _, tid := range tids {
		if t.tasks[tid] != nil {
			continue
		}
		r.progress.Add(1)
		switch err := t.kernel.Seize(tid, unasked); err {
		case nil:
			if t.isStranger(tid) {
				t.strangers[tid], vanished = true, true
				t.check(tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(tid))
				continue
			}
			k := &task{tid: tid, pid: t.pid, held: true, unasked: true}
			t.tasks[tid] = k
			t.emit(event.Event{Kind: event.Attach, TID: event.TID(tid)}, k)
			fresh = append(fresh, found{len(t.early) - 1, k})
			if t.kernel.Interrupt(tid) == unix.ESRCH && procState(t.kernel, tid) == 0 {
				t.executed(k)
			}
		case unix.ESRCH:
			vanished = true
		case unix.EPERM:
			if !t.kernel.InGroup(t.pid, tid) {
				vanished = true // and another process may have its id by now
			} else if !t.passOver(tid) {
				return fresh, false, refusal(t.kernel, tid, os.NewSyscallError("ptrace(PTRACE_SEIZE)", err))
			}
		default:
			return fresh, false, refusal(t.kernel, tid, os.NewSyscallError("ptrace(PTRACE_SEIZE)", err))
		}
	}
	return fresh, vanished, nil
}

// isStranger tells whether a task that was just seized is another process's, which has its id since it was listed. A task
// that is not in the process may also have executed a program, and have its group's id.
func (t *Tracer) isStranger(tid int) bool {
	if t.kernel.InGroup(t.pid, tid) {
		return false
	}
	tgid := statusField(t.kernel, tid, "Tgid")
	return tgid != 0 && tgid != t.pid
}

// dismiss lets go of a stranger at its first stop, and has what it gave birth to let go of as well.
func (t *Tracer) dismiss(s stop) {
	delete(t.strangers, s.tid)
	if s.kind == stopGone {
		return
	}
	if s.kind == stopBirth {
		if child, err := t.kernel.EventMsg(s.tid); err == nil {
			t.strangers[int(child)] = true
		}
	}
	sig := 0
	if s.kind == stopSignal {
		sig = s.sig
	}
	t.check(s.tid, "PTRACE_DETACH", t.kernel.Detach(s.tid, sig))
}

// executed is a task that executed a program while PTRACE_SEIZE of it waited, and has its group's id now.
// The event of that may or may not follow.
func (t *Tracer) executed(k *task) {
	leader := t.tasks[k.pid]
	if leader == nil {
		leader = &task{tid: k.pid, pid: k.pid}
	}
	former := k.tid
	t.succeed(leader, k, former)
	k.state, k.former = running, int32(former)
	t.check(k.tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(k.tid))
}

// passOver tells whether a task may be left out that the kernel does not let us
// seize: it is ours already, born of a task of ours; it has ended; or the kernel made it.
func (t *Tracer) passOver(tid int) bool {
	return statusField(t.kernel, tid, "TracerPid") == unix.Gettid() || isGone(t.kernel, tid) || isKernelTask(t.kernel, tid)
}

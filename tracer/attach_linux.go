//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Attach attaches to every thread of a running process and holds them; Resume lets them go. Events
// is called with an Attach for each thread, then with Ready, and then with what happened meanwhile.
// A task that waits for the child of its vfork is attached, but cannot be held: see Stop. When the
// tracer ends, the process runs on.
//
// The error says in a line why the process cannot be traced. It is fs.ErrNotExist if there is none,
// unix.ESRCH if it ended meanwhile, and unix.EPERM where the kernel refuses.
func Attach(pid int, opts Options) (*Tracer, error) {
	opts.TraceMe = false // it is seized
	return begin(fmt.Sprintf("attach to process %d", pid), opts, func(t *Tracer) error {
		return t.attach(pid)
	})
}

// attach seizes every task of a process, again and again until a look at /proc shows none that is
// not ours and none that vanished while it was seized: a task that was not traced yet may have made
// another unseen.
func (t *Tracer) attach(pid int) error {
	t.pid = pid
	if err := checkProcess(t.kernel, pid); err != nil {
		return err
	}
	for refusals := 0; ; {
		tids, err := t.kernel.Tasks(pid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			return err
		}
		fresh, vanished, err := t.seizeAll(tids)
		if err != nil {
			// A leader whose id another thread takes over by an exec just now is refused as well.
			if refusals++; refusals == maxLooks || statusField(t.kernel, pid, "TracerPid") != 0 {
				return err
			}
			vanished = true
		}
		before := len(t.tasks)
		if err := cmp.Or(t.collect(nil), t.failure); err != nil {
			return err
		}
		isDone := !vanished && (fresh == 0 || t.isWhole()) && len(t.tasks) >= before
		if isDone && t.leaderIsTraced() {
			break
		}
	}
	if len(t.tasks) == 0 {
		return fmt.Errorf("it ended meanwhile: %w", unix.ESRCH)
	}
	// The leader was told as found before it was known where it is stopped.
	isLeader := func(e event.Event) bool { return e.TID == event.TID(pid) }
	if at := slices.IndexFunc(t.early, isLeader); at >= 0 {
		t.early[at].PC = t.pc(pid)
	}
	t.emit(event.Event{Kind: event.Ready}, &task{tid: pid, pid: pid})
	return nil
}

// isWhole tells whether we have as many tasks as the process, and so all of it. To count is cheaper
// than to list once more. A zombie leader, or a task that the kernel made, is never ours: then a
// list has to tell.
func (t *Tracer) isWhole() bool {
	ours := 0
	for _, k := range t.tasks {
		if t.group(k) == t.pid {
			ours++
		}
	}
	return statusField(t.kernel, t.pid, "Threads") == ours
}

// maxLooks is how often something is looked at that may be in the middle of a change.
const maxLooks = 10

// followWithoutExit are the options of a task until it goes on from its attach. Until all tasks are
// ours none is to stop at its exit: an exec by a task that is not ours waits for the others' ends,
// and PTRACE_SEIZE waits for the exec.
const followWithoutExit = follow &^ unix.PTRACE_O_TRACEEXIT

// seizeAll seizes the tasks that are not traced yet and asks them to stop. Fresh is how many there
// were.
func (t *Tracer) seizeAll(tids []int) (fresh int, vanished bool, err error) {
	watch := t.watchSeizing()
	defer func() {
		for _, s := range watch.stop() {
			t.handle(s)
		}
	}()
	t.early = slices.Grow(t.early, len(tids))
	for _, tid := range tids {
		if t.tasks[tid] != nil {
			continue
		}
		watch.progress.Add(1)
		err := t.kernel.Seize(tid, followWithoutExit)
		switch {
		case err == nil:
			if t.isStranger(tid) {
				t.strangers[tid], vanished = true, true
				t.check(tid, "PTRACE_INTERRUPT", t.kernel.Interrupt(tid))
				continue
			}
			k := &task{tid: tid, pid: t.pid, wanted: toHold, owed: owedExitOption}
			t.tasks[tid] = k
			t.emit(event.Event{Kind: event.Attach}, k)
			fresh++
			if t.kernel.Interrupt(tid) == unix.ESRCH && procState(t.kernel, tid) == 0 {
				t.seizedInExec(k)
			}
		case err == unix.ESRCH, err == unix.EPERM && !t.kernel.InGroup(t.pid, tid):
			vanished = true // and another process may have its id by now
		case err != unix.EPERM || !t.mayBeLeftOut(tid):
			return fresh, false, refusal(t.kernel, tid, err)
		}
	}
	return fresh, vanished, nil
}

// mayBeLeftOut tells whether the kernel is right not to let us seize a task: it is ours already,
// born of a task of ours; it has ended; or the kernel made it.
func (t *Tracer) mayBeLeftOut(tid int) bool {
	isOurs := statusField(t.kernel, tid, "TracerPid") == unix.Gettid()
	return isOurs || isGone(t.kernel, tid) || isKernelTask(t.kernel, tid)
}

// isStranger tells whether a task that was just seized is another process's: the listed task has
// ended, and its id was given to another. A task that is not in the process may also have executed
// a program, and have its group's id.
func (t *Tracer) isStranger(tid int) bool {
	if t.kernel.InGroup(t.pid, tid) {
		return false
	}
	tgid := statusField(t.kernel, tid, "Tgid")
	return tgid != 0 && tgid != t.pid
}

// dismiss lets go of a stranger at its first stop, and of the child that it has made. If the
// stranger was killed out of that stop, its end is still ours to wait for.
func (t *Tracer) dismiss(s stop) {
	if s.kind == stopBirth || s.kind == stopVFork {
		if child, ok := t.message(&task{tid: s.tid}, s); ok {
			t.dismissChild(child)
		}
	}
	if s.kind != stopGone {
		sig := s.sig
		if s.kind != stopSignal {
			sig = 0
		}
		err := t.kernel.Detach(s.tid, int(sig))
		if err == unix.ESRCH {
			return
		}
		t.check(s.tid, "PTRACE_DETACH", err)
	}
	delete(t.strangers, s.tid)
}

// dismissChild lets go of a stranger's child, whose first stop may have come before its creator's.
func (t *Tracer) dismissChild(tid int) {
	t.strangers[tid] = true
	k := t.tasks[tid]
	if k == nil || !k.isUnborn() {
		return
	}
	t.forget(k)
	if k.backlog.gone {
		delete(t.strangers, tid)
	} else if k.isStopped() {
		t.dismiss(stop{tid: tid, kind: k.at})
	}
}

// checkProcess refuses what can never be attached to, with the reason.
func checkProcess(k Kernel, pid int) error {
	switch tgid := statusField(k, pid, "Tgid"); {
	case pid <= 0:
		return errors.New("a process id is positive")
	case tgid == 0:
		return fmt.Errorf("there is no such process: %w", fs.ErrNotExist)
	case tgid == os.Getpid():
		return errors.New("it is the tracer's own process")
	case tgid != pid:
		return fmt.Errorf("it is a thread of process %d: name that", tgid)
	case isKernelTask(k, pid):
		return errors.New("it is a kernel thread, which cannot be traced")
	}
	if !isGone(k, pid) {
		return nil
	}
	for range maxLooks { // an exec may be giving the id of an ended leader to another thread
		tids, _ := k.Tasks(pid) // an error leaves none, and then the leader alone decides
		lives := func(tid int) bool { return !isGone(k, tid) }
		if slices.ContainsFunc(append(tids, pid), lives) {
			return nil
		}
	}
	return fmt.Errorf("it is a zombie: it has ended, and its parent, process %d, has not waited "+
		"for it", statusField(k, pid, "PPid"))
}

// refusal explains why the kernel did not let us seize a task, by what /proc says.
func refusal(k Kernel, tid int, errno error) error {
	err := os.NewSyscallError("ptrace(PTRACE_SEIZE)", errno)
	if errno != unix.EPERM && errno != unix.EACCES {
		return err
	}
	task := "" // which is named if it is not its process's leader
	if statusField(k, tid, "Tgid") != tid {
		task = fmt.Sprintf("task %d: ", tid)
	}
	if holder := statusField(k, tid, "TracerPid"); holder != 0 {
		process := statusField(k, holder, "Tgid")
		return fmt.Errorf("%sit is already traced, by process %d (%s): %w",
			task, process, comm(k, process), err)
	}
	own := statusField(k, os.Getpid(), "Uid")
	if owner := statusField(k, tid, "Uid"); owner != own && own != 0 {
		return fmt.Errorf("it belongs to uid %d: run as that user, or with CAP_SYS_PTRACE: %w",
			owner, err)
	}
	if scope := setting(k, "/proc/sys/kernel/yama/ptrace_scope"); scope > 0 {
		ask := "set kernel.yama.ptrace_scope to 0 (sysctl kernel.yama.ptrace_scope=0), " +
			"or give CAP_SYS_PTRACE"
		if scope == 3 {
			ask = "it forbids all tracing until the next boot"
		}
		return fmt.Errorf("kernel.yama.ptrace_scope is %d: %s: %w", scope, ask, err)
	}
	if setting(k, "/sys/fs/selinux/booleans/deny_ptrace") > 0 {
		return fmt.Errorf("SELinux denies it: switch its boolean deny_ptrace off "+
			"(setsebool deny_ptrace 0): %w", err)
	}
	return fmt.Errorf("%sthe kernel refuses it: CAP_SYS_PTRACE is missing, "+
		"or a security module or seccomp filter forbids ptrace: %w", task, err)
}

// setting is the first number in a file, or zero.
func setting(k Kernel, name string) int {
	content, _ := k.ReadFile(name) // an error leaves none
	return firstNumber(string(content))
}

//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"fmt"
	"os"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A task is one thread that is traced. There may be many: its size of 48 bytes is a size class of
// Go's allocator, and the next is 64.
type task struct {
	tid, pid int      // pid is its thread group; zero while it is unborn and was not asked for
	backlog  *backlog // of an unborn task; else nil
	former   int32    // the id that it had before an exec whose event may be to come
	state    taskState
	at       stopKind // the stop that it is in; stopNone while it is in none
	wanted   wish
	owed     owed
	sig      uint8      // at a signal-delivery stop: the signal to go on with
	birth    event.Kind // where births are learnt from system calls: of the call that it is in
}

// A taskState is what a task does, as far as the tracer knows.
type taskState uint8

const (
	running   taskState = iota
	newborn             // its birth is known, and its first stop has not come yet
	unborn              // it is stopped, and its birth is not known yet
	stopped             // it is stopped
	listening           // PTRACE_LISTEN keeps it in a group stop
	inVFork             // it waits for the child of its vfork, in D, and cannot stop
	ended               // its own end was told, and its wait status is to come
)

// A wish is what the tracer wants of a task when it is stopped, and its step is over.
type wish uint8

const (
	toRun   wish = iota
	toHold       // it stays stopped
	toLetGo      // it is detached, and runs untraced; no later wish changes that
)

// An owed set is what is still to come to a task, or to be done to it.
type owed uint8

const (
	owedSIGSTOP    owed = 1 << iota // after PTRACE_TRACEME: a SIGSTOP of the tracer or the kernel
	owedStep                        // one instruction, for the Step that waits in Tracer.steps
	owedTrap                        // the trap of a step that another stop has ended
	owedStop                        // the stop that was asked for at the trap of its step
	owedExitOption                  // PTRACE_O_TRACEEXIT is to be set before it goes on
)

func (o owed) has(what owed) bool { return o&what != 0 }

func (o *owed) add(what owed) { *o |= what }

// take takes something out of the set, and tells whether it was there.
func (o *owed) take(what owed) bool {
	had := o.has(what)
	*o &^= what
	return had
}

// stop notes that a task is in a stop.
func (k *task) stop(at stopKind) {
	k.state, k.at = stopped, at
	if k.isUnborn() {
		k.state = unborn
	}
}

// leave notes that a task is in no stop any more.
func (k *task) leave(state taskState) { k.state, k.at = state, stopNone }

// isStopped tells whether a task is in a stop that the tracer has heard of.
func (k *task) isStopped() bool { return k.at != stopNone }

// isUnborn tells whether a task's birth is not known yet.
func (k *task) isUnborn() bool { return k.backlog != nil }

// canStop tells whether a task answers PTRACE_INTERRUPT, at the latest when its vfork is over.
func (k *task) canStop() bool {
	return k.state == running || k.state == listening || k.state == inVFork
}

// isDue tells whether a task has yet to stop, and can.
func (k *task) isDue() bool {
	return k.wanted != toRun && !k.isStopped() && k.state != inVFork && k.state != ended
}

// want changes what is wanted of a task.
func (k *task) want(w wish) {
	if k.wanted != toLetGo {
		k.wanted = w
	}
}

// isLetGo tells whether a task is not followed any more. A step that is in progress still is.
func (k *task) isLetGo() bool { return k.wanted == toLetGo && !k.owed.has(owedStep) }

// An action is what is done with a task that is stopped.
type action uint8

const (
	stay    action = iota
	goOn           // PTRACE_CONT, or PTRACE_SYSCALL where births are learnt from system calls
	listen         // PTRACE_LISTEN, which keeps a group stop
	oneStep        // PTRACE_SINGLESTEP
	detach         // PTRACE_DETACH
)

// A row of the table fits a task by its state, what is wanted of it, its stop and what it is owed.
type row struct {
	state  taskState
	wanted wish
	at     stopKind
	owed   owed
	action action
}

const anything = 255

func fits[T ~uint8](want, got T) bool { return want == anything || want == got }

// table says what becomes of a task. The first row that fits decides.
//
//	state   wanted  stop   owed     action
//	any     any     none   -        stay
//	any     any     exit   -        go on
//	any     any     any    SIGSTOP  go on
//	unborn  any     any    -        stay
//	any     any     any    step     step
//	any     let go  any    -        detach
//	any     hold    any    -        stay
//	any     run     group  -        listen
//	any     run     any    -        go on
//
// A task at its exit is never held: an exec by another thread waits, in D, until it is gone. A task
// that is owed a SIGSTOP goes on until that has come: if the task were detached before, the SIGSTOP
// would stop it for good. An unborn task waits for its creator's event, which tells what is wanted
// of it. A group stop is the program's own: it is kept while the tracer lets the task run.
var table = []row{
	{anything, anything, stopNone, 0, stay},
	{anything, anything, stopExit, 0, goOn},
	{anything, anything, anything, owedSIGSTOP, goOn},
	{unborn, anything, anything, 0, stay},
	{anything, anything, anything, owedStep, oneStep},
	{anything, toLetGo, anything, 0, detach},
	{anything, toHold, anything, 0, stay},
	{anything, toRun, stopGroup, 0, listen},
	{anything, toRun, anything, 0, goOn},
}

// decide looks a task up in the table.
func decide(k *task) action {
	for _, r := range table {
		isOwed := r.owed == 0 || k.owed.has(r.owed)
		if isOwed && fits(r.at, k.at) && fits(r.wanted, k.wanted) && fits(r.state, k.state) {
			return r.action
		}
	}
	return stay
}

// settle does with a task what the table says. If the kernel refuses to let the task go on, the
// task stays stopped, the error ends its step, and the next settle tries again.
func (t *Tracer) settle(k *task) (err error) {
	switch how := decide(k); how {
	case stay:
	case detach:
		err = t.release(k)
	default:
		err = t.resume(k, how)
	}
	if err != nil {
		t.endStep(k, err)
	}
	return err
}

// resume lets a stopped task go on.
func (t *Tracer) resume(k *task, how action) error {
	var options, err error
	if k.owed.take(owedExitOption) {
		options = t.check(k.tid, "PTRACE_SETOPTIONS", t.kernel.SetOptions(k.tid, follow))
	}
	sig, state := int(k.sig), running
	switch {
	case k.state == ended:
		state = ended
	case k.at == stopVFork:
		state = inVFork
	}
	switch how {
	case listen:
		state = listening
		err = t.check(k.tid, "PTRACE_LISTEN", t.kernel.Listen(k.tid))
	case oneStep:
		err = t.check(k.tid, "PTRACE_SINGLESTEP", t.kernel.Step(k.tid, sig))
	default:
		err = t.cont(k.tid, sig)
	}
	if err == nil {
		k.leave(state)
		k.sig = 0
		t.likely.add(k.tid)
	}
	return cmp.Or(options, err)
}

// release detaches one stopped task: it runs on, untraced, with the signal that it was about to
// get. A task that was killed meanwhile is still ours, until its end: it may have been killed by an
// exec of a thread that runs untraced.
func (t *Tracer) release(k *task) error {
	err := t.kernel.Detach(k.tid, int(k.sig))
	if err == unix.ESRCH {
		k.leave(running)
		return nil
	}
	t.programIsFree = t.programIsFree || t.launched && k.tid == t.pid
	t.forget(k)
	return t.check(k.tid, "PTRACE_DETACH", err)
}

// check names the error of a request to a stopped task, and keeps the first of all for Wait. ESRCH
// is no error: the task was killed out of its stop, which only SIGKILL can do, and its end is still
// to be waited for.
func (t *Tracer) check(tid int, request string, err error) error {
	if err == nil || err == unix.ESRCH {
		return nil
	}
	err = fmt.Errorf("task %d: %w", tid, os.NewSyscallError("ptrace("+request+")", err))
	t.failure = cmp.Or(t.failure, err)
	return err
}

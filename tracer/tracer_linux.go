//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// follow are the ptrace options that make the kernel tell of births, execs and
// ends, and attach to whatever is born.
const follow = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACEVFORKDONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEEXIT | unix.PTRACE_O_TRACESYSGOOD

// A Tracer traces one program and all that descends from it. Its methods may be
// called on any goroutine, but not from Options.Events.
type Tracer struct {
	// Everything down to requests belongs to the tracer's own thread.
	opts   Options
	kernel Kernel
	pid    int
	tasks  map[int]*task
	steps  map[*task]chan<- error // who waits for those that are stepping
	early  []event.Event          // what happened while Attach was at work
	status event.Status
	cmd    *exec.Cmd // what Launch started

	unborn int          // tasks whose births are not known yet
	parted map[int]bool // processes of which threads were released
	// Tasks of other processes, which had ids of this one's by the time that these were seized.
	strangers map[int]bool
	doubts    doubts
	likely    likely

	attaching bool // events are kept back
	holding   bool // who comes from nowhere is held
	launched  bool // the program dies with the tracer
	started   bool // the program's first exec is over
	over      bool // the first process has ended, and was reaped
	free      bool // what was launched has been let go of
	released  bool // Detach has been called
	killing   bool // Kill has been called
	failure   error

	bell     bell
	sigchld  chan os.Signal // nil where wait4 is slept in
	requests chan func()
	done     chan struct{}
	err      error
}

// begin makes a tracer on a thread of its own, has it set up, and lets it run.
func begin(opts Options, setUp func(*Tracer) error) (*Tracer, error) {
	t := &Tracer{
		opts: opts, kernel: linux{}, status: event.Unknown,
		tasks: make(map[int]*task), steps: make(map[*task]chan<- error), parted: make(map[int]bool), strangers: make(map[int]bool),
		attaching: true, holding: true,
		requests: make(chan func(), 1), done: make(chan struct{}),
	}
	if opts.Kernel != nil {
		t.kernel = opts.Kernel(t.kernel)
	}
	t.bell.kernel = t.kernel
	t.doubts.ring = t.bell.ring
	ready, over := make(chan error, 1), make(chan struct{})
	leave := enlist(opts.Notify)
	OnThread(func() {
		defer close(over)
		t.live(setUp, ready)
	})
	go func() {
		<-over
		t.bell.outlive()
		leave()
		close(t.done)
	}()
	if err := <-ready; err != nil {
		<-t.done
		return nil, err
	}
	return t, nil
}

// live is the tracer's whole life, on its thread. What it still traces when the thread
// ends the kernel lets go, or kills if it was launched.
func (t *Tracer) live(setUp func(*Tracer) error, ready chan<- error) {
	t.notice()
	defer signal.Stop(t.sigchld)
	defer t.doubts.stop()
	if err := t.bell.start(); err != nil {
		ready <- err
		return
	}
	if err := setUp(t); err != nil {
		t.abandon()
		if t.cmd != nil {
			t.cmd.Wait() // it ends, or we have reaped it: its pipes and a process not seized are left
		}
		ready <- err
		return
	}
	t.announce()
	ready <- nil
	t.err = t.run()
	if t.err == nil {
		t.err = t.failure
	}
	if t.cmd != nil && t.over {
		t.cmd.Wait() // ECHILD, since we have reaped it: but its pipes are copied to their ends
	}
}

// announce ends the setting up: what was found is told, then what happened meanwhile.
func (t *Tracer) announce() {
	early := t.early
	t.early, t.attaching, t.started = nil, false, true
	if t.opts.Events == nil {
		return
	}
	for _, e := range early {
		t.opts.Events(e)
	}
}

// abandon undoes a start that failed: what was launched dies, what was attached to runs on.
func (t *Tracer) abandon() {
	t.attaching, t.opts.Events = false, nil
	if t.launched {
		t.kill()
		t.run()
		return
	}
	t.detach()
}

// PID is the process that was launched or attached to.
func (t *Tracer) PID() int { return t.pid }

// Resume lets every task go on that stands since Launch, Attach or Stop.
func (t *Tracer) Resume() error {
	return t.do(func() error {
		t.letGo()
		for _, k := range t.tasks {
			t.settle(k, stopTrap)
		}
		return nil
	})
}

// letGo has no task held any more.
func (t *Tracer) letGo() {
	t.holding = false
	for _, k := range t.tasks {
		k.held = false
	}
}

// Detach lets go of every task; stopped ones go on, with the signals that they were
// about to get, and group stops are kept. The tracer has ended then, also if it tells of an error.
//
// In a program that was launched, the parent of a vfork is waited for until its child lets it go: who cannot stop
// cannot be let go of, and with the tracer's end PTRACE_O_EXITKILL would kill it. Kill ends that wait, which
// is ErrEnded then.
func (t *Tracer) Detach() error {
	err := t.ask(t.detach)
	if !errors.Is(err, ErrEnded) {
		<-t.done
	}
	return err
}

// Kill kills every process that is traced and waits until all are gone.
func (t *Tracer) Kill() error {
	err := t.ask(func() error {
		t.kill()
		return nil
	})
	if err == nil {
		<-t.done
	}
	return err
}

// Abandon ends the tracer as its death would: nothing is undone, and the kernel lets go of all that was
// attached to, and kills all that was launched.
func (t *Tracer) Abandon() error {
	err := t.ask(func() error {
		t.released = true
		return nil
	})
	<-t.done
	return err
}

// Done is closed when nothing is left to trace.
func (t *Tracer) Done() <-chan struct{} { return t.done }

// Wait waits until nothing is left to trace. The status is the first process's,
// or Unknown if it was let go.
func (t *Tracer) Wait() (event.Status, error) {
	<-t.done
	return t.status, t.err
}

// do has f run on the tracer's thread, unless that is letting go of everybody.
func (t *Tracer) do(f func() error) error {
	return t.ask(func() error {
		if t.released {
			return ErrEnded
		}
		err := f()
		if err == nil && t.released { // while f waited
			err = ErrEnded
		}
		return err
	})
}

// ask has f run on the tracer's thread, also while that waits in another request.
func (t *Tracer) ask(f func() error) error {
	answer := make(chan error, 1)
	select {
	case t.requests <- func() { answer <- f() }:
	case <-t.done:
		return ErrEnded
	}
	t.bell.ring()
	select {
	case err := <-answer:
		return err
	case <-t.done:
	}
	select {
	case err := <-answer: // it was the tracer's last act
		return err
	default:
		return ErrEnded
	}
}

// serve runs the requests that have come, before the next wait.
func (t *Tracer) serve() {
	for {
		select {
		case request := <-t.requests:
			request()
		default:
			return
		}
	}
}

func (t *Tracer) detach() error {
	t.released = true
	err := t.hold()
	t.releaseStopped()
	// What is left cannot stop: it is on its way out, or waits for its vfork child. The end of
	// our thread lets it go; but if it was launched that would kill it.
	for err == nil && t.launched && t.isAnyLate() && !t.killing {
		err = t.awaitLate()
		t.releaseStopped()
		t.serve()
	}
	if t.killing { // by a request that came meanwhile: it waits for all to be gone
		t.released = false
		return ErrEnded
	}
	return cmp.Or(err, t.failure)
}

// releaseStopped lets go of all that stand, oldest first as due says.
func (t *Tracer) releaseStopped() {
	for _, tid := range slices.Sorted(maps.Keys(t.tasks)) {
		if k := t.tasks[tid]; k.state == stopped {
			t.release(k)
		}
	}
}

// awaitLate waits for a stop or an end, but not for long: of one that was ended by an exec of another that was let go
// there is no word.
func (t *Tracer) awaitLate() error {
	for tid, k := range t.tasks {
		if k.ended {
			continue
		}
		s, err := t.next(tid, unix.WNOHANG)
		switch {
		case errors.Is(err, unix.ECHILD):
			t.forget(k)
			return nil
		case err != nil:
			return err
		case s.tid != 0:
			t.handle(s)
			return nil
		}
	}
	return t.awaitAWhile()
}

// release lets go of one stopped task: it runs on, untraced, with the signal that it was about to get. One
// that was killed meanwhile is still ours, until its end: another that was let go may have executed a program.
func (t *Tracer) release(k *task) {
	err := t.kernel.Detach(k.tid, int(k.sig))
	if err == unix.ESRCH {
		k.state = running
		return
	}
	t.check(k.tid, "PTRACE_DETACH", err)
	t.forget(k)
	t.free = t.free || t.launched && k.tid == t.pid
}

// forget ends our account of a task.
func (t *Tracer) forget(k *task) {
	if k.unborn {
		t.unborn--
	}
	t.endStep(k, errNoTask)
	delete(t.tasks, k.tid)
}

// isAnyLate tells whether a task has yet to stop, and is not on its way out.
func (t *Tracer) isAnyLate() bool {
	for _, k := range t.tasks {
		if !k.ended {
			return true
		}
	}
	return false
}

func (t *Tracer) kill() {
	t.letGo()
	t.killing = true
	processes := make(map[int]bool)
	for _, k := range t.tasks {
		processes[t.group(k)] = true
	}
	for pid := range processes {
		if pid > 0 {
			t.kernel.Kill(pid, int(unix.SIGKILL)) // ESRCH: it has ended, and is to be reaped
		}
	}
}

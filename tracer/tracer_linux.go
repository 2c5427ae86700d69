//go:build amd64 || arm64

package tracer

import (
	"os/exec"

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
	strays map[int]stray
	early  []event.Event // what happened while Attach was at work
	status event.Status
	cmd    *exec.Cmd // what Launch started

	attaching bool // events are kept back
	holding   bool // stopped tasks stay stopped
	launched  bool // the program dies with the tracer
	started   bool // the program's first exec is over
	released  bool // Detach has been called
	killing   bool // Kill has been called
	failure   error

	bell     bell
	requests chan func()
	done     chan struct{}
	err      error
}

// begin makes a tracer on a thread of its own, has it set up, and lets it run.
func begin(opts Options, setUp func(*Tracer) error) (*Tracer, error) {
	t := &Tracer{
		opts: opts, kernel: linux{}, status: event.Unknown,
		tasks: make(map[int]*task), strays: make(map[int]stray),
		attaching: true, holding: true,
		requests: make(chan func(), 1), done: make(chan struct{}),
	}
	if opts.Kernel != nil {
		t.kernel = opts.Kernel(t.kernel)
	}
	t.bell.kernel = t.kernel
	ready, over := make(chan error, 1), make(chan struct{})
	OnThread(func() {
		defer close(over)
		t.live(setUp, ready)
	})
	go func() {
		<-over
		t.bell.outlive()
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
	if t.cmd != nil && !t.released {
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

// Resume lets a program that stands since Launch or Attach go on.
func (t *Tracer) Resume() error {
	return t.do(func() error {
		t.holding = false
		for _, k := range t.tasks {
			t.resume(k)
		}
		return nil
	})
}

// Detach lets go of every task; stopped ones go on, with the signals that they were
// about to get, and group stops are kept. The tracer has ended then.
func (t *Tracer) Detach() error {
	err := t.do(t.detach)
	if err == nil {
		<-t.done
	}
	return err
}

// Kill kills every process that is traced and waits until all are gone.
func (t *Tracer) Kill() error {
	err := t.do(func() error {
		t.kill()
		return nil
	})
	if err == nil {
		<-t.done
	}
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

// do has f run on the tracer's thread.
func (t *Tracer) do(f func() error) error {
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

func (t *Tracer) detach() error {
	if err := t.hold(); err != nil {
		return err
	}
	for tid, k := range t.tasks {
		if k.state == stopped {
			t.check(tid, "PTRACE_DETACH", t.kernel.Detach(tid, k.sig))
			delete(t.tasks, tid)
		}
	}
	for tid := range t.strays {
		t.check(tid, "PTRACE_DETACH", t.kernel.Detach(tid, 0))
		delete(t.strays, tid)
	}
	// What is left cannot stop: it is on its way out, or waits for its vfork child. The end of
	// our thread lets it go; but if it was launched that would kill it.
	t.released = true
	for k := t.late(); t.launched && k != nil; k = t.late() {
		// By its tid: a wait for any would take the end of the program, which is our
		// child and no longer traced, from cmd.Wait.
		s, err := t.next(k.tid, 0)
		if err != nil {
			return err
		}
		t.handle(s)
		if k.state == stopped && t.tasks[k.tid] == k {
			t.check(k.tid, "PTRACE_DETACH", t.kernel.Detach(k.tid, k.sig))
			delete(t.tasks, k.tid)
		}
	}
	return t.failure
}

// late is a task that has yet to stop, and is not on its way out.
func (t *Tracer) late() *task {
	for _, k := range t.tasks {
		if !k.ended {
			return k
		}
	}
	return nil
}

func (t *Tracer) kill() {
	t.holding, t.killing = false, true
	processes := make(map[int]bool)
	for _, k := range t.tasks {
		processes[k.pid] = true
	}
	for _, early := range t.strays {
		processes[early.pid] = true
	}
	for pid := range processes {
		if pid > 0 {
			t.kernel.Kill(pid, int(unix.SIGKILL)) // ESRCH: it has ended, and is to be reaped
		}
	}
}

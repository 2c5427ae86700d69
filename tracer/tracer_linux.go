//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// follow are the ptrace options that make the kernel tell of births, execs and ends, and attach to
// newcomers.
const follow = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACEVFORKDONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEEXIT |
	unix.PTRACE_O_TRACESYSGOOD

// A Tracer traces one program and all that descends from it. Its methods may be called on any
// goroutine and at any time, but not from Options.Events or Options.Ask.
//
// A method that asks for something is ErrEnded if the tracer has ended, or Detach was called. If
// the kernel refused one of its requests (ptrace(2)), it is that error; Wait tells it once more.
type Tracer struct {
	// Everything down to requests belongs to the tracer's own thread.
	opts   Options
	kernel Kernel
	pid    int
	tasks  map[int]*task
	steps  map[*task]chan<- error // for each Step in progress
	early  []event.Event          // what is told at the end of the start
	status event.Status           // of the first process; Unknown until it is reaped
	cmd    *exec.Cmd              // what Launch started

	unborn       int          // how many tasks are
	partlyTraced map[int]bool // processes of which threads run untraced
	strangers    map[int]bool // tasks of other processes, seized since they had an id of this one's
	recheck      *time.Timer  // nil while there is no task for recheckTasks
	likely       likely

	starting      bool  // Launch or Attach is at work
	holdNewcomers bool  // tasks of unknown birth stay stopped
	launched      bool  // the program dies with the tracer
	programIsFree bool  // what was launched runs untraced
	released      bool  // Detach or Abandon has been called
	killing       bool  // Kill has been called
	failure       error // the first request to the kernel that failed

	waker    waker
	requests chan func()
	done     chan struct{}
	err      error
}

// begin makes a tracer on a thread of its own, has it set up, and lets it run. Its error begins
// with what was attempted.
func begin(what string, opts Options, setUp func(*Tracer) error) (*Tracer, error) {
	t := &Tracer{
		opts: opts, kernel: linux{}, status: event.Unknown,
		tasks: make(map[int]*task), steps: make(map[*task]chan<- error),
		partlyTraced: make(map[int]bool), strangers: make(map[int]bool),
		starting: true, holdNewcomers: true,
		requests: make(chan func(), 1), done: make(chan struct{}),
	}
	if opts.Kernel != nil {
		t.kernel = opts.Kernel(t.kernel)
	}
	t.waker.kernel = t.kernel
	ready, over := make(chan error, 1), make(chan struct{})
	countOut := countTracer(opts.Notify)
	OnThread(func() {
		defer close(over)
		t.live(setUp, ready)
	})
	go func() {
		<-over
		t.waker.awaitDeath()
		countOut()
		close(t.done)
	}()
	if err := <-ready; err != nil {
		<-t.done
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return t, nil
}

// live is the tracer's whole life, on its thread. What it still traces when the thread ends the
// kernel lets go, or kills if it was launched.
func (t *Tracer) live(setUp func(*Tracer) error, ready chan<- error) {
	defer t.useSIGCHLD()()
	defer t.stopRecheck()
	if err := t.waker.start(); err != nil {
		ready <- err
		return
	}
	if err := setUp(t); err != nil {
		t.undoStart()
		t.closeCmd()
		ready <- err
		return
	}
	t.endStart()
	ready <- nil
	t.err = t.run()
	if t.err == nil {
		t.err = t.failure
	}
	if t.status != event.Unknown {
		t.closeCmd()
	}
}

// closeCmd frees what a program that we started has left. Its Wait copies its pipes to their ends,
// and reaps a process that could not be traced; another was reaped already (ECHILD).
func (t *Tracer) closeCmd() {
	if t.cmd != nil {
		t.cmd.Wait()
		t.cmd.Process.Release() // its pidfd, which only a Wait that reaps closes
	}
}

// endStart tells what was found at the start, and then what happened meanwhile.
func (t *Tracer) endStart() {
	early := t.early
	t.early, t.starting = nil, false
	for _, e := range early {
		t.tell(e)
	}
}

// undoStart undoes a start that failed: what was launched dies, what was attached to runs on.
func (t *Tracer) undoStart() {
	t.starting, t.opts.Events = false, nil
	if t.launched {
		t.kill()
		t.run()
		return
	}
	t.detach()
}

// PID is the process that was launched or attached to.
func (t *Tracer) PID() int { return t.pid }

// Threads lists the tasks, sorted by process and id, with those that are listed in the processes'
// /proc/PID/task but cannot be traced. The tasks stay as they are.
func (t *Tracer) Threads() ([]Thread, error) {
	var all []Thread
	err := t.do(func() error {
		for _, k := range t.tasks {
			all = append(all, t.describe(k))
		}
		for pid := range t.processes() {
			tids, _ := t.kernel.Tasks(pid) // an error: it has just ended
			for _, tid := range tids {
				if t.tasks[tid] == nil && isKernelTask(t.kernel, tid) {
					all = append(all, Thread{
						TID: event.TID(tid), PID: event.TID(pid),
						Name: comm(t.kernel, tid), State: KernelsOwn,
					})
				}
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Thread) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.TID, b.TID))
	})
	return all, err
}

// processes are those that tasks belong to, as far as it is known.
func (t *Tracer) processes() map[int]bool {
	processes := make(map[int]bool)
	for _, k := range t.tasks {
		processes[t.group(k)] = true
	}
	delete(processes, 0)
	return processes
}

// shown are the states of tasks as users see them.
var shown = [...]State{
	running: Running, newborn: NotAttached, unborn: Stopped, stopped: Stopped,
	listening: GroupStop, inVFork: InVFork, ended: Ended,
}

func (t *Tracer) describe(k *task) Thread {
	thread := Thread{
		TID: event.TID(k.tid), PID: event.TID(t.group(k)),
		Name: comm(t.kernel, k.tid), State: shown[k.state],
	}
	if k.at == stopGroup {
		thread.State = GroupStop
	}
	if k.isStopped() {
		thread.PC = t.pc(k.tid)
	}
	return thread
}

// Done is closed when nothing is left to trace.
func (t *Tracer) Done() <-chan struct{} { return t.done }

// Wait waits until nothing is left to trace. The status is the first process's wait status, or
// event.Unknown if that process was let go of. The error is of wait4, or of the first of all
// requests to the kernel that failed.
func (t *Tracer) Wait() (event.Status, error) {
	<-t.done
	return t.status, t.err
}

// do has f run on the tracer's thread, unless that is letting go of all tasks.
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
	t.waker.wake()
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

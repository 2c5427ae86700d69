//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// OnThread runs f on an OS thread of its own that is fit to trace from: it has no children, it is
// not the process's first, and it ends with f. OnThread does not wait for f.
//
// A thread that the runtime used before may have children of an earlier exec.Command, which a wait
// for any child would steal. The first thread does not end when its goroutine does, and what it
// traces would stay traced for ever.
func OnThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() && !hasChildren() {
			f()
			return // without unlocking, which ends the thread
		}
		found := make(chan struct{})
		OnThread(func() {
			close(found)
			f()
		})
		<-found // this thread is kept until then, lest it be tried again
		runtime.UnlockOSThread()
	}()
}

func hasChildren() bool {
	const any = unix.WEXITED | unix.WSTOPPED | unix.WNOHANG | unix.WNOWAIT |
		unix.WALL | unix.WNOTHREAD
	return unix.Waitid(unix.P_ALL, 0, nil, any, nil) != unix.ECHILD
}

// A waker wakes the tracer out of its wait. No signal can: Go's handlers restart system calls. So
// the tracer's thread traces one child more, a stub that is never let go: a signal to the child is
// a stop that the wait returns.
type waker struct {
	kernel Kernel

	mu   sync.Mutex // wake is called on other threads
	cmd  *exec.Cmd  // nil when there is no child: its pid may be another's then
	gate *os.File
}

// start starts the child. All methods but wake are called on the tracer's thread only.
func (w *waker) start() error {
	cmd := &exec.Cmd{Path: "/", Args: []string{"tidcheck-waker"}, Dir: "/"} // never executed
	gate, err := startHeld(cmd)
	if err != nil {
		return fmt.Errorf("start the tracer's own child: %w", err)
	}
	w.mu.Lock()
	w.cmd, w.gate = cmd, gate
	w.mu.Unlock()
	if err := w.kernel.Seize(cmd.Process.Pid, unix.PTRACE_O_EXITKILL); err != nil {
		err = refusal(w.kernel, cmd.Process.Pid, err)
		w.close()
		return fmt.Errorf("trace a child of our own: %w", err)
	}
	return nil
}

// wake may be called on any goroutine and at any time. The signal is SIGSTOP, which no task can
// block: the child has our mask, and ours is what our parent left us. The tracer does not deliver
// it, so the child does not stop.
func (w *waker) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd != nil {
		w.cmd.Process.Signal(unix.SIGSTOP) // an error: it was killed, which wakes the tracer too
	}
}

func (w *waker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd == nil {
		return
	}
	w.gate.Close()
	w.cmd.Process.Kill()
	w.cmd.Wait()
	w.cmd.Process.Release() // its pidfd, which only a Wait that reaps closes
	w.cmd = nil
}

// awaitDeath waits until the tracer's thread has ended, on another thread, and then closes the
// waker. The kernel lets go of all that a thread traces in one step, in which it also kills our
// child for PTRACE_O_EXITKILL. So when the child is dead nothing else is traced either.
func (w *waker) awaitDeath() {
	if w.cmd == nil {
		return
	}
	if pidfd, err := unix.PidfdOpen(w.cmd.Process.Pid, 0); err == nil {
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1)
			if err != unix.EINTR {
				break
			}
		}
		unix.Close(pidfd)
	}
	w.close()
}

// isChild tells whether a stop is the waker's child's.
func (w *waker) isChild(tid int) bool { return w.cmd != nil && w.cmd.Process.Pid == tid }

// woken handles a stop of the waker's child: there is a request, or tasks are to be looked at. If
// the child was killed by another process, a new one takes its place.
func (t *Tracer) woken(s stop) {
	if s.kind != stopGone {
		t.check(s.tid, "PTRACE_CONT", t.kernel.Cont(s.tid, 0))
		t.recheckTasks()
		return
	}
	t.waker.close()
	t.failure = cmp.Or(t.failure, t.waker.start())
}

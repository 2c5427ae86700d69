//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// A bell wakes the tracer out of its wait. No signal can: Go's handlers restart
// system calls. So the tracer's thread has one child more, a stub that is never
// let go, and traces it: a signal to it is a stop that the wait returns.
type bell struct {
	kernel Kernel

	mu   sync.Mutex // ring is called on other threads
	cmd  *exec.Cmd  // nil when silent: the pid may be another's then
	gate *os.File
}

// start starts the child; on the tracer's thread only, as all but ring.
func (b *bell) start() error {
	cmd := &exec.Cmd{Path: "/", Args: []string{"tidcheck-bell"}, Dir: "/"} // never executed
	gate, err := startHeld(cmd)
	if err != nil {
		return fmt.Errorf("start the tracer's own child: %w", err)
	}
	b.mu.Lock()
	b.cmd, b.gate = cmd, gate
	b.mu.Unlock()
	if err := b.kernel.Seize(cmd.Process.Pid, unix.PTRACE_O_EXITKILL); err != nil {
		err = refusal(b.kernel, cmd.Process.Pid, os.NewSyscallError("ptrace(PTRACE_SEIZE)", err))
		b.close()
		return fmt.Errorf("trace a child of our own: %w", err)
	}
	return nil
}

// ring may be called on any goroutine and at any time. Any signal will do
// that does not stop a process.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd != nil {
		b.cmd.Process.Signal(unix.SIGUSR1) // an error means that it was killed, which wakes the tracer too
	}
}

func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return
	}
	b.gate.Close()
	b.cmd.Process.Kill()
	b.cmd.Wait()
	b.cmd = nil
}

// outlive waits until the tracer's thread has ended. The kernel lets go of all that it traces
// in one step, in which it also kills our child for PTRACE_O_EXITKILL: so whoever sees that
// dead sees nothing else traced.
func (b *bell) outlive() {
	if b.cmd == nil {
		return
	}
	if pidfd, err := unix.PidfdOpen(b.cmd.Process.Pid, 0); err == nil {
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1)
			if err != unix.EINTR {
				break
			}
		}
		unix.Close(pidfd)
	}
	b.close()
}

// is tells whether a stop is the bell's child's.
func (b *bell) is(tid int) bool { return b.cmd != nil && b.cmd.Process.Pid == tid }

// answer handles a stop of the bell's child: whoever rang has left a request. If the
// child was killed by somebody, another takes its place.
func (t *Tracer) answer(s stop) {
	if s.kind != stopGone {
		t.check(s.tid, "PTRACE_CONT", t.kernel.Cont(s.tid, 0))
		t.lookInto()
		return
	}
	t.bell.close()
	if err := t.bell.start(); err != nil {
		t.failure = err
	}
}

//go:build amd64 || arm64

package tracer_test

import (
	"cmp"
	"errors"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// A failingCont is a kernel that refuses to let one task go on, once.
type failingCont struct {
	tracer.Kernel
	tid *atomic.Int64
}

func (k failingCont) fails(tid int) bool { return k.tid.CompareAndSwap(int64(tid), 0) }

func (k failingCont) Cont(tid, sig int) error {
	if k.fails(tid) {
		return unix.EIO
	}
	return k.Kernel.Cont(tid, sig)
}

func (k failingCont) Step(tid, sig int) error {
	if k.fails(tid) {
		return unix.EIO
	}
	return k.Kernel.Step(tid, sig)
}

// A failed request is told to its caller, and by Wait at the end. The task stays stopped, and later
// requests succeed.
func TestFailedRequestIsItsOwn(t *testing.T) {
	requests := map[string]func(tr *tracer.Tracer, tid int) error{
		"ResumeThread": (*tracer.Tracer).ResumeThread,
		"Resume":       func(tr *tracer.Tracer, _ int) error { return tr.Resume() },
		"Step": func(tr *tracer.Tracer, tid int) error {
			return tr.Step(t.Context(), tid)
		},
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			within(t, 20*time.Second)
			var tid atomic.Int64
			p, tr, _, tids := attached(t, wrapped(func(k tracer.Kernel) tracer.Kernel {
				return failingCont{k, &tid}
			}), "3")
			tid.Store(int64(tids[2]))
			if err := request(tr, tids[2]); !errors.Is(err, unix.EIO) {
				t.Errorf("the request that fails: got %v, want EIO", err)
			}
			if all := threads(t, tr); all[2].State != tracer.Stopped {
				t.Errorf("the task that did not go on: %+v, want it stopped", all[2])
			}
			ok(t, tr.Stop(), tr.StopThread(tids[2]), tr.ResumeThread(tids[0]),
				tr.ResumeThread(tids[2]))
			p.take(t, "1", "1")
			ok(t, tr.Resume(), tr.Detach())
			if _, err := tr.Wait(); !errors.Is(err, unix.EIO) {
				t.Errorf("the trace ends with %v, want EIO", err)
			}
			wantReleased(t, p.pid)
			p.finish(t)
		})
	}
}

// A failure between requests is told by Wait only.
func TestFailureBetweenRequestsIsToldByWait(t *testing.T) {
	within(t, 20*time.Second)
	var tid atomic.Int64
	p, tr, _, tids := attached(t, wrapped(func(k tracer.Kernel) tracer.Kernel {
		return failingCont{k, &tid}
	}), "3")
	ok(t, tr.Resume())
	tid.Store(int64(tids[0]))
	p.take(t, "t", "") // the main thread gets a signal, and does not go on from its stop
	for threads(t, tr)[0].State != tracer.Stopped {
		continue
	}
	ok(t, tr.Stop(), tr.Resume())
	p.take(t, "0", "t0")
	ok(t, tr.Detach())
	if _, err := tr.Wait(); !errors.Is(err, unix.EIO) {
		t.Errorf("the trace ends with %v, want EIO", err)
	}
	wantReleased(t, p.pid)
	p.finish(t)
}

// An unwilling kernel refuses some requests always.
type unwilling struct {
	tracer.Kernel
	cont, interrupt error
}

func (k unwilling) Cont(tid, sig int) error {
	return cmp.Or(k.cont, k.Kernel.Cont(tid, sig))
}

func (k unwilling) Interrupt(tid int) error {
	return cmp.Or(k.interrupt, k.Kernel.Interrupt(tid))
}

// A launch that the kernel does not let go on ends with the kernel's error.
func TestLaunchEndsWithARequestThatFails(t *testing.T) {
	for _, c := range []struct {
		name            string
		cont, interrupt error
	}{
		{"PTRACE_CONT", unix.EIO, nil},
		{"PTRACE_INTERRUPT", nil, unix.EIO},
	} {
		t.Run(c.name, func(t *testing.T) {
			within(t, 20*time.Second)
			_, err := tracer.Launch(exec.Command("true"), tracer.Options{
				Kernel: func(k tracer.Kernel) tracer.Kernel {
					return unwilling{k, c.cont, c.interrupt}
				},
			})
			if !errors.Is(err, unix.EIO) {
				t.Errorf("got %v, want EIO", err)
			}
		})
	}
}

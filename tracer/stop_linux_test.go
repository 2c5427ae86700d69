//go:build amd64 || arm64

package tracer_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/tracer"
)

// A deaf kernel does not ask one task to stop. To the tracer that looks like a task that is slow to
// stop.
type deaf struct {
	tracer.Kernel
	tid *atomic.Int64
}

func (k deaf) Interrupt(tid int) error {
	if int64(tid) == k.tid.Load() {
		return nil
	}
	return k.Kernel.Interrupt(tid)
}

// aStopThatLasts begins a Stop that waits for one of four threads, and returns when the others have
// stopped. The channel gives the Stop's answer.
func aStopThatLasts(t *testing.T) (*program, *tracer.Tracer, <-chan error) {
	t.Helper()
	var tid atomic.Int64
	p, tr, _, tids := attached(t,
		tracer.Options{Kernel: func(k tracer.Kernel) tracer.Kernel { return deaf{k, &tid} }}, "3")
	ok(t, tr.Resume())
	tid.Store(int64(tids[2]))
	answer := make(chan error, 1)
	go func() { answer <- tr.Stop() }()
	for standing := 0; standing < 3; {
		standing = 0
		for _, thread := range threads(t, tr) {
			if thread.State == tracer.Stopped {
				standing++
			}
		}
	}
	select {
	case err := <-answer:
		t.Fatalf("the stop has ended, with %v", err)
	default:
	}
	return p, tr, answer
}

func TestRequestsWhileAStopWaits(t *testing.T) {
	within(t, 20*time.Second)
	p, tr, answer := aStopThatLasts(t)
	ok(t, tr.SetFollow(tracer.FollowBoth, tracer.FollowBoth), tr.Resume())
	if err := <-answer; err != nil {
		t.Errorf("a stop that a resume ended: got %v, want none", err)
	}
	p.take(t, "012", "")
	for range 3 {
		if _, err := p.output.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	ok(t, tr.Kill())
	p.Wait()
	wantGone(t, p.pid)
}

func TestKillWhileAStopWaits(t *testing.T) {
	within(t, 20*time.Second)
	p, tr, answer := aStopThatLasts(t)
	ok(t, tr.Kill())
	if err := <-answer; err != nil && !errors.Is(err, tracer.ErrEnded) {
		t.Errorf("the stop's end: got %v", err)
	}
	if status, err := tr.Wait(); err != nil || status.String() != "SIGKILL" {
		t.Errorf("the trace ends with %s, %v, want SIGKILL", status, err)
	}
	p.Wait()
	wantGone(t, p.pid)
}

func TestKillWhileADetachWaits(t *testing.T) {
	t.Run("for one that does not stop", func(t *testing.T) {
		within(t, 20*time.Second)
		p, tr, _ := aStopThatLasts(t)
		answer := make(chan error, 1)
		go func() { answer <- tr.Detach() }()
		for _, err := tr.Threads(); err == nil; _, err = tr.Threads() { // it has begun
			continue
		}
		ok(t, tr.Kill())
		if err := <-answer; !errors.Is(err, tracer.ErrEnded) {
			t.Errorf("the detach's end: got %v, want ErrEnded", err)
		}
		p.Wait()
		wantGone(t, p.pid)
	})
	t.Run("for a vfork's parent", func(t *testing.T) {
		within(t, 20*time.Second)
		p := prepare(t, "vforked")
		tr, err := tracer.Launch(p.Cmd, tracer.Options{})
		ok(t, err)
		p.pid = tr.PID()
		ok(t, tr.Resume())
		p.ready(t)
		answer := make(chan error, 1)
		go func() { answer <- tr.Detach() }()
		free := func(p proc) bool { return p.ppid == tr.PID() && p.tracer == 0 }
		for len(procs(free)) == 0 { // the child
			continue
		}
		ok(t, tr.Kill())
		if err := <-answer; !errors.Is(err, tracer.ErrEnded) {
			t.Errorf("the detach's end: got %v, want ErrEnded", err)
		}
		if status, err := tr.Wait(); err != nil || status.String() != "SIGKILL" {
			t.Errorf("the trace ends with %s, %v, want SIGKILL", status, err)
		}
		p.input.Close() // the child was let go of before, and ends by itself
		reapGroup(p.pid)
	})
}

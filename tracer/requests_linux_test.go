//go:build amd64 || arm64

package tracer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// attached starts turns.c and attaches to it. All of its threads are stopped; tids are sorted.
func attached(t *testing.T, how tracer.Options, n string) (*program, *tracer.Tracer, *log, []int) {
	t.Helper()
	p := start(t, "turns", n)
	l := &log{}
	tr, err := tracer.Attach(p.pid, l.options(how))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Detach() })
	var tids []int
	for _, thread := range threads(t, tr) {
		tids = append(tids, int(thread.TID))
	}
	return p, tr, l, tids
}

func threads(t *testing.T, tr *tracer.Tracer) []tracer.Thread {
	t.Helper()
	all, err := tr.Threads()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func states(t *testing.T, tr *tracer.Tracer) (states []string) {
	t.Helper()
	for _, thread := range threads(t, tr) {
		states = append(states, thread.State.String())
		if (thread.State == tracer.Stopped) != (thread.PC != 0) || thread.Name != "turns" {
			t.Errorf("%+v: want a pc if it is stopped, and the name turns", thread)
		}
	}
	return states
}

func wantStates(t *testing.T, tr *tracer.Tracer, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, states(t, tr)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// take gives the threads with these numbers their turns, and wants these lines from the program.
func (p *program) take(t *testing.T, turns, lines string) {
	t.Helper()
	if _, err := p.input.Write([]byte(turns)); err != nil {
		t.Fatal(err)
	}
	for _, want := range lines {
		if line, err := p.output.ReadString('\n'); line != string(want)+"\n" {
			t.Fatalf("the program says %q, %v; want %c", line, err, want)
		}
	}
}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestThreadsAreStoppedAndResumedOneByOne(t *testing.T) {
	for _, method := range []tracer.Method{tracer.Events, tracer.Syscalls} {
		t.Run(method.String(), func(t *testing.T) {
			within(t, 30*time.Second)
			p, tr, _, tids := attached(t, tracer.Options{Method: method}, "3")
			wantStates(t, tr, "stopped", "stopped", "stopped", "stopped")
			ok(t, tr.ResumeThread(tids[0]), tr.ResumeThread(tids[3]))
			wantStates(t, tr, "running", "stopped", "stopped", "running")
			p.take(t, "012", "2") // the turns of 0 and 1 come first, but they are stopped
			ok(t, tr.ResumeThread(tids[2]))
			p.take(t, "", "1")
			ok(t, tr.Resume())
			p.take(t, "", "0")
			ok(t, tr.StopThread(tids[2]), tr.StopThread(tids[2]))
			wantStates(t, tr, "running", "running", "stopped", "running")
			p.take(t, "10", "0")
			p.take(t, "2", "2")
			ok(t, tr.Stop())
			wantStates(t, tr, "stopped", "stopped", "stopped", "stopped")
			if err := tr.StopThread(1); err == nil {
				t.Error("a thread that is not traced was stopped")
			}
			ok(t, tr.Resume())
			p.take(t, "", "1")
			ok(t, tr.Detach())
			if err := tr.Stop(); !errors.Is(err, tracer.ErrEnded) {
				t.Errorf("a stop after the end: got %v, want ErrEnded", err)
			}
			wantReleased(t, p.pid)
			p.finish(t)
		})
	}
}

func TestDetachedThreadRunsFree(t *testing.T) {
	within(t, 30*time.Second)
	p, tr, _, tids := attached(t, tracer.Options{}, "3")
	ok(t, tr.DetachThread(tids[1]), tr.ResumeThread(tids[0]), tr.ResumeThread(tids[2]),
		tr.DetachThread(tids[2]))
	wantStates(t, tr, "running", "stopped")
	for i, want := range []bool{true, false, false, true} {
		if task, err := readProc(tids[i]); err != nil || (task.tracer != 0) != want {
			t.Errorf("task %d: TracerPid %d, %v; want it traced: %t", tids[i], task.tracer, err,
				want)
		}
	}
	p.take(t, "2", "")
	p.take(t, "0", "0")
	p.take(t, "1", "1")
	ok(t, tr.Resume())
	p.take(t, "", "2")
	ok(t, tr.Detach())
	p.finish(t)
}

// An untraced thread executes a program: the leader that is still traced ends, and the kernel does
// not tell of that.
func TestExecOfADetachedThreadEndsTheTrace(t *testing.T) {
	for _, how := range []string{"thread", "orphan"} {
		t.Run(how, func(t *testing.T) {
			within(t, 30*time.Second)
			p := start(t, "execs", how, "parked")
			l := &log{}
			tr := attach(t, p.pid, l)
			all := threads(t, tr)
			last := all[len(all)-1]
			ok(t, tr.DetachThread(int(last.TID)), tr.Resume())
			if _, err := p.input.Write([]byte{1}); err != nil {
				t.Fatal(err)
			}
			if status, err := tr.Wait(); err != nil || status != event.Unknown {
				t.Errorf("the trace ends with %s, %v; want an unknown status", status, err)
			}
			p.Wait()
			if got := p.ProcessState.String(); got != "exit status 5" {
				t.Errorf("the program's end: got %s, want exit status 5", got)
			}
		})
	}
}

func TestStepOverTheBirthOfAThread(t *testing.T) {
	for _, method := range []tracer.Method{tracer.Events, tracer.Syscalls} {
		t.Run(method.String(), func(t *testing.T) {
			within(t, 60*time.Second)
			p, tr, l, tids := attached(t, tracer.Options{Method: method}, "1")
			ok(t, tr.Resume(), tr.Stop())
			p.take(t, "c", "")
			before := len(l.trace)
			steps := 0
			for ; len(threads(t, tr)) == 2 && steps < 5000; steps++ {
				ok(t, tr.Step(t.Context(), tids[0]))
			}
			ok(t, tr.Stop()) // the new thread's first stop may be to come
			wantStates(t, tr, "stopped", "stopped", "stopped")
			ok(t, tr.Step(t.Context(), tids[0]))
			ok(t, tr.Resume())
			p.take(t, "0", "0")
			ok(t, tr.Detach())
			form := l.trace[before:]
			if len(form) != 2 || form[0].Kind != event.Clone || form[1].Kind != event.Exit {
				t.Errorf("after %d steps the trace says %v, want a clone and an exit", steps, form)
			}
			p.finish(t)
		})
	}
}

func TestStepMovesTheProgramCounter(t *testing.T) {
	within(t, 30*time.Second)
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			l := &log{}
			tr, err := tracer.Launch(command(t, "sequence", "2"), l.options(way.how))
			ok(t, err)
			seen := map[uint64]bool{}
			for range 200 {
				ok(t, tr.Step(t.Context(), tr.PID()))
				seen[threads(t, tr)[0].PC] = true
			}
			if len(seen) < 50 {
				t.Errorf("200 steps led to %d places", len(seen))
			}
			ok(t, tr.Resume())
			if status, err := tr.Wait(); err != nil || status != 0 {
				t.Errorf("it ends with %s, %v; want 0", status, err)
			}
			wantForm(t, l.form(t), "main: clone main/1..2, exit 0", "main/1..2: exit 0")
		})
	}
}

// A step lasts as long as the system call that it leads into, unless its context ends.
func TestStepIntoABlockingCall(t *testing.T) {
	within(t, 30*time.Second)
	p, tr, _, tids := attached(t, tracer.Options{}, "1")
	cause := errors.New("given up")
	ctx, giveUp := context.WithCancelCause(t.Context())
	over := make(chan error)
	go func() {
		for {
			if err := tr.Step(ctx, tids[0]); err != nil {
				over <- err
				return
			}
		}
	}()
	for { // it sleeps in read(2) again
		if task, err := readProc(tids[0]); err == nil && task.state == 'S' {
			break
		}
	}
	giveUp(cause)
	if err := <-over; !errors.Is(err, cause) {
		t.Errorf("the step ends with %v, want %v", err, cause)
	}
	wantStates(t, tr, "stopped", "stopped")
	ok(t, tr.Resume())
	if err := tr.Step(t.Context(), tids[0]); err == nil {
		t.Error("a running thread was stepped")
	}
	p.take(t, "0", "0")
	ok(t, tr.Detach())
	p.finish(t)
}

// The trap of a step is not the program's. A SIGTRAP that the program sends itself in the middle of
// a step is.
func TestStepAndTheProgramsOwnTrap(t *testing.T) {
	within(t, 60*time.Second)
	p, tr, l, tids := attached(t, tracer.Options{}, "0")
	p.take(t, "t", "")
	before := len(l.trace)
	for steps := 0; steps < 5000 && len(l.trace) == before; steps++ {
		ok(t, tr.Step(t.Context(), tids[0]))
	}
	for range 10 { // into its handler
		ok(t, tr.Step(t.Context(), tids[0]))
	}
	ok(t, tr.Resume())
	p.take(t, "", "t")
	ok(t, tr.Detach())
	if got := l.trace[before:]; len(got) != 1 || got[0].Signal != event.Signo(unix.SIGTRAP) {
		t.Errorf("the trace says %v, want one SIGTRAP", got)
	}
	p.finish(t)
}

//go:build amd64 || arm64

package tracer_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Only SIGKILL wakes a task out of a group stop that is kept. Its next stop, PTRACE_EVENT_EXIT, is
// no group stop: PTRACE_LISTEN is EIO there.
func TestKillOfAStoppedProcess(t *testing.T) {
	within(t, 10*time.Second)
	p := start(t, "storm", "3", "0", "0", "0")
	unix.Kill(p.pid, unix.SIGSTOP)
	unix.Waitid(unix.P_PID, p.pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	tr := attach(t, p.pid, &log{})
	if err := tr.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := tr.Kill(); err != nil {
		t.Error(err)
	}
	if status, err := tr.Wait(); err != nil || status.String() != "SIGKILL" {
		t.Errorf("the end: got %s, %v, want SIGKILL", status, err)
	}
	p.Wait()
	wantGone(t, p.pid)
}

// A lateCont is a kernel in which the leader of execs.c goes on from its last birth only when that
// child has executed a program. The leader was killed out of its stop by then, and is at its
// PTRACE_EVENT_EXIT. The PTRACE_CONT that was meant for the birth ends that stop unseen.
type lateCont struct {
	tracer.Kernel
	s *lateState
}

type lateState struct {
	leader, last, births int
	owed, paid           bool
}

func (k lateCont) EventMsg(tid int) (uint, error) {
	msg, err := k.Kernel.EventMsg(tid)
	if int(msg) == tid { // an exec
		return msg, err
	}
	if k.s.births++; k.s.births == 9 {
		k.s.leader, k.s.last = tid, int(msg)
	}
	return msg, err
}

func (k lateCont) Cont(tid, sig int) error {
	if tid == k.s.leader && k.s.last != 0 && !k.s.owed {
		k.s.owed = true
		return nil
	}
	err := k.Kernel.Cont(tid, sig)
	if tid == k.s.last && k.s.owed && !k.s.paid {
		k.s.paid = true
		unix.Waitid(unix.P_PID, k.s.leader, nil, unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT|unix.WALL,
			nil)
		return k.Kernel.Cont(k.s.leader, 0)
	}
	return err
}

func TestLeaderKilledAtABirthByAnExecHasAnEnd(t *testing.T) {
	within(t, 10*time.Second)
	how := wrapped(func(k tracer.Kernel) tracer.Kernel { return lateCont{k, &lateState{}} })
	l, status := follow(t, how, command(t, "execs", "thread"))
	if status.String() != "5" {
		t.Errorf("status: got %s, want 5", status)
	}
	wantForm(t, l.form(t), "main: clone main/1..9, exit 0", "main/1..8: exit 0",
		"main/9: exec, exit 5")
}

// An execBetween is a kernel in which the last thread of execs.c executes a program when all others
// are seized. It holds cred_guard_mutex until they are reaped, and PTRACE_SEIZE of it waits for
// that.
type execBetween struct {
	tracer.Kernel
	begin func() // returns when the exec waits
	pid   int
	last  int

	reaped *atomic.Int32
}

func (k execBetween) Reap(tid int) (int, unix.WaitStatus, error) {
	got, status, err := k.Kernel.Reap(tid)
	if got == tid {
		k.reaped.Add(1)
	}
	return got, status, err
}

func (k execBetween) Tasks(pid int) ([]int, error) {
	tids, err := k.Kernel.Tasks(pid)
	slices.SortFunc(tids, func(a, b int) int { // the one that executes comes last
		return strings.Compare(strconv.FormatBool(a == k.last), strconv.FormatBool(b == k.last))
	})
	return tids, err
}

func (k execBetween) Seize(tid, options int) error {
	if tid == k.last {
		k.begin()
	}
	return k.Kernel.Seize(tid, options)
}

func TestAttachWhileAThreadExecutes(t *testing.T) {
	within(t, 10*time.Second)
	p := start(t, "execs", "thread", "parked")
	names, err := os.ReadDir("/proc/" + strconv.Itoa(p.pid) + "/task")
	if err != nil {
		t.Fatal(err)
	}
	last := 0 // it was born last, a wrap of the ids aside
	for _, name := range names {
		tid, _ := strconv.Atoi(name.Name())
		last = max(last, tid)
	}
	begin := func() {
		p.input.Write([]byte{0})
		for state := byte(0); state != 'D'; { // in de_thread
			task, err := readProc(last)
			if err != nil {
				return
			}
			state = task.state
		}
	}
	var reaped atomic.Int32
	l := &log{}
	how := l.options(wrapped(func(k tracer.Kernel) tracer.Kernel {
		return execBetween{k, begin, p.pid, last, &reaped}
	}))
	tr, err := tracer.Attach(p.pid, how)
	switch {
	case errors.Is(err, unix.ESRCH): // the program that it executed has ended by now
	case err != nil:
		t.Fatal(err)
	default:
		if err := tr.Resume(); err != nil && !errors.Is(err, tracer.ErrEnded) {
			t.Error(err)
		}
		if status, err := tr.Wait(); err != nil || status.String() != "5" {
			t.Errorf("the trace ends with %s, %v, want 5", status, err)
		}
		if _, err := event.NewFamily(l.trace); err != nil {
			t.Error(err)
		}
	}
	if reaped.Load() == 0 {
		t.Error("no task was reaped through the kernel that was given")
	}
	p.Wait() // an error if the tracer, which is in the same process, has reaped it
}

// An execBefore is a kernel in which an exec off main has just ended the leader. PTRACE_SEIZE of a
// zombie is EPERM, and a look at /proc then shows the task that took over its id.
type execBefore struct {
	tracer.Kernel
	refused *bool
}

func (k execBefore) Seize(tid, options int) error {
	if leader, err := readProc(tid); err == nil && leader.pgrp == tid && !*k.refused {
		*k.refused = true
		return unix.EPERM
	}
	return k.Kernel.Seize(tid, options)
}

func TestAttachWhileTheLeaderIsReplaced(t *testing.T) {
	within(t, 10*time.Second)
	p := start(t, "storm", "3", "0", "0", "0")
	l, refused := &log{}, false
	how := wrapped(func(k tracer.Kernel) tracer.Kernel { return execBefore{k, &refused} })
	tr, err := tracer.Attach(p.pid, l.options(how))
	if err != nil {
		t.Fatal(err)
	}
	wantHeld(t, p.pid, l)
	if diff := cmp.Diff(nil, tr.Detach()); diff != "" {
		t.Error(diff)
	}
	p.finish(t)
}

// A lateSeize is a kernel in which the leader of orphan.c ends after it is seized and before it is
// asked to stop. It has no option to stop at its exit. Then it is a zombie that cannot be waited
// for while another thread lives.
type lateSeize struct {
	tracer.Kernel
	end func()
	pid int
}

func (k lateSeize) Seize(tid, options int) error {
	err := k.Kernel.Seize(tid, options)
	if tid == k.pid {
		k.end()
	}
	return err
}

func TestAttachWhileTheLeaderEnds(t *testing.T) {
	within(t, 10*time.Second)
	p := start(t, "orphan", "late")
	end := func() {
		p.input.Write([]byte{0})
		for state := byte(0); state != 'Z'; {
			task, err := readProc(p.pid)
			if err != nil {
				return
			}
			state = task.state
		}
	}
	l := &log{}
	how := wrapped(func(k tracer.Kernel) tracer.Kernel { return lateSeize{k, end, p.pid} })
	tr, err := tracer.Attach(p.pid, l.options(how))
	ok(t, err)
	wantHeld(t, p.pid, l)
	ok(t, tr.Resume())
	p.input.Close()
	if status, err := tr.Wait(); err != nil || status.String() != "23" {
		t.Errorf("the trace ends with %s, %v, want 23", status, err)
	}
	want := []string{"main: exit 7, end 23", "@1: exit 23"}
	if diff := cmp.Diff(want, l.form(t).Lines()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.Wait()
}

//go:build amd64 || arm64

package tracer_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

func attach(t *testing.T, pid int, l *log) *tracer.Tracer {
	t.Helper()
	tr, err := tracer.Attach(pid, l.options(tracer.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// wantHeld compares the tasks that live by a trace with those in /proc. Each must be traced and
// stopped there.
func wantHeld(t *testing.T, pid int, l *log) {
	t.Helper()
	family, err := event.NewFamily(l.trace)
	if err != nil {
		t.Error(err)
	}
	var told, listed []int
	ended := make(map[int]bool) // tasks at their exits cannot be held
	for _, life := range family.Lives() {
		ended[int(life.TID)] = life.Ended
		// Ready names the leader even if that had ended before.
		if !life.Ended && life.Kind != event.Ready && life.PID == event.TID(pid) {
			told = append(told, int(life.TID))
		}
	}
	names, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		tid, _ := strconv.Atoi(name.Name())
		p, err := readProc(tid)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || p.state == 'Z' ||
			p.state == 'X' || ended[tid] {
			continue
		}
		if listed = append(listed, tid); err != nil || p.tracer == 0 || p.state != 't' {
			t.Errorf("task %d: TracerPid %d, state %c, %v", tid, p.tracer, p.state, err)
		}
	}
	slices.Sort(told)
	slices.Sort(listed)
	if diff := cmp.Diff(listed, told); diff != "" {
		t.Errorf("tasks (-/proc +told):\n%s", diff)
	}
}

func TestAttachHoldsEveryThread(t *testing.T) {
	within(t, 300*time.Second)
	for _, c := range []struct {
		name   string
		rounds int
		argv   string
	}{
		{"500 parked, 4 churning", 2, "500 4 0 0"},
		{"churning", often(100), "4 4 0 0"},
		{"forking", often(10), "2 1 2 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, "storm", strings.Fields(c.argv)...)
			for range c.rounds {
				l := &log{}
				tr := attach(t, p.pid, l)
				wantHeld(t, p.pid, l)
				if err := tr.Resume(); err != nil {
					t.Fatal(err)
				}
				if err := tr.Detach(); err != nil {
					t.Fatal(err)
				}
				wantReleased(t, p.pid)
				if t.Failed() {
					return
				}
			}
			p.finish(t)
		})
	}
}

func TestAttachIsRefusedWithItsReason(t *testing.T) {
	parked := start(t, "storm", "1", "0", "0", "0")
	held := start(t, "storm", "0", "0", "0", "0")
	holder := attach(t, held.pid, &log{})
	zombie := start(t, "storm", "0", "0", "0", "0")
	zombie.input.Close()
	unix.Waitid(unix.P_PID, zombie.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	gone := command(t, "sequence", "0")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	threads := procs(func(p proc) bool { return p.pgrp == parked.pid })
	thread := slices.DeleteFunc(threads, func(p proc) bool { return p.tid == parked.pid })[0].tid
	own, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		pid  int
		want string
		is   error
	}{
		{"nothing", gone.Process.Pid, "there is no such process", fs.ErrNotExist},
		{"zero", 0, "a process id is positive", nil},
		{
			"a zombie", zombie.pid,
			"it is a zombie: it has ended, and its parent, process " + strconv.Itoa(os.Getpid()),
			nil,
		},
		{"ourselves", os.Getpid(), "it is the tracer's own process", nil},
		{"a kernel thread", 2, "it is a kernel thread", nil},
		{"a thread", thread, "it is a thread of process " + strconv.Itoa(parked.pid), nil},
		{
			"one that is traced", held.pid,
			fmt.Sprintf("it is already traced, by process %d (%s)", os.Getpid(),
				strings.TrimSpace(string(own))), unix.EPERM,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			within(t, 10*time.Second)
			if name, _ := os.ReadFile("/proc/2/comm"); c.pid == 2 && string(name) != "kthreadd\n" {
				t.Skip("a pid namespace of its own has no kernel threads")
			}
			tr, err := tracer.Attach(c.pid, tracer.Options{})
			if err == nil {
				tr.Detach()
				t.Fatal("it is attached to")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") ||
				c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got error %q, want one with %q that is %v", err, c.want, c.is)
			}
		})
	}
	if err := holder.Detach(); err != nil {
		t.Error(err)
	}
	held.finish(t)
	parked.finish(t)
}

func TestAttachWithoutALeader(t *testing.T) {
	within(t, 10*time.Second)
	p := start(t, "orphan")
	await(t, p.pid, 'Z')
	l := &log{}
	tr := attach(t, p.pid, l)
	wantHeld(t, p.pid, l)
	if err := tr.Resume(); err != nil {
		t.Fatal(err)
	}
	p.input.Close()
	if _, err := tr.Wait(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"main:", "@1: exit 23"}, l.form(t).Lines()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.finish(t)
}

// An agedList is a kernel in whose first list of tasks one id is another process's by now.
type agedList struct {
	tracer.Kernel
	stranger int
	lists    *int
}

func (k agedList) Tasks(pid int) ([]int, error) {
	tids, err := k.Kernel.Tasks(pid)
	if *k.lists++; *k.lists == 1 {
		tids = append([]int{k.stranger}, tids...)
	}
	return tids, err
}

func TestAnIDThatIsAnotherProcessesByNow(t *testing.T) {
	other := start(t, "storm", "3", "0", "0", "0")
	for _, c := range []struct {
		name     string
		stranger int
	}{
		{"which may be traced", other.pid},
		{"which may not: our own", os.Getpid()},
	} {
		t.Run(c.name, func(t *testing.T) {
			within(t, 10*time.Second)
			p := start(t, "storm", "3", "0", "0", "0")
			l, lists := &log{}, 0
			aging := func(k tracer.Kernel) tracer.Kernel { return agedList{k, c.stranger, &lists} }
			tr, err := tracer.Attach(p.pid, l.options(tracer.Options{Kernel: aging}))
			if err != nil {
				t.Fatal(err)
			}
			wantHeld(t, p.pid, l)
			if lists < 2 {
				t.Errorf("the tasks were listed %d times, and one of the first list was gone",
					lists)
			}
			if err := tr.Resume(); err != nil {
				t.Error(err)
			}
			for { // it is let go of at its first stop
				if at, err := readProc(c.stranger); err == nil && at.tracer == 0 {
					break
				}
				runtime.Gosched()
			}
			for _, e := range l.trace {
				if e.TID == event.TID(c.stranger) {
					t.Errorf("told of a stranger: %s", e)
				}
			}
			if err := tr.Detach(); err != nil {
				t.Error(err)
			}
			p.finish(t)
		})
	}
	other.finish(t)
}

func TestExecAfterAttach(t *testing.T) {
	for _, c := range []struct {
		how, main, last string
	}{
		{"leader", "main: exec, exit 5", "@8: exit 0"},
		{"thread", "main: exit 0", "@9: exec, exit 5"},
		{"orphan", "main:", "@9: exec, exit 5"},
	} {
		t.Run(c.how, func(t *testing.T) {
			within(t, 10*time.Second)
			p := start(t, "execs", c.how, "parked")
			if c.how == "orphan" {
				await(t, p.pid, 'Z')
			}
			l := &log{}
			tr := attach(t, p.pid, l)
			if err := tr.Resume(); err != nil {
				t.Fatal(err)
			}
			p.input.Write([]byte{0})
			status, err := tr.Wait()
			if err != nil || status.String() != "5" {
				t.Errorf("status: got %s, %v, want 5", status, err)
			}
			form := l.form(t).Lines()
			want := []string{c.main, c.last}
			for n := 1; n <= 8; n++ {
				want = append(want, "@"+strconv.Itoa(n)+": exit 0")
			}
			slices.Sort(want)
			slices.Sort(form)
			if diff := cmp.Diff(slices.Compact(want), form); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			p.Wait()
		})
	}
}

func TestStoppedProcessStaysStopped(t *testing.T) {
	within(t, 20*time.Second)
	for _, resumed := range []bool{false, true} {
		p := start(t, "storm", "3", "0", "0", "0")
		pid := p.pid
		unix.Kill(pid, unix.SIGSTOP)
		unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		l := &log{}
		tr := attach(t, pid, l)
		wantHeld(t, pid, l)
		if resumed {
			if err := tr.Resume(); err != nil {
				t.Fatal(err)
			}
		}
		if err := tr.Detach(); err != nil {
			t.Fatal(err)
		}
		for _, p := range procs(func(p proc) bool { return p.pgrp == pid }) {
			// It is on its way from the one stop into the other (__ptrace_unlink).
			for p.tracer == 0 && p.state == 'R' {
				p, _ = readProc(p.tid)
			}
			if p.tracer != 0 || p.state != 'T' {
				t.Errorf("resumed %v, then detached: task %d has TracerPid %d, state %c, want T",
					resumed, p.tid, p.tracer, p.state)
			}
		}
		unix.Kill(pid, unix.SIGCONT)
		p.finish(t)
	}
}

// A giver is a kernel that gives a page to faults.c when the tracer asks in which function its
// thread sleeps: after it has been silent for a while.
type giver struct {
	tracer.Kernel
	asks string
	give func()
}

func (k giver) ReadFile(name string) ([]byte, error) {
	content, err := k.Kernel.ReadFile(name)
	if name == k.asks {
		k.give()
	}
	return content, err
}

// A page fault sleeps in D like a vfork's parent. But it ends: the task is to stop then.
func TestAttachWaitsForTheEndOfAPageFault(t *testing.T) {
	within(t, 20*time.Second)
	p := prepare(t, "faults")
	var complaint strings.Builder
	p.Stderr = &complaint
	ok(t, p.Start())
	p.pid = p.Process.Pid
	if line, _ := p.output.ReadString('\n'); line != "ready\n" {
		p.Wait()
		t.Skip("no page can be withheld: ", complaint.String())
	}
	reader := 0
	for _, task := range procs(func(leader proc) bool { return leader.tid == p.pid }) {
		if task.tid != p.pid {
			reader = task.tid
		}
	}
	await(t, reader, 'D')
	give := sync.OnceFunc(func() { p.input.Write([]byte{0}) })
	l := &log{}
	tr, err := tracer.Attach(p.pid, l.options(wrapped(func(k tracer.Kernel) tracer.Kernel {
		return giver{k, fmt.Sprintf("/proc/%d/wchan", reader), give}
	})))
	ok(t, err)
	wantHeld(t, p.pid, l)
	ok(t, tr.Detach())
	give() // also if the tracer has not asked
	wantReleased(t, p.pid)
	p.finish(t)
}

func TestAttachToAVForksParent(t *testing.T) {
	for _, resumed := range []bool{false, true} {
		within(t, 10*time.Second)
		p := start(t, "vforked")
		await(t, p.pid, 'D')
		tr := attach(t, p.pid, &log{})
		if resumed {
			if err := tr.Resume(); err != nil {
				t.Fatal(err)
			}
		}
		if err := tr.Detach(); err != nil {
			t.Fatal(err)
		}
		wantReleased(t, p.pid)
		p.finish(t)
	}
}

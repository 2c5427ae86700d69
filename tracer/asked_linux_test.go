//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// served asks a tracer for something, and has the test serve the request in the loop's place.
func served(tr *Tracer, ask func() error) error {
	tr.requests, tr.done = make(chan func(), 1), make(chan struct{})
	answer := make(chan error)
	go func() { answer <- ask() }()
	(<-tr.requests)()
	close(tr.done) // what waits on is ErrEnded
	return <-answer
}

func TestRequestsThatCannotBeDone(t *testing.T) {
	const pending = "10: stop"
	runs, stops := task{tid: 10, pid: 10}, task{tid: 10, pid: 10, state: stopped, at: stopTrap}
	inGroupStop := task{tid: 10, pid: 10, state: stopped, at: stopGroup}
	step := func(tr *Tracer) error { return tr.Step(t.Context(), 10) }
	for _, c := range []struct {
		name   string
		task   task
		failed string // this request
		ask    func(*Tracer) error
		want   string
	}{
		{
			"a step of a task that runs", runs, "", step,
			"task 10: only a stopped task can be stepped",
		},
		{
			"a step out of a group stop", inGroupStop, "", step,
			"task 10: only a stopped task can be stepped",
		},
		{
			"a step of a task that is not known", stops, "",
			func(tr *Tracer) error { return tr.Step(t.Context(), 9) },
			"task 9: no such task is traced",
		},
		{
			"a step", stops, "10: step", step,
			"task 10: ptrace(PTRACE_SINGLESTEP): input/output error",
		},
		{
			"a stop", runs, "10: interrupt", (*Tracer).Stop,
			"task 10: ptrace(PTRACE_INTERRUPT): input/output error",
		},
		{
			"a stop of one task", runs, "10: interrupt",
			func(tr *Tracer) error { return tr.StopThread(10) },
			"task 10: ptrace(PTRACE_INTERRUPT): input/output error",
		},
		{
			"a stop that cannot be waited for", runs, "10: wait",
			func(tr *Tracer) error { return tr.StopThread(10) }, "wait4: input/output error",
		},
		{
			"a resume", stops, "10: cont", (*Tracer).Resume,
			"task 10: ptrace(PTRACE_CONT): input/output error",
		},
		{
			"a resume of one task", stops, "10: cont",
			func(tr *Tracer) error { return tr.ResumeThread(10) },
			"task 10: ptrace(PTRACE_CONT): input/output error",
		},
		{
			"a resume of a task whose options cannot be set",
			task{tid: 10, pid: 10, state: stopped, at: stopTrap, owed: owedExitOption},
			"10: setoptions", (*Tracer).Resume,
			"task 10: ptrace(PTRACE_SETOPTIONS): input/output error",
		},
		{
			"to let go of a task", stops, "10: detach",
			func(tr *Tracer) error { return tr.DetachThread(10) },
			"task 10: ptrace(PTRACE_DETACH): input/output error",
		},
		{
			"to let go of a task that runs", runs, "10: interrupt",
			func(tr *Tracer) error { return tr.DetachThread(10) },
			"task 10: ptrace(PTRACE_INTERRUPT): input/output error",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(pending)
			k.stopped[10] = c.task.isStopped()
			if c.failed != "" {
				k.errs[c.failed] = unix.EIO
			}
			tr := &Tracer{
				kernel: k, tasks: map[int]*task{10: &c.task}, partlyTraced: map[int]bool{},
				steps: map[*task]chan<- error{},
			}
			err := served(tr, func() error { return c.ask(tr) })
			if fmt.Sprint(err) != c.want {
				t.Errorf("got error %v, want %s", err, c.want)
			}
		})
	}
}

// Once another request lets go of all tasks, a request is ErrEnded. So is one that waits meanwhile.
func TestRequestWhileTheTracerEnds(t *testing.T) {
	for _, meanwhile := range []bool{false, true} {
		tr := &Tracer{released: !meanwhile}
		done := false
		err := served(tr, func() error {
			return tr.do(func() error {
				done, tr.released = true, true
				return nil
			})
		})
		if !errors.Is(err, ErrEnded) || done != meanwhile {
			t.Errorf("meanwhile %t: got error %v, done %t", meanwhile, err, done)
		}
	}
}

// A stop or a resume of all tasks is for newcomers of unknown birth too, and one of a task for
// those that it makes. 20 is made by 10, and of 30 nothing tells.
func TestStopAndResumeAreForNewcomersToo(t *testing.T) {
	type asks = []func(*Tracer) error
	stopOne := func(tr *Tracer) error { return tr.StopThread(10) }
	resumeOne := func(tr *Tracer) error { return tr.ResumeThread(10) }
	for _, c := range []struct {
		name    string
		asks    asks // of 10, which is stopped
		stops   string
		stopped string
	}{
		{"resume", asks{(*Tracer).Resume}, "10: fork 20\n20: stop\n30: stop", "[]"},
		{"resume of one", asks{resumeOne}, "10: fork 20\n20: stop\n30: stop", "[30]"},
		{"stop", asks{(*Tracer).Resume, (*Tracer).Stop}, "10: stop\n30: stop", "[10 30]"},
		{"stop of one", asks{(*Tracer).Resume, stopOne}, "10: stop\n30: stop", "[10]"},
	} {
		k := newScript(c.stops)
		k.parents, k.stopped[10] = map[int]int{30: 10}, true
		tr := &Tracer{kernel: k, holdNewcomers: true, tasks: map[int]*task{
			10: {tid: 10, pid: 10, state: stopped, at: stopTrap, wanted: toHold},
		}}
		for _, ask := range c.asks {
			if err := served(tr, func() error { return ask(tr) }); err != nil {
				t.Error(err)
			}
		}
		for len(k.lines) > 0 {
			s, err := tr.next(-1, 0)
			if err != nil {
				t.Fatal(err)
			}
			tr.handle(s)
		}
		tr.adopt(10)
		tr.stopRecheck()
		var held []int
		for tid := range tr.tasks {
			if k.stopped[tid] {
				held = append(held, tid)
			}
		}
		slices.Sort(held)
		if got := fmt.Sprint(held); got != c.stopped {
			t.Errorf("%s: stopped are %s, want %s", c.name, got, c.stopped)
		}
	}
}

// After a thread is let go of its process is not whole. It is asked to stop once.
func TestThreadIsLetGoOfOnce(t *testing.T) {
	k := newScript("11: stop")
	k.stopped[11] = false
	tr := &Tracer{kernel: k, partlyTraced: map[int]bool{}, tasks: map[int]*task{
		10: {tid: 10, pid: 10}, 11: {tid: 11, pid: 10},
	}}
	again := tr.tasks[11]
	err := served(tr, func() error { return tr.DetachThread(11) })
	if err := errors.Join(err, tr.letGoOf(again)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(lines("11: interrupt\n11: detach"), k.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if !tr.partlyTraced[10] || tr.tasks[11] != nil {
		t.Errorf("process 10 is partly traced: %t, tasks %v", tr.partlyTraced[10], tr.tasks)
	}
}

// The tracer may end before a request, instead of it, or after it as its last act.
func TestRequestAtTheTracersEnd(t *testing.T) {
	for _, c := range []struct {
		name           string
		taken, answers bool
		want           error
	}{
		{"before the request", false, false, ErrEnded},
		{"instead of it", true, false, ErrEnded},
		{"after it", true, true, unix.EIO},
	} {
		tr := &Tracer{requests: make(chan func()), done: make(chan struct{})}
		go func() {
			defer close(tr.done)
			if !c.taken {
				return
			}
			if request := <-tr.requests; c.answers {
				request()
			}
		}()
		if err := tr.ask(func() error { return unix.EIO }); err != c.want {
			t.Errorf("it ends %s: got error %v, want %v", c.name, err, c.want)
		}
	}
}

func TestThreadsAreThoseOfTheirProcesses(t *testing.T) {
	k := newScript("")
	k.threads = map[int]int{11: 10, 12: 10, 13: 10}
	k.lists = [][]int{{10, 11, 12, 13}}
	k.files = map[string]string{
		"/proc/10/comm": "leader\n", "/proc/12/comm": "iou-wrk\n",
	}
	k.flags = map[int]int{12: 0x10} // PF_IO_WORKER
	for tid := 10; tid <= 15; tid++ {
		k.stopped[tid] = false
	}
	tr := &Tracer{kernel: k, tasks: map[int]*task{
		11: {tid: 11, pid: 10, state: stopped, at: stopGroup},
		10: {tid: 10, pid: 10, state: stopped, at: stopTrap},
		14: {tid: 14, state: ended, backlog: &backlog{gone: true}}, // of an unknown process
	}}
	var got []Thread
	err := served(tr, func() (err error) {
		got, err = tr.Threads()
		return err
	})
	want := []Thread{
		{TID: 14, Name: "unknown", State: Ended},
		{TID: 10, PID: 10, Name: "leader", State: Stopped, PC: 0xa00},
		{TID: 11, PID: 10, Name: "unknown", State: GroupStop, PC: 0xb00},
		{TID: 12, PID: 10, Name: "iou-wrk", State: KernelsOwn},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if k.looks != 1 {
		t.Errorf("the tasks were listed %d times, want once for the one process", k.looks)
	}
}

// A wait that is woken by SIGCHLD asks the kernel until it has something.
func TestWaitForSIGCHLD(t *testing.T) {
	const signals = 3
	for _, c := range []struct {
		name  string
		slow  int // so many times the kernel has nothing
		flags int
		stops string
		tid   int
		err   error
		left  int // of the signals
	}{
		{"something is there", 0, 0, "10: stop", 10, nil, 3},
		{"it comes with the second signal", 2, 0, "10: stop", 10, nil, 1},
		{"nothing is there, and no wait was asked for", 1, unix.WNOHANG, "10: stop", 0, nil, 3},
		{"nothing will come", 1, unix.WNOHANG | unix.WCLONE, "", 0, nil, 3},
		{"an error", 0, 0, "", 0, unix.EIO, 3},
	} {
		k := newScript(c.stops)
		k.slow = c.slow
		if c.err != nil {
			k.errs["-1: wait"] = c.err
		}
		came := make(chan os.Signal, signals)
		for range signals {
			came <- unix.SIGCHLD
		}
		close(came) // no wait is for ever
		got, _, err := sigchldKernel{k, came}.Wait(-1, c.flags)
		if got != c.tid || !errors.Is(err, c.err) || len(came) != c.left {
			t.Errorf("%s: got %d, %v, and %d signals left; want %d, %v, %d", c.name, got, err,
				len(came), c.tid, c.err, c.left)
		}
	}
}

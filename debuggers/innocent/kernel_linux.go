//go:build amd64 || arm64

package innocent

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// below makes ways of a kernel.
func below(kernel func(tracer.Kernel) tracer.Kernel) func() ways {
	return func() ways { return ways{options: tracer.Options{Kernel: kernel}} }
}

// field has the words of a line of /proc/TID/status: none if the task is gone.
func field(k tracer.Kernel, tid int, name string) string {
	content, _ := k.ReadFile("/proc/" + strconv.Itoa(tid) + "/status") // empty if it is gone
	_, rest, _ := strings.Cut(string(content), "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// byWait leaves PTRACE_O_TRACEEXIT out.
func byWait(k tracer.Kernel) tracer.Kernel { return &waitOnly{k, make(map[string][]byte)} }

type waitOnly struct {
	tracer.Kernel
	last map[string][]byte // the last content of /proc/TID/status, by that name
}

// Wait looks at a task before wait4 can reap it. If its creator was killed on the way
// to the event of its birth, only /proc tells its process.
func (w *waitOnly) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	which, id := unix.P_PID, tid
	if tid == -1 {
		which, id = unix.P_ALL, 0
	}
	for {
		next, ended, err := seam.Peek(which, id, unix.WSTOPPED|unix.WEXITED|flags)
		if err != nil || next == 0 {
			return next, 0, err
		}
		name := "/proc/" + strconv.Itoa(next) + "/status"
		if ended || w.last[name] == nil { // a task that has stopped may be killed before Wait
			w.last[name], _ = w.Kernel.ReadFile(name) // it is there, if only as a zombie
		}
		got, status, err := w.Kernel.Wait(next, unix.WNOHANG)
		if err != nil || got != 0 { // zero: it was killed out of its stop meanwhile
			return got, status, err
		}
	}
}

// ReadFile knows the statuses of tasks that are gone.
func (w *waitOnly) ReadFile(name string) ([]byte, error) {
	content, err := w.Kernel.ReadFile(name)
	if last := w.last[name]; err != nil && last != nil {
		return last, nil
	}
	return content, err
}

func (w *waitOnly) Seize(tid, options int) error {
	return w.Kernel.Seize(tid, options&^unix.PTRACE_O_TRACEEXIT)
}

func (w *waitOnly) SetOptions(tid, options int) error {
	return w.Kernel.SetOptions(tid, options&^unix.PTRACE_O_TRACEEXIT)
}

// saysNoMore says nothing from the moment on in which it begins to let go of the program.
func saysNoMore() ways {
	s := &silence{}
	return ways{
		options: tracer.Options{Kernel: func(k tracer.Kernel) tracer.Kernel {
			s.Kernel = byWait(k)
			return s
		}},
		sink: func(next tell) tell {
			return func(e event.Event) {
				if !s.silent {
					next(e)
				}
			}
		},
		letGo: func() { s.asked.Store(true) },
	}
}

// A silence begins on the tracer's thread: what wait4 has told before is said.
type silence struct {
	tracer.Kernel
	asked  atomic.Bool // to let go
	silent bool
}

func (s *silence) Interrupt(tid int) error {
	s.silent = s.asked.Load()
	return s.Kernel.Interrupt(tid)
}

func (s *silence) Detach(tid, sig int) error {
	s.silent = s.asked.Load()
	return s.Kernel.Detach(tid, sig)
}

// lingers is how many tasks of a run stand at their exits for a while, and pause is the while.
const (
	lingers = 10
	pause   = 2 * time.Millisecond
)

// lingering lets the first tasks go on from their exits only after a pause.
func lingering(k tracer.Kernel) tracer.Kernel {
	return &linger{Kernel: k, at: make(map[int]bool)}
}

type linger struct {
	tracer.Kernel
	at   map[int]bool // tasks that stand at their exits
	most int          // how many have
}

func (l *linger) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := l.Kernel.Wait(tid, flags)
	if err == nil && seam.IsEvent(status, unix.PTRACE_EVENT_EXIT) && l.most < lingers {
		l.at[got] = true
		l.most++
	}
	return got, status, err
}

func (l *linger) Cont(tid, sig int) error {
	if l.at[tid] {
		delete(l.at, tid)
		time.Sleep(pause) // sleep: so long the task stands after its death was told
	}
	return l.Kernel.Cont(tid, sig)
}

// execsLate takes notice of an exec only after a pause. The task stands meanwhile.
func execsLate(k tracer.Kernel) tracer.Kernel { return lateExec{k} }

type lateExec struct{ tracer.Kernel }

func (l lateExec) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := l.Kernel.Wait(tid, flags)
	if err == nil && seam.IsEvent(status, unix.PTRACE_EVENT_EXEC) {
		time.Sleep(pause) // sleep: so long the exec is over for the kernel and not told
	}
	return got, status, err
}

// shuffling lists the tasks of a process in any order.
func shuffling(k tracer.Kernel) tracer.Kernel { return anyOrder{k} }

type anyOrder struct{ tracer.Kernel }

func (a anyOrder) Tasks(pid int) ([]int, error) {
	tids, err := a.Kernel.Tasks(pid)
	return shuffled(tids), err
}

// slow pauses before each task that it stops, and before each of those when it goes on or is let
// go of.
func slow(k tracer.Kernel) tracer.Kernel { return &onePause{k, make(map[int]bool)} }

type onePause struct {
	tracer.Kernel
	asked map[int]bool // tasks that were asked to stop
}

func (o *onePause) Interrupt(tid int) error {
	time.Sleep(pause) // sleep: the other tasks run so much longer than those that stand
	o.asked[tid] = true
	return o.Kernel.Interrupt(tid)
}

func (o *onePause) wait(tid int) {
	if o.asked[tid] {
		delete(o.asked, tid)
		time.Sleep(pause) // sleep: the task stands so much longer than those that run
	}
}

func (o *onePause) Cont(tid, sig int) error {
	o.wait(tid)
	return o.Kernel.Cont(tid, sig)
}

func (o *onePause) Detach(tid, sig int) error {
	o.wait(tid)
	return o.Kernel.Detach(tid, sig)
}

// starved gives the tracer's thread the policy SCHED_IDLE.
func starved(k tracer.Kernel) tracer.Kernel { return &idle{Kernel: k} }

type idle struct {
	tracer.Kernel
	once sync.Once
}

// Seize is what every tracer begins with, on its own thread.
func (i *idle) Seize(tid, options int) error {
	i.once.Do(func() {
		const schedIdle = 5 // SCHED_IDLE, which any thread may take
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: schedIdle}
		unix.SchedSetAttr(0, &attr, 0) // an error leaves a tracer that is not starved
	})
	return i.Kernel.Seize(tid, options)
}

// takenBy refuses a process of which another tracer has a part.
func takenBy(pid int) error {
	for _, t := range procfs.Tasks(event.TID(pid)) { // none if it is gone, which the attach says
		if t.Tracer != 0 {
			return fmt.Errorf("process %d is not attached to: task %d is traced by task %d", pid,
				t.TID, t.Tracer)
		}
	}
	return nil
}

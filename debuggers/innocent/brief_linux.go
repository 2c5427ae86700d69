//go:build amd64 || arm64

package innocent

import (
	"slices"

	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// briefly lets each task go on at once from the stop that the attach asked it for. For the tracer
// the program stands until it lets the first task go on. It hears then what happened meanwhile.
func briefly(k tracer.Kernel) tracer.Kernel {
	return &brief{
		Kernel: k, own: make(map[int]bool), asked: make(map[int]bool), goesOn: make(map[int]bool),
		awaited: make(map[int]bool),
	}
}

type brief struct {
	tracer.Kernel
	pid      int          // the process that is attached to
	stands   bool         // it does so for the tracer
	own      map[int]bool // tasks that the tracer has started
	asked    map[int]bool // those that the attach asked to stop
	goesOn   map[int]bool // those of them that have stopped and gone on
	awaited  map[int]bool // newborns whose births the tracer has heard of
	latest   unix.WaitStatus
	unheard  []answer // what the tracer is to hear when the program goes on
	attached int      // how many tasks were seized
}

// An answer is one of wait4.
type answer struct {
	tid    int
	status unix.WaitStatus
}

func (b *brief) Tasks(pid int) ([]int, error) {
	if b.attached == 0 {
		b.pid = pid
	}
	return b.Kernel.Tasks(pid)
}

func (b *brief) Seize(tid, options int) error {
	err := b.Kernel.Seize(tid, options)
	switch {
	case err != nil:
	case !seam.IsAttach(options):
		b.own[tid] = true
	default:
		b.stands = true
		b.attached++
	}
	return err
}

func (b *brief) Interrupt(tid int) error {
	if b.stands {
		b.asked[tid] = true
	}
	return b.Kernel.Interrupt(tid)
}

func (b *brief) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := b.wait(tid, flags)
	b.latest = status
	if !b.stands {
		delete(b.goesOn, got) // it is to go on from this stop
	}
	return got, status, err
}

// EventMsg notes the newborn that the tracer hears of: it waits for its first stop.
func (b *brief) EventMsg(tid int) (uint, error) {
	msg, err := b.Kernel.EventMsg(tid)
	if err == nil && seam.IsEvent(b.latest, unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK,
		unix.PTRACE_EVENT_VFORK) {
		b.awaited[int(msg)] = true
	}
	return msg, err
}

func (b *brief) wait(tid, flags int) (int, unix.WaitStatus, error) {
	i := slices.IndexFunc(b.unheard, func(a answer) bool {
		return (tid == -1 || tid == a.tid) && (!b.stands || b.awaited[a.tid])
	})
	if i >= 0 {
		a := b.unheard[i]
		b.unheard = slices.Delete(b.unheard, i, i+1)
		return a.tid, a.status, nil
	}
	for {
		got, status, err := b.Kernel.Wait(tid, flags)
		if err != nil || got == 0 || !b.stands || b.own[got] || b.awaited[got] {
			return got, status, err
		}
		if !b.asked[got] {
			b.unheard = append(b.unheard, answer{got, status})
			continue
		}
		delete(b.asked, got)
		// A task of another process that had an id of this one's is let go of at once.
		if seam.IsEvent(status, unix.PTRACE_EVENT_STOP) && b.Kernel.InGroup(b.pid, got) {
			b.goesOn[got] = true
			if status.StopSignal() == unix.SIGTRAP {
				b.Kernel.Cont(got, 0) // ESRCH, the only error: it was killed meanwhile
			} else {
				b.Kernel.Listen(got)
			}
		}
		return got, status, nil
	}
}

// SetOptions leaves a task as it is that runs, and stands for the tracer.
func (b *brief) SetOptions(tid, options int) error {
	if b.goesOn[tid] {
		return nil
	}
	return b.Kernel.SetOptions(tid, options)
}

// wentOn tells whether a task that is to go on has long gone on.
func (b *brief) wentOn(tid int) bool {
	did := b.goesOn[tid]
	delete(b.goesOn, tid)
	b.stands = b.stands && b.own[tid]
	return did
}

func (b *brief) Cont(tid, sig int) error {
	if b.wentOn(tid) {
		return nil
	}
	return b.Kernel.Cont(tid, sig)
}

func (b *brief) Listen(tid int) error {
	if b.wentOn(tid) {
		return nil
	}
	return b.Kernel.Listen(tid)
}

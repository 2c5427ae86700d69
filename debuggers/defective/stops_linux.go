//go:build amd64 || arm64

package defective

import (
	"sync/atomic"

	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// A chooser picks one thread of all that are stopped by PTRACE_INTERRUPT: the first that is no leader.
type chooser struct {
	tracer.Kernel
	chosen *int
}

func (k chooser) Interrupt(tid int) error {
	if *k.chosen == 0 && tgid(k, tid) != tid {
		*k.chosen = tid
	}
	return k.Kernel.Interrupt(tid)
}

// A leaky kernel has one thread go on from its stop by itself.
type leaky struct{ chooser }

func leavesOneRunning(k tracer.Kernel) tracer.Kernel { return leaky{chooser{k, new(int)}} }

func (k leaky) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := k.chooser.Wait(tid, flags)
	if err == nil && got == *k.chosen && got != 0 && isEvent(status, unix.PTRACE_EVENT_STOP) {
		k.Kernel.Cont(got, 0)
	}
	return got, status, err
}

// A forgetful kernel has one thread stay in its stop, until it is mended and asked for another.
type forgetful struct {
	chooser
	mended    *atomic.Bool
	forgotten *int
}

func forgetsToResume(mended *atomic.Bool) seams {
	return seams{kernel: func(k tracer.Kernel) tracer.Kernel {
		return forgetful{chooser{k, new(int)}, mended, new(int)}
	}}
}

func (k forgetful) Cont(tid, sig int) error {
	if tid == *k.chosen && *k.forgotten == 0 {
		*k.forgotten = tid
		return nil
	}
	return k.chooser.Cont(tid, sig)
}

func (k forgetful) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	if *k.forgotten > 0 && k.mended.Load() {
		k.Kernel.Cont(*k.forgotten, 0)
		k.Kernel.Interrupt(*k.forgotten)
		*k.forgotten = -1
	}
	return k.chooser.Wait(tid, flags)
}

//go:build amd64 || arm64

package defective

import (
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// A mute kernel lets a task go on without its signal.
type mute struct{ tracer.Kernel }

func swallowsSignals(k tracer.Kernel) tracer.Kernel { return mute{k} }

func (k mute) Cont(tid, _ int) error { return k.Kernel.Cont(tid, 0) }

// A stammering kernel sends each signal that it delivers once more.
type stammering struct {
	tracer.Kernel
	again map[int]int // the signal of a task that is on its way again
}

func deliversTwice(k tracer.Kernel) tracer.Kernel { return stammering{k, make(map[int]int)} }

func (k stammering) Cont(tid, sig int) error {
	switch {
	case sig == 0:
	case k.again[tid] == sig:
		delete(k.again, tid)
	default:
		k.again[tid] = sig
		k.Kernel.Tgkill(tgid(k, tid), tid, sig) // ESRCH: it was killed meanwhile
	}
	return k.Kernel.Cont(tid, sig)
}

// A stopping kernel gives each task that was attached to a SIGSTOP when it goes on: who attaches by PTRACE_ATTACH
// is sent one, which is his to suppress.
type stopping struct {
	tracer.Kernel
	due map[int]bool
}

func reinjectsStop(k tracer.Kernel) tracer.Kernel { return stopping{k, make(map[int]bool)} }

func (k stopping) Seize(tid, options int) error {
	err := k.Kernel.Seize(tid, options)
	k.due[tid] = err == nil && options&unix.PTRACE_O_EXITKILL == 0
	return err
}

func (k stopping) Cont(tid, sig int) error {
	if k.due[tid] {
		delete(k.due, tid)
		k.Kernel.Tgkill(tgid(k, tid), tid, int(unix.SIGSTOP)) // ESRCH: it was killed meanwhile
	}
	return k.Kernel.Cont(tid, sig)
}

// A parting kernel sends the first task that it lets go of a SIGSTOP.
type parting struct {
	tracer.Kernel
	sent *bool
}

func leavesStopPending(k tracer.Kernel) tracer.Kernel { return parting{k, new(bool)} }

func (k parting) Detach(tid, sig int) error {
	if !*k.sent {
		*k.sent = true
		k.Kernel.Tgkill(tgid(k, tid), tid, int(unix.SIGSTOP))
	}
	return k.Kernel.Detach(tid, sig)
}

// A trusting kernel has attached by PTRACE_ATTACH, and taken the first stop for SIGSTOP's: but that is still to come. When it does
// it is not passed on, and who is let go of before has it taken back by SIGCONT.
type trusting struct {
	tracer.Kernel
	fresh map[int]bool // has not stopped yet
	due   map[int]bool
}

func trustsFirstStop(k tracer.Kernel) tracer.Kernel {
	return trusting{k, make(map[int]bool), make(map[int]bool)}
}

func (k trusting) Seize(tid, options int) error {
	err := k.Kernel.Seize(tid, options)
	k.fresh[tid] = err == nil && options&unix.PTRACE_O_EXITKILL == 0
	return err
}

func (k trusting) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := k.Kernel.Wait(tid, flags)
	if k.fresh[got] && err == nil && status.Stopped() {
		k.fresh[got], k.due[got] = false, true
		k.Kernel.Tgkill(tgid(k, got), got, int(unix.SIGSTOP)) // ESRCH: it was killed meanwhile
	}
	return got, status, err
}

func (k trusting) Cont(tid, sig int) error {
	if k.due[tid] && sig == int(unix.SIGSTOP) {
		sig, k.due[tid] = 0, false
	}
	return k.Kernel.Cont(tid, sig)
}

func (k trusting) Detach(tid, sig int) error {
	if k.due[tid] {
		k.Kernel.Tgkill(tgid(k, tid), tid, int(unix.SIGCONT))
	}
	return k.Kernel.Detach(tid, sig)
}

// An eater swallows one signal, which it takes for its own: SIGTRAP for a breakpoint's, SIGSTOP for an attach's.
type eater struct {
	tracer.Kernel
	sig int
}

func swallows(sig unix.Signal) func(tracer.Kernel) tracer.Kernel {
	return func(k tracer.Kernel) tracer.Kernel { return eater{k, int(sig)} }
}

func (k eater) Cont(tid, sig int) error {
	if sig == k.sig {
		sig = 0
	}
	return k.Kernel.Cont(tid, sig)
}

// A careless kernel has a group stop end as any other stop.
type careless struct{ tracer.Kernel }

func resumesGroupStop(k tracer.Kernel) tracer.Kernel { return careless{k} }

func (k careless) Listen(tid int) error { return k.Kernel.Cont(tid, 0) }

// A killer kills whom it lets go of.
type killer struct{ tracer.Kernel }

func killsAtDetach(k tracer.Kernel) tracer.Kernel { return killer{k} }

func (k killer) Detach(tid, sig int) error {
	k.Kernel.Tgkill(tgid(k, tid), tid, int(unix.SIGKILL)) // ESRCH: the first has taken its process along
	return k.Kernel.Detach(tid, sig)
}

//go:build amd64 || arm64

package tracer

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// A sigchldKernel is a kernel in which a wait sleeps until SIGCHLD comes, and not in wait4.
type sigchldKernel struct {
	Kernel
	signals <-chan os.Signal
}

func (k sigchldKernel) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	for {
		// Many stops may have made one SIGCHLD only, so wait4 is asked until it has no more.
		got, status, err := k.Kernel.Wait(tid, flags|unix.WNOHANG)
		if err != nil || got != 0 || flags&unix.WNOHANG != 0 {
			return got, status, err
		}
		<-k.signals
	}
}

// useSIGCHLD has the tracer sleep so, if the options say it, until undo is called. Go's runtime
// handles the signal anyway, so this takes it from no other part of the process.
func (t *Tracer) useSIGCHLD() (undo func()) {
	if t.opts.Notify != SIGCHLD {
		return func() {}
	}
	signals := make(chan os.Signal, 1) // one that is pending while the tracer works is enough
	signal.Notify(signals, unix.SIGCHLD)
	t.kernel = sigchldKernel{t.kernel, signals}
	return func() { signal.Stop(signals) }
}

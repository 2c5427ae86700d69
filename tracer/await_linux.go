//go:build amd64 || arm64

package tracer

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// await waits for one stop of any task, and classifies it.
func (t *Tracer) await() (stop, error) {
	if t.sigchld == nil {
		return t.next(-1, 0)
	}
	for {
		// Many stops may have made one SIGCHLD only, so wait4 is asked until it has no more.
		if s, err := t.next(-1, unix.WNOHANG); err != nil || s.tid != 0 {
			return s, err
		}
		<-t.sigchld
	}
}

// notice has SIGCHLD wake the tracer. Go's runtime handles the signal anyway, so this takes it from nobody.
func (t *Tracer) notice() {
	if t.opts.Notify == SIGCHLD {
		t.sigchld = make(chan os.Signal, 1) // one that is pending while we work is enough
		signal.Notify(t.sigchld, unix.SIGCHLD)
	}
}

// Likely are the tasks that went on last.
type likely struct{}

func (l *likely) add(int) {}

//go:build amd64 || arm64

package tracer

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A rescue watches over an attach. A thread that executes a program holds the lock that PTRACE_SEIZE of its process
// needs (cred_guard_mutex) until its siblings have ended and, if they are traced, were reaped; and
// only we can reap those that are ours, while we wait for the lock. Another of our threads can.
type rescue struct {
	kernel   Kernel
	progress atomic.Int64
	over     chan struct{}
	reaped   chan []stop
}

func (t *Tracer) rescue() *rescue {
	r := &rescue{kernel: t.kernel, over: make(chan struct{}), reaped: make(chan []stop)}
	go r.watch(t.pid, unix.Gettid())
	return r
}

// stop ends the watch, and returns the ends that it has taken.
func (r *rescue) stop() []stop {
	close(r.over)
	return <-r.reaped
}

// watch reaps the ended tasks of a process that the thread tracer has when that makes no progress.
func (r *rescue) watch(pid, tracer int) {
	var reaped []stop
	ticks := time.NewTicker(patience)
	defer ticks.Stop()
	for last := int64(-1); ; {
		select {
		case <-r.over:
			r.reaped <- reaped
			return
		case <-ticks.C:
		}
		now := r.progress.Load()
		if now == last {
			reaped = append(reaped, r.reapEnded(pid, tracer)...)
		}
		last = now
	}
}

func (r *rescue) reapEnded(pid, tracer int) (reaped []stop) {
	tids, _ := r.kernel.Tasks(pid) // an error leaves none
	for _, tid := range tids {
		if procState(r.kernel, tid) != 'Z' || statusField(r.kernel, tid, "TracerPid") != tracer {
			continue
		}
		if got, status, err := r.kernel.Reap(tid); err == nil && got == tid {
			reaped = append(reaped, classify(tid, status))
		}
	}
	return reaped
}

//go:build amd64 || arm64

package tracer

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A rescue watches over an attach. A thread that executes a program holds the lock that PTRACE_SEIZE of its process
// needs (cred_guard_mutex) until its siblings have ended and, if they are traced, were reaped; and
// only we can reap those that are ours, while we wait for the lock. Another of our threads can: without
// __WNOTHREAD the tracees of all our threads are to be waited for.
type rescue struct {
	progress atomic.Int64
	over     chan struct{}
	reaped   chan []stop
}

func (t *Tracer) rescue() *rescue {
	r := &rescue{over: make(chan struct{}), reaped: make(chan []stop)}
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
			reaped = append(reaped, reapEnded(pid, tracer)...)
		}
		last = now
	}
}

func reapEnded(pid, tracer int) (reaped []stop) {
	tids, _ := linux{}.Tasks(pid) // an error leaves none
	for _, tid := range tids {
		if procState(linux{}, tid) != 'Z' || statusField(linux{}, tid, "TracerPid") != tracer {
			continue
		}
		var status unix.WaitStatus
		if got, err := unix.Wait4(tid, &status, unix.WNOHANG|unix.WALL, nil); err == nil && got == tid {
			reaped = append(reaped, classify(tid, status))
		}
	}
	return reaped
}

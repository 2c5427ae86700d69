//go:build amd64 || arm64

package tracer

import (
	"time"

	"golang.org/x/sys/unix"
)

// Doubts are about tasks of which the kernel may say nothing more: an unborn one whose
// creator has nothing to tell, a leader whose id an untraced thread took over by an exec. While there are any,
// a timer rings the bell, and they are looked into.
type doubts struct {
	ring  func()
	timer *time.Timer
	set   bool
}

// patience is how long a task may be silent before it is asked about.
const patience = 20 * time.Millisecond

func (d *doubts) arise() {
	switch {
	case d.set || d.ring == nil:
	case d.timer == nil:
		d.timer = time.AfterFunc(patience, d.ring)
		d.set = true
	default:
		d.timer.Reset(patience)
		d.set = true
	}
}

func (d *doubts) stop() {
	if d.set {
		d.timer.Stop()
		d.set = false
	}
}

// lookInto settles the doubts that can be settled, and keeps the others.
func (t *Tracer) lookInto() {
	if !t.doubts.set {
		return
	}
	t.doubts.set = false
	for _, k := range t.tasks {
		switch {
		case k.unborn && time.Since(k.account.since) >= patience && t.isOrphan(k):
			if maker := t.maker(k); maker != 0 {
				t.adopt(maker)
			} else {
				t.takeIn(k)
			}
			t.doubts.arise()
			return // the tasks are others now
		case k.unborn:
			t.doubts.arise()
		case k.ended && k.tid == k.pid && t.parted[k.pid]:
			if !t.vanished(k) {
				t.doubts.arise()
			}
		}
	}
}

// isOrphan tells whether nobody can still tell of an unborn task's birth. Between the
// two there is no sleep in the kernel, so all who may have made it sleep, or have stopped and were heard. Those are the
// threads of the process that made it, and for CLONE_PARENT of that one's other children; or all, for
// one that was reaped before it could be asked.
func (t *Tracer) isOrphan(orphan *task) bool {
	maker, makers := t.maker(orphan), make(map[int]bool)
	for tid, k := range t.tasks {
		if k == orphan || k.ended || k.state == stopped {
			continue
		}
		may, asked := makers[k.pid]
		if !asked {
			may = maker == 0 || k.pid == maker || statusField(t.kernel, k.pid, "PPid") == maker
			makers[k.pid] = may
		}
		if !may {
			continue
		}
		if state := procState(t.kernel, tid); k.call.births != 0 || state != 'S' && state != 'D' && state != 'Z' {
			return false // its event, or the result of its call, may be to come
		}
	}
	return true
}

// vanished forgets a leader that is no longer ours to wait for.
func (t *Tracer) vanished(leader *task) bool {
	got, status, err := t.kernel.Wait(leader.tid, unix.WNOHANG)
	switch {
	case err == unix.ECHILD:
		t.forget(leader)
		delete(t.parted, leader.pid)
		return true
	case err == nil && got != 0:
		t.handle(classify(got, status))
		return true
	}
	return false
}

//go:build amd64 || arm64

package tracer

import (
	"errors"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// SetFollow changes which tasks are followed, from the next birth on. Tasks that are traced already
// stay traced.
func (t *Tracer) SetFollow(threads, processes Follow) error {
	return t.do(func() error {
		t.opts.Threads, t.opts.Processes = threads, processes
		return nil
	})
}

// DetachThread lets go of one task, which runs on untraced: see Options.Threads. It returns when
// the task is detached. A task that cannot stop yet, since it waits for the child of its vfork, is
// detached when it stops.
func (t *Tracer) DetachThread(tid int) error {
	return t.doWith(tid, func(k *task) error {
		t.partlyTraced[k.pid] = true
		if err := t.letGoOf(k); err != nil {
			return err
		}
		return t.collect(k)
	})
}

// choose lets go of a creator or its child, as the options say.
func (t *Tracer) choose(creator, child *task, birth event.Event) {
	how, isThread := t.opts.Processes, birth.Kind == event.Clone
	if isThread {
		how = t.opts.Threads
	}
	if creator.isLetGo() {
		return
	}
	if t.starting && (how != FollowParent || isThread) {
		return // an attach finds the tasks that it would have let go of
	}
	if how == FollowAsk && t.opts.Ask != nil {
		birth.PID, birth.TID = event.TID(creator.pid), event.TID(creator.tid)
		how = t.opts.Ask(birth)
	}
	switch {
	case how == FollowParent:
		child.wanted = toLetGo
	case how == FollowChild && isThread:
		creator.want(toLetGo) // it is at its birth event, and is settled after that
	case how == FollowChild:
		for _, k := range t.tasks {
			switch {
			case k == creator:
				k.want(toLetGo)
			case k.pid == creator.pid:
				t.letGoOf(k)
			}
		}
	default:
		return
	}
	if isThread {
		t.partlyTraced[creator.pid] = true
	}
}

// letGoOf lets go of a task that is stopped, and of another when it stops, which it is asked to.
func (t *Tracer) letGoOf(k *task) error {
	if k.state == ended || k.isLetGo() {
		return nil
	}
	k.want(toLetGo)
	if k.canStop() {
		return t.interrupt(k)
	}
	return t.settle(k)
}

// vanished forgets a leader that has ended and is no longer ours to wait for: by an exec, an
// untraced thread has taken over its id.
func (t *Tracer) vanished(leader *task) bool {
	s, err := t.next(leader.tid, unix.WNOHANG)
	switch {
	case errors.Is(err, unix.ECHILD):
		t.forget(leader)
		delete(t.partlyTraced, leader.pid)
		return true
	case s.tid != 0:
		t.handle(s)
		return true
	}
	return false
}

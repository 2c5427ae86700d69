//go:build amd64 || arm64

package tracer

import (
	"os"
	"os/signal"
	"slices"

	"golang.org/x/sys/unix"
)

// await waits for one stop of any task, and classifies it.
func (t *Tracer) await() (stop, error) {
	if s, err := t.askLikely(); s.tid != 0 || err != nil {
		return s, err
	}
	t.likely.walks++
	if t.sigchld == nil {
		return t.next(-1, t.whom())
	}
	for {
		// Many stops may have made one SIGCHLD only, so wait4 is asked until it has no more.
		if s, err := t.next(-1, unix.WNOHANG|t.whom()); err != nil || s.tid != 0 {
			return s, err
		}
		<-t.sigchld
	}
}

// whom are the flags of a wait for any. A program that we launched and let go of is our child still, and its end
// is for the Wait of its exec.Cmd.
func (t *Tracer) whom() int {
	if t.free {
		return unix.WCLONE
	}
	return 0
}

// notice has SIGCHLD wake the tracer. Go's runtime handles the signal anyway, so this takes it from nobody.
func (t *Tracer) notice() {
	if t.opts.Notify == SIGCHLD {
		t.sigchld = make(chan os.Signal, 1) // one that is pending while we work is enough
		signal.Notify(t.sigchld, unix.SIGCHLD)
	}
}

// A wait for any task walks all tracees, newest first, before it sleeps and again when it is woken: with
// 10,000 alive that is half a millisecond, and a creator, the oldest, is found last. To ask for one
// by its tid costs a thousandth of it. So the tasks that went on last, which are most likely to stop next, are
// asked for first, for about as long as the walk would take. And where many waits in a row had to
// walk, as at the end of a process with many threads, all tasks are asked for once, by tid.
type likely struct {
	tids  [4]int // the latest first
	found int    // stops in a row that were found so
	walks int    // waits that were not, since the last sweep
	limit int    // of walks, for the next sweep
}

const (
	fewTasks  = 100 // are walked as fast as four are asked for
	fairShare = 64  // stops of the likely tasks, then all others are looked at once
	manyWalks = 16  // cost what a sweep does
)

func (l *likely) add(tid int) {
	if l.tids[0] == tid {
		return
	}
	at := slices.Index(l.tids[:], tid)
	if at < 0 {
		at = len(l.tids) - 1
	}
	copy(l.tids[1:at+1], l.tids[:at])
	l.tids[0] = tid
}

// askLikely is a stop of a task that went on lately, or one with no tid.
func (t *Tracer) askLikely() (stop, error) {
	l := &t.likely
	if l.found >= fairShare {
		l.found = 0
		if s, err := t.next(-1, unix.WNOHANG|t.whom()); s.tid != 0 || err != nil {
			return s, err
		}
	}
	for range len(t.tasks) / fewTasks {
		for _, tid := range l.tids {
			if k := t.tasks[tid]; k == nil || k.state == stopped {
				continue
			}
			if s, err := t.next(tid, unix.WNOHANG); err == nil && s.tid != 0 {
				l.found++
				return s, nil
			}
		}
	}
	l.found = 0
	return stop{}, nil
}

// sweep asks for every task by its tid, if that is worth it. One that finds little makes the next rarer.
func (t *Tracer) sweep() {
	l := &t.likely
	if len(t.tasks) < fewTasks || l.walks < max(l.limit, manyWalks) {
		return
	}
	found := 0
	for tid, k := range t.tasks { // whom handle adds or forgets may be met or not
		if k.state == stopped {
			continue
		}
		// An error: an exec has given it another id meanwhile.
		if s, err := t.next(tid, unix.WNOHANG); err == nil && s.tid != 0 {
			found++
			t.handle(s)
		}
	}
	if l.walks = 0; found >= manyWalks {
		l.limit = manyWalks
	} else {
		l.limit = min(2*max(l.limit, manyWalks), 1024)
	}
}

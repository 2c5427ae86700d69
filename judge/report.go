package judge

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// A report is one event that the debugger told, labelled with the lives that it is about.
type report struct {
	event.Event
	at    time.Duration // when it was read; zero if that is not known
	self  *life         // of the event's TID; nil if the truth has no such task
	child *life         // births and attaches: the life that began; nil if there is none
	again bool          // a birth or attach of a life that had begun, or the end of one over
	early bool          // it came before its task's birth was told
	late  bool          // it came after its task's end was told
}

// before tells whether the word was read before something happened.
func (r report) before(happened time.Duration) bool { return r.at != 0 && r.at < happened }

// begins tells whether the event makes a task known.
func begins(k event.Kind) bool { return k.IsBirth() || k == event.Attach }

// newborn is the tid that an event makes known.
func newborn(e event.Event) event.TID {
	if e.Kind == event.Attach {
		return e.TID
	}
	return e.Child
}

// A labeller follows a debugger's words and says which life each is about.
type labeller struct {
	truth *truth
	gone  map[event.TID]int // lives of a tid that were over, or had another tid, at the attach
	now   map[event.TID]int // lives of a tid that have begun by the debugger's words
	over  map[*life]bool    // those whose end was told
	execs map[event.TID]int // execs of a process that were told
}

// label labels all words of a run but Ready.
func (c *Case) label() {
	l := labeller{
		truth: c.truth, gone: make(map[event.TID]int), now: make(map[event.TID]int),
		over: make(map[*life]bool), execs: make(map[event.TID]int),
	}
	if c.Mode.Launches() {
		l.now[c.truth.root().TID] = 1 // a debugger is not told of the birth of what it launched
	} else if c.truth.witnessed {
		l.passOver(c)
	}
	c.findForeign() // by the looks, since nothing is labelled yet
	begun := l.beginnings(c)
	c.reports = make([]report, 0, len(c.Words))
	for i, w := range c.Words {
		if w.Kind != event.Ready {
			c.reports = append(c.reports, l.report(w, begun[i]))
		}
	}
	c.findForeign()
}

// report labels one word; begun is the life that it begins, nil if it begins none.
func (l *labeller) report(w Word, begun *life) report {
	e := w.Event
	r := report{Event: e, at: w.At}
	born := newborn(e)
	switch e.Kind {
	case event.Attach: // the task is itself what begins
	case event.Exec:
		r.self, r.early = l.exec(e)
		r.late = l.over[r.self]
	default:
		r.self, r.early = l.current(e.TID)
		r.late = r.self != nil && l.over[r.self] && e.Kind != event.End
	}
	switch {
	case begins(e.Kind):
		lives := l.lives(born)
		if begun != nil {
			l.now[born] = max(l.now[born], 1+slices.Index(lives, begun))
		}
		r.child, r.again = begun, begun == nil && len(lives) > 0
	case e.Kind == event.Exit && r.self != nil:
		r.again = l.over[r.self]
		l.over[r.self] = true
	}
	return r
}

// passOver passes over the lives and execs that a debugger cannot know if it attached then. The
// last life of a tid that had begun it may know, even if the kernel has told its end: the kernel
// tells that first in do_exit, and the task can be attached to until it is done.
func (l *labeller) passOver(c *Case) {
	attached := c.Attach.Asked
	for pid, execs := range l.truth.execs {
		l.execs[pid] = c.execsBeforeAttach(pid)
		for _, x := range execs {
			if former := x.by.First; former != pid && x.at <= attached {
				l.gone[former] = 1 + slices.Index(l.truth.byTID[former], x.by)
			}
		}
	}
	for tid, lives := range l.truth.byTID {
		for l.gone[tid] < len(lives)-1 && l.truth.since(lives[l.gone[tid]+1], tid) <= attached {
			l.gone[tid]++
		}
	}
}

// lives are those of a tid that the debugger can know.
func (l *labeller) lives(tid event.TID) []*life { return l.truth.byTID[tid][l.gone[tid]:] }

// exec is the life that executes a program by the truth, whether or not the debugger names it. What
// is told of its group's tid from then on is about it.
func (l *labeller) exec(e event.Event) (by *life, early bool) {
	pid := cmp.Or(e.PID, e.TID)
	execs, n := l.truth.execs[pid], l.execs[pid]
	if n >= len(execs) {
		return l.current(e.TID)
	}
	x := execs[n]
	l.execs[pid]++
	early = l.now[x.former] <= slices.Index(l.lives(x.former), x.by)
	l.now[pid] = 1 + slices.Index(l.lives(pid), x.by)
	return x.by, early
}

// current is the life that a tid has now by the debugger's words. Before any birth was told it is
// the first, and the word is early.
func (l *labeller) current(tid event.TID) (now *life, early bool) {
	lives, n := l.lives(tid), l.now[tid]
	switch {
	case len(lives) == 0:
		return nil, false
	case n == 0:
		return lives[0], true
	}
	return lives[n-1], false
}

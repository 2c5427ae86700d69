package harness

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// An interval is an attach or a detach: what is born or dies inside it may be reported or not.
type interval struct{ issued, complete time.Duration }

// An outcome is what a program did that anybody can see.
type outcome struct {
	ended  bool
	status event.Status
	lines  []string // of its output, as printed
}

// Evidence is all that one run left behind; rules judge it and nothing else.
type evidence struct {
	mode     fixtures.Mode
	can      Abilities
	version  string      // of the debugger, if it said so itself
	said     event.Trace // the debugger's words
	truth    *truth
	attached interval // zero if the debugger launched the program
	detached interval // zero if it did not let go
	outcome  outcome
	control  outcome
	exact    bool // the fixture declares every task, so paths are the same in each run

	standstills []standstill // in the order of the run

	changed   string // how its tasks lived otherwise than is declared; empty if they did not
	announced announced
	released  []procTask // what /proc showed after the detach, before the program went on
	before    []procTask // what /proc showed before the attach
	overdue   string     // the step that failed or did not come in time; empty if all did
	unending  bool       // the debugger did not end either
	broken    error      // why it failed, or what else the debugger did wrong by itself
	refused   error      // why it did not attach to a program that another tracer has in part
	dump      []procTask // what /proc showed then
	limit     time.Duration

	words []word // said, joined with the truth
}

// join joins what was said with what is true.
func (e *evidence) join() {
	j := joiner{truth: e.truth, gone: make(map[event.TID]int), now: make(map[event.TID]int), over: make(map[*life]bool), execs: make(map[event.TID]int)}
	if e.mode.Launches() {
		j.now[e.truth.root().TID] = 1 // nobody is told of the birth of what he launched
	} else if e.truth.witnessed {
		j.passOver(e.attached.issued)
	}
	e.words = make([]word, 0, len(e.said))
	for _, w := range e.said {
		if w.Kind != event.Ready {
			e.words = append(e.words, j.word(w))
		}
	}
}

// ending takes in how the debugger ended. One that hung before, and is judged by that, need not end any better.
func (e *evidence) ending(err error) {
	switch {
	case err == nil || e.broken != nil:
	case errors.Is(err, errUnending) && e.overdue != "":
		e.unending = true
	default:
		e.broken = err
	}
}

// A word is one event that the debugger told, joined with the truth by tid: the first birth
// told of a tid is its first life's, and so on.
type word struct {
	event.Event
	self  *life // nil for a tid that the truth does not have
	child *life // births and attaches: the life that began; nil if the truth has no such
	again bool  // a birth or an attach of a life that had begun, or an end of one that was over
	early bool  // told of a task before its birth was
	late  bool  // told of a task after its end was
}

// begins tells whether the event makes a task known.
func begins(k event.Kind) bool { return k.IsBirth() || k == event.Attach }

// A joiner labels a debugger's words with the truth's lives.
type joiner struct {
	truth *truth
	gone  map[event.TID]int // how many lives of a tid were over, or had another, when the debugger attached
	now   map[event.TID]int // how many lives of a tid have begun by the debugger's words
	over  map[*life]bool    // those whose end was told
	execs map[event.TID]int // how many of a process's execs were told
}

func (j *joiner) word(e event.Event) word {
	w := word{Event: e}
	born := e.Child
	switch e.Kind {
	case event.Attach:
		born = e.TID
	case event.Exec:
		w.self, w.early = j.exec(e)
		w.late = j.over[w.self]
	default:
		w.self, w.early = j.current(e.TID)
		w.late = w.self != nil && j.over[w.self] && e.Kind != event.End
	}
	switch {
	case begins(e.Kind):
		lives, n := j.lives(born), j.now[born]
		if n < len(lives) {
			w.child = lives[n]
			j.now[born] = n + 1
		}
		w.again = n >= len(lives) && len(lives) > 0
	case e.Kind == event.Exit && w.self != nil:
		w.again = j.over[w.self]
		j.over[w.self] = true
	}
	return w
}

// passOver passes over the lives and execs of which a debugger that attached then cannot know.
func (j *joiner) passOver(attached time.Duration) {
	for pid, execs := range j.truth.execs {
		for _, x := range execs {
			if x.at > attached {
				continue
			}
			j.execs[pid]++
			if former := x.by.First; former != pid {
				j.gone[former] = 1 + slices.Index(j.truth.byTID[former], x.by)
			}
		}
	}
	for tid, lives := range j.truth.byTID {
		for j.gone[tid] < len(lives)-1 && lives[j.gone[tid]].died <= attached {
			j.gone[tid]++
		}
	}
}

// lives are those of a tid that the debugger can know of.
func (j *joiner) lives(tid event.TID) []*life { return j.truth.byTID[tid][j.gone[tid]:] }

// exec is the life that executes a program by the truth, whether or not the debugger names it. What is said
// of its group's tid after that is said of it.
func (j *joiner) exec(e event.Event) (l *life, early bool) {
	pid := cmp.Or(e.PID, e.TID)
	execs, n := j.truth.execs[pid], j.execs[pid]
	if n >= len(execs) {
		return j.current(e.TID)
	}
	j.execs[pid]++
	j.now[pid] = 1 + slices.Index(j.lives(pid), execs[n].by)
	return execs[n].by, false
}

// current is the life that a tid has now by the debugger's words. A task that it never
// said to be born has its first.
func (j *joiner) current(tid event.TID) (l *life, early bool) {
	lives, n := j.lives(tid), j.now[tid]
	switch {
	case len(lives) == 0:
		return nil, false
	case n == 0:
		return lives[0], true
	}
	return lives[n-1], false
}

// form is the canonical form of what the debugger told, labelled with the truth's paths. A task
// that the truth does not have stands there under its tid.
func (e *evidence) form() event.Form {
	acts := make(map[event.Path][]event.Act)
	label := func(l *life, tid event.TID) event.Path {
		if l == nil {
			return event.Path("unknown " + tid.String())
		}
		if _, ok := acts[l.Path]; !ok {
			acts[l.Path] = nil
		}
		return l.Path
	}
	for _, w := range e.words {
		act := event.Act{Kind: w.Kind, Status: w.Status, Signal: w.Signal}
		switch {
		case w.Kind == event.Attach:
			label(w.child, w.TID)
			continue
		case w.Kind.IsBirth():
			act.Child = label(w.child, w.Child)
		}
		path := label(w.self, w.TID)
		if last := len(acts[path]) - 1; w.Kind == event.End && last >= 0 && acts[path][last].Status == w.Status {
			continue
		}
		acts[path] = append(acts[path], act)
	}
	form := make(event.Form, 0, len(acts))
	for path, own := range acts {
		form = append(form, event.Line{Path: path, Acts: own})
	}
	slices.SortFunc(form, func(a, b event.Line) int { return a.Path.Compare(b.Path) })
	return form
}

// debugged tells whether a life must have been reported: it lived while the program was under the debugger, and not
// only while that was attaching or letting go. Who was born while it attached is either found, or born of one that was;
// only who is gone as soon may be missed by the last look at /proc. Of an untraced birth the kernel tells no debugger,
// which need not look for it; at an attach it is found like any other.
func (e *evidence) debugged(l *life) bool {
	if l.untraced && (!e.truth.witnessed || l.born >= e.attached.issued) {
		return false
	}
	free := e.attached.complete // until when it may come and go unseen
	if l.born > e.attached.issued && l.born < e.attached.complete {
		free += e.attached.complete - e.attached.issued
	}
	return l.died > free && l.born < e.until()
}

// endedDebugged tells whether a life's end must have been reported.
func (e *evidence) endedDebugged(l *life) bool {
	return e.debugged(l) && l.died != never && l.died < e.until()
}

// until is when the debugger was asked to let go, or never.
func (e *evidence) until() time.Duration {
	if e.detached.issued != 0 {
		return e.detached.issued
	}
	return never
}

// taken tells whether a task had another tracer when the debugger attached: it cannot be the debugger's then.
func (e *evidence) taken(tid event.TID) bool {
	return slices.ContainsFunc(e.before, func(t procTask) bool { return t.tid == tid && t.tracer != 0 })
}

package harness

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// join joins what was said with what is true.
func (e *evidence) join() {
	j := joiner{truth: e.truth, gone: make(map[event.TID]int), now: make(map[event.TID]int), over: make(map[*life]bool), execs: make(map[event.TID]int)}
	if e.mode.Launches() {
		j.now[e.truth.root().TID] = 1 // nobody is told of the birth of what he launched
	} else if e.truth.witnessed {
		j.passOver(e.attached.issued)
	}
	begun := j.begun(e)
	e.words = make([]word, 0, len(e.said))
	for i, w := range e.said {
		if w.Kind != event.Ready {
			e.words = append(e.words, j.word(w, begun[i]))
		}
	}
}

// A word is one event that the debugger told, joined with the truth by tid.
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

// newborn is the tid that an event makes known.
func newborn(e event.Event) event.TID {
	if e.Kind == event.Attach {
		return e.TID
	}
	return e.Child
}

// A joiner labels a debugger's words with the truth's lives.
type joiner struct {
	truth *truth
	gone  map[event.TID]int // how many lives of a tid were over, or had another, when the debugger attached
	now   map[event.TID]int // how many lives of a tid have begun by the debugger's words
	over  map[*life]bool    // those whose end was told
	execs map[event.TID]int // how many of a process's execs were told
}

// word joins one event; begun is the life that it begins, if it does.
func (j *joiner) word(e event.Event, begun *life) word {
	w := word{Event: e}
	born := newborn(e)
	switch e.Kind {
	case event.Attach: // it is itself what begins
	case event.Exec:
		w.self, w.early = j.exec(e)
		w.late = j.over[w.self]
	default:
		w.self, w.early = j.current(e.TID)
		w.late = w.self != nil && j.over[w.self] && e.Kind != event.End
	}
	switch {
	case begins(e.Kind):
		lives := j.lives(born)
		if begun != nil {
			j.now[born] = max(j.now[born], 1+slices.Index(lives, begun))
		}
		w.child, w.again = begun, begun == nil && len(lives) > 0
	case e.Kind == event.Exit && w.self != nil:
		w.again = j.over[w.self]
		j.over[w.self] = true
	}
	return w
}

// passOver passes over the lives and execs of which a debugger that attached then cannot know. Of a tid's lives it may
// know the last that had begun, even if the kernel has told of its end: that comes first in do_exit, and the task can
// be attached to until it is done.
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
		for j.gone[tid] < len(lives)-1 && j.truth.since(lives[j.gone[tid]+1], tid) <= attached {
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

// begun are the lives that a debugger's words begin, by the places of the words. Those of a tid are joined with
// its lives in order.
func (j *joiner) begun(e *evidence) map[int]*life {
	told := make(map[event.TID][]int)
	for i, w := range e.said {
		if begins(w.Kind) {
			told[newborn(w)] = append(told[newborn(w)], i)
		}
	}
	unsure, foreign := e.mayMissAttach(), e.foreign()
	ready := slices.IndexFunc(e.said, func(w event.Event) bool { return w.Kind == event.Ready })
	attached := e.truth.witnessed && !e.mode.Launches()
	begun := make(map[int]*life, len(e.said))
	for tid, places := range told {
		lives := j.unborn(tid, e.attached.complete)
		unfit := func(word, life int) int {
			switch w, l := e.said[places[word]], lives[life]; {
			case attached && places[word] < ready && l.born > e.attached.complete:
				return impossible
			case w.Kind != event.Attach && w.TID != 0 && l.Creator != nil && w.TID != l.Maker:
				return misnamed
			case attached && l.died <= e.attached.issued:
				return unlikely
			}
			return 0
		}
		due := func(life int) bool {
			l := lives[life]
			return !unsure && (l.First == tid || len(told[l.First]) == 0) && e.debugged(l) && !foreign(l)
		}
		for word, life := range pair(len(places), len(lives), unfit, due) {
			if life >= 0 {
				begun[places[word]] = lives[life]
			}
		}
	}
	return begun
}

// unborn are the lives that a debugger may tell to begin under a tid: who was born under it, and who had taken it over by
// an exec before the attach was complete.
func (j *joiner) unborn(tid event.TID, attached time.Duration) []*life {
	var lives []*life
	for i, l := range j.lives(tid) {
		if i >= j.now[tid] && (i == 0 || l.First == tid || j.truth.since(l, tid) < attached) {
			lives = append(lives, l)
		}
	}
	return lives
}

// What may be amiss where words are joined with lives, and how much. A wrong creator is worse than a life untold
// or a word told again, and better than both.
const (
	unlikely   = 1 // a life that was as good as over when the debugger attached
	untold     = 4
	again      = 4
	misnamed   = 6
	impossible = 1000 // a life that was to come when the debugger told of it
)

// pair joins words with lives, both in their order, so that as little as can be is amiss: in what is joined, and by a
// life without a word that is due, and a word without a life, which the first has if there is any. It returns each
// word's life, -1 for none. Who attached need not have been told of each life, so the first word may be the second life's.
func pair(words, lives int, unfit func(word, life int) int, due func(life int) bool) []int {
	paired := make([]int, words)
	amiss := make([][]int, words+1) // the least with the words and the lives from here on
	for w := range amiss {
		amiss[w] = make([]int, lives+1)
	}
	skip := func(w, l int) int {
		if due(l) {
			return amiss[w][l+1] + untold
		}
		return amiss[w][l+1]
	}
	join := func(w, l int) int { return amiss[w+1][l+1] + unfit(w, l) }
	for w := words; w >= 0; w-- {
		for l := lives; l >= 0; l-- {
			switch {
			case w == words && l == lives:
			case w == words:
				amiss[w][l] = skip(w, l)
			case w == 0 && lives > 0 && l == lives:
				amiss[w][l] = math.MaxInt / 2 // nothing can have been told before
			case w == 0 && lives > 0:
				amiss[w][l] = min(join(w, l), skip(w, l))
			case l == lives:
				amiss[w][l] = amiss[w+1][l] + again
			default:
				amiss[w][l] = min(join(w, l), skip(w, l), amiss[w+1][l]+again)
			}
		}
	}
	for w, l := 0, 0; w < words; {
		switch {
		case l < lives && amiss[w][l] == join(w, l):
			paired[w] = l
			w, l = w+1, l+1
		case l < lives && amiss[w][l] == skip(w, l):
			l++
		default:
			paired[w] = -1
			w++
		}
	}
	return paired
}

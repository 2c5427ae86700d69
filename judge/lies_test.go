package judge_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

// A lie is one way in which a field of what a debugger says, or answers, can be wrong. Of each
// recorded run in which the debugger broke no rule, a test plants it at the first and the last
// place where it can stand.
type lie struct {
	about string // the field
	how   string // false, invented, repeated, left out, early or late
	needs judge.Abilities
	plant func(*honest) []planted
	// reasons are why no rule catches it, by mode; "" stands for each mode.
	reasons map[fixtures.Mode]reason
}

// A planted lie is a run with it.
type planted struct {
	*judge.Evidence
	refutable bool // the truth of the run refutes it, so a rule must fail
}

// A reason is why no rule catches a lie. There are no others.
type reason rune

// The reasons.
const (
	diesWithIt reason = 'a' + iota
	itsOwn
	noTruth
)

var reasons = map[reason]string{
	diesWithIt: "the debugger is killed, and its last words may have died with it",
	itsOwn:     "nothing but the debugger records it, and no rule reads it",
	noTruth:    "no recorded run of the mode has a truth that refutes it",
}

// An honest run is one in which the debugger broke no rule.
type honest struct {
	*judge.Evidence
	born, died map[event.TID]time.Duration // by the kernel's account, of ids that were used once
	lastBirth  map[event.TID]time.Duration // the latest birth that a task made
	exact      bool                        // its head states each task's events
}

// openHonest reads an honest run. It is nil if it is none.
func openHonest(e *judge.Evidence) *honest {
	for _, r := range rulings(e) {
		if r.Verdict == judge.Fail || r.Verdict == judge.Unresolved {
			return nil
		}
	}
	if e.Progress.State != judge.Done || e.Program.State == judge.NotBegun {
		return nil
	}
	h := &honest{
		Evidence: e, born: map[event.TID]time.Duration{}, died: map[event.TID]time.Duration{},
		lastBirth: map[event.TID]time.Duration{}, exact: e.Control.Exact,
	}
	for _, w := range e.Declared.Wants {
		h.exact = h.exact && !strings.Contains(w.String(), "at least")
	}
	twice := make(map[event.TID]bool)
	records := e.Account.Records
	if e.Account.Source == judge.Connector {
		records = e.Account.Connector
	}
	for _, r := range records {
		switch {
		case r.Kind.IsBirth():
			_, again := h.born[r.Child]
			twice[r.Child] = twice[r.Child] || again
			h.born[r.Child], h.lastBirth[r.TID] = r.At, r.At
		case r.Kind == event.Exit:
			_, again := h.died[r.TID]
			twice[r.TID] = twice[r.TID] || again
			h.died[r.TID] = r.At
		}
	}
	for tid := range twice {
		if twice[tid] {
			delete(h.born, tid)
			delete(h.died, tid)
		}
	}
	return h
}

// words is the run with other words.
func (h *honest) words(words judge.Words) *judge.Evidence {
	e := *h.Evidence
	e.Words = words
	return &e
}

func (h *honest) witnessed() bool { return h.Account.Source != judge.NoAccount }

// whole tells whether the debugger had the program from its start to its end.
func (h *honest) whole() bool { return h.Mode.Launches() && h.Detach.State == judge.NotAsked }

// inTime tells whether a time is after the attach and before the detach.
func (h *honest) inTime(at time.Duration) bool {
	return at > h.Attach.Complete && (h.Detach.State == judge.NotAsked || at < h.Detach.Asked)
}

// dueBirth tells whether a word of a birth, or at an attach, was due.
func (h *honest) dueBirth(w judge.Word) bool {
	tid := w.Child
	if w.Kind == event.Attach {
		tid = w.TID
	}
	born, isKnown := h.born[tid]
	died, ended := h.died[tid]
	return h.witnessed() && isKnown && (!ended || died > h.Attach.Complete) &&
		(h.Detach.State == judge.NotAsked || born < h.Detach.Asked)
}

// dueEnd tells whether a word of an end was due.
func (h *honest) dueEnd(w judge.Word) bool {
	died, ended := h.died[w.TID]
	return h.witnessed() && ended && h.inTime(died) && died < h.Account.Cut &&
		(w.Kind == event.Exit || h.Detach.State == judge.NotAsked)
}

// untoldExec tells whether a process executed, and that was not told, as after a detach.
func (h *honest) untoldExec(pid event.TID) bool {
	n := 0
	for _, r := range h.Account.Records {
		if r.Kind == event.Exec && r.TID == pid && r.At > h.Program.Gate {
			n++
		}
	}
	for _, w := range h.Words {
		if w.Kind == event.Exec && cmp.Or(w.PID, w.TID) == pid {
			n--
		}
	}
	return n > 0
}

// executed tells whether an id was a task's that took it over, or that gave it up, in an exec.
func (h *honest) executed(tid event.TID) bool {
	return slices.ContainsFunc(h.Words, func(w judge.Word) bool {
		return w.Kind == event.Exec && (w.TID == tid || w.Former == tid)
	})
}

// at are the places of the words of some kinds: the first and the last that fit.
func (h *honest) at(fits func(judge.Word) bool, kinds ...event.Kind) []int {
	var places []int
	for i, w := range h.Words {
		if slices.Contains(kinds, w.Kind) && (fits == nil || fits(w)) {
			places = append(places, i)
		}
	}
	if len(places) > 2 {
		places = []int{places[0], places[len(places)-1]}
	}
	return places
}

type (
	fits    = func(*honest, judge.Word) bool
	planter = func(*honest) []planted
)

// each plants a lie at each place of words of some kinds.
func each(
	kinds []event.Kind, refutable fits, change func(*honest, int) judge.Words,
) planter {
	return func(h *honest) (all []planted) {
		for _, i := range h.at(nil, kinds...) {
			if words := change(h, i); words != nil {
				all = append(all, planted{h.words(words), refutable(h, h.Words[i])})
			}
		}
		return all
	}
}

// edited changes one word. The change is false if it cannot be made.
func edited(change func(*honest, *judge.Word) bool) func(*honest, int) judge.Words {
	return func(h *honest, i int) judge.Words {
		words := slices.Clone(h.Words)
		if !change(h, &words[i]) {
			return nil
		}
		return words
	}
}

// leftOut drops a word, and twice says it once more.
func leftOut(h *honest, i int) judge.Words { return slices.Delete(slices.Clone(h.Words), i, i+1) }

func twice(h *honest, i int) judge.Words {
	return slices.Insert(slices.Clone(h.Words), i, h.Words[i])
}

// with says another word behind one.
func with(more func(*honest, judge.Word) event.Event) func(*honest, int) judge.Words {
	return func(h *honest, i int) judge.Words {
		w := h.Words[i]
		w.Event = more(h, w)
		return slices.Insert(slices.Clone(h.Words), i+1, w)
	}
}

// behind moves a word behind the last that fits, and before moves it before the first.
func behind(last func(w, other judge.Word) bool) func(*honest, int) judge.Words {
	return func(h *honest, i int) judge.Words {
		for j := len(h.Words) - 1; j > i; j-- {
			if last(h.Words[i], h.Words[j]) {
				words := slices.Insert(slices.Clone(h.Words), j+1, h.Words[i])
				return slices.Delete(words, i, i+1)
			}
		}
		return nil
	}
}

func before(first func(w, other judge.Word) bool) func(*honest, int) judge.Words {
	return func(h *honest, i int) judge.Words {
		for j := range i {
			if first(h.Words[i], h.Words[j]) {
				words := slices.Insert(slices.Clone(h.Words), j, h.Words[i])
				return slices.Delete(words, i+1, i+2)
			}
		}
		return nil
	}
}

// readAt has a word be read at some time.
func readAt(at func(*honest, judge.Word) (time.Duration, bool)) func(*honest, int) judge.Words {
	return edited(func(h *honest, w *judge.Word) (ok bool) {
		w.At, ok = at(h, *w)
		return ok
	})
}

// noTID is more than the kernel gives out.
const noTID = 1<<22 + 1

func byKernel(h *honest, _ judge.Word) bool { return h.witnessed() }
func known(h *honest, _ judge.Word) bool    { return h.witnessed() || h.Control.Exact }
func stated(h *honest, _ judge.Word) bool   { return h.exact }

// statusKnown tells whether the head states a task's status, or the proc connector has told it.
func statusKnown(h *honest, w judge.Word) bool {
	_, isOne := h.died[w.TID]
	return h.exact || isOne && slices.ContainsFunc(h.Account.Connector,
		func(r judge.Record) bool { return r.Kind == event.Exit && r.TID == w.TID })
}

func isExitOf(w, other judge.Word) bool {
	return other.Kind == event.Exit && other.TID == cmp.Or(w.Child, w.TID)
}

func isEndOf(w, other judge.Word) bool {
	return other.Kind == event.End && other.TID == cmp.Or(w.PID, w.TID)
}

// birthOf tells whether the other word made the word's task known.
func birthOf(w, other judge.Word) bool {
	return other.Kind.IsBirth() && other.Child == w.TID ||
		other.Kind == event.Attach && other.TID == w.TID
}

var (
	births    = []event.Kind{event.Clone, event.Fork, event.VFork}
	attach    = []event.Kind{event.Attach}
	ready     = []event.Kind{event.Ready}
	vforkdone = []event.Kind{event.VForkDone}
	exec      = []event.Kind{event.Exec}
	exits     = []event.Kind{event.Exit}
	ends      = []event.Kind{event.End}
	signals   = []event.Kind{event.Signal}

	birthFields = judge.Abilities{judge.Births}
	deathFields = judge.Abilities{judge.Deaths}
)

// noProcess names a process that never was, or that the task is not of.
var noProcess = edited(func(h *honest, w *judge.Word) bool {
	had := w.PID != 0
	w.PID = noTID
	return had
})

// setTID has a word be of a task that never was.
var setTID = edited(func(_ *honest, w *judge.Word) bool { w.TID = noTID; return true })

// otherTask gives a word another task of the program that was told born.
func otherTask(change func(*judge.Word, event.TID)) func(*honest, int) judge.Words {
	return edited(func(h *honest, w *judge.Word) bool {
		for _, other := range h.Words {
			if other.Kind.IsBirth() && other.Child != w.TID && other.Child != w.Child {
				change(w, other.Child)
				return true
			}
		}
		return false
	})
}

func of(w *judge.Word, tid event.TID) { w.TID = tid }

// gotSignals tells whether a signal is one that the ledger counts.
func gotSignals(h *honest, w judge.Word) bool {
	return slices.ContainsFunc(h.Ledger, func(a judge.Announcement) bool {
		return a.TID == w.TID && a.Sent > 0
	}) && !slices.Contains([]event.Signo{17, 18, 19, 20}, w.Event.Signal) &&
		(h.Mode.Launches() || w.At > h.Attach.Complete)
}

func signalsDue(h *honest, w judge.Word) bool { return gotSignals(h, w) && h.whole() }

// statesWord tells whether the head states some tasks' events of a kind.
func (h *honest) statesWord(kind string) bool {
	return h.exact && slices.ContainsFunc(h.Declared.Wants, func(w event.Want) bool {
		return slices.Contains(strings.Fields(strings.ReplaceAll(w.String(), ",", " ")), kind)
	})
}

// statedVforks tells whether the head states which births are vforks.
func statedVforks(h *honest, _ judge.Word) bool { return h.statesWord("vfork") }

func orphaned(r reason) map[fixtures.Mode]reason {
	return map[fixtures.Mode]reason{fixtures.Orphaned: r}
}

func everywhere(r reason) map[fixtures.Mode]reason { return map[fixtures.Mode]reason{"": r} }

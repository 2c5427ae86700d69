package harness

import (
	"errors"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// An interval is an attach or a detach: who dies inside an attach, or is born inside a detach, may be reported or not.
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
	orphaned  []procTask // what /proc showed when the debugger was to be killed
	overdue   string     // the step that failed or did not come in time; empty if all did
	unending  bool       // the debugger did not end either
	broken    error      // why it failed, or what else the debugger did wrong by itself
	alone     bool       // the program went on without it, after an attach, or a detach before the last attach, that failed
	refused   error      // why it did not attach to a program that another tracer has in part
	dump      []procTask // what /proc showed then
	limit     time.Duration

	words []word // said, joined with the truth
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
// only while that was attaching or letting go. A thread born during the attach that outlives it is announced by its
// creator, or /proc shows it once that has stopped. Of an untraced birth the kernel tells no debugger, which need not
// look for it; at an attach it is found like any other.
func (e *evidence) debugged(l *life) bool {
	if l.untraced && (!e.truth.witnessed || l.born >= e.attached.issued) {
		return false
	}
	return l.died > e.attached.complete && l.born < e.until()
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

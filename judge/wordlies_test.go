package judge_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
)

// wordLies are those about words.
var wordLies = []lie{
	{"attach", "invented", nil, each(attach, known, with(func(_ *honest, w judge.Word) event.Event {
		return event.Event{Kind: event.Attach, PID: w.PID, TID: noTID}
	})), nil},
	{"attach", "repeated", nil, each(attach, known, twice), nil},
	{
		"attach", "left out", birthFields, each(attach, (*honest).dueBirth, leftOut),
		orphaned(diesWithIt),
	},
	{"attach", "late", birthFields, each(attach, (*honest).dueBirth, behind(
		func(_, other judge.Word) bool { return other.Kind == event.Ready },
	)), orphaned(diesWithIt)},
	{"attach: tid", "false", nil, each(attach, known, setTID), nil},
	{"attach: pid", "false", nil, each(attach, known, noProcess), nil},

	{"ready", "repeated", nil, each(ready, known, twice), nil},
	{"ready", "early", birthFields, each(ready, known, before(
		func(_, other judge.Word) bool { return other.Kind == event.Attach },
	)), orphaned(diesWithIt)},
	{"ready: tid", "false", nil, each(ready, known, setTID), nil},
	{"ready: pid", "false", nil, each(ready, known, noProcess), nil},

	{"birth", "invented", nil, each(births, known, with(func(_ *honest, w judge.Word) event.Event {
		return event.Event{Kind: event.Clone, PID: w.PID, TID: w.TID, Child: noTID}
	})), nil},
	{"birth", "repeated", nil, each(births, known, twice), nil},
	{"birth", "left out", birthFields, each(births, (*honest).dueBirth, leftOut), nil},
	{"birth", "early", nil, each(births, func(h *honest, w judge.Word) bool {
		return h.born[w.Child] > 0
	}, readAt(func(h *honest, w judge.Word) (time.Duration, bool) {
		return h.born[w.Child] - 1, h.born[w.Child] > 1
	})), nil},
	{"birth", "late", birthFields, each(births, known, behind(isExitOf)), nil},
	{"birth: kind", "false", nil, each(births, known, edited(func(_ *honest, w *judge.Word) bool {
		if w.Kind == event.Clone {
			w.Kind = event.Fork
		} else {
			w.Kind = event.Clone
		}
		return true
	})), nil},
	{"birth: vfork", "false", judge.Abilities{judge.Vforks}, each(births, statedVforks, edited(
		func(_ *honest, w *judge.Word) bool {
			switch w.Kind {
			case event.Fork:
				w.Kind = event.VFork
			case event.VFork:
				w.Kind = event.Fork
			}
			return w.Kind != event.Clone
		},
	)), nil},
	{"birth: child", "false", nil, each(births, known, edited(func(_ *honest, w *judge.Word) bool {
		w.Child = noTID
		return true
	})), nil},
	{"birth: tid (creator)", "false", judge.Abilities{judge.Births, judge.Creators}, each(
		births, known, otherTask(of),
	), nil},
	{"birth: pid", "false", nil, each(births, known, noProcess), nil},

	{"vforkdone", "invented", nil, each(exits, stated, func(h *honest, i int) judge.Words {
		w := h.Words[i]
		if slices.ContainsFunc(h.Words, func(b judge.Word) bool {
			return b.Kind.IsBirth() && (b.TID == w.TID || b.TID == 0)
		}) {
			return nil // it may have vforked
		}
		w.Event = event.Event{Kind: event.VForkDone, PID: w.PID, TID: w.TID}
		return slices.Insert(slices.Clone(h.Words), i, w)
	}), nil},
	{"vforkdone", "repeated", nil, each(vforkdone, statedVforks, twice), nil},
	{"vforkdone", "left out", judge.Abilities{judge.Births, judge.Vforks}, each(
		vforkdone, func(h *honest, w judge.Word) bool {
			return h.statesWord("vforkdone") && h.Detach.State == judge.NotAsked &&
				slices.ContainsFunc(
					h.Words,
					func(b judge.Word) bool { return b.Kind == event.VFork && b.TID == w.TID })
		}, leftOut,
	), orphaned(diesWithIt)},
	{"vforkdone", "early", birthFields, each(vforkdone, statedVforks, before(
		func(w, other judge.Word) bool { return other.Kind == event.VFork && other.TID == w.TID },
	)), nil},
	{"vforkdone", "late", birthFields, each(vforkdone, known, behind(isExitOf)), nil},
	{"vforkdone: tid", "false", nil, each(vforkdone, known, setTID), nil},
	{"vforkdone: pid", "false", nil, each(vforkdone, known, noProcess), nil},

	{"exec", "invented", nil, each(exits, func(h *honest, w judge.Word) bool {
		return h.witnessed() && !h.untoldExec(cmp.Or(w.PID, w.TID))
	}, with(func(_ *honest, w judge.Word) event.Event {
		return event.Event{Kind: event.Exec, PID: cmp.Or(w.PID, w.TID), TID: cmp.Or(w.PID, w.TID)}
	})), nil},
	{"exec", "repeated", nil, each(exec, byKernel, twice), nil},
	{"exec", "left out", judge.Abilities{judge.Births, judge.Execs}, each(
		exec, func(h *honest, w judge.Word) bool {
			return h.witnessed() &&
				slices.ContainsFunc(h.Account.Records, func(r judge.Record) bool {
					return r.Kind == event.Exec && r.TID == w.TID && h.inTime(r.At) &&
						r.At > h.Program.Gate
				})
		}, leftOut,
	), nil},
	{"exec", "early", nil, each(exec, byKernel, readAt(
		func(h *honest, w judge.Word) (time.Duration, bool) {
			return max(h.Attach.Complete, h.Program.Gate, 1), true
		},
	)), nil},
	{"exec", "late", birthFields, each(exec, known, behind(func(w, other judge.Word) bool {
		return isEndOf(w, other)
	})), nil},
	{"exec: tid", "false", nil, each(exec, known, setTID), nil},
	{"exec: pid", "false", nil, each(exec, known, noProcess), nil},
	{"exec: former", "false", nil, each(exec, byKernel, edited(func(h *honest, w *judge.Word) bool {
		for _, other := range h.Words {
			if other.Kind.IsBirth() && other.Child != cmp.Or(w.Former, w.TID) {
				w.Former = other.Child
				return true
			}
		}
		w.Former = noTID
		return true
	})), nil},

	{"exit", "invented", deathFields, each(exits, known, with(
		func(_ *honest, w judge.Word) event.Event {
			return event.Event{Kind: event.Exit, PID: w.PID, TID: noTID}
		},
	)), nil},
	{"exit", "repeated", nil, each(exits, known, twice), nil},
	{"exit", "left out", deathFields, each(exits, func(h *honest, w judge.Word) bool {
		return h.dueEnd(w) && !h.executed(w.TID)
	}, leftOut), nil},
	{"exit", "early", deathFields, each(exits, func(h *honest, w judge.Word) bool {
		return h.lastBirth[w.TID] > 0 && !h.executed(w.TID)
	}, readAt(func(h *honest, w judge.Word) (time.Duration, bool) {
		return h.lastBirth[w.TID] - 1, h.lastBirth[w.TID] > max(h.Program.Gate, h.Attach.Complete)
	})), nil},
	{"exit", "late", deathFields, each(exits, known, behind(isEndOf)), nil},
	{"exit: tid", "false", deathFields, each(exits, known, setTID), nil},
	{"exit: pid", "false", nil, each(exits, known, noProcess), nil},
	{"exit: status", "false", judge.Abilities{judge.Deaths, judge.Statuses}, each(
		exits, statusKnown, edited(func(_ *honest, w *judge.Word) bool {
			w.Status = event.Exited(77)
			return true
		}),
	), nil},

	{"end", "invented", deathFields, each(exits, known, func(h *honest, i int) judge.Words {
		w := h.Words[i]
		if w.PID == 0 || w.PID == w.TID {
			return nil
		}
		w.Kind = event.End
		return slices.Insert(slices.Clone(h.Words), i+1, w)
	}), nil},
	{"end", "repeated", deathFields, each(ends, known, twice), nil},
	{"end", "left out", deathFields, each(ends, (*honest).dueEnd, leftOut), nil},
	{"end", "early", deathFields, each(ends, known, before(isExitOf)), nil},
	{"end: tid", "false", deathFields, each(ends, known, setTID), nil},
	{"end: pid", "false", nil, each(ends, known, noProcess), nil},
	{"end: status", "false", judge.Abilities{judge.Deaths, judge.Statuses}, each(
		ends, stated, edited(func(_ *honest, w *judge.Word) bool {
			w.Status = event.Exited(77)
			return true
		}),
	), nil},

	{"signal", "invented", nil, each(signals, gotSignals, func(h *honest, i int) judge.Words {
		for _, a := range h.Ledger {
			if a.Sent == 0 && a.Handled == 0 && a.TID != 0 {
				w := h.Words[i]
				w.TID, w.PID = a.TID, a.PID
				return slices.Insert(slices.Clone(h.Words), i+1, w)
			}
		}
		return nil
	}), nil},
	{"signal", "repeated", nil, each(signals, gotSignals, twice), nil},
	{"signal", "left out", judge.Abilities{judge.Births, judge.Signals}, each(
		signals, signalsDue, leftOut,
	), nil},
	{"signal", "early", birthFields, each(signals, known, before(birthOf)), nil},
	{"signal", "late", birthFields, each(signals, known, behind(isExitOf)), nil},
	{"signal: tid", "false", nil, each(signals, known, setTID), nil},
	{"signal: pid", "false", nil, each(signals, known, noProcess), nil},
	{"signal: signal", "false", nil, each(signals, func(h *honest, w judge.Word) bool {
		return gotSignals(h, w) &&
			strings.Contains(fmt.Sprint(h.Declared.Wants), w.Event.Signal.String())
	}, edited(func(_ *honest, w *judge.Word) bool {
		w.Event.Signal = 12 // SIGUSR2
		return true
	})), nil},

	{"pc, time and paths", "false", nil, each(
		[]event.Kind{event.Attach, event.Exit}, func(*honest, judge.Word) bool { return false },
		edited(func(_ *honest, w *judge.Word) bool {
			w.PC, w.Time = 1, time.Unix(1, 0)
			return true
		}),
	), everywhere(itsOwn)},
}

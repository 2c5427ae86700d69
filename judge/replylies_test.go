package judge_test

import (
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

// stills plants a lie in the first standstill that fits.
func stills(
	needs judge.Ability, change func(*honest, *judge.Standstill) bool,
) planter {
	return func(h *honest) []planted {
		if !h.Debugger.Abilities.Has(needs) {
			return nil
		}
		for i := range h.Standstills {
			e := *h.Evidence
			e.Standstills = slices.Clone(h.Standstills)
			s := &e.Standstills[i]
			s.Listed, s.Stood.Tasks = slices.Clone(s.Listed), slices.Clone(s.Stood.Tasks)
			if len(s.Stood.Tasks) > 0 && change(h, s) {
				return []planted{{&e, true}}
			}
		}
		return nil
	}
}

// unanswered has a run end in a step of the debugger's that did not come in time.
func unanswered(step string, fits func(*honest) bool) planter {
	return func(h *honest) []planted {
		if !fits(h) {
			return nil
		}
		e := *h.Evidence
		e.Progress = judge.Progress{State: judge.TimedOut, Step: step, By: judge.ByDebugger}
		e.Program.State, e.Program.Status = judge.Begun, event.Unknown
		return []planted{{&e, true}}
	}
}

// listed changes a list of threads. A task is given that stood there.
func listed(change func(h *honest, s *judge.Standstill, t judge.Task) []event.TID) planter {
	return stills(judge.Threads, func(h *honest, s *judge.Standstill) bool {
		for _, t := range s.After.Tasks {
			if t.Held() && slices.Contains(s.Listed, t.TID) {
				tids := change(h, s, t)
				s.Listed = tids
				return tids != nil
			}
		}
		return false
	})
}

// other is a task of the program that did not live while a list was made.
func (h *honest) other(s *judge.Standstill, isOf func(born, died time.Duration) bool) event.TID {
	for _, a := range h.Ledger {
		born, isBorn := h.born[a.TID]
		died, hasDied := h.died[a.TID]
		if isBorn && hasDied && isOf(born, died) {
			return a.TID
		}
	}
	return 0
}

// afterDetach changes what /proc showed after a detach.
func afterDetach(change func(*judge.Task)) planter {
	return func(h *honest) []planted {
		if h.Detach.State != judge.Complete || h.Mode == fixtures.Orphaned {
			return nil
		}
		e := *h.Evidence
		e.Looks = slices.Clone(h.Looks)
		for i, l := range e.Looks {
			for j, t := range l.Tasks {
				if l.When == judge.AfterDetach && !t.Ended() && !t.Held() {
					e.Looks[i].Tasks = slices.Clone(l.Tasks)
					change(&e.Looks[i].Tasks[j])
					return []planted{{&e, true}}
				}
			}
		}
		return nil
	}
}

// soonSaid has the debugger say that it had attached, or let go, just before the last notice of the
// proc connector that it did. No look at /proc comes between.
func soonSaid(
	said func(*judge.Evidence) *judge.Interval, isOf func(*honest, judge.Tracing) bool,
) planter {
	return func(h *honest) []planted {
		e := *h.Evidence
		interval := said(&e)
		if interval.State != judge.Complete {
			return nil
		}
		for _, x := range slices.Backward(h.Account.Tracings) {
			in := x.At > interval.Asked && x.At <= interval.Complete
			_, isOfProgram := h.born[x.TID]
			if in && isOf(h, x) && (isOfProgram || x.TID == h.Ledger[0].TID) {
				interval.Complete = x.At - 1
				return []planted{{&e, true}}
			}
		}
		return nil
	}
}

func attaches(h *honest) bool { return !h.Mode.Launches() && h.Attach.State == judge.Complete }

func stopsAt(h *honest) bool { return len(h.Standstills) > 0 }

// replyLies are those about replies to requests, and lists.
var replyLies = []lie{
	{"reply to attach", "early", nil, stills(judge.Stop, func(h *honest, s *judge.Standstill) bool {
		for i, t := range s.Stood.Tasks {
			isOld := slices.ContainsFunc(h.Looks, func(l judge.Look) bool {
				return l.When == judge.BeforeAttach && slices.ContainsFunc(l.Tasks,
					func(b judge.Task) bool { return b.TID == t.TID && b.Tracer == 0 })
			})
			if isOld && attaches(h) && t.Held() && t.Tracer != 0 {
				s.Stood.Tasks[i].Tracer, s.Stood.Tasks[i].State = 0, "R (running)"
				return true
			}
		}
		return false
	}), nil},
	{"reply to attach, before any look", "early", nil, soonSaid(
		func(e *judge.Evidence) *judge.Interval { return &e.Attach },
		func(_ *honest, x judge.Tracing) bool { return x.Tracer != 0 },
	), nil},
	{"reply to attach", "left out", nil, unanswered("start", attaches), nil},
	{"reply to stop", "early", nil, stills(judge.Stop, func(h *honest, s *judge.Standstill) bool {
		for i, t := range s.Stood.Tasks {
			if t.Held() && t.Tracer != 0 {
				s.Stood.Tasks[i].State = "R (running)"
				return true
			}
		}
		return false
	}), nil},
	{"reply to stop", "left out", nil, unanswered("stop", stopsAt), nil},
	{"reply to resume", "false", nil, stills(judge.Stop, func(h *honest, s *judge.Standstill) bool {
		s.Left.Tasks = s.Stood.Tasks[:1]
		return h.Detach.State == judge.NotAsked || s.Where != ""
	}), nil},
	{"reply to resume", "left out", nil, unanswered("resume", stopsAt), nil},
	{"reply to threads", "left out", nil, unanswered("list of threads", stopsAt), nil},
	{"list: tid", "false", nil, listed(func(
		_ *honest, s *judge.Standstill, t judge.Task,
	) []event.TID {
		s.Listed[slices.Index(s.Listed, t.TID)] = noTID
		return s.Listed
	}), nil},
	{"list: tid", "invented", nil, listed(
		func(_ *honest, s *judge.Standstill, _ judge.Task) []event.TID {
			return append(s.Listed, noTID)
		},
	), nil},
	{"list: tid", "repeated", nil, listed(
		func(_ *honest, s *judge.Standstill, t judge.Task) []event.TID {
			return append(s.Listed, t.TID)
		},
	), nil},
	{"list: tid", "left out", nil, listed(
		func(_ *honest, s *judge.Standstill, t judge.Task) []event.TID {
			return append([]event.TID{},
				slices.DeleteFunc(s.Listed, func(tid event.TID) bool { return tid == t.TID })...)
		},
	), nil},
	{"list: tid", "early", nil, listed(
		func(h *honest, s *judge.Standstill, _ judge.Task) []event.TID {
			tid := h.other(s, func(born, _ time.Duration) bool { return born > s.After.At })
			if tid == 0 {
				return nil
			}
			return append(s.Listed, tid)
		},
	), nil},
	{"list: tid", "late", nil, listed(
		func(h *honest, s *judge.Standstill, _ judge.Task) []event.TID {
			tid := h.other(s, func(_, died time.Duration) bool { return died < s.Stood.At })
			if tid == 0 {
				return nil
			}
			return append(s.Listed, tid)
		},
	), nil},
	{"reply to step", "left out", nil, unanswered("step", func(h *honest) bool {
		return h.Mode == fixtures.Stepped
	}), nil},
	{"reply to detach", "early", nil, afterDetach(func(t *judge.Task) { t.Tracer = 7 }), nil},
	{"reply to detach, before any look", "early", nil, soonSaid(
		func(e *judge.Evidence) *judge.Interval { return &e.Detach },
		func(h *honest, x judge.Tracing) bool {
			return x.Tracer == 0 && h.Mode != fixtures.Orphaned // it is killed, and says nothing
		},
	), nil},
	{"reply to detach", "false", nil, afterDetach(func(t *judge.Task) {
		t.State, t.Tracer = "T (stopped)", 0
	}), nil},
	{"reply to detach", "left out", nil, unanswered("detach", func(h *honest) bool {
		return h.Detach.State == judge.Complete && h.Mode != fixtures.Orphaned
	}), nil},
	{"end of the debugger", "left out", nil, func(h *honest) []planted {
		e := *h.Evidence
		e.End = judge.End{State: judge.Unending, Reason: "it had to be killed"}
		return []planted{{&e, h.Attach.State != judge.Refused}}
	}, nil},
}

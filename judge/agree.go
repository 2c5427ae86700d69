package judge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
)

// Whether the accounts of one run agree: what was declared, announced and witnessed.

// asDeclared compares the truth with what the fixture declares. The difference is empty if there is
// none.
func (t *truth) asDeclared(expected event.Expected) string {
	if !t.witnessed && expected.Open() {
		return "" // a runtime makes tasks that do not announce themselves
	}
	if !t.isComplete() {
		return ""
	}
	view := event.Announced
	if t.witnessed {
		view = event.Witnessed
	}
	want, got := expected.Compare(t.form(), view)
	return cmp.Diff(want, got)
}

// asAnnounced compares the truth with what the program's tasks said of themselves: which came,
// their creators, the order of their births, and which executed a program. A task that never ran
// announced nothing.
func (t *truth) asAnnounced(all ledger) error {
	if !t.witnessed {
		return nil // it was made from the ledger
	}
	lives := make([]*life, len(all))
	order := all.inOrder()
	latest := make([]time.Duration, len(all)) // the latest birth by the task of each slot
	taken := make(map[*life]bool, len(all))
	execs := make(map[event.TID]int)
	overtaken := all.overtaken(order)
	for i, a := range all {
		switch {
		case a.State == Claimed:
			continue
		case a.Creator >= i:
			return fmt.Errorf(
				"task %d announced itself in slot %d as a child of slot %d, which comes later",
				a.TID, i, a.Creator)
		case a.State == Executed && a.Creator >= 0:
			n := execs[a.TID]
			execs[a.TID]++
			if n >= len(t.execs[a.TID]) || t.execs[a.TID][n].by != lives[a.Creator] {
				return fmt.Errorf("task %d announced itself in slot %d as task %d after an exec, "+
					"and the kernel told of no exec there", a.TID, i, all[a.Creator].TID)
			}
			lives[i], latest[i] = lives[a.Creator], t.execs[a.TID][n].at
			continue
		}
		from, creator := time.Duration(0), (*life)(nil)
		if a.Creator >= 0 {
			from, creator = latest[a.Creator], lives[a.Creator]
		}
		free := slices.DeleteFunc(slices.Clone(t.byTID[a.TID]), func(l *life) bool {
			return taken[l] || l.born < from
		})
		l := announcer(free, creator, overtaken[i])
		if l == nil {
			return fmt.Errorf(
				"task %d announced itself in slot %d, and the kernel told of no such task there",
				a.TID, i)
		}
		lives[i], taken[l] = l, true
		if a.Creator < 0 {
			continue
		}
		latest[a.Creator] = l.born
		byOther := creator == nil || l.Creator != creator.Life
		if t.late { // which life of an id announced itself is not always known
			isMaker := func(of *life) bool { return of.Life == l.Creator }
			byOther = l.Creator != nil &&
				!slices.ContainsFunc(t.byTID[all[a.Creator].TID], isMaker)
		}
		if byOther {
			return fmt.Errorf(
				"task %d announced itself as a child of task %d, and the kernel has it as %s",
				a.TID, all[a.Creator].TID, l.Path)
		}
	}
	return all.bornInOrder(order, lives)
}

// announcer is the life that announced itself in a slot, among the lives of its id that have no
// slot yet: one that the slot's creator made. If there is none, or the creator is unknown, it is
// the first, after those of the later slots that overtook this one.
func announcer(free []*life, creator *life, overtaken int) *life {
	for _, l := range free {
		if creator != nil && l.Creator == creator.Life {
			return l
		}
	}
	if overtaken < len(free) {
		return free[overtaken]
	}
	return nil
}

// bornInOrder refuses a ledger in which tasks of one id came in another order than they were born.
func (l ledger) bornInOrder(order []int, lives []*life) error {
	latest := make(map[event.TID]time.Duration)
	for _, i := range order {
		a := l[i]
		if a.State == Claimed || a.State == Executed {
			continue
		}
		if lives[i].born < latest[a.TID] {
			return fmt.Errorf(
				"task %d announced itself in slot %d after a task with its id that was born later",
				a.TID, i)
		}
		latest[a.TID] = lives[i].born
	}
	return nil
}

// silent is the first task of the truth that did not announce itself, nil if all did.
func (t *truth) silent(all ledger) *life {
	came := make(map[event.TID]bool, len(all))
	for _, a := range all {
		came[a.TID] = came[a.TID] || a.State != Executed
	}
	for _, l := range t.lives {
		if !came[l.First] {
			return l
		}
	}
	return nil
}

// ControlOf makes a control of the evidence of a run without a debugger. The error says where the
// accounts differ: then no debugger can be judged by this fixture. hosted tells that the fixture
// ran in a program that hosts it; unannounced that its ledger cannot have all its tasks.
func ControlOf(e *Evidence, hosted, unannounced bool) (Control, error) {
	c := Open(e)
	if late := c.overdue(); late != "" {
		return Control{}, fmt.Errorf("it did not end in time: %s", late)
	}
	if c.fault != nil {
		return Control{}, c.fault
	}
	differs := func(diff string) error {
		source := "announced"
		if c.truth.witnessed {
			source = "witnessed"
		}
		return fmt.Errorf("the kernel does not do what its head declares (-declared +%s):\n%s",
			source, diff)
	}
	if diff := c.truth.asDeclared(c.expected); diff != "" {
		return Control{}, differs(diff)
	}
	status := e.Program.Status
	// An end comes after the leader's exit, and stands only if it differs.
	declared, _ := declaredStatus(c.expected, c.truth.leader().Path, event.Exit, event.End)
	if !status.Same(declared) {
		return Control{}, fmt.Errorf("it ended with %s, and its head declares %s", status, declared)
	}
	if diff := c.truth.otherStatuses(c.expected); diff != "" {
		return Control{}, differs(diff)
	}
	exact := !c.expected.Open() && (!hosted || c.truth.witnessed)
	if l := c.truth.silent(e.Ledger); exact && !hosted && l != nil && !unannounced {
		return Control{}, fmt.Errorf("task %d (%s) did not announce itself", l.First, l.Path)
	}
	return Control{
		Exact: exact, Status: status, Lines: labelLines(e.Program.Lines, c.truth, exact),
		Reached: e.Control.Reached, Led: e.Control.Led,
	}, nil
}

// overdue says which step of the run did not come in time, and where each task was then. It is
// empty if all came.
func (c *Case) overdue() string {
	if c.Progress.State != TimedOut {
		return ""
	}
	var f finding
	bounded(c, &f)
	return summary(f.bad)
}

// Confirmed gives the statuses with which tasks ended by the word of the reference tracer, as a
// part of a control. The error says why its run does not confirm what is declared, announced and
// witnessed.
func (c *Case) Confirmed() (map[event.Path]event.Status, error) {
	if late := c.overdue(); late != "" {
		return nil, fmt.Errorf("the reference tracer's run did not end in time: %s", late)
	}
	for _, r := range c.Rulings() {
		switch r.Verdict {
		case Fail:
			return nil, fmt.Errorf("the reference tracer breaks the rule %s: %s", r.Rule, r.Reason)
		case Unresolved:
			return nil, errors.New(strings.TrimSpace(r.Reason))
		}
	}
	return c.statuses(), nil
}

// FormOf is the canonical form of a program by the kernel's account alone, from its first exec on.
func FormOf(root event.TID, records []Record) (event.Form, error) {
	isExec := func(r Record) bool { return r.Kind == event.Exec && r.TID == root }
	i := slices.IndexFunc(records, isExec)
	if i < 0 {
		return nil, fmt.Errorf("process %d executed no program", root)
	}
	self := Announcement{State: Born, TID: root, PID: root, Creator: UnknownCreator}
	t, err := newTruth(&Evidence{
		Ledger: []Announcement{self}, Program: Program{State: Begun, Status: event.Unknown},
		Account: Account{Source: Perf, Records: records[i+1:], Cut: never},
	}, event.Expected{})
	if err != nil {
		return nil, err
	}
	return t.family.Form(), nil
}

// statuses are those with which tasks ended by the debugger's word.
func (c *Case) statuses() map[event.Path]event.Status {
	statuses := make(map[event.Path]event.Status)
	for _, r := range c.reports {
		if r.Kind == event.Exit && r.self != nil {
			statuses[r.self.Path] = r.Status
		}
	}
	return statuses
}

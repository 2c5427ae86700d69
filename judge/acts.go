package judge

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// What a task does between its birth and its end is judged here, by the rules for what is left out,
// invented and repeated.

// Execs are the execs of one process, as they were and as they were told. An exec is its process's,
// whatever its former id.
type execs struct {
	pid  event.TID
	told []report
	real []execution // that the truth knows, and that the debugger can have seen
	due  int         // how many of them it had to tell
	most int         // how many there can have been
	// bounded tells that most is known: by the kernel's account, or by the fixture's head.
	bounded bool
}

// execs are those of each process that executed by the truth, or by the debugger's word.
func (c *Case) execs() []execs {
	of := make(map[event.TID]*execs)
	at := func(pid event.TID) *execs {
		if of[pid] == nil {
			of[pid] = &execs{pid: pid}
		}
		return of[pid]
	}
	for _, r := range c.reports {
		if r.Kind == event.Exec {
			one := at(cmp.Or(r.PID, r.TID))
			one.told = append(one.told, r)
		}
	}
	owed := c.owed()
	for pid, all := range c.truth.execs {
		one := at(pid)
		one.real = all[c.execsBeforeAttach(pid):]
		for _, x := range all {
			inTime := c.Attach.State == NotAsked || c.truth.executedPast(x, c.Attach.Complete)
			if inTime && c.executedBeforeDetach(pid, x) && c.debugged(x.by) && owed.exec(x.by) {
				one.due++
			}
		}
	}
	var sorted []execs
	for _, pid := range slices.Sorted(maps.Keys(of)) {
		one := of[pid]
		one.most, one.bounded = c.mostExecs(pid, len(one.real))
		sorted = append(sorted, *one)
	}
	return sorted
}

// execsBeforeAttach is the number of a process's execs that came too early for a debugger that
// attached. An exec under way at the attach is not among them if the debugger told of it.
func (c *Case) execsBeforeAttach(pid event.TID) int {
	if !c.truth.witnessed {
		return 0
	}
	all, n := c.truth.execs[pid], 0
	for n < len(all) && all[n].at <= c.Attach.Asked {
		n++
	}
	told := 0
	for _, w := range c.Words {
		if w.Kind == event.Exec && cmp.Or(w.PID, w.TID) == pid {
			told++
		}
	}
	if n > 0 && told > len(all)-n && !c.truth.wasExecOver(pid, all[n-1], c.Attach.Asked) {
		return n - 1
	}
	return n
}

// mostExecs is how many execs of a process there can have been. The ledger alone knows only of
// those whose program announced itself.
func (c *Case) mostExecs(pid event.TID, known int) (most int, ok bool) {
	if c.truth.witnessed {
		return known, true
	}
	var paths []event.Path
	for _, l := range c.truth.lives {
		if l.PID == pid {
			paths = append(paths, l.Path)
		}
	}
	most, ok = c.expected.Most(event.Exec, paths...)
	return max(most, known), ok
}

// unreportedExecs are the execs that the debugger did not report.
func unreportedExecs(c *Case, f *finding) {
	for _, e := range c.execs() {
		f.judged += e.due
		if e.due > len(e.told) {
			f.breach("unreported exec", tids{e.pid}, numbers{e.due, len(e.told)},
				"process %d: %s, %d reported", e.pid, count(e.due, "exec"), len(e.told))
		}
	}
}

// unsoundExecs are those that never were, those that were told before they were, and those that
// another task made. A former id of zero is not known.
func unsoundExecs(c *Case, f *finding) {
	for _, e := range c.execs() {
		if e.bounded && e.most == 0 && len(e.told) > 0 {
			f.breach("no such exec", tids{e.pid}, numbers{0, len(e.told)},
				"reported: %s; process %d executed no program", sentence(e.told[0].Event), e.pid)
		}
		for i, r := range e.told {
			real := e.real
			if len(e.told) == len(e.real) {
				real = e.real[i : i+1]
			}
			isFormer := func(x execution) bool { return x.former == r.Former }
			if r.Former != 0 && len(real) > 0 && !slices.ContainsFunc(real, isFormer) {
				f.breach("wrong former", tids{e.pid, r.Former}, nil,
					"reported: %s; it was task %d that executed", sentence(r.Event), real[0].former)
			}
			if i < len(e.real) && !c.truth.late && r.before(e.real[i].at) {
				f.breach("exec told early", tids{e.pid}, nil,
					"%s: this was reported at %v, and process %d executed at %v",
					sentence(r.Event), r.at, e.pid, e.real[i].at)
			}
		}
	}
}

// execsToldTwice are the processes of which more execs were told than there were.
func execsToldTwice(c *Case, f *finding) {
	for _, e := range c.execs() {
		if e.bounded && e.most > 0 {
			f.judged += len(e.told)
			if len(e.told) > e.most {
				f.breach("exec told twice", tids{e.pid}, numbers{e.most, len(e.told)},
					"process %d: %s, %d reported", e.pid, count(e.most, "exec"), len(e.told))
			}
		}
	}
}

// declaredBirths are the kinds of the tasks' births by the fixture's head, where that states them.
func (c *Case) declaredBirths() map[event.Path]event.Kind {
	kinds := make(map[event.Path]event.Kind)
	for _, l := range c.truth.lives {
		line, _ := c.expected.Line(l.Path)
		for _, a := range line.Acts {
			if a.Kind.IsBirth() {
				kinds[a.Child] = a.Kind
			}
		}
	}
	return kinds
}

// Vforkdones are the ends of one task's vforks, as they can have been and as they were told.
type vforkdones struct {
	by   *life
	told []report
	most int // how many there can have been
	due  int // how many the debugger had to tell
}

// vforkdones are those of each task that has them by the head, or by the debugger's word.
func (c *Case) vforkdones() []vforkdones {
	of, known := make(map[*event.Life]*vforkdones), make(map[*event.Life]bool)
	for _, l := range c.truth.lives {
		n, ok := c.expected.Most(event.VForkDone, l.Path)
		of[l.Life], known[l.Life] = &vforkdones{by: l, most: n}, ok
	}
	for _, l := range c.truth.lives {
		if l.Creator == nil || known[l.Creator] {
			continue
		}
		if kind, stated := c.births[l.Path]; !stated || kind == event.VFork {
			of[l.Creator].most++
		}
	}
	whole := c.isWhole()
	for _, r := range c.reports {
		switch {
		case r.Kind == event.VForkDone && r.self != nil:
			one := of[r.self.Life]
			one.told = append(one.told, r)
		case whole && c.isVfork(r):
			if one := of[r.child.Creator]; known[r.child.Creator] && one.due < one.most {
				one.due++
			}
		}
	}
	var all []vforkdones
	for _, l := range c.truth.lives {
		if one := of[l.Life]; one.due > 0 || len(one.told) > 0 {
			all = append(all, *one)
		}
	}
	return all
}

// unreportedVforkDones are those of vforks whose births were told and whose ends were not, though
// the head states them. A task that was killed meanwhile has none by its head.
func (c *Case) unreportedVforkDones(f *finding) {
	for _, v := range c.vforkdones() {
		if v.due > len(v.told) {
			f.breach("unreported vforkdone", tids{v.by.TID}, numbers{v.due, len(v.told)},
				"task %d (%s): %d vforks came to their end, %d reported (vforkdone)",
				v.by.TID, v.by.Path, v.due, len(v.told))
		}
	}
}

// unsoundVforkDones are those of tasks that made no process by vfork.
func (c *Case) unsoundVforkDones(f *finding) {
	for _, v := range c.vforkdones() {
		if v.most == 0 {
			f.breach("no such vfork", tids{v.by.TID}, nil,
				"reported: %s; task %d (%s) made no process by vfork",
				sentence(v.told[0].Event), v.by.TID, v.by.Path)
		}
	}
}

// vforkDonesToldTwice are more than there were vforks.
func (c *Case) vforkDonesToldTwice(f *finding) {
	for _, v := range c.vforkdones() {
		f.judged += len(v.told)
		if v.most > 0 && len(v.told) > v.most {
			f.breach("vforkdone told twice", tids{v.by.TID}, numbers{v.most, len(v.told)},
				"task %d (%s): %d vforks, the end of one was reported %d times",
				v.by.TID, v.by.Path, v.most, len(v.told))
		}
	}
}

// earlyVforkDones are those that were told before a vfork that they can be of. Births that the
// debugger did not tell, before an attach say, may each have had one.
func (c *Case) earlyVforkDones(f *finding) {
	for _, v := range c.vforkdones() {
		born, vforks := 0, 0
		for _, r := range c.reports {
			if r.self == v.by && c.isVfork(r) {
				vforks++
			}
		}
		untold, done := v.most-vforks, 0
		for _, r := range c.reports {
			switch {
			case r.self != v.by:
			case c.isVfork(r):
				born++
			case r.Kind == event.VForkDone:
				if done++; done > born+max(untold, 0) && done <= v.most {
					f.breach("before its vfork", tids{v.by.TID}, nil,
						"%s: this was reported before the vfork that it ends", sentence(r.Event))
				}
			}
		}
	}
}

// isVfork tells whether a report is of a birth that has a vforkdone.
func (c *Case) isVfork(r report) bool {
	return r.Kind.IsBirth() && r.child != nil &&
		c.births[r.child.Path] == event.VFork
}

// Signals are those of one id, as they can have been delivered and as they were told.
type signals struct {
	tid  event.TID
	told []report
	// own are those that were told, but for those that the kernel and job control send: nothing
	// says how many of these there were, and some debuggers tell a group stop by its signal. At an
	// attach gdbserver tells of each task's stop twice.
	own   []report
	most  int // how many there can have been
	least int // how many certainly were delivered
}

// uncounted are the signals that come without the fixture's own code sending them: from the kernel,
// from job control, and from Go's runtime, which stops a goroutine by SIGURG.
var uncounted = []string{
	"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGKILL", "SIGURG",
}

// signals are those of each id of which the ledger or the head says how many there were. The ledger
// counts those that handlers handled, in a program that sends any so.
func (c *Case) signals() []signals {
	of := make(map[event.TID]*signals)
	counts := slices.ContainsFunc(c.Ledger, func(a Announcement) bool { return a.Sent > 0 })
	for _, a := range c.Ledger {
		if a.State == Claimed || !counts {
			continue
		}
		if of[a.TID] == nil {
			of[a.TID] = &signals{tid: a.TID}
		}
		of[a.TID].most += max(a.Sent, a.Handled)
		of[a.TID].least += min(a.Sent, a.Handled)
	}
	for tid, lives := range c.truth.byTID {
		if n, ok := c.expected.Most(event.Signal, lives[0].Path); ok && !counts && len(lives) == 1 {
			of[tid] = &signals{tid: tid, most: n, least: n}
		}
	}
	for _, r := range c.reports {
		if one := of[r.TID]; one != nil && r.Kind == event.Signal {
			one.told = append(one.told, r)
			atAttach := r.at <= c.Attach.Complete && !c.Mode.Launches()
			if !atAttach && !slices.Contains(uncounted, r.Event.Signal.String()) {
				one.own = append(one.own, r)
			}
		}
	}
	var sorted []signals
	for _, tid := range slices.Sorted(maps.Keys(of)) {
		sorted = append(sorted, *of[tid])
	}
	return sorted
}

// unreportedSignals are those that a program got from its start to its end, and that were not told.
// At an attach some may have come before: attach_signal_storm sends them before its gate.
func (c *Case) unreportedSignals(f *finding) {
	if !c.Mode.Launches() || !c.isWhole() {
		return
	}
	for _, s := range c.signals() {
		f.judged += s.least
		if len(s.told) < s.least {
			f.breach("unreported signal", tids{s.tid}, numbers{s.least, len(s.told)},
				"%s: %s delivered, %d reported",
				c.truth.name(s.tid), count(s.least, "signal"), len(s.told))
		}
	}
}

// unsoundSignals are signals of a task that got none, and others than the head states.
func (c *Case) unsoundSignals(f *finding) {
	for _, s := range c.signals() {
		if s.most == 0 && len(s.own) > 0 {
			f.breach("no such signal", tids{s.tid}, nil, "reported: %s; no signal was sent to %s",
				sentence(s.own[0].Event), c.truth.name(s.tid))
		}
		for _, r := range s.own {
			if r.self == nil {
				continue
			}
			line, _ := c.expected.Line(r.self.Path)
			stated := slices.ContainsFunc(line.Acts, isSignal)
			same := func(a event.Act) bool { return a.Signal == r.Event.Signal }
			if stated && !slices.ContainsFunc(line.Acts, same) {
				f.breach("wrong signal", tids{s.tid}, numbers{int(r.Event.Signal)},
					"reported: %s; its head says %q", sentence(r.Event), line)
			}
		}
	}
}

func isSignal(a event.Act) bool { return a.Kind == event.Signal }

// signalsToldTwice are more than were sent.
func (c *Case) signalsToldTwice(f *finding) {
	for _, s := range c.signals() {
		f.judged += len(s.own)
		if s.most > 0 && len(s.own) > s.most {
			f.breach("signal told twice", tids{s.tid}, numbers{s.most, len(s.own)},
				"%s: %s sent, %d reported",
				c.truth.name(s.tid), count(s.most, "signal"), len(s.own))
		}
	}
}

package judge

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// never is the end of a life that has not ended.
const never = time.Duration(math.MaxInt64)

// A life is one task of the program as the truth has it.
type life struct {
	*event.Life
	born, died time.Duration // zero and never where no account has times
	told       event.Status  // with which it ended by the kernel's word; Unknown without it
	status     event.Status  // with which it ended; Unknown where no account says
	found      bool          // a thread whose creator no account names
	seen       time.Duration // the latest time at which it was there for sure; see sets it
	untraced   bool          // born with CLONE_UNTRACED: no tracer is told of it
	host       bool          // of the program that hosts the fixture
	came       int           // its place in the order of announcements, where only those tell of it
}

// A truth is what the kernel did to a program in one run.
type truth struct {
	family    *event.Family
	lives     []*life
	byTID     map[event.TID][]*life // several if an id was used again, or taken over by an exec
	execs     map[event.TID][]execution
	returns   map[event.TID][]time.Duration // from execs, by the connector beside perf
	witnessed bool                          // it was made from the kernel's own account
	late      bool                          // that tells execs and ends later than they were
	processes []*process
	process   map[*life]*process // of each life
}

// A process is one thread group of the truth, from its birth to its end.
type process struct {
	pid    event.TID
	leader *life // the task that had the pid last
	tasks  []*life
}

// An execution is an exec: the task that executed the program has its process's id from then on.
type execution struct {
	by     *life
	at     time.Duration // zero where no account has times
	former event.TID     // that the task had before
}

// newTruth makes the truth of a run: from the kernel's account if there is one, between the exec
// before the gate and the cut, and else from the ledger. Statuses are the kernel's, or else those
// that the fixture declares, and the process's own.
func newTruth(e *Evidence, expected event.Expected) (*truth, error) {
	announced := ledger(e.Ledger)
	root := announced.root()
	if root.State == Claimed {
		return nil, errors.New("the program did not announce itself")
	}
	t := &truth{
		family: &event.Family{}, byTID: make(map[event.TID][]*life),
		execs: make(map[event.TID][]execution), witnessed: e.Account.Source != NoAccount,
	}
	if !t.witnessed {
		if err := t.followLedger(announced); err != nil {
			return nil, err
		}
		t.findProcesses()
		t.declare(expected, e.Program.Status)
		if e.Program.State == Over {
			for _, l := range t.lives { // when each ended is not known: all had by then
				l.died = e.Account.Cut
			}
		}
		return t, nil
	}
	start := event.Event{Kind: event.Ready, PID: root.PID, TID: root.TID}
	if err := t.add(Record{Event: start}); err != nil {
		return nil, err
	}
	for _, r := range t.joined(e, announced) {
		of := r.TID
		if r.Kind == event.Attach { // a thread of unknown birth
			of = r.PID
		}
		if t.family.Living(of) == nil || r.Kind == event.Exec && r.At < e.Program.Gate {
			continue // another program's, such as the debugger's own
		}
		if err := t.add(r); err != nil {
			return nil, fmt.Errorf("the witness's account: %w", err)
		}
	}
	if t.late {
		t.see(e)
	}
	t.setHostApart(announced)
	t.findProcesses()
	t.declare(expected, e.Program.Status)
	return t, nil
}

// joined are the kernel's records up to the cut, from all its sources.
func (t *truth) joined(e *Evidence, announced ledger) []Record {
	records := e.Account.Records
	switch e.Account.Source {
	case PerfAndConnector:
		t.returns = execReturns(e.Account.Connector)
		records = withStatuses(records, e.Account.Connector)
	case Connector:
		records, t.late = e.Account.Connector, true
	}
	records = recordsOf(records, announced.root().TID, e.Program.Gate)
	var late []Record
	after := slices.IndexFunc(records, func(r Record) bool { return r.At > e.Account.Cut })
	if after >= 0 {
		records, late = records[:after], records[after:]
	}
	if !t.late {
		return records
	}
	records = slices.Concat(records, lateEnds(late, e))
	giveLeadersTheirEnds(records, announced)
	j := newJoiner(announced, records)
	for i := range records {
		records[i] = j.join(records[i])
	}
	return records
}

// recordsOf leaves out what came before the program: before the last exec of its root that precedes
// the gate, or before the root's birth if there was no such exec.
func recordsOf(records []Record, root event.TID, gate time.Duration) []Record {
	first := 0
	for i, r := range records {
		isStart := r.Kind.IsBirth() && r.Child == root || r.Kind == event.Exec && r.TID == root
		if isStart && r.At < gate {
			first = i + 1
		}
	}
	return records[first:]
}

// followLedger follows what the ledger alone tells: births and execs, without times, and no ends.
func (t *truth) followLedger(all ledger) error {
	paths, lives := all.paths(), make([]*life, len(all))
	for i, e := range all.trace(paths) {
		if paths[i] == "" {
			continue
		}
		if err := t.add(Record{Event: e}); err != nil {
			return fmt.Errorf(
				"task %d announced itself in slot %d as %s, but its creator had ended",
				all[i].TID, i, paths[i])
		}
		if lives[i] = t.lives[len(t.lives)-1]; e.Kind == event.Exec {
			execs := t.execs[e.TID]
			lives[i] = execs[len(execs)-1].by
		} else {
			lives[i].came = all[i].Came
		}
		if lives[i].Path != paths[i] {
			return fmt.Errorf(
				"task %d announced itself in slot %d as %s, but by the execs before it was %s",
				all[i].TID, i, paths[i], lives[i].Path)
		}
	}
	tid := func(number event.TID) event.TID { return all[number-1].TID }
	for _, l := range t.lives {
		l.TID, l.PID, l.First = tid(l.TID), tid(l.PID), tid(l.First)
		if l.Creator != nil {
			l.Maker = tid(l.Maker)
		}
		if l.Kind == event.Clone && l.First == l.PID {
			return fmt.Errorf("task %d announced itself as a thread, but has its process's id",
				l.First)
		}
	}
	clear(t.byTID)
	clear(t.execs)
	for _, i := range all.inOrder() {
		if l := lives[i]; l != nil {
			if all[i].State == Executed && i > 0 {
				was := all[all[i].Creator].TID
				t.execs[all[i].TID] = append(t.execs[all[i].TID], execution{by: l, former: was})
			}
			t.has(all[i].TID, l)
		}
	}
	return nil
}

// findProcesses divides the lives into processes, in the order of their births.
func (t *truth) findProcesses() {
	latest := make(map[event.TID]*process)
	t.process = make(map[*life]*process, len(t.lives))
	for _, l := range t.lives {
		if l.First == l.PID {
			latest[l.PID] = &process{pid: l.PID, leader: l}
			t.processes = append(t.processes, latest[l.PID])
		}
		p := latest[l.PID]
		p.tasks = append(p.tasks, l)
		t.process[l] = p
	}
	for _, execs := range t.execs {
		for _, x := range execs {
			t.process[x.by].leader = x.by
		}
	}
}

// ended is when the last task of a process did, or never.
func (p *process) ended() (at time.Duration) {
	for _, l := range p.tasks {
		at = max(at, l.died)
	}
	return at
}

// holder is the life that had a tid at some time, nil if that is not known. Without an account it
// is known only of a tid that no two tasks had.
func (t *truth) holder(tid event.TID, at time.Duration) (holder *life) {
	lives := t.byTID[tid]
	switch {
	case t.witnessed:
		for _, l := range lives {
			if t.since(l, tid) <= at {
				holder = l
			}
		}
	case len(lives) == 1:
		holder = lives[0]
	}
	return holder
}

// has notes that a life had a tid.
func (t *truth) has(tid event.TID, l *life) {
	if !slices.Contains(t.byTID[tid], l) {
		t.byTID[tid] = append(t.byTID[tid], l)
	}
}

// add follows one event of the truth.
func (t *truth) add(r Record) error {
	if r.Kind == event.Exec && r.Former == 0 {
		r.Former = t.former(r.TID)
	}
	self := t.living(cmp.Or(r.Former, r.TID))
	known := len(t.family.Lives())
	if _, err := t.family.Add(r.Event); err != nil {
		return err
	}
	switch r.Kind {
	case event.Exit:
		self.died, self.told = r.At, r.Status
	case event.Exec:
		t.execs[r.TID] = append(t.execs[r.TID], execution{self, r.At, cmp.Or(r.Former, r.TID)})
		t.has(r.TID, self)
	}
	for _, l := range t.family.Lives()[known:] {
		made := &life{
			Life: l, born: r.At, died: never, told: event.Unknown, status: event.Unknown,
			found: r.Kind == event.Attach,
		}
		t.lives = append(t.lives, made)
		t.has(l.TID, made)
	}
	return nil
}

// living is the task that has a tid now, nil if there is none.
func (t *truth) living(tid event.TID) *life {
	now := t.family.Living(tid)
	for _, l := range t.byTID[tid] {
		if l.Life == now {
			return l
		}
	}
	return nil
}

// former is the tid that the executing task of a process had before. The kernel tells of an exec
// under the group's id alone, once all other tasks have ended (de_thread in fs/exec.c): the one
// that still lives has executed.
func (t *truth) former(pid event.TID) event.TID {
	former := pid
	if leader := t.family.Living(pid); leader == nil || !leader.Ended {
		return former
	}
	for _, l := range t.lives {
		if l.PID == pid && !l.Ended {
			if former != pid {
				return pid // two live: the family refuses the exec, since the leader has ended
			}
			former = l.TID
		}
	}
	return former
}

// declare takes over what the fixture's head declares of each task, and the process's own status.
func (t *truth) declare(expected event.Expected, status event.Status) {
	for _, l := range t.lives {
		l.untraced = expected.Untraced(l.Path)
		l.status, _ = declaredStatus(expected, l.Path, event.Exit)
	}
	leader := t.leader()
	if _, differs := declaredStatus(expected, leader.Path, event.End); !differs {
		leader.status = status // unless its head says otherwise, it ends as its process
	}
	for _, l := range t.lives {
		if l.told != event.Unknown {
			l.status = l.told
		}
	}
}

// declaredStatus is the status of a task's last event of some kinds by the fixture's head. It is
// Unknown, and false, if the head states none.
func declaredStatus(
	expected event.Expected, path event.Path, kinds ...event.Kind,
) (status event.Status, ok bool) {
	line, _ := expected.Line(path)
	for _, a := range slices.Backward(line.Acts) {
		if slices.Contains(kinds, a.Kind) {
			return a.Status, true
		}
	}
	return event.Unknown, false
}

// root is the program's first task.
func (t *truth) root() *life { return t.lives[0] }

// leader is the task that had the root's tid last: the root itself, or the task that took the tid
// over in an exec.
func (t *truth) leader() *life {
	if execs := t.execs[t.root().PID]; len(execs) > 0 {
		return execs[len(execs)-1].by
	}
	return t.root()
}

// since is when a life had a tid first: at its birth, or at the exec by which it took the tid over.
func (t *truth) since(l *life, tid event.TID) time.Duration {
	for _, x := range t.execs[tid] {
		if x.by == l && l.First != tid {
			return x.at
		}
	}
	return l.born
}

// livedIn tells whether a task with this tid lived in an interval by the kernel's account. /proc
// may not show it as the program's: an orphan that has not announced itself descends from no
// process that we know.
func (t *truth) livedIn(tid event.TID, in Interval) bool {
	return t.witnessed && slices.ContainsFunc(t.byTID[tid], func(l *life) bool {
		return l.born <= in.Complete && l.died > in.Asked
	})
}

// path is the birth path of the task that had a tid last, empty if there was none. A program that
// never began has no truth.
func (t *truth) path(tid event.TID) event.Path {
	if t == nil || len(t.byTID[tid]) == 0 {
		return ""
	}
	lives := t.byTID[tid]
	return lives[len(lives)-1].Path
}

// nthPath is the birth path of the nth task, from 0, that was born with a tid, or of the last. If
// only one was, it is that of the task that had the tid last.
func (t *truth) nthPath(tid event.TID, n int) event.Path {
	var born []*life
	for _, l := range t.byTID[tid] {
		if l.First == tid {
			born = append(born, l)
		}
	}
	if len(born) < 2 {
		return t.path(tid)
	}
	return born[min(n, len(born)-1)].Path
}

package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// What the proc connector tells is joined with the other accounts. Beside perf's account it adds
// the statuses. In its place it has the births and deaths, and the ledger says which task made a
// thread and which executed a program.

// lateness is how much later than the kernel lets go of a task the connector may tell its end: the
// task can be off the CPU there. Beside 30 busy processes on 2 CPUs it was for 25 ms.
const lateness = 100 * time.Millisecond

// livedPast tells whether a life went on after a time for sure, and executedPast whether an exec
// came after it. The kernel tells an exec when the task goes on from PTRACE_EVENT_EXEC (exec_binprm
// in fs/exec.c): if it is traced, as late as its tracer likes.
func (t *truth) livedPast(l *life, at time.Duration) bool {
	return l.died > at && (!t.late || l.born >= at || l.seen >= at || l.died-lateness > at)
}

func (t *truth) executedPast(x execution, at time.Duration) bool {
	return x.at > at && (!t.late || x.at-lateness > at)
}

// execReturns are when the execs of each process returned: the connector tells of them after
// PTRACE_EVENT_EXEC.
func execReturns(connector []Record) map[event.TID][]time.Duration {
	returns := make(map[event.TID][]time.Duration)
	for _, r := range connector {
		if r.Kind == event.Exec {
			returns[r.PID] = append(returns[r.PID], r.At)
		}
	}
	return returns
}

// see notes when each life was there for sure: when it made a task or executed a program, when a
// tracer attached to it, and when /proc showed it.
func (t *truth) see(e *Evidence) {
	lives := make(map[*event.Life]*life, len(t.lives))
	for _, l := range t.lives {
		lives[l.Life] = l
		if l.Creator != nil {
			creator := lives[l.Creator] // it comes before its children
			creator.seen = max(creator.seen, l.born)
		}
	}
	for _, execs := range t.execs {
		for _, x := range execs {
			x.by.seen = max(x.by.seen, x.at)
		}
	}
	there := func(pid, tid event.TID, at time.Duration) {
		// What a look shows, which takes its time, may be the next task with that id.
		if lives := t.byTID[tid]; len(lives) > 0 {
			l := lives[len(lives)-1]
			if l.PID == pid && at < l.died {
				l.seen = max(l.seen, at)
			}
		}
	}
	for _, x := range e.Account.Tracings {
		if x.Tracer != 0 {
			there(x.PID, x.TID, x.At)
		}
	}
	looks := slices.Clone(e.Looks)
	for _, s := range e.Standstills {
		looks = append(looks, s.Stood, s.After) // the time of Left is that of its end
	}
	for _, look := range looks {
		for _, task := range look.Tasks {
			if !task.Ended() && task.Flags&Exiting == 0 {
				there(task.PID, task.TID, look.At)
			}
		}
	}
}

// withStatuses gives perf's records of ends the statuses that the connector tells. Both have the
// ends of a tid in their order. Where they have not the same number, none is taken: at an exec the
// connector may tell the leader's end under the other id.
func withStatuses(perf, connector []Record) []Record {
	told := placesOf(event.Exit, connector)
	perf = slices.Clone(perf)
	for tid, places := range placesOf(event.Exit, perf) {
		for n, i := range places {
			if len(told[tid]) == len(places) {
				perf[i].Status = connector[told[tid][n]].Status
			}
		}
	}
	return perf
}

// placesOf are where the records of a kind stand, by their tasks.
func placesOf(kind event.Kind, records []Record) map[event.TID][]int {
	places := make(map[event.TID][]int)
	for i, r := range records {
		if r.Kind == kind {
			places[r.TID] = append(places[r.TID], i)
		}
	}
	return places
}

// lateEnds are the ends that the connector told after the run's end, and that belong to the run:
// those of the program's process if that was over, and those of tasks that were not killed. When
// the run is over its keeper kills what is left. When those tasks ended is not known.
func lateEnds(after []Record, e *Evidence) (ends []Record) {
	root := ledger(e.Ledger).root().PID
	for _, r := range after {
		switch {
		case r.Kind != event.Exit:
		case r.PID == root && e.Program.State == Over:
			r.At = e.Account.Cut
			ends = append(ends, r)
		case r.PID != root && r.Status != event.Killed(sigkill):
			r.At = never
			ends = append(ends, r)
		}
	}
	return ends
}

// sigkill is SIGKILL's number on every architecture.
const sigkill = 9

// A joiner completes the connector's records of a program by its ledger.
type joiner struct {
	announced ledger
	slots     map[event.TID][]int              // slots of tasks that are yet to be born
	living    map[event.TID]map[event.TID]bool // the tasks of each process
}

// newJoiner makes the joiner for the records of a program and of what else ran below the keeper.
func newJoiner(announced ledger, records []Record) *joiner {
	root := announced.root()
	j := &joiner{
		announced: announced, slots: make(map[event.TID][]int),
		living: map[event.TID]map[event.TID]bool{root.PID: {root.TID: true}},
	}
	for _, i := range announced.inOrder() {
		if a := announced[i]; a.State == Born || a.State == Host {
			j.slots[a.TID] = append(j.slots[a.TID], i)
		}
	}
	births := make(map[event.TID]int)
	for _, r := range records {
		if r.Kind.IsBirth() {
			births[r.Child]++
		}
	}
	for tid, slots := range j.slots {
		if births[tid] != len(slots) { // which of its lives announced themselves is not known
			delete(j.slots, tid)
		}
	}
	return j
}

// join completes one record. A thread whose creator is not known is found, as at an attach.
func (j *joiner) join(r Record) Record {
	switch {
	case r.Kind == event.Clone:
		j.creator(&r)
		if living := j.living[r.PID]; len(living) > 0 { // else it is another program's
			living[r.Child] = true
			if r.TID == 0 {
				r.Event = event.Event{Kind: event.Attach, PID: r.PID, TID: r.Child}
			}
		}
	case r.Kind.IsBirth():
		j.creator(&r)
		if j.living[r.PID][r.TID] {
			j.living[r.Child] = map[event.TID]bool{r.Child: true}
		}
	case r.Kind == event.Exec:
		j.living[r.PID] = map[event.TID]bool{r.TID: true}
	case r.Kind == event.Exit:
		delete(j.living[r.PID], r.TID)
	}
	return r
}

// creator names the task that made another: the ledger's word first, since the connector names the
// parent of a process that was made with CLONE_PARENT. A creator is one of its process's tasks, so
// it is known if there is one alone.
func (j *joiner) creator(r *Record) {
	if slots := j.slots[r.Child]; len(slots) > 0 {
		j.slots[r.Child] = slots[1:]
		if i := j.announced[slots[0]].Creator; i >= 0 {
			if a := j.announced[i]; j.living[a.PID][a.TID] {
				r.PID, r.TID = a.PID, a.TID
				return
			}
		}
	}
	if len(j.living[r.PID]) == 1 {
		for tid := range j.living[r.PID] {
			r.TID = tid
		}
	}
}

// giveLeadersTheirEnds gives the ends of leaders their own ids: if a leader's end is sent while
// another task of its process executes, it may stand under the id that this had. The ledger says
// which tasks executed.
func giveLeadersTheirEnds(records []Record, announced ledger) {
	formers := make(map[event.TID][]event.TID) // the executing tasks of each process
	for _, i := range announced.inOrder() {
		if a := announced[i]; a.State == Executed && a.Creator >= 0 {
			formers[a.TID] = append(formers[a.TID], announced[a.Creator].TID)
		}
	}
	execs := placesOf(event.Exec, records)
	for pid, tids := range formers {
		if len(tids) != len(execs[pid]) {
			continue // some programs announced nothing
		}
		from := 0
		for n, former := range tids {
			giveLeaderItsEnd(records[from:execs[pid][n]], pid, former)
			from = execs[pid][n]
		}
	}
}

// giveLeaderItsEnd gives a process's leader the last end that is told of the task which executed.
func giveLeaderItsEnd(records []Record, pid, former event.TID) {
	isEndOf := func(tid event.TID) func(Record) bool {
		return func(r Record) bool {
			return r.Kind == event.Exit && r.TID == tid
		}
	}
	if slices.ContainsFunc(records, isEndOf(pid)) {
		return
	}
	for i, r := range slices.Backward(records) {
		if isEndOf(former)(r) {
			records[i].TID = pid
			return
		}
	}
}

// wasThere tells whether a life is known to have begun before the debugger attached.
func (t *truth) wasThere(l *life, attach time.Duration) bool {
	return t.witnessed && l.born <= attach || l.Creator == nil && !l.found
}

// creator names the task that made a life, for people.
func (l *life) creator() string {
	if l.Creator == nil {
		return "a task of its process"
	}
	return string(l.Creator.Path)
}

// above is the life that made another, nil of the root. Of a thread whose creator is not known it
// is the one that leads its process.
func (t *truth) above(l *event.Life) *event.Life {
	if l.Creator != nil {
		return l.Creator
	}
	if led := t.byTID[l.PID]; led[0].Life != l {
		return led[0].Life
	}
	return nil
}

// isComplete tells whether the creator of each of the fixture's tasks is known. Else a path may be
// that of a task which was born earlier, and what is said of paths cannot be compared.
func (t *truth) isComplete() bool {
	return !slices.ContainsFunc(t.lives, func(l *life) bool { return l.found && !l.host })
}

// otherStatuses says where the kernel's statuses are not those that the head declares.
func (t *truth) otherStatuses(expected event.Expected) string {
	if !t.isComplete() {
		return ""
	}
	var b strings.Builder
	for _, l := range t.lives {
		if declared, _ := declaredStatus(expected, l.Path, event.Exit); !l.told.Same(declared) {
			fmt.Fprintf(&b, "- %s: exit %s\n+ %s: exit %s\n", l.Path, declared, l.Path, l.told)
		}
	}
	return b.String()
}

// kind is the event that made a life. A thread of unknown creator was found, and made by a clone.
func (l *life) kind() event.Kind {
	if l.found {
		return event.Clone
	}
	return l.Kind
}

// toldEnd is the status with which a process ended by the kernel's word on its tasks, Unknown if
// that leaves it open. It is its leader's own, unless another task ended all of them with another
// while the leader ended, or after it had ended (wait_task_zombie in kernel/exit.c).
func (p *process) toldEnd() event.Status {
	status := p.leader.told
	for _, l := range p.tasks {
		if l.told != status && (l.died == never || l.died+lateness > p.leader.died) {
			return event.Unknown
		}
	}
	return status
}

// Each attach to a task and each detach has its notice before the system call is over. So those
// that come after the debugger's word that it had done it show that it had not.

// tracings are the notices that are not about tracers within the program.
func (c *Case) tracings() (all []Tracing) {
	own := make(map[event.TID]bool) // tasks that a task of the program traces
	for _, x := range c.Account.Tracings {
		if x.Tracer != 0 {
			own[x.TID] = len(c.truth.byTID[x.Tracer]) > 0
		}
		if !own[x.TID] {
			all = append(all, x)
		}
	}
	return all
}

// attachedLate are the tasks that lived before the attach, and that the debugger attached to only
// when that was said to be complete.
func (c *Case) attachedLate(f *finding) {
	if c.Attach.State != Complete {
		return
	}
	before, traced := c.livedBefore(), make(map[event.TID]bool)
	for _, x := range c.tracings() {
		switch l := before[x.TID]; {
		case l == nil || l != c.truth.holder(x.TID, x.At) || l.PID != x.PID:
		case x.At <= c.Attach.Complete:
			traced[x.TID] = x.Tracer != 0
		case x.Tracer != 0 && x.At < c.until() && !traced[x.TID]:
			f.breach("attached late", tids{x.TID}, nil,
				"%s lived at the attach, which was said to be complete at %v, "+
					"and was attached to at %v",
				c.truth.name(x.TID), c.Attach.Complete, x.At)
			traced[x.TID] = true
		}
	}
}

// releasedLate are the tasks that the debugger let go of only when it had said that it did.
func (c *Case) releasedLate(f *finding) {
	if c.Detach.State != Complete || c.Mode == fixtures.Orphaned {
		return
	}
	for _, x := range c.tracings() {
		l := c.truth.holder(x.TID, x.At)
		late := x.Tracer == 0 && x.At > c.Detach.Complete
		if late && l != nil && l.PID == x.PID && !c.foreign[l] {
			f.breach("released late", tids{x.TID}, nil,
				"%s was let go of at %v, and the detach was said to be complete at %v",
				c.truth.name(x.TID), x.At, c.Detach.Complete)
		}
	}
}

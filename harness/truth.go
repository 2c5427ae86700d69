package harness

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/witness"
)

// never is the end of a life that has not ended.
const never = time.Duration(math.MaxInt64)

// A life is one task of the program as the truth has it, with the witness's clock.
type life struct {
	*event.Life
	born, died time.Duration // zero and never where unknown
	status     event.Status  // how it ended, Unknown where nobody said
	untraced   bool          // it was born so that no tracer is told of it (CLONE_UNTRACED)
	host       bool          // it is none of the fixture's, but of the program that hosts it
}

// A truth is what the kernel did to a program in one run.
type truth struct {
	family    *event.Family
	lives     []*life
	byTID     map[event.TID][]*life // more than one where a tid was used twice, or taken over by an exec
	execs     map[event.TID][]execution
	witnessed bool // the kernel's own account is in it
}

// An execution is that a task of a process executed a program, and had the process's id from then on.
type execution struct {
	by *life
	at time.Duration
}

// root is the program's first task.
func (t *truth) root() *life { return t.lives[0] }

// leader is the task that had the root's tid last: the root itself, or who took it over in an exec.
func (t *truth) leader() *life {
	if execs := t.execs[t.root().PID]; len(execs) > 0 {
		return execs[len(execs)-1].by
	}
	return t.root()
}

// since is when a life had a tid: from its birth, or from the exec by which it took that over.
func (t *truth) since(l *life, tid event.TID) time.Duration {
	for _, x := range t.execs[tid] {
		if x.by == l && l.First != tid {
			return x.at
		}
	}
	return l.born
}

// path is the birth path of the life that a tid had last. A run whose program never began has no truth.
func (t *truth) path(tid event.TID) event.Path {
	if t == nil {
		return ""
	}
	if lives := t.byTID[tid]; len(lives) > 0 {
		return lives[len(lives)-1].Path
	}
	return ""
}

// nth is the birth path of the nth life, from 0, that was born under a tid, or of the last; where one was, of who had the tid last.
func (t *truth) nth(tid event.TID, n int) event.Path {
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

// name writes a task for a report: its tid, and its path where truth knows one.
func (t *truth) name(tid event.TID) string {
	if path := t.path(tid); path != "" {
		return fmt.Sprintf("task %d (%s)", tid, path)
	}
	return fmt.Sprintf("task %d", tid)
}

// newTruth makes the truth of a run from what was announced and, if there was a witness, from
// its account: that of the program from the exec before its gate, and up to cut. The statuses
// are those that the fixture declares, and the process's own.
func newTruth(all announced, records []witness.Record, gate, cut time.Duration, expected event.Expected, end outcome) (*truth, error) {
	root := all.root()
	if root.tid == 0 {
		return nil, errors.New("the program did not announce itself")
	}
	t := &truth{family: &event.Family{}, byTID: make(map[event.TID][]*life), execs: make(map[event.TID][]execution), witnessed: records != nil}
	if !t.witnessed {
		if err := t.announce(all); err != nil {
			return nil, err
		}
		t.declare(expected, end.status)
		if end.ended {
			t.allEnded(cut)
		}
		return t, nil
	}
	start := witness.Record{Event: event.Event{Kind: event.Ready, PID: root.pid, TID: root.tid}}
	if err := t.add(start); err != nil {
		return nil, err
	}
	for _, r := range programOf(records, root.tid, gate) {
		if r.At > cut {
			break
		}
		if t.family.Living(r.TID) == nil || r.Kind == event.Exec && r.At < gate {
			continue // another program's, such as the debugger's own
		}
		if err := t.add(r); err != nil {
			return nil, fmt.Errorf("the witness's account: %w", err)
		}
	}
	t.setApart(all)
	t.declare(expected, end.status)
	return t, nil
}

// programOf leaves out what came before the program: the last exec of its root before the
// gate, where there is one, else the root's birth.
func programOf(records []witness.Record, root event.TID, gate time.Duration) []witness.Record {
	first := 0
	for i, r := range records {
		if r.At < gate && (r.Kind.IsBirth() && r.Child == root || r.Kind == event.Exec && r.TID == root) {
			first = i + 1
		}
	}
	return records[first:]
}

// announce follows what the ledger alone tells of: births and execs, without times, and no ends.
func (t *truth) announce(all announced) error {
	paths, lives := all.paths(), make([]*life, len(all))
	for i, e := range all.trace() {
		if err := t.add(witness.Record{Event: e}); err != nil {
			return fmt.Errorf("task %d announced itself in slot %d as %s, and who is said to have made it was gone", all[i].tid, i, paths[i])
		}
		if lives[i] = t.lives[len(t.lives)-1]; e.Kind == event.Exec {
			execs := t.execs[e.TID]
			lives[i] = execs[len(execs)-1].by
		}
		if lives[i].Path != paths[i] {
			return fmt.Errorf("task %d announced itself in slot %d as %s, and was %s by the execs before", all[i].tid, i, paths[i], lives[i].Path)
		}
	}
	tid := func(number event.TID) event.TID { return all[number-1].tid }
	for _, l := range t.lives {
		l.TID, l.PID, l.First = tid(l.TID), tid(l.PID), tid(l.First)
		if l.Creator != nil {
			l.Maker = tid(l.Maker)
		}
		if l.Kind == event.Clone && l.First == l.PID {
			return fmt.Errorf("task %d announced itself as a thread, and has its process's id", l.First)
		}
	}
	clear(t.byTID)
	clear(t.execs)
	for _, i := range all.inOrder() {
		tid, l := all[i].tid, lives[i]
		if l == nil {
			continue
		}
		if all[i].exec && i > 0 {
			t.execs[tid] = append(t.execs[tid], execution{by: l})
		}
		if !slices.Contains(t.byTID[tid], l) {
			t.byTID[tid] = append(t.byTID[tid], l)
		}
	}
	return nil
}

// add follows one event of the truth.
func (t *truth) add(r witness.Record) error {
	if r.Kind == event.Exec && r.Former == 0 {
		r.Former = t.former(r.TID)
	}
	dying := t.family.Living(r.TID)
	known := len(t.family.Lives())
	if _, err := t.family.Add(r.Event); err != nil {
		return err
	}
	if r.Kind == event.Exit {
		for _, l := range t.byTID[r.TID] {
			if l.Life == dying {
				l.died = r.At
			}
		}
	}
	if r.Kind == event.Exec {
		t.executed(r)
	}
	for _, l := range t.family.Lives()[known:] {
		made := &life{Life: l, born: r.At, died: never, status: event.Unknown}
		t.lives = append(t.lives, made)
		t.byTID[l.TID] = append(t.byTID[l.TID], made)
	}
	return nil
}

// former is the tid that the executing task of a process had before. The kernel tells of an exec under the
// group's id alone, once all others have ended (de_thread in fs/exec.c): who lives has executed.
func (t *truth) former(pid event.TID) event.TID {
	former := pid
	if leader := t.family.Living(pid); leader == nil || !leader.Ended {
		return former
	}
	for _, l := range t.lives {
		if l.PID == pid && !l.Ended {
			if former != pid {
				return pid // two cannot have: the family refuses it, since the leader has ended
			}
			former = l.TID
		}
	}
	return former
}

// executed notes who executed a program.
func (t *truth) executed(r witness.Record) {
	now := t.family.Living(r.TID)
	n := slices.IndexFunc(t.lives, func(l *life) bool { return l.Life == now })
	t.execs[r.TID] = append(t.execs[r.TID], execution{t.lives[n], r.At})
	if !slices.Contains(t.byTID[r.TID], t.lives[n]) {
		t.byTID[r.TID] = append(t.byTID[r.TID], t.lives[n])
	}
}

// declare takes over what the fixture's head declares of each task, and the process's own status.
func (t *truth) declare(expected event.Expected, status event.Status) {
	for _, l := range t.lives {
		l.untraced = expected.Untraced(l.Path)
		line, _ := expected.Line(l.Path)
		for _, a := range line.Acts {
			if a.Kind == event.Exit {
				l.status = a.Status
			}
		}
	}
	line, _ := expected.Line(t.leader().Path)
	if !slices.ContainsFunc(line.Acts, func(a event.Act) bool { return a.Kind == event.End }) {
		t.leader().status = status // where its head does not say otherwise, it ends as its process
	}
}

// allEnded says that the program was over at some time. Where nobody witnessed when each of its tasks
// ended, all had by then.
func (t *truth) allEnded(at time.Duration) {
	for _, l := range t.lives {
		l.died = at
	}
}

// view is what the witness alone can tell apart, or the ledger alone.
func (t *truth) view() event.View {
	return event.View{Deaths: t.witnessed, Execs: t.witnessed, Untraced: true}
}

// asDeclared compares the truth with what the fixture declares; the difference is empty if there is none.
func (t *truth) asDeclared(expected event.Expected) string {
	if !t.witnessed && expected.Open() {
		return "" // a runtime makes tasks that nobody announces, or whose creators nobody knows
	}
	want, got := expected.Compare(t.form(), t.view())
	return cmp.Diff(want, got)
}

// asAnnounced compares the truth with what the program's tasks said of themselves: who
// came, whose children they are, in which order those were born, and who executed a program. A task that never
// ran has not come.
func (t *truth) asAnnounced(all announced) error {
	if !t.witnessed {
		return nil // it was made of what was announced
	}
	lives := make([]*life, len(all))
	order := all.inOrder()
	last := make([]time.Duration, len(all)) // of each creator's children, the latest birth
	taken := make(map[*life]bool, len(all))
	execs := make(map[event.TID]int)
	overtaken := all.overtaken(order)
	for i, a := range all {
		if a.tid == 0 {
			continue
		}
		if a.creator >= i {
			return fmt.Errorf("task %d announced itself in slot %d as a child of slot %d, which comes later", a.tid, i, a.creator)
		}
		if a.exec && a.creator >= 0 {
			execs[a.tid]++
			n := execs[a.tid] - 1
			if n >= len(t.execs[a.tid]) || t.execs[a.tid][n].by != lives[a.creator] {
				return fmt.Errorf("task %d announced itself in slot %d as task %d after an exec, and the kernel did not tell of it there", a.tid, i, all[a.creator].tid)
			}
			lives[i], last[i] = lives[a.creator], t.execs[a.tid][n].at
			continue
		}
		from, creator := time.Duration(0), (*life)(nil)
		if a.creator >= 0 {
			from, creator = last[a.creator], lives[a.creator]
		}
		free := slices.DeleteFunc(slices.Clone(t.byTID[a.tid]), func(l *life) bool { return taken[l] || l.born < from })
		l := announcer(free, creator, overtaken[i])
		if l == nil {
			return fmt.Errorf("task %d announced itself in slot %d, and the kernel did not tell of it there", a.tid, i)
		}
		lives[i], taken[l] = l, true
		if a.creator < 0 {
			continue
		}
		last[a.creator] = l.born
		if creator == nil || l.Creator != creator.Life {
			return fmt.Errorf("task %d announced itself as a child of task %d, and the kernel has it as %s", a.tid, all[a.creator].tid, l.Path)
		}
	}
	return all.bornInOrder(order, lives)
}

// announcer is the life that announced itself in a slot, among those of its id that are of no slot yet. It is one that the
// slot's creator made; else, or where nobody knows the creator, the first, after those of the later slots that overtook it.
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

// bornInOrder holds the order in which tasks of one id came against that of their births.
func (a announced) bornInOrder(order []int, lives []*life) error {
	latest := make(map[event.TID]time.Duration)
	for _, i := range order {
		s := a[i]
		if s.tid == 0 || s.exec {
			continue
		}
		if lives[i].born < latest[s.tid] {
			return fmt.Errorf("task %d announced itself in slot %d after one with its id that the kernel made later", s.tid, i)
		}
		latest[s.tid] = lives[i].born
	}
	return nil
}

// silent is the first task that the kernel tells of and that did not announce itself.
func (t *truth) silent(all announced) *life {
	came := make(map[event.TID]bool, len(all))
	for _, a := range all {
		came[a.tid] = came[a.tid] || !a.exec
	}
	for _, l := range t.lives {
		if !came[l.First] {
			return l
		}
	}
	return nil
}

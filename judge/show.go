package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// Form is the canonical form of what the debugger told, labelled with the true birth paths. A task
// that the truth does not have stands there under its tid.
func (c *Case) Form() event.Form {
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
	for _, r := range c.reports {
		act := event.Act{Kind: r.Kind, Status: r.Status, Signal: r.Signal}
		switch {
		case r.Kind == event.Attach:
			label(r.child, r.TID)
			continue
		case r.Kind.IsBirth():
			act.Child = label(r.child, r.Child)
		}
		path := label(r.self, r.TID)
		last := len(acts[path]) - 1
		if r.Kind == event.End && last >= 0 && acts[path][last].Status == r.Status {
			continue
		}
		acts[path] = append(acts[path], act)
	}
	form := make(event.Form, 0, len(acts))
	for _, path := range slices.SortedFunc(maps.Keys(acts), event.Path.Compare) {
		form = append(form, event.Line{Path: path, Acts: acts[path]})
	}
	return form
}

// Expected is what the fixture declares on the run's kernel.
func (c *Case) Expected() event.Expected { return c.expected }

// TIDs are the ids of the tasks that the kernel made for the program, and of those that the
// debugger told.
func (c *Case) TIDs() (made, told map[event.TID]bool) {
	made, told = make(map[event.TID]bool), map[event.TID]bool{c.truth.root().TID: true}
	for tid := range c.truth.byTID {
		made[tid] = true
	}
	for _, r := range c.reports {
		if begins(r.Kind) {
			told[newborn(r.Event)] = true
		}
	}
	return made, told
}

// A Lived is one task as the truth has it, to be shown.
type Lived struct {
	*event.Life
	Kind   event.Kind    // of its birth; by the fixture's head where the kernel cannot tell a vfork
	Born   time.Duration // zero where no account has times
	Died   time.Duration // negative if it lived on
	Status event.Status  // with which it ended
}

// Lives are the tasks of the truth in the order of their births. There are none if the program
// never began.
func (c *Case) Lives() []Lived {
	if c.truth == nil {
		return nil
	}
	lives := make([]Lived, len(c.truth.lives))
	for i, l := range c.truth.lives {
		kind := cmp.Or(c.births[l.Path], l.kind())
		lives[i] = Lived{l.Life, kind, l.born, l.died, l.status}
		if l.died == never {
			lives[i].Died = -1
		}
	}
	return lives
}

// HasTimes tells whether the truth knows when its births, execs and ends were.
func (c *Case) HasTimes() bool { return c.truth != nil && c.truth.witnessed }

// Execs are the execs of the truth in the order of their times, each as a record of its process.
func (c *Case) Execs() []Record {
	if c.truth == nil {
		return nil
	}
	var all []Record
	for _, pid := range slices.Sorted(maps.Keys(c.truth.execs)) {
		for _, x := range c.truth.execs[pid] {
			e := event.Event{Kind: event.Exec, PID: pid, TID: pid, Former: x.former}
			all = append(all, Record{e, x.at})
		}
	}
	slices.SortStableFunc(all, func(a, b Record) int { return cmp.Compare(a.At, b.At) })
	return all
}

// A Told is one word of the debugger's with the tasks that it is about.
type Told struct {
	Word
	Sentence string      // the word for people, as violations quote it
	Self     *event.Life // nil if the truth has no such task
	Child    *event.Life // the task that it makes known; nil if it makes none known
	Again    bool        // it repeats a birth, an attach or an end
}

// Told are the debugger's words in its order.
func (c *Case) Told() []Told {
	all := make([]Told, 0, len(c.Words))
	reports := c.reports
	for _, w := range c.Words {
		told := Told{Word: w, Sentence: sentence(w.Event)}
		if w.Kind != event.Ready && len(reports) > 0 {
			r := reports[0]
			reports = reports[1:]
			told.Again = r.again
			if r.self != nil {
				told.Self = r.self.Life
			}
			if r.child != nil {
				told.Child = r.child.Life
			}
		}
		all = append(all, told)
	}
	return all
}

// ShowWords is what the debugger told, as JSON lines with the true birth paths.
func (c *Case) ShowWords() string {
	var b []byte
	for _, w := range c.Words {
		l := event.Labelled{Event: w.Event, Path: c.truth.path(w.TID)}
		if w.Child != 0 {
			l.ChildPath = c.truth.path(w.Child)
		}
		b = append(l.AppendJSON(b), '\n')
	}
	return string(b)
}

// ShowTruth is the truth for people: the canonical form, then each life with its times.
func (c *Case) ShowTruth() string {
	if c.truth == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", c.truth.family.Form())
	for _, l := range c.truth.lives {
		died := "lived on"
		if l.died != never {
			died = "ended at " + seconds(l.died)
		}
		fmt.Fprintf(&b, "%s: task %d of process %d, born at %s, %s, status %s\n",
			l.Path, l.TID, l.PID, seconds(l.born), died, l.status)
	}
	return b.String()
}

func seconds(at time.Duration) string { return fmt.Sprintf("%.6f s", at.Seconds()) }

// ShowLooks is what /proc showed in each look of the run, in their order.
func (c *Case) ShowLooks() string {
	type titled struct {
		title string
		Look
	}
	var looks []titled
	for _, l := range c.Looks {
		title := string(l.When)
		if l.When == AtOverdue {
			title = cmp.Or(c.Progress.Step, "the end") + ", when it did not come"
		}
		looks = append(looks, titled{title, l})
	}
	for _, s := range c.Standstills {
		looks = append(looks, titled{s.Where + ", standing", s.Stood},
			titled{fmt.Sprintf("%s, after the list %v", s.Where, s.Listed), s.After},
			titled{s.Where + ", left when all went on", s.Left})
	}
	slices.SortStableFunc(looks, func(a, b titled) int { return cmp.Compare(a.At, b.At) })
	var b strings.Builder
	for _, l := range looks {
		if len(l.Tasks) > 0 {
			fmt.Fprintf(&b, "%s, at %s:\n", l.title, seconds(l.At))
		}
		for _, t := range l.Tasks {
			fmt.Fprintf(&b, "  %s: %s\n", c.truth.name(t.TID), t)
		}
	}
	return b.String()
}

// count writes a number of things: "1 signal", "2 signals".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Sentence is what an event says, as violations quote it.
func Sentence(e event.Event) string { return sentence(e) }

// sentence is what a word says, for people: "task 102 of process 100 created thread 999". What it
// leaves open is left out.
func sentence(e event.Event) string {
	task := fmt.Sprintf("task %d", e.TID)
	switch {
	case e.TID == 0 && e.PID != 0:
		task = fmt.Sprintf("a task of process %d", e.PID)
	case e.TID == 0:
		task = "a task"
	case e.PID != e.TID && e.PID != 0:
		task += fmt.Sprintf(" of process %d", e.PID)
	}
	pid := cmp.Or(e.TID, e.PID)
	switch e.Kind {
	case event.Attach:
		return task + " was attached to"
	case event.Ready:
		return fmt.Sprintf("process %d was ready", pid)
	case event.Clone:
		return fmt.Sprintf("%s created thread %d", task, e.Child)
	case event.Fork:
		return fmt.Sprintf("%s created process %d", task, e.Child)
	case event.VFork:
		return fmt.Sprintf("%s created process %d by vfork", task, e.Child)
	case event.VForkDone:
		return task + " went on after its vfork"
	case event.Exec:
		by := ""
		if e.Former != 0 && e.Former != e.TID {
			by = fmt.Sprintf(" by its task %d", e.Former)
		}
		return fmt.Sprintf("process %d executed a program%s", pid, by)
	case event.Exit:
		return task + ending(e.Status)
	case event.End:
		return fmt.Sprintf("process %d%s", pid, ending(e.Status))
	case event.Signal:
		return fmt.Sprintf("%s got %s", task, e.Signal)
	}
	return e.String()
}

func ending(s event.Status) string {
	switch {
	case s == event.Unknown:
		return " ended"
	case s.Signal() != 0:
		return " was killed by " + s.Signal().String()
	}
	return " ended with status " + s.String()
}

// name writes a task for people: its tid, and its path if the truth knows one.
func (t *truth) name(tid event.TID) string {
	if path := t.path(tid); path != "" {
		return fmt.Sprintf("task %d (%s)", tid, path)
	}
	return fmt.Sprintf("task %d", tid)
}

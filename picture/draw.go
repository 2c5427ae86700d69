package picture

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
)

// A drawing is a scene in the making. It has all of a run until it is folded.
type drawing struct {
	Scene
	c     *judge.Case
	lanes map[*event.Life]int
	ids   map[event.TID][]int // the lanes of an id, in the order of births
	again map[int]bool        // marks that repeat what was said before; by their places
}

// maxLine is how much of a line that was read a picture keeps, in bytes.
const maxLine = 240

func draw(c *judge.Case) *drawing {
	d := &drawing{
		c: c, lanes: make(map[*event.Life]int), ids: make(map[event.TID][]int),
		again: make(map[int]bool),
	}
	d.Tasks, d.Moments, d.Marks = []Task{}, []Moment{}, []Mark{} // never null in JSON
	d.Untimed = !c.HasTimes()
	lives := c.Lives()
	for _, l := range lives {
		d.addLife(l)
	}
	d.addMoments()
	d.addKernel(lives)
	d.addLooks()
	d.addWords()
	d.sort()
	return d
}

// addLife gives a task of the truth its lane.
func (d *drawing) addLife(l judge.Lived) {
	n := len(d.Tasks)
	t := Task{
		Path: l.Path, TID: l.First, PID: l.PID, Number: n, Creator: None, Born: l.Born,
		Ended: l.Died,
	}
	switch l.Kind {
	case event.Clone:
		t.Kind = Thread
	case event.Fork:
		t.Kind = Process
	case event.VFork:
		t.Kind = VFork
	default:
		t.Kind = Found
	}
	if l.TID != l.First {
		t.Later = l.TID
	}
	if d.Untimed {
		t.Ended = None
	}
	if n == 0 {
		t.Kind = First
	} else if l.Creator != nil {
		t.Creator = d.lanes[l.Creator]
	}
	d.lanes[l.Life] = n
	d.Tasks = append(d.Tasks, t)
	for _, tid := range slices.Compact([]event.TID{l.First, l.TID}) {
		d.ids[tid] = append(d.ids[tid], n)
	}
}

// lane is the lane of an id at some time. An id that no task of the truth had gets a lane of its
// own.
func (d *drawing) lane(tid event.TID, at time.Duration) int {
	lanes := d.ids[tid]
	if len(lanes) == 0 {
		n := len(d.Tasks)
		d.Tasks = append(d.Tasks, Task{
			TID: tid, Kind: Unknown, Number: n, Creator: None, Born: at, Ended: None,
		})
		d.ids[tid] = []int{n}
		return n
	}
	lane := lanes[0]
	for _, n := range lanes[1:] {
		if d.Tasks[n].Born <= at {
			lane = n
		}
	}
	return lane
}

// addMoments notes the steps of the run.
func (d *drawing) addMoments() {
	add := func(is bool, at time.Duration, text string) {
		if is {
			d.Moments = append(d.Moments, Moment{at, text})
		}
	}
	a, let, p := d.c.Attach, d.c.Detach, d.c.Program
	add(a.State != judge.NotAsked, a.Asked, "attach asked")
	add(a.State == judge.Complete, a.Complete, "attach complete")
	add(p.State != judge.NotBegun && p.Gate > 0, p.Gate, "the gate opens")
	add(let.State != judge.NotAsked, let.Asked, "detach asked")
	add(let.State == judge.Complete, let.Complete, "detach complete")
	for _, l := range d.c.Looks {
		add(l.When == judge.AtOverdue, l.At, "a step is overdue")
	}
	slices.SortStableFunc(d.Moments, func(a, b Moment) int { return cmp.Compare(a.At, b.At) })
}

// addKernel notes what the kernel did.
func (d *drawing) addKernel(lives []judge.Lived) {
	for n, l := range lives {
		if t := d.Tasks[n]; t.Creator != None {
			pid := d.Tasks[t.Creator].PID
			e := event.Event{Kind: l.Kind, PID: pid, TID: l.Maker, Child: l.First}
			d.Marks = append(d.Marks, Mark{
				By: Kernel, At: l.Born, Task: t.Creator, Child: n, Kind: l.Kind.String(),
				Text: judge.Sentence(e),
			})
		}
		if l.Died >= 0 && !d.Untimed { // without times even the order of ends is not known
			e := event.Event{Kind: event.Exit, PID: l.PID, TID: l.TID, Status: l.Status}
			d.Marks = append(d.Marks, Mark{
				By: Kernel, At: l.Died, Task: n, Child: None, Kind: "exit",
				Label: l.Status.String(), Text: judge.Sentence(e),
			})
		}
	}
	for _, r := range d.c.Execs() {
		d.Marks = append(d.Marks, Mark{
			By: Kernel, At: r.At, Task: d.lane(cmp.Or(r.Former, r.TID), r.At), Child: None,
			Kind: "exec", Text: judge.Sentence(r.Event),
		})
	}
}

// addLooks notes what /proc showed of tasks that have a lane.
func (d *drawing) addLooks() {
	looks := slices.Clone(d.c.Looks)
	for _, s := range d.c.Standstills {
		looks = append(looks, s.Stood, s.After, s.Left)
	}
	for _, l := range looks {
		for _, t := range l.Tasks {
			d.Marks = append(d.Marks, Mark{
				By: Proc, At: l.At, Task: d.lane(t.TID, l.At), Child: None,
				Kind: state(t), Text: t.String(), Line: string(l.When),
			})
		}
	}
}

// state is the letter of a task's state.
func state(t judge.Task) string {
	letter, _, _ := strings.Cut(t.State, " ")
	return letter
}

// addWords notes what the debugger said. A word without a time was read when the one before it was.
func (d *drawing) addWords() {
	at := time.Duration(0)
	for _, w := range d.c.Told() {
		if w.At != 0 {
			at = w.At
		}
		m := Mark{
			By: Debugger, At: at, Child: None, Kind: w.Kind.String(), Text: w.Sentence,
			Line: cut(w.Line), Label: label(w.Event),
		}
		born := w.Kind.IsBirth()
		switch {
		case w.Child != nil && born:
			m.Child = d.lanes[w.Child]
		case w.Child != nil:
			m.Task = d.lanes[w.Child]
		case born && w.Event.Child != 0:
			m.Child = d.lane(w.Event.Child, at)
		}
		switch {
		case w.Self != nil:
			m.Task = d.lanes[w.Self]
		case w.TID != 0 && (w.Child == nil || born):
			m.Task = d.lane(w.TID, at)
		case w.TID == 0 && born && m.Child != None:
			m.Task, m.Child = m.Child, None // no creator was told: it stands on the child's lane
		case w.TID == 0 && w.PID != 0:
			m.Task = d.lane(w.PID, at)
		}
		if w.Again {
			d.again[len(d.Marks)] = true
		}
		d.Marks = append(d.Marks, m)
	}
}

// cut shortens a line that was read.
func cut(line string) string {
	if len(line) <= maxLine {
		return line
	}
	return strings.ToValidUTF8(line[:maxLine], "") + "…"
}

// sort brings the marks in the order of their times. What the kernel did comes before what was
// said of it at the same time.
func (d *drawing) sort() {
	places := make([]int, len(d.Marks))
	for i := range places {
		places[i] = i
	}
	rank := map[Source]int{Kernel: 0, Proc: 1, Debugger: 2}
	slices.SortStableFunc(places, func(a, b int) int {
		x, y := d.Marks[a], d.Marks[b]
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(rank[x.By], rank[y.By]))
	})
	marks, again := make([]Mark, len(places)), make(map[int]bool)
	for i, p := range places {
		marks[i] = d.Marks[p]
		if d.again[p] {
			again[i] = true
		}
	}
	d.Marks, d.again = marks, again
}

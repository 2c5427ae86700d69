package picture

import (
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
)

// How much of a trace is drawn at most: its beginning.
const (
	maxTracedTasks = 200
	maxTracedMarks = 2000
)

// A Recording is the picture of a trace, which no debugger speaks of. The zero Recording is ready
// to use.
type Recording struct {
	p     Picture
	lanes map[event.Path]int
	tasks int // that were born or found
	begun time.Time
}

// Add follows one event of the trace, with the paths of its tasks.
func (r *Recording) Add(l event.Labelled) {
	if r.lanes == nil {
		r.lanes, r.begun = make(map[event.Path]int), l.Time
	}
	at := l.Time.Sub(r.begun)
	lane := r.find(l.Path)
	if isNew := l.Kind == event.Attach || l.Kind == event.Ready; isNew && lane == None {
		lane = r.begin(l.Path, l.TID, l.PID, at, Found)
	}
	child := None
	if l.Kind.IsBirth() {
		pid := l.PID
		if l.Kind != event.Clone {
			pid = l.Event.Child
		}
		kinds := map[event.Kind]Kind{
			event.Clone: Thread, event.Fork: Process, event.VFork: VFork,
		}
		child = r.begin(l.ChildPath, l.Event.Child, pid, at, kinds[l.Kind])
	}
	m := Mark{
		By: Kernel, At: at, Task: lane, Child: child, Kind: l.Kind.String(),
		Text: judge.Sentence(l.Event), Label: label(l.Event),
	}
	isFolded := lane == None || l.Kind.IsBirth() && child == None
	if isFolded || len(r.p.Marks) == maxTracedMarks {
		r.p.Folded.Marks++
		return
	}
	if child != None {
		r.p.Tasks[child].Creator = lane
	}
	switch t := &r.p.Tasks[lane]; l.Kind {
	case event.Exit:
		t.Ended = at
	case event.Exec:
		if l.TID != t.TID {
			t.Later = l.TID
		}
	}
	r.p.Marks = append(r.p.Marks, m)
}

// label is what stands beside a mark: a status or a signal.
func label(e event.Event) string {
	switch e.Kind {
	case event.Exit, event.End:
		return e.Status.String()
	case event.Signal:
		return e.Signal.String()
	}
	return ""
}

// find is the place of a task, None if it has no lane. Only the tasks that have one are
// remembered: a trace may go on for days.
func (r *Recording) find(path event.Path) int {
	if n, ok := r.lanes[path]; ok {
		return n
	}
	return None
}

// begin gives a task a lane, or None if there are too many.
func (r *Recording) begin(
	path event.Path, tid, pid event.TID, at time.Duration, kind Kind,
) int {
	n := r.tasks
	r.tasks++
	if n >= maxTracedTasks {
		r.p.Folded.Tasks++
		return None
	}
	if n == 0 {
		kind = First
	}
	r.lanes[path] = n
	r.p.Tasks = append(r.p.Tasks, Task{
		Path: path, TID: tid, PID: pid, Kind: kind, Number: n, Creator: None, Born: at,
		Ended: None,
	})
	return n
}

// Picture is what was recorded so far.
func (r *Recording) Picture() *Picture {
	p := r.p
	p.Moments, p.Wrong = []Moment{}, []Wrong{} // never null in JSON
	if r.p.Marks == nil {
		p.Tasks, p.Marks = []Task{}, []Mark{}
	}
	return &p
}

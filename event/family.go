package event

import (
	"errors"
	"fmt"
	"slices"
)

// A Life is one task from its birth to its end. It keeps its path when an exec gives it another
// tid.
type Life struct {
	Path Path
	TID  TID
	PID  TID
	*Past

	born   int32  // how many tasks it created
	Status Status // of its own end; zero while it lives, and for a task that vanished in an exec
	Kind   Kind   // the event that made it, or by which it was found
	Ended  bool
}

// A Past is a task's history. A [Family] that is Forgetful keeps none: Life.Past is nil there.
type Past struct {
	Creator *Life // nil for main and for tasks found at an attach
	Maker   TID   // the id that its creator had then
	First   TID   // the id that it was born with, or found
	Acts    []Act // what happened to it, in order
}

// A Family is the tasks of one program and its descendants, as a trace makes them known. It
// accepts only what a kernel can do: it is for truth and for a tracer's own account. What a
// debugger under test says is judged as it stands. The zero Family is ready to use.
type Family struct {
	// A Forgetful family names tasks and refuses impossible events, but keeps neither ended tasks
	// nor history: Lives and Form are empty.
	Forgetful bool

	lives  []*Life
	living map[TID]*Life // also leaders that ended before their process
	found  int           // how many tasks are named @N
	main   bool          // main is known
}

// NewFamily follows a whole trace. The error names the first event that is not possible; the
// family then holds all before it.
func NewFamily(trace Trace) (*Family, error) {
	f := &Family{}
	for _, e := range trace {
		if _, err := f.Add(e); err != nil {
			return f, err
		}
	}
	return f, nil
}

// Add follows one event and returns it with the paths of its tasks. A task becomes known by Ready,
// Attach or its birth. The first group leader that Ready or Attach names is main. An impossible
// event changes nothing and is an error.
func (f *Family) Add(e Event) (Labelled, error) {
	if f.living == nil {
		f.living = make(map[TID]*Life)
	}
	l, err := f.add(e)
	if err != nil {
		return Labelled{Event: e}, fmt.Errorf("impossible event %q: %w", e, err)
	}
	return l, nil
}

func (f *Family) add(e Event) (l Labelled, err error) {
	l.Event = e
	if e.TID <= 0 || e.Kind.IsBirth() && e.Child <= 0 {
		return l, errors.New("a tid is positive")
	}
	if e.Kind == Attach || e.Kind == Ready {
		l.Path, err = f.find(e)
		return l, err
	}
	tid := e.TID
	if e.Kind == Exec && e.Former != 0 {
		tid = e.Former
	}
	life := f.living[tid]
	switch {
	case life == nil:
		return l, fmt.Errorf("no living task has the tid %d", tid)
	case life.Ended && e.Kind != End:
		return l, fmt.Errorf("the task %s has ended", life.Path)
	}
	l.Path = life.Path
	act := Act{Kind: e.Kind, Status: e.Status, Signal: e.Signal}
	switch {
	case e.Kind.IsBirth():
		if l.ChildPath, err = f.addChild(life, e); err != nil {
			return l, err
		}
		act.Child = l.ChildPath
	case e.Kind == Exec:
		f.exec(life, e.TID)
	case e.Kind == Exit:
		f.end(life, e.Status)
	case e.Kind == End:
		if life.TID != life.PID {
			return l, fmt.Errorf("the task %s does not lead its process", life.Path)
		}
		f.end(life, 0)
		delete(f.living, tid)
		if e.Status == life.Status {
			return l, nil
		}
	}
	if !f.Forgetful {
		life.Acts = append(life.Acts, act)
	}
	return l, nil
}

// find adds a task that an attach, or the start of a launched program, made known.
func (f *Family) find(e Event) (Path, error) {
	known := f.living[e.TID]
	switch {
	case known != nil && e.Kind == Ready:
		return known.Path, nil
	case known != nil && !known.Ended:
		return "", fmt.Errorf("the task %s has this tid and lives", known.Path)
	}
	path := Main
	if f.main || e.PID != e.TID {
		f.found++
		path = Found(f.found)
	}
	f.main = f.main || path == Main
	f.begin(&Life{Path: path, TID: e.TID, PID: e.PID, Kind: e.Kind}, Past{First: e.TID})
	return path, nil
}

func (f *Family) addChild(creator *Life, e Event) (Path, error) {
	if old := f.living[e.Child]; old != nil && !old.Ended {
		return "", fmt.Errorf("the task %s has the tid %d and lives", old.Path, e.Child)
	}
	creator.born++
	path := creator.Path.Nth(int(creator.born))
	child := &Life{Path: path, TID: e.Child, PID: e.Child, Kind: e.Kind}
	if e.Kind == Clone {
		child.PID = creator.PID
	}
	f.begin(child, Past{Creator: creator, Maker: e.TID, First: e.Child})
	return path, nil
}

func (f *Family) begin(life *Life, past Past) {
	if !f.Forgetful {
		kept := past // so that past itself stays on the stack in a forgetful family
		life.Past = &kept
		f.lives = append(f.lives, life)
	}
	f.living[life.TID] = life
}

// end marks a life as over. A leader's tid stays taken until its process ends.
func (f *Family) end(life *Life, status Status) {
	if !life.Ended {
		life.Ended, life.Status = true, status
	}
	if life.TID != life.PID {
		delete(f.living, life.TID)
	}
}

// exec ends the other tasks of a process in which one executes a new program. That task gets the
// group's tid.
func (f *Family) exec(life *Life, tid TID) {
	for id, other := range f.living {
		if other != life && other.PID == life.PID {
			f.end(other, 0)
			delete(f.living, id)
		}
	}
	delete(f.living, life.TID)
	life.TID = tid
	f.living[tid] = life
}

// Lives are all tasks, in the order in which they became known. They are the family's own: do not
// change them.
func (f *Family) Lives() []*Life { return f.lives }

// Living is the task that now has this tid, nil if there is none. A leader that ended before its
// process still has its tid.
func (f *Family) Living(tid TID) *Life { return f.living[tid] }

// Form is the canonical form of all that was added.
func (f *Family) Form() Form {
	form := make(Form, 0, len(f.lives))
	for _, life := range f.lives {
		form = append(form, Line{Path: life.Path, Acts: life.Acts})
	}
	slices.SortFunc(form, func(a, b Line) int { return a.Path.Compare(b.Path) })
	return form
}

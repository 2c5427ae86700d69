package event

import (
	"errors"
	"fmt"
	"slices"
)

// A Life is one task from its birth to its end. It keeps its path when an exec
// gives it another tid.
type Life struct {
	Path Path
	TID  TID
	PID  TID
	*Past

	born   int32  // tasks that it created
	Status Status // of its own end; zero while it lives, and for who vanished in an exec
	Kind   Kind   // the event that made it, or by which it was found
	Ended  bool
}

// A Past is what a Forgetful family keeps of nobody, whose lives have none.
type Past struct {
	Creator *Life // nil for main and for tasks found at an attach
	Maker   TID   // the id that its creator had then
	First   TID   // the id that it was born with, or found
	Acts    []Act // what happened to it, in order
}

// A Family is the tasks of one program and its descendants, as a trace makes
// them known. It accepts only what a kernel can do: it is for truth, and for a
// tracer's own account, while the words of a debugger under test are judged as
// they are. The zero Family is ready to use.
type Family struct {
	// Forgetful families name tasks and refuse what is impossible, but keep neither who has ended nor
	// what happened: Lives and Form are empty.
	Forgetful bool

	lives  []*Life
	living map[TID]*Life
	found  int
	main   bool // main is known
}

// NewFamily follows a whole trace. The error names the first event that is not possible.
func NewFamily(trace Trace) (*Family, error) {
	f := &Family{}
	for _, e := range trace {
		if _, err := f.Add(e); err != nil {
			return f, err
		}
	}
	return f, nil
}

// Add follows one event and returns it with the paths of its tasks. Tasks enter
// by Ready or Attach, the first group leader among them as main, or by their births.
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

func (f *Family) add(e Event) (Labelled, error) {
	l := Labelled{Event: e}
	if e.TID <= 0 || e.Kind.IsBirth() && e.Child <= 0 {
		return l, errors.New("a tid is positive")
	}
	if e.Kind == Attach || e.Kind == Ready {
		return f.find(e)
	}
	if e.Kind == Exec && e.Former != 0 && e.Former != e.TID {
		return f.takeOver(e)
	}
	life := f.living[e.TID]
	switch {
	case life == nil:
		return l, fmt.Errorf("no living task has the tid %d", e.TID)
	case life.Ended && e.Kind != End:
		return l, fmt.Errorf("the task %s has ended", life.Path)
	}
	l.Path = life.Path
	act := Act{Kind: e.Kind, Status: e.Status, Signal: e.Signal}
	switch {
	case e.Kind.IsBirth():
		child, err := f.bear(life, e)
		if err != nil {
			return l, err
		}
		l.ChildPath, act.Child = child.Path, child.Path
	case e.Kind == Exec:
		f.bury(life)
	case e.Kind == Exit:
		f.end(life, e.Status)
	case e.Kind == End:
		if life.TID != life.PID {
			return l, fmt.Errorf("the task %s does not lead its process", life.Path)
		}
		f.end(life, 0)
		delete(f.living, e.TID)
		if e.Status == life.Status {
			return l, nil
		}
	}
	f.note(life, act)
	return l, nil
}

func (f *Family) note(life *Life, act Act) {
	if !f.Forgetful {
		life.Acts = append(life.Acts, act)
	}
}

// find takes in a task that an attach, or the start of a launched program, made known.
func (f *Family) find(e Event) (Labelled, error) {
	known := f.living[e.TID]
	switch {
	case known != nil && e.Kind == Ready:
		return Labelled{Event: e, Path: known.Path}, nil
	case known != nil && !known.Ended:
		return Labelled{Event: e}, fmt.Errorf("the task %s has this tid and lives", known.Path)
	}
	path := Main
	if f.main || e.PID != e.TID {
		f.found++
		path = Found(f.found)
	}
	f.main = f.main || path == Main
	f.start(&Life{Path: path, TID: e.TID, PID: e.PID, Kind: e.Kind}, Past{First: e.TID})
	return Labelled{Event: e, Path: path}, nil
}

func (f *Family) start(life *Life, past Past) {
	if !f.Forgetful {
		kept := past // which is on the stack where it is not kept
		life.Past = &kept
		f.lives = append(f.lives, life)
	}
	f.living[life.TID] = life
}

func (f *Family) bear(creator *Life, e Event) (*Life, error) {
	if old := f.living[e.Child]; old != nil && !old.Ended {
		return nil, fmt.Errorf("the task %s has the tid %d and lives", old.Path, e.Child)
	}
	creator.born++
	child := &Life{Path: creator.Path.Nth(int(creator.born)), TID: e.Child, PID: e.Child, Kind: e.Kind}
	if e.Kind == Clone {
		child.PID = creator.PID
	}
	f.start(child, Past{Creator: creator, Maker: e.TID, First: e.Child})
	return child, nil
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

// bury ends the other tasks of a process whose task life executes a new program.
func (f *Family) bury(life *Life) {
	for tid, other := range f.living {
		if other != life && other.PID == life.PID {
			f.end(other, 0)
			delete(f.living, tid)
		}
	}
}

// takeOver is an exec off the main thread: the task keeps its path and gets its group's tid.
func (f *Family) takeOver(e Event) (Labelled, error) {
	life := f.living[e.Former]
	if life == nil || life.Ended {
		return Labelled{Event: e}, fmt.Errorf("no living task has the former tid %d", e.Former)
	}
	f.bury(life)
	delete(f.living, e.Former)
	life.TID = e.TID
	f.living[e.TID] = life
	f.note(life, Act{Kind: Exec})
	return Labelled{Event: e, Path: life.Path}, nil
}

// Lives are all tasks, in the order in which they became known.
func (f *Family) Lives() []*Life { return f.lives }

// Living is the task that now has this tid, nil if none: also a leader that
// ended while its process lives on.
func (f *Family) Living(tid TID) *Life { return f.living[tid] }

// Form is the canonical account of all that was added.
func (f *Family) Form() Form {
	form := make(Form, 0, len(f.lives))
	for _, life := range f.lives {
		form = append(form, Line{Path: life.Path, Acts: life.Acts})
	}
	slices.SortFunc(form, func(a, b Line) int { return a.Path.Compare(b.Path) })
	return form
}

// Package picture holds what a picture of one run needs: the tasks in the order of their births,
// what the kernel did to them, what /proc showed, what the debugger said and when it was read, and
// where the two first part.
//
// [Of] makes it from a judged run. It is data, bounded in size, and part of a result's JSON: the
// page of package report draws it. Nothing here reads a clock or a process.
package picture

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
)

// A Picture is what is drawn of one result. Times count from the run's beginning.
type Picture struct {
	Scene
	// Wrong are the places at which the result's rule was broken, the first one first. There is
	// none in a run that proves nothing.
	Wrong []Wrong `json:"wrong"`
}

// A Scene is what the pictures of one run have in common.
type Scene struct {
	Tasks   []Task   `json:"tasks"`   // in the order of their births
	Moments []Moment `json:"moments"` // in the order of their times
	Marks   []Mark   `json:"marks"`   // in the order of their times
	// Untimed tells that no account has the times of births and ends: births stand at zero, since
	// only their order is known, and ends are left out.
	Untimed bool   `json:"untimed,omitempty"`
	Folded  Folded `json:"folded,omitzero"`
}

// A Task has a lane of its own. A task that the kernel did not make has one too, if the debugger
// spoke of it: it has no path.
type Task struct {
	Path    event.Path    `json:"path,omitempty"`
	TID     event.TID     `json:"tid"`
	Later   event.TID     `json:"later,omitempty"` // the id that it took over by an exec
	PID     event.TID     `json:"pid,omitempty"`
	Kind    Kind          `json:"kind"`
	Number  int           `json:"number"`  // its place in the order of births, from 0
	Creator int           `json:"creator"` // its place in Tasks; None if it has no lane
	Born    time.Duration `json:"born"`
	Ended   time.Duration `json:"ended"` // None if it lived on, or is not known
}

// None is a place or a time that there is not.
const None = -1

// A Kind says how a task came to be.
type Kind string

// The kinds of tasks.
const (
	First   Kind = "first"  // the program's first task
	Found   Kind = "found"  // its birth is in no account
	Thread  Kind = "thread" // by clone
	Process Kind = "process"
	VFork   Kind = "vfork"   // a process whose creator waits for it
	Unknown Kind = "unknown" // the kernel made no such task
)

// A Moment is a step of the run that is not one task's.
type Moment struct {
	At   time.Duration `json:"at"`
	Text string        `json:"text"` // such as "attach asked"
}

// A Mark is one thing that happened to a task, was seen of it, or was said of it.
type Mark struct {
	By    Source        `json:"by"`
	At    time.Duration `json:"at"`
	Task  int           `json:"task"`            // its place in Tasks
	Child int           `json:"child"`           // of a birth: the new task's place; else None
	Kind  string        `json:"kind"`            // a kind of event, or of a look the task's state
	Label string        `json:"label,omitempty"` // a status or a signal
	Text  string        `json:"text"`            // a sentence for people
	Line  string        `json:"line,omitempty"`  // what was read, cut at maxLine bytes
}

// A Source says where a mark comes from.
type Source string

// The sources.
const (
	Kernel   Source = "kernel"   // the kernel did it
	Proc     Source = "proc"     // a look at /proc showed it
	Debugger Source = "debugger" // the debugger said it
)

// A Wrong is one violation of a rule and its place in the picture.
type Wrong struct {
	Kind string        `json:"kind"` // the violation's
	At   time.Duration `json:"at"`
	Task int           `json:"task"` // None if it is about no task that has a lane
	Mark int           `json:"mark"` // what was wrong; None if something is missing
	// Missing is what should have been and is not: "birth" for one that the debugger did not tell.
	Missing string `json:"missing,omitempty"`
	// Noticed tells that At is when it showed. When it came about is not known.
	Noticed bool   `json:"noticed,omitempty"`
	Text    string `json:"text"`
}

// Folded counts what is not drawn.
type Folded struct {
	Tasks int `json:"tasks,omitempty"`
	Marks int `json:"marks,omitempty"`
	Wrong int `json:"wrong,omitempty"` // of all rules of the run
}

// Of makes the pictures of the rulings on a run. There is none for a rule that was kept, or that
// was not judged.
func Of(c *judge.Case, rulings []judge.Ruling) []*Picture {
	pictures := make([]*Picture, len(rulings))
	var broken []int
	for i, r := range rulings {
		if r.Verdict == judge.Fail || r.Verdict == judge.Unresolved {
			broken = append(broken, i)
		}
	}
	if len(broken) == 0 || len(c.Lives()) == 0 && len(c.Words) == 0 {
		return pictures
	}
	d := draw(c)
	wrong := make([][]Wrong, len(broken))
	for n, i := range broken {
		wrong[n] = d.place(rulings[i].Violations)
	}
	d.fold(wrong)
	for n, i := range broken {
		pictures[i] = &Picture{Scene: d.Scene, Wrong: wrong[n]}
	}
	return pictures
}

// Check refuses a picture that points to what it does not have. None at all is right.
func (p *Picture) Check() error {
	if p == nil {
		return nil
	}
	isTask := func(n int) bool { return n >= None && n < len(p.Tasks) }
	for i, t := range p.Tasks {
		if !isTask(t.Creator) || t.Creator >= i {
			return fmt.Errorf("task %d was not created by task %d", i, t.Creator)
		}
	}
	for i, m := range p.Marks {
		if !isTask(m.Task) || m.Task == None || !isTask(m.Child) {
			return fmt.Errorf("mark %d is of no task", i)
		}
	}
	if !slices.IsSortedFunc(p.Marks, func(a, b Mark) int { return cmp.Compare(a.At, b.At) }) {
		return errors.New("the marks are not in the order of their times")
	}
	for i, w := range p.Wrong {
		if !isTask(w.Task) || w.Mark < None || w.Mark >= len(p.Marks) {
			return fmt.Errorf("violation %d is nowhere", i)
		}
	}
	return nil
}

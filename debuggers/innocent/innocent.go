// Package innocent is the mirror of package defective: the reference tracer, each time with one way
// that is unusual and right. The suite must accuse none of them.
//
// A way is at work where a defect would be: in the kernel below the tracer's loop, or in the sink
// above it, where it changes when words come and how much they say. It never changes words that a
// run has recorded. Some are processes of their own: tidcheck's command trace.
package innocent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/debuggers/command"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
)

// An Innocent is a tracer that is right in an unusual way.
type Innocent struct {
	Name  string          // a verb phrase
	Lacks judge.Abilities // those of the reference tracer that it does not offer
	// Widened is the rule that accused it once and had to accept more; empty if none had to.
	Widened string
	// TimeScale is how many times as long as the reference tracer it may take; zero is one.
	TimeScale float64

	ways func() ways // of a new tracer
	args []string    // of `tidcheck trace --json`, which it is if they are not nil
}

// Ways are what one tracer does otherwise. What is nil is as in the reference tracer.
type ways struct {
	options tracer.Options // with the kernel
	sink    func(next tell) tell
	list    func([]event.TID) []event.TID // what becomes of a list of threads
	refuse  func(pid int) error           // why it does not attach to a process
	resumes bool                          // the program runs on when Start returns
	letGo   func()                        // called before the program is let go of
	done    func()                        // called after each of a session's requests
}

// A tell is a sink of events.
type tell = func(event.Event)

// Tidcheck is the program whose command trace is some of the innocents; this one if it is empty.
var Tidcheck string

// All are all innocents.
func All() []harness.Debugger {
	var all []harness.Debugger
	for _, i := range Innocents {
		all = append(all, i.Debugger())
	}
	return all
}

// Debugger is the innocent as a debugger to test.
func (i Innocent) Debugger() harness.Debugger {
	if i.args == nil {
		return debugger{i}
	}
	program, _ := os.Executable() // empty if it is not known, which the debugger's Version says
	argv := append([]string{cmp.Or(Tidcheck, program), "trace", "--json"}, i.args...)
	return command.Debugger{Called: prefix + i.Name, Argv: argv}
}

// A debugger is the reference tracer with an innocent's ways.
type debugger struct{ Innocent }

// prefix is what the names of all begin with.
const prefix = "innocent:"

// Name is the innocent's, behind "innocent:".
func (d debugger) Name() string { return prefix + d.Innocent.Name }

// Version is the suite's.
func (debugger) Version(context.Context) (string, error) { return tidcheck.Version, nil }

// TimeScale is the innocent's.
func (d debugger) TimeScale() float64 { return max(1, d.Innocent.TimeScale) }

// Start starts the reference tracer with the innocent's ways.
func (d debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	w := d.Innocent.ways()
	if target.PID != 0 && w.refuse != nil {
		if err := w.refuse(target.PID); err != nil {
			return nil, err
		}
	}
	below, err := reference.Debugger{Options: w.options, Sink: w.sink}.Start(ctx, target)
	if err != nil {
		return nil, err
	}
	s := session{below, d.Innocent.Lacks, w}
	if w.resumes && target.PID != 0 {
		err = s.Resume(ctx)
	}
	return s, s.after(err)
}

// A session has an innocent's ways.
type session struct {
	harness.Session
	lacks judge.Abilities
	ways  ways
}

// after gives a request's error, when what is done after each request is done.
func (s session) after(err error) error {
	if s.ways.done != nil {
		s.ways.done()
	}
	return err
}

func (s session) Can() judge.Abilities {
	var can judge.Abilities
	for _, a := range s.Session.Can() {
		if !s.lacks.Has(a) {
			can = append(can, a)
		}
	}
	return can
}

// unless is errors.ErrUnsupported for what is not offered, and else the error of a request.
func (s session) unless(lacks judge.Ability, request func() error) error {
	if s.lacks.Has(lacks) {
		return fmt.Errorf("%s: %w", lacks, errors.ErrUnsupported)
	}
	return s.after(request())
}

func (s session) Stop(ctx context.Context) error {
	return s.unless(judge.Stop, func() error { return s.Session.Stop(ctx) })
}

func (s session) Step(ctx context.Context, tid event.TID) error {
	return s.unless(judge.Step, func() error { return s.Session.Step(ctx, tid) })
}

func (s session) Wait(ctx context.Context) error { return s.after(s.Session.Wait(ctx)) }

func (s session) Detach(ctx context.Context) error {
	if s.ways.letGo != nil {
		s.ways.letGo()
	}
	return s.after(s.Session.Detach(ctx))
}

func (s session) Threads(ctx context.Context) (tids []event.TID, err error) {
	err = s.unless(judge.Threads, func() (err error) {
		tids, err = s.Session.Threads(ctx)
		return err
	})
	if s.ways.list != nil {
		tids = s.ways.list(tids)
	}
	return tids, err
}

// Package defective is the reference tracer with one defect each: tracers that are wrong on purpose, all of which the
// suite must catch, each by the rule that names its defect.
//
// A defect is a wrapper at one of the tracer's seams: the kernel below its loop, the sink of its events above it, or the
// session above that. The tracer knows nothing of it.
package defective

import (
	"context"
	"sync/atomic"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/tracer"
)

// A Defect is one thing that a tracer can do wrong.
type Defect struct {
	Name     string // a verb phrase
	Sentence string
	Rule     string   // that must catch it
	Shows    []string // scenario/mode: some in which it shows in every run

	hangs bool // it is not waited for as long as others
	plant func(*atomic.Bool) seams
}

// A seams is a defect at work in one tracer. What is nil is as in the reference tracer.
type seams struct {
	kernel  func(tracer.Kernel) tracer.Kernel
	sink    func(tell) tell
	session func(harness.Session) harness.Session
	options tracer.Options
}

// A tell is a sink of events.
type tell = func(event.Event)

// All are the tracers of all defects.
func All() []harness.Debugger {
	var all []harness.Debugger
	for _, d := range Defects {
		all = append(all, Debugger{d})
	}
	return all
}

// Debugger is the reference tracer with a defect.
type Debugger struct{ Defect Defect }

// prefix is what the names of all begin with.
const prefix = "defective:"

// Name is the defect's, behind "defective:".
func (d Debugger) Name() string { return prefix + d.Defect.Name }

// Version is the suite's.
func (Debugger) Version(context.Context) (string, error) { return tidcheck.Version, nil }

// TimeScale is less than one for a tracer that hangs.
func (d Debugger) TimeScale() float64 {
	if d.Defect.hangs {
		return 0.4
	}
	return 1
}

// Start starts the reference tracer with the defect planted.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	mended := new(atomic.Bool)
	p := d.Defect.plant(mended)
	p.options.Kernel = p.kernel
	s, err := reference.Debugger{Options: p.options, Sink: p.sink}.Start(ctx, target)
	if err != nil {
		return nil, err
	}
	mortal := s.(harness.Mortal)
	if p.session != nil {
		s = p.session(s)
	}
	return mending{s, mortal, mended}, nil
}

// A mending session ends without the defect: what a thread of ours traces nobody else can let go.
type mending struct {
	harness.Session
	harness.Mortal // the tracer dies with the defect at work
	mended         *atomic.Bool
}

func (s mending) End() error {
	s.mended.Store(true)
	return s.Session.End()
}

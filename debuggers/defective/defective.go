// Package defective is a set of tracers, each the reference tracer with one planted defect. The
// suite must catch each by the rule that names its defect.
//
// A defect sits at one of the tracer's seams: the kernel below its loop, the sink of its events
// above it, or the lists of threads above that. The tracer knows nothing of it.
package defective

import (
	"context"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/tracer"
)

// A Defect is one thing that a tracer can do wrong.
type Defect struct {
	Name  string // a verb phrase
	Rule  string // that must catch it
	hangs bool   // it is not waited for as long as others
	// plant gives the seams of a new tracer. When mended is over, the defect is to be, too.
	plant func(mended context.Context) seams
}

// Seams are where a defect is at work in one tracer. What is nil is as in the reference tracer.
type seams struct {
	options tracer.Options // with the kernel
	sink    func(next tell) tell
	list    func([]event.TID) []event.TID // what becomes of a list of threads
	// start is given the way to start the tracer, and gives the session that the suite sees.
	start func(target harness.Target, begin begin) (harness.Session, error)
	// noticed says that the proc connector's notices alone show the defect.
	noticed bool
}

// A begin starts the tracer.
type begin = func() (harness.Session, error)

// IsNoticed tells whether only a machine with the proc connector can show the defect.
func (d Defect) IsNoticed() bool { return d.plant(context.Background()).noticed }

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
	mended, mend := context.WithCancel(context.Background())
	p := d.Defect.plant(mended)
	start := func() (harness.Session, error) {
		return reference.Debugger{Options: p.options, Sink: p.sink}.Start(ctx, target)
	}
	if p.start == nil {
		p.start = func(_ harness.Target, begin begin) (harness.Session, error) { return begin() }
	}
	s, err := p.start(target, start)
	if err != nil {
		mend()
		return nil, err
	}
	return session{s, p.list, mend}, nil
}

// A session ends without the defect: only the thread of ours that traces a task can let go of it.
type session struct {
	harness.Session
	list func([]event.TID) []event.TID
	mend func()
}

func (s session) Threads(ctx context.Context) ([]event.TID, error) {
	tids, err := s.Session.Threads(ctx)
	if s.list != nil {
		tids = s.list(tids)
	}
	return tids, err
}

func (s session) End() error {
	s.mend()
	return s.Session.End()
}

// Package harness runs debuggers on the suite's scenarios and says which rules they keep.
//
// A [Debugger] starts or attaches to a fixture's program and returns a [Session]. One run takes
// place below a keeper process, with the fixture's ledger and the kernel's account beside it: the
// harness prepares that, has the debugger meet the program, watches it to its end and gathers the
// [judge.Evidence]. Package judge turns that into verdicts.
//
// [Test] holds a debugger to all rules in a Go test, [Run] is one run to assert things of, and
// [RunAll] is the whole suite, as the command runs it.
package harness

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

// A Debugger runs a program, or attaches to one, and tells which tasks it saw.
type Debugger interface {
	// Name names the debugger in results. It is the same in each run.
	Name() string
	// Version is the version under test; the error says what is missing on this machine.
	Version(ctx context.Context) (string, error)
	// Start launches the target's program, or attaches to it if Target.PID is set. It returns when
	// the program stands at its start, or when all its tasks are attached to. If the debugger
	// offers Stop the program stands then; else it may run on.
	//
	// What the debugger cannot do at all is errors.ErrUnsupported, without a session. If Start
	// returns a session and an error, the harness ends the session. If another tracer holds a part
	// of the program, the debugger may refuse it: by an error whose method Refuses returns true, or
	// by an error without such a method and no session. Any other error is the debugger's failure,
	// unless it has a method OurFault: then the adapter has not understood the debugger, and the
	// run proves nothing. A session's methods may return an error of that kind too; if it is
	// errors.ErrUnsupported besides, the debugger did not do what the run is about.
	Start(ctx context.Context, target Target) (Session, error)
}

// A Session is a debugger at work on one program. A method that waits returns when its context is
// done. The harness calls the methods one at a time, with two exceptions: Words and End may be
// called at any time, and a Wait that has lost its context may still return while the next runs.
//
// Which events are due depends on the mode (package fixtures) and on what Can offers:
//
//   - launched, the program's first task needs no event. Every later birth, every Exit and every
//     End must be told until the program is over;
//   - attached, each task that lives when Start returns must be told by Attach, or by its birth if
//     it was born during the attach. Ready says that the attach is complete. Every birth, Exit and
//     End after that must be told as in a launch;
//   - after Detach was called nothing more need be told.
//
// A debugger that offers Stop must also leave everything stopped after an attach. The program goes
// on at Resume.
type Session interface {
	// Can says what the session offers. It is asked after Start, and rules are judged by it. What
	// is offered and then unsupported is a failure.
	Can() judge.Abilities
	// Resume lets the program go on: from its start, from the attach, or from a stop.
	Resume(ctx context.Context) error
	// Stop stops every task of the running program by the debugger's own means. It returns when
	// every task that can stop has stopped.
	Stop(ctx context.Context) error
	// Threads lists the tasks that live and are debugged, in any order. The program stands.
	Threads(ctx context.Context) ([]event.TID, error)
	// Step has one task, which stands, execute one instruction, and returns when it stands again.
	Step(ctx context.Context, tid event.TID) error
	// Detach lets go of the program, which runs on. The program may run or stand.
	Detach(ctx context.Context) error
	// Die is for a debugger inside our process. It ends as SIGKILL would end a process: it undoes
	// nothing, and the kernel lets go of what it traces.
	Die(ctx context.Context) error
	// Wait waits until the debugger reports that the program is over. It is an error if the
	// debugger ends without that, or fails.
	Wait(ctx context.Context) error
	// Words is what the debugger has told so far, as it told it; see [Log].
	Words() judge.Words
	// Version is the debugger's version if it said so itself, else empty.
	Version() string
	// End ends the debugger in whatever state it is. What becomes of the program does not matter
	// any more. The error is the debugger's own failure.
	End() error
}

// Unsupported answers for what a session does not offer; embed it.
type Unsupported struct{}

func unsupported(what string) error { return fmt.Errorf("%s: %w", what, errors.ErrUnsupported) }

// Stop is unsupported.
func (Unsupported) Stop(context.Context) error { return unsupported("stop") }

// Threads is unsupported.
func (Unsupported) Threads(context.Context) ([]event.TID, error) {
	return nil, unsupported("threads")
}

// Step is unsupported.
func (Unsupported) Step(context.Context, event.TID) error { return unsupported("step") }

// Detach is unsupported.
func (Unsupported) Detach(context.Context) error { return unsupported("detach") }

// Die is unsupported.
func (Unsupported) Die(context.Context) error { return unsupported("die") }

// Version is not told.
func (Unsupported) Version() string { return "" }

// A Paced debugger says how many times as long as the reference tracer it takes, because it reads
// symbols at each start and exec, say. The limits of its runs are multiplied by that.
type Paced interface{ TimeScale() float64 }

// A Hosted debugger debugs programs in one language alone, which is Go. It gets C fixtures hosted
// in a Go program.
type Hosted interface{ Host() fixtures.Language }

// Rename gives a debugger another name in results.
func Rename(d Debugger, name string) Debugger { return renamed{d, name} }

type renamed struct {
	Debugger
	name string
}

func (r renamed) Name() string     { return r.name }
func (r renamed) Unwrap() Debugger { return r.Debugger }

// As finds what else a debugger is, such as Paced, below its new names.
func As[T any](d Debugger) (found T, ok bool) {
	for {
		if found, ok = d.(T); ok {
			return found, true
		}
		below, wraps := d.(interface{ Unwrap() Debugger })
		if !wraps {
			return found, false
		}
		d = below.Unwrap()
	}
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// A Debugger runs a program, or attaches to one, and tells which tasks it saw.
type Debugger interface {
	Name() string
	// Version is the version under test; the error says what is missing on this machine.
	Version(ctx context.Context) (string, error)
	// Start launches the target's program, which then stands at its start, or attaches to it, and
	// returns when all its tasks are attached to. What it cannot do at all is errors.ErrUnsupported.
	Start(ctx context.Context, target Target) (Session, error)
}

// A Session is a debugger at work on one program. Where a method can wait, it
// ends with its context.
type Session interface {
	// Can says what the session offers; a rule is judged by what there is.
	Can() Abilities
	// Resume lets the program go on from its start, from the attach or from a stop.
	Resume(ctx context.Context) error
	// Stop stops every task of the program by the debugger's own means, and returns when all stand that can.
	// Resume lets them go on.
	Stop(ctx context.Context) error
	// Threads lists the tasks that live and are debugged, in any order; the program stands.
	Threads(ctx context.Context) ([]event.TID, error)
	// Detach lets go of the program, which runs on.
	Detach(ctx context.Context) error
	// Wait waits until the debugger has said that the program is over, or is over itself.
	Wait(ctx context.Context) error
	// Events is what the debugger has said so far, as it said it.
	Events() event.Trace
	// End ends the debugger in whatever state it is. The error is the debugger's own failure.
	End() error
}

// A Stepper is a session that executes single instructions.
type Stepper interface {
	// Step has one task, which stands, execute one instruction, and returns when it stands again.
	Step(ctx context.Context, tid event.TID) error
}

// A Mortal session is one whose debugger is no process of its own, and yet can die.
type Mortal interface {
	// Die ends the debugger as kill -9 ends one that is a process: it undoes nothing, and the kernel lets go of what it traces.
	Die(ctx context.Context) error
}

// A Versioned session is told its debugger's version by the debugger itself.
type Versioned interface{ Version() string }

// An Ability is a field of what a debugger says, or a request that it takes.
type Ability string

// The abilities, in the words of a hello line.
const (
	Births   Ability = "births"
	Creators Ability = "creators"
	Deaths   Ability = "deaths"
	Statuses Ability = "statuses"
	Execs    Ability = "execs"
	Signals  Ability = "signals"
	Stop     Ability = "stop" // it stops the program, and after an attach all of that stands
	Threads  Ability = "threads"
	Detach   Ability = "detach"
	Step     Ability = "step" // its sessions are Steppers
)

// AllFields are the abilities of a debugger that says everything.
var AllFields = Abilities{Births, Creators, Deaths, Statuses, Execs, Signals}

// Abilities are what a session offers.
type Abilities []Ability

// Has tells whether all these are among them.
func (a Abilities) Has(wanted ...Ability) bool {
	return !slices.ContainsFunc(wanted, func(w Ability) bool { return !slices.Contains(a, w) })
}

// Unsupported answers for the requests that a session does not take; embed it.
type Unsupported struct{}

// Stop is unsupported.
func (Unsupported) Stop(context.Context) error {
	return fmt.Errorf("stop: %w", errors.ErrUnsupported)
}

// Threads is unsupported.
func (Unsupported) Threads(context.Context) ([]event.TID, error) {
	return nil, fmt.Errorf("threads: %w", errors.ErrUnsupported)
}

// Detach is unsupported.
func (Unsupported) Detach(context.Context) error {
	return fmt.Errorf("detach: %w", errors.ErrUnsupported)
}

// A Target is the program that a debugger is to launch or to attach to.
type Target struct {
	PID  int      // the process to attach to, zero to launch
	Argv []string // the program's absolute path and its arguments
	Env  []string // the environment of the program and of the debugger

	keeper *keeper
	log    *transcript // nil where nobody wants it
}

// Start starts a program below the run's keeper, so that it cannot outlive the run and the
// kernel's account covers it, and holds it before its exec until Release. Debuggers
// are started in no other way.
func (t Target) Start(spec Spec) (*Process, error) {
	if spec.Env == nil {
		spec.Env = t.Env
	}
	return t.keeper.start(spec)
}

// Home is an empty folder for the debugger of this run alone, which goes with the run.
func (t Target) Home() (string, error) { return t.keeper.makeHome() }

// Sheltered is Env for a debugger that is to know no user: its home and its configuration are Home's, it
// speaks English and asks nobody for debug information.
func (t Target) Sheltered() ([]string, error) {
	home, err := t.Home()
	if err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(slices.Clone(t.Env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "XDG_") || strings.HasPrefix(name, "LC_") || name == "DEBUGINFOD_URLS" || name == "LANGUAGE"
	})
	return append(env, "HOME="+home, "TMPDIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "LC_ALL=C.UTF-8", "TERM=dumb"), nil
}

// Recorded has what passes over a connection to the debugger kept with the run, as a Tool's words are.
func (t Target) Recorded(conn io.ReadWriteCloser) io.ReadWriteCloser {
	if t.log == nil {
		return conn
	}
	return recorded{conn, t.log}
}

// A Paced debugger says how much longer than the reference tracer it takes for what it does, and every limit of
// its runs is multiplied by that: one that reads symbols at each start and exec, say.
type Paced interface{ TimeScale() float64 }

// A Hosted debugger debugs programs in one language alone, which is Go: C fixtures are hosted in such a program then.
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

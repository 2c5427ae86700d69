package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/witness"
	"golang.org/x/sys/unix"
)

// errOverdue is the cause of a context that ended because a run's time was over.
var errOverdue = errors.New("the time is over")

// kernelVersion is the running kernel's.
func kernelVersion() (release string, version [2]int, err error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", version, err
	}
	release = unix.ByteSliceToString(name.Release[:])
	version, err = event.ParseKernel(release)
	return release, version, err
}

// witnessed names, by trying, where truth comes from besides the ledger.
func witnessed(ctx context.Context) string {
	program, err := keeperProgram(ctx)
	if err != nil {
		return err.Error()
	}
	k, err := newKeeper(program)
	if err != nil {
		return err.Error()
	}
	defer k.close()
	w, err := openWitness(k.cmd.Process.Pid)
	if err != nil {
		return "none, the ledger and /proc alone: " + err.Error()
	}
	w.Close()
	return "perf"
}

// runControl runs a fixture without a debugger. Where what it declares, what its tasks
// announced and what the kernel told differ, no debugger can be judged by it.
func runControl(ctx context.Context, f fixtures.Fixture, limit time.Duration) (*control, error) {
	c := &control{}
	_, version, err := kernelVersion()
	if err != nil {
		return nil, err
	}
	if c.expected, err = f.Expected(version); err != nil {
		return nil, err
	}
	s, err := setStage(ctx, f, fixtures.Launch)
	if err != nil {
		return nil, err
	}
	defer s.close()
	c.refusal = s.refusal
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errOverdue)
	defer cancel()
	if err := s.startProgram(ctx); err != nil {
		return nil, err
	}
	s.ledger.letPass(allOpen)
	if _, err = s.process.Wait(ctx); err != nil {
		return nil, fmt.Errorf("the program's end: %w", err)
	}
	s.evidence.outcome.ended = true
	if err := s.gather(c); err != nil {
		return nil, err
	}
	e := s.evidence
	if diff := e.truth.asDeclared(c.expected); diff != "" {
		return nil, fmt.Errorf("the kernel does not do what its head declares (-declared +%s):\n%s", c.source(), diff)
	}
	if declared := declaredEnd(c.expected, e.truth.leader().Path); !e.outcome.status.Same(declared) {
		return nil, fmt.Errorf("it ended with %s, and its head declares %s", e.outcome.status, declared)
	}
	c.exact = !c.expected.Open() && (!f.Hosted || c.refusal == nil)
	if l := e.truth.silent(e.announced); c.exact && !f.Hosted && l != nil && !f.HasNeed("witness") {
		return nil, fmt.Errorf("task %d (%s) did not announce itself", l.First, l.Path)
	}
	c.outcome = e.outcome
	c.outcome.lines = labelLines(e.outcome.lines, e.truth, c.exact)
	return c, nil
}

// declaredEnd is how the program's process ends by its fixture's head, Unknown where that does not say: on the
// line of the task that led it at its end.
func declaredEnd(expected event.Expected, leader event.Path) event.Status {
	status := event.Unknown
	line, _ := expected.Line(leader)
	for _, a := range line.Acts {
		if a.Kind == event.Exit || a.Kind == event.End {
			status = a.Status // an end comes last, and stands where it is another
		}
	}
	return status
}

// run runs a fixture under a debugger. The error is ours, or errors.ErrUnsupported
// where the debugger does not do this at all.
func run(ctx context.Context, d Debugger, scenario Scenario, c *control, how setting) (*evidence, error) {
	s, err := setStage(ctx, scenario.Fixture, scenario.Mode)
	if err != nil {
		return nil, err
	}
	defer s.close()
	e := s.evidence
	s.log = how.log
	if scenario.Mode == fixtures.AttachAgain {
		how.limit *= 4 // it is many runs in one: ten attaches, at each of which a debugger may read symbols
	}
	e.control, e.exact, e.limit = c.outcome, c.exact, how.limit
	timed, cancel := context.WithTimeoutCause(ctx, how.limit, errOverdue)
	defer cancel()

	session, err := s.meet(timed, d)
	end := sync.OnceValue(func() error { return endSession(session) })
	if session != nil {
		defer end()
	}
	if err == nil {
		err = s.watch(timed, session)
	}
	switch step := (*stepError)(nil); {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, errors.ErrUnsupported):
		return nil, err
	case errors.As(err, &step):
		e.overdue, e.broken = step.name, step.broken(timed)
		e.dump = s.twice()
	case err != nil:
		return nil, err
	}
	if session != nil {
		e.can, e.said, e.version = session.Can(), session.Events(), session.(Versioned).Version()
		e.ending(end())
	}
	if e.broken != nil && !e.mode.Launches() && e.attached.complete == 0 {
		if err := s.goOnAlone(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.gather(c); err != nil {
		return nil, err
	}
	if e.truth == nil {
		return e, nil
	}
	if e.overdue == "" {
		e.changed = e.truth.asDeclared(c.expected)
	}
	e.join()
	return e, nil
}

// A stepError is a step of a run that failed, or did not come in time.
type stepError struct {
	name string
	err  error
}

func (e *stepError) Error() string { return e.name + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// broken is the step's error, if it was not for its time alone.
func (e *stepError) broken(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	return e
}

// step does one step of a run that the debugger is answerable for.
func step(name string, err error) error {
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return &stepError{name, err}
}

// meet brings debugger and program together: both stand at the program's gate then. There is no session where the
// debugger refuses a program that another has in part.
func (s *stage) meet(ctx context.Context, d Debugger) (Session, error) {
	target := s.target()
	if !s.mode.Launches() {
		if err := s.startProgram(ctx); err != nil {
			return nil, err
		}
		if s.mode == fixtures.AttachDuring {
			if err := s.passTo1(ctx); err != nil {
				return nil, err
			}
		}
		target.PID = s.process.PID
		s.evidence.before = s.procTasks()
		if s.mode == fixtures.AttachAgain {
			if session, err := s.attachAndLetGo(ctx, d, target); err != nil {
				return session, err
			}
		}
		s.evidence.attached.issued = witness.Now()
	}
	session, err := startGuarded(ctx, d, target)
	if err != nil && session == nil && s.taken() && ctx.Err() == nil {
		s.evidence.refused = err
		return nil, nil
	}
	if err != nil {
		return session, step("the debugger's start", err)
	}
	if !s.mode.Launches() {
		s.evidence.attached.complete = witness.Now()
		if s.mode == fixtures.Orphaned {
			return session, s.orphan(ctx, session)
		}
		if session.Can().Has(Stop) {
			return session, s.standstill(ctx, session, "at the attach", s.ownStops(s.evidence.before))
		}
		return session, step("the debugger's resume", session.Resume(ctx))
	}
	if err := session.Resume(ctx); err != nil {
		return session, step("the debugger's resume", err)
	}
	return session, step("the program's start", s.awaitGate(ctx, func(ctx context.Context) error {
		if err := session.Wait(ctx); err != nil {
			return err
		}
		return errors.New("the debugger was over before the program began")
	}))
}

// watch opens the gate and follows the run to its end.
func (s *stage) watch(ctx context.Context, session Session) error {
	if s.root == nil { // the debugger launched it
		root, err := s.ledger.read()
		if err != nil {
			return err
		}
		if s.root, err = openProcess(int(root.root().pid)); err != nil {
			return step("the program's gate", err)
		}
	}
	var err error
	switch {
	case session == nil:
	case s.mode == fixtures.DetachDuring:
		err = s.detach(ctx, session)
	case s.mode == fixtures.Stops:
		err = s.stops(ctx, session)
	case s.mode == fixtures.Stepped:
		err = s.stepAll(ctx, session)
	case s.mode == fixtures.Killed:
		err = s.killHeld(ctx, session)
	}
	if err != nil {
		return err
	}
	s.ledger.letPass(allOpen)
	if err := s.awaitProgram(ctx); err != nil {
		return step("the program's end", err)
	}
	if s.evidence.detached.issued != 0 || session == nil {
		return nil
	}
	return step("the debugger's word that the program is over", session.Wait(ctx))
}

// goOnAlone lets a program come to its end without a debugger that failed to attach: that is to leave it as it was.
func (s *stage) goOnAlone(ctx context.Context) error {
	e := s.evidence
	s.ledger.letPass(allOpen)
	timed, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	e.alone, e.dump = true, nil
	if s.awaitProgram(timed) != nil {
		e.dump = s.twice()
	}
	return ctx.Err()
}

// deathPatience is how long a program that dies may take to be over.
const deathPatience = time.Second

// over tells whether the program has ended, or does so now: who was to let go of it then may say that it is gone.
func (s *stage) over(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, deathPatience)
	defer cancel()
	return awaitEnd(ctx, s.root) == nil
}

// passTo1 lets the program go to its checkpoint 1.
func (s *stage) passTo1(ctx context.Context) error {
	s.ledger.letPass(1)
	return step("checkpoint 1 of the program", s.ledger.await(ctx, 1))
}

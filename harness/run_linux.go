package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/faults"
	"github.com/tidcheck/tidcheck/internal/ledger"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

// One run, step by step: prepare a stage, have debugger and program meet, watch them to the end,
// gather what they left. What it comes to is for package judge.

// errOverdue is the cause of a context that ended because a run's time was over, and errHung
// because it was proven that nothing more would happen.
var (
	errOverdue = errors.New("the time is over")
	errHung    = errors.New("nothing more will happen")
)

// perform runs a scenario under a debugger and completes its evidence. The first error is the
// debugger's own failure, which the evidence has. The second is why the evidence proves nothing, or
// errors.ErrUnsupported.
func perform(
	ctx context.Context, d Debugger, scenario Scenario, how setting, e *judge.Evidence,
) (failure, err error) {
	if scenario.Mode == fixtures.AttachAgain {
		// it is many runs in one: a debugger may read symbols at each of ten attaches
		how.limit *= 4
	}
	s, err := prepare(ctx, scenario, how, e)
	if err != nil {
		return nil, err
	}
	defer s.close()
	timed, cancel := s.withLimit(ctx)
	defer cancel()

	session, err := s.meet(timed, d)
	end := sync.OnceValue(func() error { return endSession(session, s.scale) })
	if session != nil {
		defer end()
	}
	if err == nil && session != nil && e.Attach.State == judge.Refused {
		err = byDebugger("end after its refusal", end())
	}
	if err == nil {
		err = s.watch(timed, session)
	}
	failure, err = s.recordProgress(ctx, timed, err)
	if err != nil {
		return nil, err
	}
	if session != nil {
		s.recordSession(session)
		if faults.IsOurs(end()) {
			return nil, end()
		}
		failure = cmp.Or(failure, s.recordEnd(end()))
	}
	if failure != nil && !s.Mode.Launches() && e.Attach.State != judge.Complete {
		if err := s.goOnAlone(ctx); err != nil {
			return nil, err
		}
	}
	return failure, s.gather()
}

// withLimit is a context that ends when the run's time is over, or when it is proven to hang.
func (s *stage) withLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, release := limits.WithTimeout(ctx, s.limit, errOverdue)
	if s.fullLimits || s.Fixture.HasNeed("timers") {
		return ctx, release
	}
	ctx, cancel := context.WithCancelCause(ctx)
	watched, place := make(chan struct{}), s.scene()
	go func() {
		defer close(watched)
		if place.AwaitHang(ctx, s.said.Load) {
			cancel(errHung)
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-watched // it reads the ledger, which the caller closes next
		release()
	}
}

// performAlone runs a fixture without a debugger.
func performAlone(ctx context.Context, f fixtures.Fixture, how setting, e *judge.Evidence) error {
	s, err := prepare(ctx, Scenario{f, fixtures.Launch}, how, e)
	if err != nil {
		return err
	}
	defer s.close()
	timed, cancel := limits.WithTimeout(ctx, how.limit, errOverdue)
	defer cancel()
	err = byProgram("the program's start", s.startProgram(timed))
	if err == nil {
		err = s.walk(timed)
	}
	if err == nil {
		e.Program.Status, err = s.process.Wait(timed)
		err = byProgram("the program's end", err)
	}
	if err == nil {
		e.Program.State = judge.Over
	} else if failure, err := s.recordProgress(ctx, timed, err); err != nil || failure != nil {
		return cmp.Or(err, failure)
	}
	return s.gather()
}

// inexactExecs is a declaration of execs whose number is not exact.
var inexactExecs = regexp.MustCompile(`at (least|most) [^,]* exec\b`)

// walk lets the program pass its checkpoints one by one, to its end, and notes the last that it
// came to. It refuses a program that executes one before its gate by luck: what came before the
// last exec that precedes the gate is taken for the debugger's launch. Such a program declares a
// bound for its execs. One that places its only exec at the gate declares an exact count.
func (s *stage) walk(ctx context.Context) error {
	if inexactExecs.MatchString(fmt.Sprint(s.Fixture.Wants)) {
		s.scene().AwaitRest()
		all, _ := s.ledger.Read() // an error is found at the end
		for _, a := range all {
			if a.State == judge.Executed {
				return fmt.Errorf("process %d executed a program before it was let through "+
					"the gate: the task that executes must come to the gate first", a.PID)
			}
		}
	}
	c, root := &s.evidence.Control, s.scene().Root()
	for n := 1; ; n++ {
		s.ledger.LetPass(uint32(n))
		if more, _ := s.reaches(ctx, uint32(n)); !more {
			return nil // an error shows at the wait for its end
		}
		c.Reached = n
		if leader, ok := procfs.ReadTask(root, root); ok && leader.Stoppable() {
			c.Led = n
		}
	}
}

// A stepError is a step of a run that failed, or did not come in time.
type stepError struct {
	by   judge.Party
	name string
	err  error
}

func (e *stepError) Error() string { return e.name + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// step names what failed in a step of a run.
func step(by judge.Party, name string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{by, name, err}
}

// byDebugger is a step of the debugger's, and byProgram one of the program's.
func byDebugger(name string, err error) error {
	return step(judge.ByDebugger, "the debugger's "+name, err)
}
func byProgram(name string, err error) error { return step(judge.ByProgram, name, err) }

// recordProgress notes how the steps of a run ended, and looks at the program if one failed. The
// first error is the debugger's failure, and the second is ours or errors.ErrUnsupported. What is
// unsupported in a step that was taken was offered, so that it is a failure.
func (s *stage) recordProgress(ctx, timed context.Context, err error) (failure, ours error) {
	failed := (*stepError)(nil)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case faults.IsOurs(err) || !errors.As(err, &failed):
		return nil, err
	}
	p := judge.Progress{State: judge.TimedOut, Step: failed.name, By: failed.by}
	switch {
	case errors.Is(context.Cause(timed), errHung):
		p.Still = s.scale.Of(limits.Still)
	case timed.Err() == nil:
		p.State, p.Reason, failure = judge.Failed, failed.Error(), failed
	}
	s.evidence.Progress = p
	s.lookOverdue()
	return failure, nil
}

// recordSession notes what a session offered and told.
func (s *stage) recordSession(session Session) {
	e := s.evidence
	e.Debugger.Abilities, e.Words = session.Can(), s.told(session)
	if told := session.Version(); told != "" {
		e.Debugger.Version = told
	}
}

// told is what a session told, with times that count from the run's beginning.
func (s *stage) told(session Session) judge.Words {
	words := session.Words()
	for i, w := range words {
		if w.At != 0 { // else the session does not know when it was read
			words[i].At -= s.begun
		}
	}
	return words
}

// recordEnd notes how the debugger ended, and returns its failure. If a step timed out before, that
// it had to be killed says no more.
func (s *stage) recordEnd(err error) error {
	e := s.evidence
	e.End = endOf(err)
	if e.End.State == judge.Unending && e.Progress.State == judge.TimedOut {
		return nil
	}
	return err
}

// endOf is how a debugger ended by the error of its end.
func endOf(err error) judge.End {
	switch {
	case err == nil:
		return judge.End{State: judge.Ended}
	case errors.As(err, new(unendingError)):
		return judge.End{State: judge.Unending, Reason: err.Error()}
	}
	return judge.End{State: judge.EndFailed, Reason: err.Error()}
}

// started names the start that failed, unless the debugger says that it cannot do that at all.
func started(session Session, err error) error {
	if session == nil && errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return byDebugger("start", err)
}

// meet brings debugger and program together: both are at the program's gate then, unless the
// debugger refuses a program that another tracer has in part.
func (s *stage) meet(ctx context.Context, d Debugger) (Session, error) {
	target := s.target()
	if s.Mode.Launches() {
		return s.launch(ctx, d, target)
	}
	if err := s.startProgram(ctx); err != nil {
		return nil, err
	}
	if s.Mode == fixtures.AttachDuring {
		if err := s.passTo(ctx, 1); err != nil {
			return nil, err
		}
	}
	target.PID = s.process.PID
	before := s.look(judge.BeforeAttach)
	s.evidence.Looks = append(s.evidence.Looks, before)
	if s.Mode == fixtures.AttachAgain {
		if session, err := s.attachAndLetGo(ctx, d, target); err != nil {
			return session, err
		}
	}
	attach := &s.evidence.Attach
	*attach = judge.Interval{State: judge.Asked, Asked: s.now()}
	session, err := startGuarded(ctx, d, target)
	if err != nil {
		taken := slices.ContainsFunc(before.Tasks, func(t judge.Task) bool { return t.Tracer != 0 })
		if taken && ctx.Err() == nil && faults.IsRefusal(err, session != nil) {
			attach.State, attach.Reason = judge.Refused, err.Error()
			return session, nil
		}
		return session, started(session, err)
	}
	attach.State, attach.Complete = judge.Complete, s.now()
	switch {
	case s.Mode == fixtures.Orphaned:
		return session, s.killDebugger(ctx, session)
	case session.Can().Has(judge.Stop):
		return session, s.standstill(ctx, session, "at the attach", s.ownStops(before.Tasks))
	}
	return session, byDebugger("resume", session.Resume(ctx))
}

// launch has the debugger launch the program, which goes to its gate.
func (s *stage) launch(ctx context.Context, d Debugger, target Target) (Session, error) {
	session, err := startGuarded(ctx, d, target)
	if err != nil {
		return session, started(session, err)
	}
	if err := session.Resume(ctx); err != nil {
		return session, byDebugger("resume", err)
	}
	err = s.awaitGate(ctx, func(ctx context.Context) error {
		if err := session.Wait(ctx); err != nil {
			return err
		}
		return errors.New("the debugger was over before the program began")
	})
	if err != nil {
		return session, byProgram("the program's start", err)
	}
	s.root, err = procfs.OpenProcess(s.scene().Root())
	return session, byProgram("the program's gate", err)
}

// watch opens the gate and follows the run to its end. A debugger that refused has no part in it.
func (s *stage) watch(ctx context.Context, session Session) (err error) {
	refused := s.evidence.Attach.State == judge.Refused
	switch {
	case refused:
	case s.Mode == fixtures.DetachDuring:
		err = s.detach(ctx, session)
	case s.Mode == fixtures.Stops:
		err = s.stopAtCheckpoints(ctx, session)
	case s.Mode == fixtures.Stepped:
		err = s.stepMain(ctx, session)
	case s.Mode == fixtures.Killed:
		err = s.killProgram(ctx, session)
	}
	if err != nil {
		return err
	}
	s.ledger.LetPass(ledger.AllOpen)
	if err := s.awaitProgram(ctx); err != nil {
		return byProgram("the program's end", err)
	}
	if s.evidence.Detach.State != judge.NotAsked || refused {
		return nil
	}
	return byDebugger("word that the program is over", session.Wait(ctx))
}

// goOnAlone lets a program come to its end after a debugger failed to attach to it: the debugger
// had to leave it as it was.
func (s *stage) goOnAlone(ctx context.Context) error {
	s.ledger.LetPass(ledger.AllOpen)
	timed, cancel := limits.WithTimeout(ctx, s.evidence.Limit, errOverdue)
	defer cancel()
	s.evidence.Program.Alone = true
	s.forgetOverdue()
	if s.awaitProgram(timed) != nil {
		s.lookOverdue()
	}
	return ctx.Err()
}

// isOver tells whether the program has ended or does so now. A debugger that was to let go of it
// may say then that it is gone.
func (s *stage) isOver(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, s.scale.Of(limits.Death))
	defer cancel()
	return s.root.AwaitEnd(ctx) == nil
}

// gather ends the run and completes its evidence. An error is ours: the run proves nothing.
func (s *stage) gather() error {
	e := s.evidence
	announced, ledgerErr := readLedger(s.ledger)
	e.Account.Cut = s.now() // a task that has announced itself was born before
	keeperErr := s.keeper.Close()
	s.keeper = nil
	for i, a := range s.signals {
		if i < len(announced) && a.State != judge.Host {
			announced[i].Sent, announced[i].Handled = a.Sent, a.Handled
		}
	}
	e.Ledger = announced
	if e.Program.State == judge.Over && s.process == nil {
		// Its parent, which is not our keeper, got the status. The kernel keeps it too, from Linux
		// 6.15 on.
		e.Program.Status = s.root.ExitStatus()
	}
	witnessErr := s.accounts.Close(&e.Account, s.begun)
	s.accounts = nil
	for line := range strings.Lines(procfs.Content(s.out)) {
		e.Program.Lines = append(e.Program.Lines, strings.TrimSuffix(line, "\n"))
	}
	return errors.Join(ledgerErr, keeperErr, witnessErr)
}

package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidcheck/tidcheck/witness"
	"golang.org/x/sys/unix"
)

// attachRounds is how often a program is attached to and let go before the attach that lasts: what is left of
// one, a stop or a tracer, shows at the next.
const attachRounds = 10

// attachAndLetGo has the debugger attach to the program at its gate, stop it and let go of it, again and again; each second time
// it is to let go as soon as it has attached. The session that it returns with an error is the one that failed.
func (s *stage) attachAndLetGo(ctx context.Context, d Debugger, target Target) (Session, error) {
	for n := range attachRounds {
		nth := func(what string) string { return fmt.Sprintf("the debugger's %s %d of %d", what, n+1, attachRounds) }
		session, err := startGuarded(ctx, d, target)
		if err != nil {
			return session, step(nth("attach"), err)
		}
		if !session.Can().Has(Detach) {
			return session, session.Detach(ctx)
		}
		switch {
		case n%2 == 1: // at once: who says that it has attached while tasks are on their way to their first stop may leave them that
		case session.Can().Has(Stop):
			err = s.standstill(ctx, session, fmt.Sprintf("at attach %d", n+1), s.ownStops(s.evidence.before))
		default:
			err = step(nth("resume"), session.Resume(ctx))
		}
		if err != nil {
			return session, err
		}
		if err := session.Detach(ctx); err != nil {
			return session, step(nth("detach"), err)
		}
		s.noteReleased()
		if err := endSession(session); err != nil {
			return nil, step(nth("end"), err)
		}
	}
	return nil, nil
}

// noteReleased notes what /proc shows just after a detach.
func (s *stage) noteReleased() {
	tasks := s.procTasks()
	for i, t := range tasks {
		if t.tracer != 0 || t.held() {
			tasks[i].examine()
		}
	}
	s.evidence.released = append(s.evidence.released, tasks...)
}

// detach lets the program go to its checkpoint 1 and has the debugger let go of it there.
func (s *stage) detach(ctx context.Context, session Session) error {
	if !session.Can().Has(Detach) {
		return session.Detach(ctx)
	}
	if err := s.passTo1(ctx); err != nil {
		return err
	}
	e := s.evidence
	e.detached.issued = witness.Now()
	if err := session.Detach(ctx); err != nil && !s.over(ctx) {
		return step("the debugger's detach", err)
	}
	e.detached.complete = witness.Now()
	s.noteReleased()
	return nil
}

// killHeld has the debugger stop the program at its checkpoint 2, where it is killed as it stands.
func (s *stage) killHeld(ctx context.Context, session Session) error {
	if !session.Can().Has(Stop) {
		return session.Stop(ctx)
	}
	s.ledger.letPass(2)
	if err := s.ledger.await(ctx, 2); err != nil {
		return step("checkpoint 2 of the program", err)
	}
	if err := session.Stop(ctx); err != nil {
		return step("the debugger's stop", err)
	}
	still, err := s.look(ctx, session, "at checkpoint 2")
	if err != nil {
		return err
	}
	s.evidence.standstills = append(s.evidence.standstills, still)
	if err := unix.Kill(int(s.rootPID()), unix.SIGKILL); err != nil {
		return fmt.Errorf("kill the program: %w", err)
	}
	if err := session.Resume(ctx); err != nil && !s.over(ctx) {
		return step("the debugger's resume", err)
	}
	return nil
}

// stepAll has the debugger stop the program at its checkpoint 1, and step main from there to checkpoint 2.
func (s *stage) stepAll(ctx context.Context, session Session) error {
	stepper, ok := session.(Stepper)
	if !ok || !session.Can().Has(Stop, Step) {
		return fmt.Errorf("step: %w", errors.ErrUnsupported)
	}
	if err := s.passTo1(ctx); err != nil {
		return err
	}
	if err := session.Stop(ctx); err != nil {
		return step("the debugger's stop", err)
	}
	still, err := s.look(ctx, session, "at checkpoint 1")
	if err != nil {
		return err
	}
	s.evidence.standstills = append(s.evidence.standstills, still)
	s.ledger.letPass(2)
	for !s.ledger.hasReached(2) {
		err := cmp.Or(ctx.Err(), stepper.Step(ctx, s.rootPID()))
		if err != nil {
			return step("main's way to checkpoint 2 in single steps", err)
		}
	}
	return step("the debugger's resume", session.Resume(ctx))
}

// taken tells whether a task of the program had a tracer already when it was attached to.
func (s *stage) taken() bool {
	return slices.ContainsFunc(s.evidence.before, func(t procTask) bool { return t.tracer != 0 })
}

package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
)

// What happens in the modes that are more than a launch or an attach.

// attachRounds is how often a program is attached to and let go before the attach that lasts. What
// is left of one attach, a stop or a tracer, shows at the next.
const attachRounds = 10

// attachAndLetGo has the debugger attach to the program at its gate, stop it and let go of it,
// again and again. Each second time it is to let go as soon as it has attached. A session that is
// returned with an error is the one that failed.
func (s *stage) attachAndLetGo(ctx context.Context, d Debugger, target Target) (Session, error) {
	for n := range attachRounds {
		step := func(what string, err error) error {
			return byDebugger(fmt.Sprintf("%s %d of %d", what, n+1, attachRounds), err)
		}
		session, err := startGuarded(ctx, d, target)
		switch {
		case err != nil && n == 0 && session == nil && errors.Is(err, errors.ErrUnsupported):
			return nil, err
		case err != nil:
			return session, step("attach", err)
		case !session.Can().Has(judge.Detach):
			return session, unsupported("detach")
		}
		switch {
		case n%2 == 1: // a debugger may say that it has attached while tasks are yet to stop
		case session.Can().Has(judge.Stop):
			where := fmt.Sprintf("at attach %d", n+1)
			err = s.standstill(ctx, session, where, s.ownStops(s.evidence.Looks[0].Tasks))
		default:
			err = step("resume", session.Resume(ctx))
		}
		if err != nil {
			return session, err
		}
		if err := session.Detach(ctx); err != nil {
			return session, step("detach", err)
		}
		s.lookAfterDetach()
		words := s.told(session)
		err = endSession(session, s.scale)
		s.evidence.Rounds = append(s.evidence.Rounds, judge.Round{Words: words, End: endOf(err)})
		if err != nil {
			return nil, step("end", err)
		}
	}
	return nil, nil
}

// lookAfterDetach looks at the program just after a detach.
func (s *stage) lookAfterDetach() {
	look := s.look(judge.AfterDetach)
	for i, t := range look.Tasks {
		if t.Tracer != 0 || t.Held() {
			procfs.Examine(&look.Tasks[i])
		}
	}
	s.evidence.Looks = append(s.evidence.Looks, look)
}

// detach lets the program go to its checkpoint 1 and has the debugger let go of it there.
func (s *stage) detach(ctx context.Context, session Session) error {
	if !session.Can().Has(judge.Detach) {
		return unsupported("detach")
	}
	if err := s.passTo(ctx, 1); err != nil {
		return err
	}
	s.evidence.Looks = append(s.evidence.Looks, s.look(judge.BeforeDetach))
	detach := &s.evidence.Detach
	*detach = judge.Interval{State: judge.Asked, Asked: s.now()}
	if err := session.Detach(ctx); err != nil && !s.isOver(ctx) {
		return byDebugger("detach", err)
	}
	detach.State, detach.Complete = judge.Complete, s.now()
	s.lookAfterDetach()
	return nil
}

// killProgram has the debugger stop the program at its checkpoint 2, where it is killed as it
// stands.
func (s *stage) killProgram(ctx context.Context, session Session) error {
	if !session.Can().Has(judge.Stop) {
		return unsupported("stop")
	}
	if err := s.stopAt(ctx, session, 2); err != nil {
		return err
	}
	if err := s.root.Kill(); err != nil {
		return fmt.Errorf("kill the program: %w", err)
	}
	if err := session.Resume(ctx); err != nil && !s.isOver(ctx) {
		return byDebugger("resume", err)
	}
	return nil
}

// stepMain has the debugger stop the program at its checkpoint 1, and step main to checkpoint 2.
func (s *stage) stepMain(ctx context.Context, session Session) error {
	if !session.Can().Has(judge.Stop, judge.Step) {
		return unsupported("step")
	}
	if err := s.stopAt(ctx, session, 1); err != nil {
		return err
	}
	s.ledger.LetPass(2)
	for !s.ledger.HasReached(2) {
		if err := cmp.Or(ctx.Err(), session.Step(ctx, s.scene().Root())); err != nil {
			return byProgram("main's way to checkpoint 2 in single steps", err)
		}
	}
	return byDebugger("resume", session.Resume(ctx))
}

// killDebugger is the mode orphaned: it kills the debugger, which has just attached. It sends
// SIGKILL to every process that traces a task of the program, and then waits for their ends.
func (s *stage) killDebugger(ctx context.Context, session Session) error {
	e := s.evidence
	e.Detach = judge.Interval{State: judge.Asked, Asked: s.now()}
	look := s.look(judge.AtKill)
	e.Looks = append(e.Looks, look)
	var dying []*procfs.Process
	defer func() {
		for _, process := range dying {
			process.Close()
		}
	}()
	tracers := tracersOf(look.Tasks)
	for _, pid := range tracers {
		if pid == event.TID(os.Getpid()) {
			err := session.Die(ctx)
			if errors.Is(err, errors.ErrUnsupported) {
				return err // no ability says whether it can
			}
			if err != nil {
				return byDebugger("death", err)
			}
			continue
		}
		process, err := s.killTracer(pid)
		if err != nil {
			return err
		}
		if process != nil {
			dying = append(dying, process)
		}
	}
	for _, process := range dying {
		if err := process.AwaitEnd(ctx); err != nil {
			return byDebugger("death", err)
		}
	}
	if len(tracers) > 0 {
		e.Detach.State, e.Detach.Complete = judge.Complete, s.now()
		s.lookAfterDetach()
	}
	return nil
}

// tracersOf are the processes that trace a program's tasks, and are none of its own.
func tracersOf(tasks []judge.Task) (pids []event.TID) {
	own, threads := make(map[event.TID]bool), make(map[event.TID]bool)
	for _, t := range tasks {
		own[t.PID], threads[t.Tracer] = true, true
	}
	for tid := range threads {
		pid := procfs.TGID(tid) // zero of zero, and if it has ended
		if pid != 0 && !own[pid] && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killTracer kills a process of the debugger's. It returns nil if that has ended by itself.
func (s *stage) killTracer(pid event.TID) (*procfs.Process, error) {
	process, err := procfs.OpenProcess(pid)
	if err == nil && !procfs.Descends(pid, event.TID(s.keeper.PID())) {
		err = fmt.Errorf("it was not started for this run: %w", errors.ErrUnsupported)
	}
	if err == nil {
		err = process.Kill()
	}
	if err == nil {
		return process, nil
	}
	if process != nil {
		process.Close()
	}
	switch {
	case errors.Is(err, unix.ESRCH):
		return nil, nil
	case errors.Is(err, unix.EPERM):
		err = fmt.Errorf("it may not be killed by us: %w", errors.ErrUnsupported)
	}
	return nil, fmt.Errorf("process %d, which traces the program: %w", pid, err)
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

// Standstills: the moments at which all tasks of a program stand, and whether they go on after
// them.

// stopRounds is how often a program is stopped at a checkpoint. A task that one resume forgot, or
// that one stop left with a signal, shows at the next.
const stopRounds = 2

// stopAtCheckpoints has the debugger stop the program at each of its checkpoints, list its tasks
// and let it go on. One task is parked there; the others are wherever they are.
func (s *stage) stopAtCheckpoints(ctx context.Context, session Session) error {
	if !session.Can().Has(judge.Stop) {
		return unsupported("stop")
	}
	for n := uint32(0); ; n++ {
		for range stopRounds {
			own := s.ownStops(s.scene().Tasks())
			if err := session.Stop(ctx); err != nil {
				if s.isOver(ctx) {
					return nil
				}
				return byDebugger("stop", err)
			}
			where := fmt.Sprintf("at checkpoint %d", n)
			if err := s.standstill(ctx, session, where, own); err != nil {
				return err
			}
		}
		s.ledger.LetPass(n + 1)
		if more, err := s.reaches(ctx, n+1); !more {
			return byProgram(fmt.Sprintf("checkpoint %d of the program", n+1), err)
		}
	}
}

// reaches waits until the program has reached a checkpoint. It is false if the program is over.
func (s *stage) reaches(ctx context.Context, checkpoint uint32) (bool, error) {
	errOver := errors.New("the program is over")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if s.root.AwaitEnd(ctx) == nil {
			cancel(errOver)
		}
	}()
	err := s.ledger.Await(ctx, checkpoint)
	cancel(nil)
	<-watched
	if errors.Is(err, errOver) {
		return false, nil
	}
	return err == nil, err
}

// stopAt lets the program go to a checkpoint, has the debugger stop it there, and looks at it.
func (s *stage) stopAt(ctx context.Context, session Session, checkpoint uint32) error {
	if err := s.passTo(ctx, checkpoint); err != nil {
		return err
	}
	if err := session.Stop(ctx); err != nil {
		return byDebugger("stop", err)
	}
	_, err := s.lookAtStop(ctx, session, fmt.Sprintf("at checkpoint %d", checkpoint))
	return err
}

// standstill looks at a program that stands, has the debugger let its tasks go on, and waits until
// they have, but for those in a stop of the program's own.
func (s *stage) standstill(
	ctx context.Context, session Session, where string, own map[event.TID]bool,
) error {
	still, err := s.lookAtStop(ctx, session, where)
	if err != nil {
		return err
	}
	if err := session.Resume(ctx); err != nil {
		return byDebugger("resume", err)
	}
	stood := slices.DeleteFunc(slices.Clone(still.After.Tasks), func(t judge.Task) bool {
		return !t.Held() || own[t.TID]
	})
	still.Left.Tasks, still.Left.At = s.awaitRun(ctx, stood), s.now()
	return nil
}

// lookAtStop looks at a program that stands, has the debugger list its tasks, and adds both to the
// evidence.
func (s *stage) lookAtStop(
	ctx context.Context, session Session, where string,
) (*judge.Standstill, error) {
	stood := judge.Look{When: judge.AtStop, At: s.now(), Tasks: s.scene().Stood()}
	still := judge.Standstill{
		Where: where, Stood: stood, During: judge.Interval{State: judge.NotAsked},
		Left: judge.Look{When: judge.AfterResume},
	}
	if session.Can().Has(judge.Threads) {
		var err error
		still.During = judge.Interval{State: judge.Asked, Asked: s.now()}
		if still.Listed, err = session.Threads(ctx); err != nil {
			return nil, byDebugger("list of threads", err)
		}
		still.During.State, still.During.Complete = judge.Complete, s.now()
	}
	still.After = s.look(judge.AfterList)
	e := s.evidence
	e.Standstills = append(e.Standstills, still)
	return &e.Standstills[len(e.Standstills)-1], nil
}

// awaitRun waits until tasks that stood have run, and returns those that have not at the context's
// end.
func (s *stage) awaitRun(ctx context.Context, stood []judge.Task) []judge.Task {
	for {
		stood = slices.DeleteFunc(stood, hasRun)
		if len(stood) == 0 || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Millisecond) // sleep: /proc tells of no change
	}
	for i := range stood {
		procfs.Examine(&stood[i])
	}
	return stood
}

// ownStops are the tasks that are in a stop of the program's own before a debugger stops it. Under
// a debugger that keeps such a stop, the task stays in a tracing stop.
func (s *stage) ownStops(tasks []judge.Task) map[event.TID]bool {
	own := make(map[event.TID]bool)
	var traced []judge.Task
	for _, t := range tasks {
		if own[t.TID] = t.State != "" && t.State[0] == 'T'; t.Held() && !own[t.TID] {
			traced = append(traced, t)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.scale.Of(limits.OwnStop))
	defer cancel()
	for _, t := range s.awaitRun(ctx, traced) {
		own[t.TID] = true
	}
	return own
}

// hasRun tells whether a task that stood has run since, or ended.
func hasRun(t judge.Task) bool {
	now, ok := procfs.ReadTask(t.PID, t.TID)
	return !ok || !now.Held() || now.Switches != t.Switches
}

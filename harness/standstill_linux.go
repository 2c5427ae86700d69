package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/witness"
)

// stopRounds is how often a program is stopped at a checkpoint: a task that one resume forgot, or that one
// stop left with a signal, shows at the next.
const stopRounds = 2

// stops has the debugger stop the program at each of its checkpoints, list its tasks and let it go on. One task
// is parked there; the others are wherever they are.
func (s *stage) stops(ctx context.Context, session Session) error {
	if !session.Can().Has(Stop) {
		return session.Stop(ctx)
	}
	for n := uint32(0); ; n++ {
		for range stopRounds {
			own := s.ownStops(s.procTasks())
			if err := session.Stop(ctx); err != nil {
				if s.over(ctx) {
					return nil
				}
				return step("the debugger's stop", err)
			}
			if err := s.standstill(ctx, session, fmt.Sprintf("at checkpoint %d", n), own); err != nil {
				return err
			}
		}
		s.ledger.letPass(n + 1)
		if more, err := s.comesTo(ctx, n+1); !more {
			return step(fmt.Sprintf("checkpoint %d of the program", n+1), err)
		}
	}
}

// comesTo waits until the program has come to a checkpoint, or is over.
func (s *stage) comesTo(ctx context.Context, checkpoint uint32) (bool, error) {
	errOver := errors.New("the program is over")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if awaitEnd(ctx, s.root) == nil {
			cancel(errOver)
		}
	}()
	err := s.ledger.await(ctx, checkpoint)
	cancel(nil)
	<-watched
	if errors.Is(err, errOver) {
		return false, nil
	}
	return err == nil, err
}

// listenTime is how long a task that a debugger keeps in a stop of the program's own stands, at least; at a
// birth it stands shorter.
const listenTime = 20 * time.Millisecond

// ownStops are the tasks that stand in a stop of the program's own, before a debugger stops it.
func (s *stage) ownStops(tasks []procTask) map[event.TID]bool {
	own := make(map[event.TID]bool)
	tasks = slices.DeleteFunc(slices.Clone(tasks), func(t procTask) bool {
		own[t.tid] = t.state != "" && t.state[0] == 'T'
		return !t.held() || own[t.tid]
	})
	for deadline := time.Now().Add(listenTime); len(tasks) > 0; {
		tasks = slices.DeleteFunc(tasks, procTask.hasRun)
		if time.Now().After(deadline) {
			for _, t := range tasks {
				own[t.tid] = true
			}
			break
		}
		time.Sleep(time.Millisecond) // sleep: /proc tells of no change
	}
	return own
}

// hasRun tells whether a task that stood has run since, or ended.
func (t procTask) hasRun() bool {
	now, ok := readTask(t.pid, t.tid)
	return !ok || !now.held() || now.switches != t.switches
}

// look looks at a program that stands, and has the debugger list its tasks.
func (s *stage) look(ctx context.Context, session Session, where string) (standstill, error) {
	still := standstill{where: where, stood: s.settled()}
	if session.Can().Has(Threads) {
		var err error
		still.during.issued = witness.Now()
		if still.listed, err = session.Threads(ctx); err != nil {
			return still, step("the debugger's list of threads", err)
		}
		still.during.complete = witness.Now()
	}
	still.after = s.procTasks()
	return still, nil
}

// standstill looks at a program that stands, has the debugger let its tasks go on, and waits until they have
// done so, but for those in a stop of the program's own.
func (s *stage) standstill(ctx context.Context, session Session, where string, own map[event.TID]bool) error {
	still, err := s.look(ctx, session, where)
	if err != nil {
		return err
	}
	err = session.Resume(ctx)
	if err == nil {
		still.left = s.left(ctx, own, still.after)
	}
	s.evidence.standstills = append(s.evidence.standstills, still)
	return step("the debugger's resume", err)
}

// settlePatience is how long a task may run on at a stop that is on its way out: before it is marked as such it looks
// like any.
const settlePatience = time.Second

// settled is what /proc shows of a program that stands, when those on their way out have gone it.
func (s *stage) settled() []procTask {
	root := s.rootPID()
	for deadline := time.Now().Add(settlePatience); ; {
		tasks := s.procTasks()
		runs := func(t procTask) bool { return !t.stands() && mustStand(t, tasks, root) }
		if !slices.ContainsFunc(tasks, runs) {
			return tasks
		}
		if time.Now().After(deadline) {
			for i, t := range tasks {
				if runs(t) {
					tasks[i].examine()
				}
			}
			return tasks
		}
		time.Sleep(time.Millisecond) // sleep: /proc tells of no change
	}
}

// left are the tasks that stood and have not run when the run's time is over, although all were to go on.
func (s *stage) left(ctx context.Context, own map[event.TID]bool, stood []procTask) []procTask {
	left := slices.DeleteFunc(slices.Clone(stood), func(t procTask) bool { return !t.held() || own[t.tid] })
	for {
		left = slices.DeleteFunc(left, procTask.hasRun)
		if len(left) == 0 || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Millisecond) // sleep: /proc tells of no change
	}
	for i := range left {
		left[i].examine()
	}
	return left
}

func (s *stage) rootPID() event.TID {
	all, err := s.ledger.read()
	if err != nil {
		return 0
	}
	return all.root().pid
}

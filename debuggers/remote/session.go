package remote

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"github.com/tidcheck/tidcheck/judge"
)

// A session is what sessions of both modes have in common.
type session struct {
	harness.Unsupported
	*Conn
	can    judge.Abilities
	list   func(*Conn, context.Context) ([]rsp.Thread, error)
	single bool // the server debugs one process, and lets go of those that this makes

	// turn is held over requests that belong together, with the events that their answers tell.
	turn sync.Mutex

	adapter.Monitor // guards what follows
	book            *book
	hold            bool  // what stops is not to go on
	over            bool  // the server has said that the program is over
	err             error // why nothing more is heard of the server
}

// Can says what the session offers.
func (s *session) Can() judge.Abilities { return s.can }

// tell takes a stop reply; the lock is held.
func (s *session) tell(stop rsp.Stop) {
	s.book.take(stop)
	if stop.Kind == rsp.Exited || stop.Kind == rsp.Signalled {
		s.over = s.over || s.single || len(s.book.threads) == 0
	}
}

// keepOwn keeps signals of the program's own by which threads stood when they were attached to.
func (s *session) keepOwn(ctx context.Context, trapped []rsp.Thread) error {
	own, err := s.own(ctx, trapped)
	s.Lock()
	defer s.Unlock()
	for _, t := range own {
		s.book.take(rsp.Stop{Kind: rsp.Stopped, Thread: t, Signal: sigtrap})
	}
	return err
}

// Threads are those that the server lists.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	listed, err := s.list(s.Conn, ctx)
	tids := make([]event.TID, len(listed))
	for i, t := range listed {
		tids[i] = event.TID(t.TID)
	}
	return tids, err
}

// letGo stops the program, and lets go of all its processes.
func (s *session) letGo(ctx context.Context, stop func(context.Context) error) error {
	if err := stop(ctx); err != nil {
		return err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.Lock()
	threads := s.book.all()
	s.Unlock()
	threads = slices.CompactFunc(threads, func(a, b rsp.Thread) bool { return a.PID == b.PID })
	for _, t := range threads {
		request := fmt.Sprintf("D;%x", t.PID)
		if t.PID == 0 {
			request = "D"
		}
		if err := s.Do(ctx, request); err != nil {
			return err
		}
	}
	return nil
}

// Wait waits until the server has said that the program is over. If the server ends before, that is
// its failure.
func (s *session) Wait(ctx context.Context) error {
	var failure error
	err := s.Await(ctx, nil, func() bool {
		if !s.over {
			failure = s.err
		}
		return s.over || failure != nil
	})
	return cmp.Or(err, failure)
}

// End ends the server; the keeper ends what it leaves.
func (s *session) End() error { return s.server.End() }

package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

const sigtrap, sigstop = 5, 19

// A NonStop session is over a server in non-stop mode: it tells of each thread's stops while the others run, and is told to
// stop threads by vCont;t.
type NonStop struct {
	harness.Log
	Conn *Conn
	can  harness.Abilities

	turn sync.Mutex // held over requests that belong together

	mu      sync.Mutex
	book    *book
	hold    bool          // who stops is not to go on
	changed chan struct{} // closed when the book has changed
	over    chan struct{} // closed when all processes have ended
	err     error
}

// NewNonStop is a session that offers what can says.
func NewNonStop(c *Conn, can harness.Abilities) *NonStop {
	return &NonStop{Conn: c, can: can, book: newBook(rsp.FromGDB), hold: true, changed: make(chan struct{}), over: make(chan struct{})}
}

// Begin brings a server, which has launched a program or attached to one, into non-stop mode. Then the program
// stands, and who was found is known.
func (s *NonStop) Begin(ctx context.Context, attached bool, features string) error {
	if err := s.Conn.Greet(ctx, features); err != nil {
		return err
	}
	if err := s.Conn.Do(ctx, "QNonStop:1"); err != nil {
		return err
	}
	s.book.finding = attached
	if err := s.first(ctx); err != nil {
		return err
	}
	if err := s.Conn.Do(ctx, "QThreadEvents:1"); err != nil {
		return err
	}
	go s.follow()
	if !attached {
		return nil
	}
	if err := s.Stop(ctx); err != nil { // it lets all but the leader run on
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.finding = false
	return nil
}

// first asks who stands. All of them are told of, each when the one before was taken, also those of whom a
// notification came before. SIGTRAP stands for no signal there: at a program's start, and in an attach.
func (s *NonStop) first(ctx context.Context) error {
	answer, err := s.Conn.Ask(ctx, "?")
	s.Conn.forget()
	for err == nil && string(answer) != "OK" {
		var stop rsp.Stop
		if stop, err = rsp.ParseStop(answer); err != nil {
			break
		}
		if stop.Kind != rsp.Stopped {
			return fmt.Errorf("the program is over: %.80q", answer)
		}
		if rsp.FromGDB(stop.Signal) == sigtrap && stop.Event == "" {
			stop.Signal = 0
		}
		s.take(stop)
		answer, err = s.Conn.Ask(ctx, "vStopped")
	}
	return err
}

func (s *NonStop) ask(ctx context.Context, request string) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.Conn.Do(ctx, request)
}

// follow takes what the server tells by itself, to its end.
func (s *NonStop) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		select {
		case notice := <-s.Conn.notices:
			if err := s.notice(ctx, notice); err != nil {
				s.fail(err)
				return
			}
		case <-s.Conn.over:
			s.fail(nil)
			return
		}
	}
}

func (s *NonStop) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.wake()
}

// wake tells all who wait that the book has changed; the lock is held.
func (s *NonStop) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// notice takes one notification with all that the server has to say then, and lets go on who may.
func (s *NonStop) notice(ctx context.Context, notice []byte) error {
	text, ok := strings.CutPrefix(string(notice), "Stop:")
	if !ok {
		return nil
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	answer := []byte(text)
	for string(answer) != "OK" {
		stop, err := rsp.ParseStop(answer)
		if err != nil {
			return err
		}
		s.take(stop)
		if answer, err = s.Conn.Ask(ctx, "vStopped"); err != nil {
			return err
		}
	}
	s.mu.Lock()
	actions := ""
	if !s.hold {
		actions = s.goOn(false)
	}
	s.wake()
	s.mu.Unlock()
	if actions == "" {
		return nil
	}
	return s.Conn.Do(ctx, "vCont"+actions)
}

// found takes in threads that the server names, while it attaches.
func (s *NonStop) found(threads ...rsp.Thread) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book.finding {
		for _, e := range s.book.found(threads...) {
			s.Add(e)
		}
	}
}

func (s *NonStop) take(stop rsp.Stop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.book.take(stop) {
		s.Add(e)
	}
	if len(s.book.threads) == 0 && (stop.Kind == rsp.Exited || stop.Kind == rsp.Signalled) {
		select {
		case <-s.over:
		default:
			close(s.over)
		}
	}
}

// goOn gives the actions of a vCont that lets all who stand go on, each with its signal; the lock is held. Where all are
// to go on, no more is said of those without one.
func (s *NonStop) goOn(everybody bool) string {
	var b strings.Builder
	for _, t := range s.book.all() {
		known := s.book.threads[t]
		switch {
		case !known.stands:
			continue
		case known.signal != 0:
			fmt.Fprintf(&b, ";C%02x:%s", known.signal, t)
		case !everybody:
			fmt.Fprintf(&b, ";c:%s", t)
		}
		known.stands, known.signal = false, 0
	}
	if everybody {
		b.WriteString(";c")
	}
	return b.String()
}

// Can says what the session offers.
func (s *NonStop) Can() harness.Abilities { return s.can }

// Resume lets all go on.
func (s *NonStop) Resume(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	s.hold = false
	actions := s.goOn(true)
	s.mu.Unlock()
	return s.Conn.Do(ctx, "vCont"+actions)
}

// Stop stops all, and returns when the server has told of all that it lists, but for those that vfork(2) holds.
func (s *NonStop) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.hold = true
	s.mu.Unlock()
	if err := s.ask(ctx, "vCont;t"); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		changed := s.changed // before the list: what is told after it is news
		s.mu.Unlock()
		s.turn.Lock()
		listed, err := s.Conn.Threads(ctx)
		s.turn.Unlock()
		if err != nil {
			return err
		}
		if len(listed) == 0 {
			return errors.New("it lists no threads")
		}
		s.found(listed...)
		done, err := s.allStand(ctx, listed, changed)
		if done || err != nil {
			return err
		}
	}
}

// allStand tells whether all these stand; else it waits until the server tells more than it had when these were asked for.
func (s *NonStop) allStand(ctx context.Context, listed []rsp.Thread, changed <-chan struct{}) (bool, error) {
	s.mu.Lock()
	waiting, failure := slices.ContainsFunc(listed, s.book.moves), s.err
	s.mu.Unlock()
	switch {
	case !waiting:
		return true, nil
	case failure != nil:
		return false, failure
	}
	select {
	case <-changed:
		return false, nil
	case <-s.Conn.over:
		return false, s.Conn.ended(ctx)
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// Threads are those that the server lists.
func (s *NonStop) Threads(ctx context.Context) ([]event.TID, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	listed, err := s.Conn.Threads(ctx)
	return tids(listed), err
}

func tids(threads []rsp.Thread) []event.TID {
	tids := make([]event.TID, len(threads))
	for i, t := range threads {
		tids[i] = event.TID(t.TID)
	}
	return tids
}

// Detach stops all, so that what the server has yet to tell is told, and lets go of all processes.
func (s *NonStop) Detach(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	s.hold = true
	threads := s.book.all()
	s.mu.Unlock()
	for i, t := range threads {
		if i > 0 && t.PID == threads[i-1].PID {
			continue
		}
		if err := s.Conn.Do(ctx, fmt.Sprintf("D;%x", t.PID)); err != nil {
			return err
		}
	}
	return nil
}

// Wait waits until all processes have ended by the server's words. That it is over before is its failure.
func (s *NonStop) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		changed, failure := s.changed, s.err
		s.mu.Unlock()
		select {
		case <-s.over:
			return nil
		default:
		}
		if failure != nil {
			return failure
		}
		select {
		case <-s.over:
			return nil
		case <-changed:
		case <-s.Conn.over:
			return s.Conn.ended(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

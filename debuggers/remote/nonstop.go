package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"github.com/tidcheck/tidcheck/judge"
)

const sigtrap, sigstop = 5, 19

// A NonStop session is over a server in non-stop mode. The server tells of each thread's stops
// while the other threads run, and is told to stop threads by vCont;t.
type NonStop struct {
	session
	told int // how many notifications were taken, each with all that the server had to say then
}

// NewNonStop returns a session that offers what can says.
func NewNonStop(c *Conn, can judge.Abilities) *NonStop {
	return &NonStop{session: session{
		Conn: c, can: can, list: (*Conn).XferThreads, book: newBook(rsp.FromGDB, c.Add), hold: true,
	}}
}

// Begin brings a server, which has launched a program or attached to one, into non-stop mode. Then
// the program stands, and the threads that an attach found are known.
func (s *NonStop) Begin(ctx context.Context, attached bool, features string) error {
	if err := s.Greet(ctx, features); err != nil {
		return err
	}
	if err := s.Do(ctx, "QNonStop:1"); err != nil {
		return err
	}
	s.book.finding = attached
	answer, err := s.Ask(ctx, "?")
	s.forget() // the answer tells of all threads that stand
	var trapped []rsp.Thread
	if err == nil {
		trapped, err = s.takeAll(ctx, answer, true)
	}
	if err == nil && attached {
		err = s.keepOwn(ctx, trapped)
	}
	if err == nil {
		err = s.Do(ctx, "QThreadEvents:1")
	}
	if err != nil {
		return err
	}
	go s.follow()
	if !attached {
		return nil
	}
	if err := s.Stop(ctx); err != nil { // the attach lets all but the leader run on
		return err
	}
	s.Lock()
	defer s.Unlock()
	s.book.finding = false
	return nil
}

// takeAll takes a stop reply and those that the server has to tell after it, each of which comes
// when the one before was taken. In the first ones SIGTRAP stands for no signal: it is of the
// program's start, or of the attach, unless siginfo says more of the threads that are given back.
func (s *NonStop) takeAll(
	ctx context.Context, reply []byte, areFirst bool,
) (trapped []rsp.Thread, err error) {
	for string(reply) != "OK" {
		stop, err := parseStop(reply)
		switch {
		case err != nil:
			return nil, err
		case areFirst && stop.Kind != rsp.Stopped:
			return nil, fmt.Errorf("the program is over: %.80q", reply)
		case areFirst && rsp.FromGDB(stop.Signal) == sigtrap && stop.Event == "":
			trapped = append(trapped, stop.Thread)
			stop.Signal = 0
		}
		s.Lock()
		s.tell(stop)
		s.Unlock()
		if reply, err = s.Ask(ctx, "vStopped"); err != nil {
			return nil, err
		}
	}
	return trapped, nil
}

// follow takes what the server tells by itself, to its end.
func (s *NonStop) follow() {
	ctx := context.Background()
	for {
		notice, err := adapter.Receive(ctx, s.server, s.notices)
		if err == nil {
			err = s.notice(ctx, notice)
		}
		if err != nil {
			s.Lock()
			s.err = err
			s.Unlock()
			return
		}
	}
}

// notice takes one notification with all that the server has to say then. What stands goes on,
// unless a stop was asked for.
func (s *NonStop) notice(ctx context.Context, notice []byte) error {
	text, ok := strings.CutPrefix(string(notice), "Stop:")
	if !ok {
		return nil
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	answer := []byte(text)
	s.Hear(answer)
	if _, err := s.takeAll(ctx, answer, false); err != nil {
		return err
	}
	s.Lock()
	actions := ""
	if !s.hold {
		actions = s.book.goOn(false)
	}
	s.told++
	s.Unlock()
	if actions == "" {
		return nil
	}
	return s.Do(ctx, "vCont"+actions)
}

// Resume lets all threads go on.
func (s *NonStop) Resume(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.Lock()
	s.hold = false
	actions := s.book.goOn(true)
	s.Unlock()
	return s.Do(ctx, "vCont"+actions)
}

// Stop stops all threads. It returns when the server has told of all that it lists, but for those
// that vfork(2) holds.
func (s *NonStop) Stop(ctx context.Context) error {
	s.Lock()
	s.hold = true
	s.Unlock()
	s.turn.Lock()
	err := s.Do(ctx, "vCont;t")
	s.turn.Unlock()
	for stand := false; err == nil && !stand; {
		stand, err = s.allStand(ctx)
	}
	return err
}

// allStand tells whether all threads stand that the server lists. If not, it waits until the server
// tells more.
func (s *NonStop) allStand(ctx context.Context) (stand bool, err error) {
	listed, told, err := s.look(ctx)
	if err != nil {
		return false, err
	}
	var failure error
	err = s.Await(ctx, nil, func() bool {
		stand, failure = !slices.ContainsFunc(listed, s.book.moves), s.err
		return stand || failure != nil || s.told > told
	})
	if err == nil && !stand {
		err = failure
	}
	return stand, err
}

// look lists the threads. In an attach, those that the server has not named before were found by
// it. What is told after this many notifications is news.
func (s *NonStop) look(ctx context.Context) (listed []rsp.Thread, told int, err error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	listed, err = s.list(s.Conn, ctx)
	if err == nil && len(listed) == 0 {
		err = errors.New("it lists no threads")
	}
	s.Lock()
	defer s.Unlock()
	if s.book.finding {
		s.book.found(listed...)
	}
	return listed, s.told, err
}

// Detach stops all threads, so that the server tells what it has yet to tell, and lets go of all
// processes.
func (s *NonStop) Detach(ctx context.Context) error { return s.letGo(ctx, s.Stop) }

package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidcheck/tidcheck/internal/rsp"
	"github.com/tidcheck/tidcheck/judge"
)

// Manners are what servers in all-stop mode do differently.
type Manners struct {
	Features  string            // what a front end says to know
	Greetings []string          // what it asks for besides, by requests that are answered by OK
	Linux     func(sig int) int // Linux's number for one of its signals
	Interrupt int               // the signal, in its numbers, by which an interrupt stops a program
	// Echoes says that it answers qEcho, and tells of an interrupt also if the program stands: what
	// it says before the echo is all. Else an interrupt sends the program a signal.
	Echoes bool
	List   func(*Conn, context.Context) ([]rsp.Thread, error)
}

// An AllStop session is over a server in all-stop mode: at each event all threads stand, and are
// let go on together. It debugs one process, and lets go of those that this makes.
type AllStop struct {
	session
	manners Manners
	runs    bool // the program was let go on, and no stop was heard of since
	stands  bool // and is not let go on from there, or is over
	owed    int  // interrupts that were sent and have not stopped the program
	root    int  // the process that it began with
	glance  func(t rsp.Thread, signal int) glance
}

// NewAllStop returns a session that offers what can says.
func NewAllStop(c *Conn, m Manners, can judge.Abilities) *AllStop {
	s := &AllStop{manners: m, stands: true, glance: glanceAt}
	s.session = session{
		Conn: c, can: can, list: m.List, single: true, book: newBook(m.Linux, c.Add),
	}
	return s
}

// Begin greets a server that has launched a program or attached to one. Then the program stands,
// and the threads that an attach found are known.
func (s *AllStop) Begin(ctx context.Context, attached bool) error {
	if err := s.Greet(ctx, s.manners.Features); err != nil {
		return err
	}
	for _, request := range s.manners.Greetings {
		if err := s.Do(ctx, request); err != nil {
			return err
		}
	}
	answer, err := s.Ask(ctx, "?")
	if err != nil {
		return err
	}
	stops, err := parseStops(answer)
	if err == nil && (stops[0].Kind != rsp.Stopped || stops[0].Thread.TID == 0) {
		err = fmt.Errorf("the program is not there: %.80q", answer)
	}
	if err != nil {
		return err
	}
	s.root = stops[0].Thread.PID
	listed, err := s.list(s.Conn, ctx)
	if err != nil {
		return err
	}
	if attached {
		s.book.found(listed...)
	}
	var trapped []rsp.Thread
	s.Hear(answer)
	for _, stop := range stops {
		sig := s.manners.Linux(stop.Signal)
		if sig == sigtrap && attached {
			trapped = append(trapped, stop.Thread)
		}
		if sig == sigtrap || sig == sigstop {
			stop.Signal = 0 // of the start, or of the attach
		}
		s.book.take(stop)
	}
	if s.manners.Echoes {
		return nil
	}
	return s.keepOwn(ctx, trapped)
}

// parseStops reads a stop reply: the stop of one thread, and then those of others.
func parseStops(reply []byte) ([]rsp.Stop, error) {
	stop, err := parseStop(reply)
	return append([]rsp.Stop{stop}, stop.Others...), err
}

// Resume lets all threads go on.
func (s *AllStop) Resume(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.Lock()
	s.hold, s.stands = false, false
	s.Unlock()
	if _, err := s.goOn(ctx); err != nil {
		return err
	}
	go s.follow()
	return nil
}

// goOn lets all threads that stand go on, each with its signal, and tells whether it did. The
// answer is the next stop. It does not if the program is to stand by now, and no interrupt is on
// its way: at a program that stands, a stop sends no interrupt, since that would have no effect.
func (s *AllStop) goOn(ctx context.Context) (bool, error) {
	s.Lock()
	if s.hold && s.owed == 0 {
		s.Unlock()
		return false, nil
	}
	s.runs = true
	err := s.Send("vCont" + s.book.goOn(true))
	s.Unlock()
	if err != nil {
		return false, s.failed(ctx, "vCont", err)
	}
	return true, nil
}

// follow takes one stop after the other until the program is to stand, or is over.
func (s *AllStop) follow() {
	ctx := context.Background()
	var err error
	for goes := true; goes && err == nil; {
		goes, err = s.next(ctx)
	}
	s.Lock()
	defer s.Unlock()
	s.stands, s.err = true, err
}

// next takes one stop, and tells whether the program goes on. Where an interrupt is on its way, and
// the server answers no echo, it does: the interrupt's signal comes, which after a detach would be
// the program's.
func (s *AllStop) next(ctx context.Context) (goes bool, err error) {
	answer, err := s.Next(ctx)
	s.Lock()
	s.runs = false // no more interrupts are sent
	interrupted := s.owed > 0
	s.Unlock()
	if err == nil {
		err = rsp.Refused(answer)
	}
	if err == nil {
		err = s.stopped(ctx, answer)
	}
	if err != nil {
		return false, err
	}
	s.Lock()
	over, settles := s.over, s.hold && interrupted && s.manners.Echoes
	s.Unlock()
	switch {
	case over:
		return false, nil
	case settles:
		return false, s.settle(ctx)
	}
	return s.goOn(ctx)
}

// stopped takes a stop reply, and lets go of the processes that were made, if one alone is
// debugged.
func (s *AllStop) stopped(ctx context.Context, reply []byte) error {
	stops, err := parseStops(reply)
	if err != nil {
		return err
	}
	isOwn, err := s.isOwn(ctx, stops[0])
	if err != nil {
		return err
	}
	s.take(stops, isOwn)
	for _, made := range stops {
		if made.Child.PID == 0 {
			continue
		}
		if err := s.Do(ctx, fmt.Sprintf("D;%x", made.Child.PID)); err != nil {
			return err
		}
		s.Lock()
		delete(s.book.threads, made.Child)
		s.Unlock()
	}
	return nil
}

// mayBeOurs tells whether a stop is such as an interrupt causes; the lock is held.
func (s *AllStop) mayBeOurs(stop rsp.Stop) bool {
	return stop.Kind == rsp.Stopped && stop.Event == "" &&
		stop.Signal == s.manners.Interrupt && s.owed > 0
}

// isOwn tells whether a stop that an interrupt may have caused is for a signal of the program's
// own. The interrupt's signal comes then, unless it was sent while the other was pending, and is
// one with it. The server has sent it: it reads the interrupt before the next request.
//
// A server that echoes is not asked: what it has yet to say would come before the answer. Its
// signal is SIGSTOP, which stops the whole process, whichever thread gets it.
func (s *AllStop) isOwn(ctx context.Context, stop rsp.Stop) (bool, error) {
	s.Lock()
	maybe := s.mayBeOurs(stop) && !s.manners.Echoes
	s.Unlock()
	if !maybe {
		return false, nil
	}
	info, err := s.siginfo(ctx, stop.Thread)
	seen := s.glance(stop.Thread, s.manners.Linux(stop.Signal))
	if err != nil || info.signal == 0 || info.isFrom(seen.tracer) {
		return false, err
	}
	s.Lock()
	defer s.Unlock()
	if !seen.pending {
		s.owed--
	}
	return true, nil
}

// take takes stops without the signal of one that an interrupt of ours caused. The first may be
// known for the program's own.
func (s *AllStop) take(stops []rsp.Stop, isOwn bool) {
	s.Lock()
	defer s.Unlock()
	for i, stop := range stops {
		if s.mayBeOurs(stop) && !(isOwn && i == 0) {
			s.owed--
			stop.Signal = 0
		}
		if stop.PID == 0 {
			stop.PID = s.root
		}
		s.tell(stop)
	}
}

// settle hears what else the server has to say of an interrupt. That may have come when the program
// had just stopped for something else, or for a signal of its own with the interrupt's number. All
// of it comes before the answer to an echo.
func (s *AllStop) settle(ctx context.Context) error {
	const echo = "qEcho:1"
	if err := s.Send(echo); err != nil {
		return s.failed(ctx, echo, err)
	}
	for {
		answer, err := s.Next(ctx)
		if err != nil {
			return err
		}
		if string(answer) == echo {
			s.Lock()
			defer s.Unlock()
			s.owed = 0
			return nil
		}
		if err := s.stopped(ctx, answer); err != nil {
			return err
		}
	}
}

// Stop interrupts the program, and returns when it stands.
func (s *AllStop) Stop(ctx context.Context) error {
	s.Lock()
	s.hold = true
	var err error
	if s.runs {
		s.owed++
		_, err = s.server.Write([]byte{3}) // Ctrl-C, outside of all packets
	}
	s.Unlock()
	if err != nil {
		return s.failed(ctx, "interrupt", err)
	}
	if err := s.Await(ctx, nil, func() bool { return s.stands }); err != nil {
		return err
	}
	s.Lock()
	defer s.Unlock()
	if s.over {
		return errors.New("the program is over")
	}
	return s.err
}

// Detach stops the program, since a server takes no other request while it runs, and lets go of it.
func (s *AllStop) Detach(ctx context.Context) error { return s.letGo(ctx, s.Stop) }

package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

// Manners are what servers in all-stop mode do differently.
type Manners struct {
	Features  string            // what a front end says to know
	Greetings []string          // what it asks for besides, by requests that are answered by OK
	Linux     func(sig int) int // Linux's number for one of its signals
	Interrupt int               // the signal, in its numbers, by which the program stops when it is interrupted
	Detaches  bool              // it debugs one process, and is told to let go of those that this makes
	Echoes    bool              // it answers qEcho
	List      func(*Conn, context.Context) ([]rsp.Thread, error)
}

// An AllStop session is over a server in all-stop mode: at each event all threads stand, and are let go on together.
type AllStop struct {
	harness.Log
	Conn    *Conn
	manners Manners
	can     harness.Abilities

	turn sync.Mutex // held by who asks while the program stands

	mu     sync.Mutex
	book   *book
	hold   bool          // the program is to stand at the next event
	runs   bool          // it was let go on, and no stop was heard of since
	owed   int           // how many interrupts were sent and have not stopped it
	root   int           // the process that it began with
	stands chan struct{} // closed when it does, or is over
	over   chan struct{} // closed when it is over
	failed chan struct{} // closed when err is set
	err    error
}

// NewAllStop is a session that offers what can says.
func NewAllStop(c *Conn, m Manners, can harness.Abilities) *AllStop {
	s := &AllStop{Conn: c, manners: m, can: can, book: newBook(m.Linux)}
	s.stands, s.over, s.failed = make(chan struct{}), make(chan struct{}), make(chan struct{})
	close(s.stands)
	return s
}

// Begin greets a server that has launched a program or attached to one. Then the program stands, and who was found
// is known.
func (s *AllStop) Begin(ctx context.Context, attached bool) error {
	if err := s.Conn.Greet(ctx, s.manners.Features); err != nil {
		return err
	}
	for _, request := range s.manners.Greetings {
		if err := s.Conn.Do(ctx, request); err != nil {
			return err
		}
	}
	answer, err := s.Conn.Ask(ctx, "?")
	if err != nil {
		return err
	}
	stop, err := rsp.ParseStop(answer)
	if err == nil && (stop.Kind != rsp.Stopped || stop.Thread.TID == 0) {
		err = fmt.Errorf("the program is not there: %.80q", answer)
	}
	if err != nil {
		return err
	}
	s.root = stop.Thread.PID
	listed, err := s.manners.List(s.Conn, ctx)
	if err != nil {
		return err
	}
	if attached {
		s.add(s.book.found(listed...))
	}
	for _, first := range append(stop.Others, stop) {
		if sig := s.manners.Linux(first.Signal); sig == sigtrap || sig == sigstop {
			first.Signal = 0 // of the start, or of the attach
		}
		first.Others = nil
		s.add(s.book.take(first))
	}
	return nil
}

func (s *AllStop) add(said event.Trace) {
	for _, e := range said {
		s.Add(e)
	}
}

// Can says what the session offers.
func (s *AllStop) Can() harness.Abilities { return s.can }

// Resume lets all go on.
func (s *AllStop) Resume(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	stands := make(chan struct{})
	s.hold, s.stands = false, stands
	s.mu.Unlock()
	if _, err := s.goOn(); err != nil {
		return s.Conn.failed(ctx, "vCont", err)
	}
	go s.follow(stands)
	return nil
}

// goOn lets all who stand go on, each with its signal, and tells whether they do: who was to stop the program meanwhile sent no
// interrupt, which has no effect on one that stands. The answer is the next stop.
func (s *AllStop) goOn() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hold && s.owed == 0 {
		return false, nil
	}
	var b strings.Builder
	for _, t := range s.book.all() {
		known := s.book.threads[t]
		if known.signal != 0 {
			fmt.Fprintf(&b, ";C%02x:%s", known.signal, t)
		}
		known.stands, known.signal = false, 0
	}
	s.runs = true
	return true, s.Conn.Send("vCont" + b.String() + ";c")
}

// follow takes one stop after the other until the program is to stand, or is over.
func (s *AllStop) follow(stands chan struct{}) {
	defer close(stands)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for more := true; more; {
		var err error
		if more, err = s.next(ctx); err == nil && more {
			if more, err = s.goOn(); err != nil {
				err = s.Conn.failed(ctx, "vCont", err)
			}
		}
		if err != nil {
			s.err = err
			close(s.failed)
			return
		}
	}
}

// next takes one stop, and tells whether the program is to go on.
func (s *AllStop) next(ctx context.Context) (more bool, err error) {
	stop, err := s.reply(ctx)
	if err != nil {
		return false, err
	}
	if err := s.letGo(ctx, stop); err != nil {
		return false, err
	}
	s.mu.Lock()
	hold, missing := s.hold, s.owed > 0
	s.mu.Unlock()
	select {
	case <-s.over:
		return false, nil
	default:
	}
	switch {
	case hold && missing && s.manners.Echoes:
		return false, s.settle(ctx)
	case hold && missing:
		return true, nil // the signal of the interrupt is on its way, and would be the program's after a detach
	}
	return !hold, nil
}

// letGo lets go of the processes that were made, where only one is debugged.
func (s *AllStop) letGo(ctx context.Context, stop rsp.Stop) error {
	for _, made := range append(stop.Others, stop) {
		if !s.manners.Detaches || made.Child.PID == 0 {
			continue
		}
		if err := s.Conn.Do(ctx, fmt.Sprintf("D;%x", made.Child.PID)); err != nil {
			return err
		}
		s.mu.Lock()
		delete(s.book.threads, made.Child)
		s.mu.Unlock()
	}
	return nil
}

// reply waits for a stop and takes it in.
func (s *AllStop) reply(ctx context.Context) (stop rsp.Stop, err error) {
	answer, err := s.Conn.Await(ctx)
	if err == nil {
		err = rsp.Refused(answer)
	}
	if err == nil {
		stop, err = rsp.ParseStop(answer)
	}
	if err == nil {
		s.take(stop)
	}
	return stop, err
}

func (s *AllStop) take(stop rsp.Stop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = false
	s.forgive(&stop)
	for i := range stop.Others {
		s.forgive(&stop.Others[i])
	}
	if stop.PID == 0 {
		stop.PID = s.root
	}
	s.add(s.book.take(stop))
	if ended := stop.Kind == rsp.Exited || stop.Kind == rsp.Signalled; ended && (len(s.book.threads) == 0 || s.manners.Detaches) {
		select {
		case <-s.over:
		default:
			close(s.over)
		}
	}
}

// forgive takes the signal of an interrupt of ours for none; the lock is held.
func (s *AllStop) forgive(stop *rsp.Stop) {
	if stop.Kind == rsp.Stopped && stop.Event == "" && stop.Signal == s.manners.Interrupt && s.owed > 0 {
		s.owed--
		stop.Signal = 0
	}
}

// settle hears what else the server has to say of an interrupt that came when the program had just stopped for
// something else: all of it comes before its answer to the echo.
func (s *AllStop) settle(ctx context.Context) error {
	const echo = "qEcho:1"
	if err := s.Conn.Send(echo); err != nil {
		return s.Conn.failed(ctx, echo, err)
	}
	for {
		answer, err := s.Conn.Await(ctx)
		if err != nil || string(answer) == echo {
			return err
		}
		stop, err := rsp.ParseStop(answer)
		if err != nil {
			return err
		}
		s.take(stop)
		if err := s.letGo(ctx, stop); err != nil {
			return err
		}
	}
}

// Stop interrupts the program, and returns when it stands.
func (s *AllStop) Stop(ctx context.Context) error {
	s.mu.Lock()
	stands := s.stands
	s.hold = true
	var err error
	if s.runs {
		s.owed++
		err = s.Conn.Interrupt()
	}
	s.mu.Unlock()
	if err != nil {
		return s.Conn.failed(ctx, "interrupt", err)
	}
	select {
	case <-stands:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-s.over:
		return errors.New("the program is over")
	case <-s.failed:
		return s.err
	default:
		return nil
	}
}

// Threads are those that the server lists.
func (s *AllStop) Threads(ctx context.Context) ([]event.TID, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	listed, err := s.manners.List(s.Conn, ctx)
	return tids(listed), err
}

// Detach stops all, since nothing else can be asked, and lets go.
func (s *AllStop) Detach(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	threads := s.book.all()
	s.mu.Unlock()
	for i, t := range threads {
		if i > 0 && t.PID == threads[i-1].PID {
			continue
		}
		request := fmt.Sprintf("D;%x", t.PID)
		if t.PID == 0 {
			request = "D"
		}
		if err := s.Conn.Do(ctx, request); err != nil {
			return err
		}
	}
	return nil
}

// Wait waits until the program is over by the server's words. That the server is over before is its failure.
func (s *AllStop) Wait(ctx context.Context) error {
	select {
	case <-s.over:
		return nil
	case <-s.failed:
		return s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

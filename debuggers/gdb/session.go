package gdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/mi"
)

type session struct {
	harness.Log
	*harness.Tool
	nonStop bool

	turn sync.Mutex // held by who tells gdb to stop the program or to let it go on

	mu         sync.Mutex
	words                    // what gdb has said
	changed    chan struct{} // closed when it has said something
	asked      int           // tokens given out
	replies    map[int]chan mi.Record
	goes       bool   // the program is to run
	interrupts int    // SIGINTs that gdb sends and has not stopped for yet
	unasked    []stop // those to be answered by letting the program go on
	trouble    error  // why that failed
}

func newSession(nonStop, attached bool) *session {
	s := &session{nonStop: nonStop, changed: make(chan struct{}), replies: make(map[int]chan mi.Record)}
	s.words = newWords(attached, s.Add)
	return s
}

// Can leaves out creators and signals: gdb names no creator, and a signal only if it is to stop for it or to print it.
func (s *session) Can() harness.Abilities {
	return harness.Abilities{
		harness.Births, harness.Deaths, harness.Statuses, harness.Execs,
		harness.Stop, harness.Threads, harness.Detach,
	}
}

// stopped notes a stop. One that comes while the program is to run is of something that it did: in all-stop mode
// one process's end stops the others, and so does a signal that is gdb's own.
func (s *session) stopped(by stop) {
	if by.signal == "SIGINT" && s.interrupts > 0 {
		s.interrupts--
		by.signal = ""
	}
	if s.goes {
		s.unasked = append(s.unasked, by)
	}
}

// attend lets the program go on after stops that nobody asked for, until gdb's output ends.
func (s *session) attend() {
	ctx := context.Background()
	for {
		if s.await(ctx, func() bool { return len(s.unasked) > 0 }) != nil {
			return
		}
		s.turn.Lock()
		s.mu.Lock()
		stops := s.unasked
		s.unasked = nil
		goes := s.goes
		s.mu.Unlock()
		for _, by := range stops {
			if !goes {
				break // somebody has asked for a stop meanwhile, and has it
			}
			if err := s.goOn(ctx, by); err != nil {
				s.mu.Lock()
				s.trouble = fmt.Errorf("it was to go on after a stop: %w", err)
				s.mu.Unlock()
			}
		}
		s.turn.Unlock()
	}
}

// goOn lets what stood since a stop go on: in non-stop mode that one thread, else all, but gdb wants to be told of one that
// is there. What goes on already, or has ended before gdb read of it, is no failure.
func (s *session) goOn(ctx context.Context, by stop) error {
	var err error
	tried := make(map[int]bool)
	for {
		n := s.next(by.thread, tried)
		if n == 0 {
			return err
		}
		tried[n] = true
		var refused error
		if s.owed(by) && n == by.thread {
			refused = s.console(ctx, "signal "+by.signal+" &", "--thread", strconv.Itoa(n)) // else gdb hears nothing until it stops
		} else {
			_, refused = s.ask(ctx, "-exec-continue", "--thread", strconv.Itoa(n))
		}
		if refused == nil || !errors.As(refused, new(*refusal)) {
			return refused
		}
		if s.waits(n) {
			err = refused
		}
	}
}

// next is a thread by way of which what stands can go on, and zero if there is none: the one whose stop it was, or in all-stop mode any
// that was not tried yet.
func (s *session) next(first int, tried map[int]bool) int {
	if s.waits(first) && !tried[first] {
		return first
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nonStop || !s.stands {
		return 0
	}
	for _, n := range s.live() {
		if !tried[n] {
			return n
		}
	}
	return 0
}

// waits tells whether a thread is there and stands: one may have gone on since its stop, with all others, or have ended.
func (s *session) waits(number int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, lives := s.threads[number]
	return lives && t.stands
}

// owed tells whether a stop is for a signal that is the program's own, and that gdb would keep.
func (s *session) owed(by stop) bool {
	return by.reason == "signal-received" && (by.signal == "SIGTRAP" || by.signal == "SIGINT")
}

// Resume lets all go on.
func (s *session) Resume(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.nonStop { // a thread of whose stop gdb has not spoken yet would be passed over
		if err := s.settle(ctx, math.MaxInt); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.goes = true
	s.mu.Unlock()
	if s.nonStop {
		_, err := s.ask(ctx, "-exec-continue", "--all")
		return err
	}
	return s.goOn(ctx, stop{})
}

// Stop interrupts all threads. In all-stop mode gdb sends the process a SIGINT, which it stops for and does not
// deliver; in non-stop mode it stops each thread that it knows.
func (s *session) Stop(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	s.goes = false
	s.unasked = nil
	s.mu.Unlock()
	if s.nonStop {
		return s.interruptAll(ctx)
	}
	if err := s.interrupt(ctx); err != nil {
		return err
	}
	return s.await(ctx, func() bool { return s.stands })
}

// interruptAll interrupts in non-stop mode, once more where gdb has told meanwhile of a thread that was born, and that runs.
func (s *session) interruptAll(ctx context.Context) error {
	for {
		s.mu.Lock()
		newest := s.newest
		s.mu.Unlock()
		if _, err := s.ask(ctx, "-exec-interrupt", "--all"); err != nil {
			return err
		}
		err := s.settle(ctx, newest)
		s.mu.Lock()
		more := s.newest > newest && !s.still()
		s.mu.Unlock()
		if err != nil || !more {
			return err
		}
	}
}

// interrupt interrupts in all-stop mode, by way of some thread that is there: gdb does nothing, and does not say so, where
// its selected process is one that has ended. The thread may end before gdb reads of it; the next one is named then.
func (s *session) interrupt(ctx context.Context) error {
	for {
		s.mu.Lock()
		numbers := s.live()
		if s.stands || len(numbers) == 0 {
			s.mu.Unlock()
			return nil
		}
		s.interrupts++
		s.mu.Unlock()
		_, err := s.ask(ctx, "-exec-interrupt", "--thread", strconv.Itoa(numbers[0]))
		if err == nil {
			return nil
		}
		s.mu.Lock()
		s.interrupts--
		_, lives := s.threads[numbers[0]]
		s.mu.Unlock()
		if lives || !errors.As(err, new(*refusal)) {
			return err
		}
	}
}

// stopPatience is how long a thread may take to stop: one in the midst of vfork(2) stops when the
// child has gone, and gdb does not say that it waits for that.
const stopPatience = time.Second

// settle waits until gdb has said of each thread that it stands, or of no more for a while, or of one that is newer than those
// that were told to stop.
func (s *session) settle(ctx context.Context, newest int) error {
	for {
		patience, cancel := context.WithTimeout(ctx, stopPatience)
		s.mu.Lock()
		before := s.stops
		s.mu.Unlock()
		err := s.await(patience, func() bool { return s.still() || s.stops > before || s.newest > newest })
		cancel()
		s.mu.Lock()
		still := s.still() || s.newest > newest
		s.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case still, errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
	}
}

// Threads are those that gdb lists, by the tid in the name that it has for each.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	r, err := s.ask(ctx, "-thread-info")
	if err != nil {
		return nil, err
	}
	var tids []event.TID
	for _, f := range r.Tuple.Get("threads").Fields {
		tid, err := taskOf(f.Value.Fields.Text("target-id"))
		if err != nil {
			return nil, fmt.Errorf("-thread-info: %w", err)
		}
		tids = append(tids, tid)
	}
	return tids, nil
}

// Detach lets go of each process, also of those that are born while it does.
func (s *session) Detach(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	s.goes = false
	s.mu.Unlock()
	asked := make(map[string]bool)
	for {
		id := s.other(asked)
		if id == "" {
			return nil
		}
		asked[id] = true
		if _, err := s.ask(ctx, "-target-detach", id); err != nil && s.has(id) {
			return err
		}
	}
}

// other is a process that is not among those given, empty if there is none.
func (s *session) other(than map[string]bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.groups {
		if !than[id] {
			return id
		}
	}
	return ""
}

// has tells whether a process has neither ended nor been let go of.
func (s *session) has(group string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups[group] != nil
}

// Wait waits until each process has ended, or is let go of.
func (s *session) Wait(ctx context.Context) error {
	return s.await(ctx, func() bool { return s.began && len(s.groups) == 0 })
}

// End kills gdb; what it leaves is the keeper's.
func (s *session) End() error {
	s.mu.Lock()
	trouble := s.trouble // before the end, which may make more
	s.mu.Unlock()
	return errors.Join(s.Tool.End(), trouble)
}

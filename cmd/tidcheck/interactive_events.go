package main

import (
	"errors"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// event prints an event, on the tracer's thread. Who was let go of ends unseen, so a tid may be born
// twice: such events have no paths.
func (s *session) event(e event.Event) {
	defer s.tidy()
	s.mu.Lock()
	l, _ := s.family.Add(e)
	s.seen[e.Kind]++
	switch {
	case e.Kind == event.Attach:
		s.found++
	case e.Kind == event.Exec && int(e.Former) == s.current:
		s.current = int(e.TID)
	case e.Kind == event.Exit && int(e.TID) == s.current:
		s.current = 0
	case e.Kind == event.Signal && stops(e.Signal):
		s.stopped = true
	}
	s.mu.Unlock()
	if e.Kind != event.Attach { // an attach is told in one line, and threads lists all
		s.say("%s", l)
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// tidy puts a terminal's modes back if the tracer's thread is about to end us by a panic: the deferred calls of the
// others are not run then.
func (s *session) tidy() {
	if reason := recover(); reason != nil {
		s.restore()
		panic(reason)
	}
}

// stops tells whether the default action of a signal is to stop its process.
func stops(sig event.Signo) bool {
	return slices.Contains([]string{"SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"}, sig.String())
}

// takeStop tells whether a signal that may stop the program came since it was asked last.
func (s *session) takeStop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	came := s.stopped
	s.stopped = false
	return came
}

// takeNews tells whether an event of that kind came since the last continue that no wait has taken,
// and takes it.
func (s *session) takeNews(kind event.Kind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[kind] == 0 {
		return false
	}
	s.seen[kind]--
	return true
}

// await waits for an event of that kind, or for zero until the program ends; Ctrl-C stops the program. No event tells of
// a group stop, so after a signal that may lead to one it looks whether all stand, and less and less often.
func (s *session) await(kind event.Kind) error {
	var look <-chan time.Time
	var patience time.Duration
	for !s.takeNews(kind) && !s.interrupt && !s.over {
		if s.takeStop() {
			patience = 20 * time.Millisecond
			look = time.After(patience)
		}
		select {
		case <-look:
			if err := s.standstill(); err != nil {
				return err
			}
			patience *= 2
			look = time.After(patience)
		case <-s.ended:
			return nil
		case <-s.news:
		case q := <-s.questions:
			s.ask(q)
		case sig := <-s.signals:
			s.signalled(sig)
		}
	}
	return nil
}

// standstill is an error where nothing will happen, since every task stands. One that has ended is on its way out.
func (s *session) standstill() error {
	list, err := s.all()
	if err != nil {
		return err
	}
	standing, kept := 0, 0
	for _, k := range list {
		switch {
		case k.State == tracer.Ended:
		case !stands(k):
			return nil
		default:
			standing++
		}
		if k.State == tracer.GroupStop {
			kept++
		}
	}
	switch {
	case standing == 0: // the end comes
		return nil
	case standing == kept:
		return errors.New("every task is in a group stop: SIGCONT ends it")
	}
	return errors.New("every task stands: continue, then wait")
}

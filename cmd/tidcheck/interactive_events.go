package main

import (
	"errors"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// event prints an event. The end of a task that was detached from is not
// seen, and its tid may be born again: the family refuses such events, which then have no paths.
func (s *session) event(e event.Event) {
	l, _ := s.family.Add(e)
	s.seen[e.Kind]++
	switch {
	case e.Kind == event.Attach:
		s.found++
	case e.Kind == event.Exec && e.Former == s.current:
		s.current = e.TID
	case e.Kind == event.Exit && e.TID == s.current:
		s.current = 0
	case e.Kind == event.Signal && stops(e.Signal):
		s.lookAfter(firstLook)
	}
	if e.Kind != event.Attach { // begin prints their number, and threads lists them
		s.say("%s", l)
	}
}

// stops reports whether the default action of a signal is to stop its process.
func stops(sig event.Signo) bool {
	return slices.Contains([]string{"SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"}, sig.String())
}

// await takes an event of a kind that came since the last continue and that no wait has taken, and
// waits for it if there is none; if the kind is zero it waits for the program's end. Ctrl-C stops
// the program. A group stop makes no event, so after a signal that may lead to one await looks
// whether all tasks are stopped, at growing intervals.
func (s *session) await(kind event.Kind) error {
	for s.seen[kind] == 0 && !s.interrupt && !s.over {
		select {
		case <-s.look:
			if err := s.standstill(); err != nil {
				return err
			}
			s.lookAfter(2 * s.interval)
		case <-s.t.Done():
			return nil
		case act := <-s.acts:
			act()
		}
	}
	s.seen[kind] = max(0, s.seen[kind]-1)
	return nil
}

func (s *session) lookAfter(interval time.Duration) {
	s.interval, s.look = interval, time.After(interval)
}

// firstLook is how long after a signal await first looks for a group stop: time for the program's
// tasks to stop. It decides nothing, since await looks again.
const firstLook = 20 * time.Millisecond

// standstill returns an error if nothing can happen because every task is stopped. Tasks that have
// ended do not count: if there are no others, the program's end is near.
func (s *session) standstill() error {
	list, err := s.all()
	if err != nil {
		return err
	}
	stopped, inGroupStop := 0, 0
	for _, k := range list {
		switch {
		case k.State == tracer.Ended:
			continue
		case !isStopped(k):
			return nil
		case k.State == tracer.GroupStop:
			inGroupStop++
		}
		stopped++
	}
	switch stopped {
	case 0:
		return nil
	case inGroupStop:
		return errors.New("every task is in a group stop: SIGCONT ends it")
	}
	return errors.New("every task is stopped: continue, then wait")
}

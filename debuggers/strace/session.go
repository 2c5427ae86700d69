package strace

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

type session struct {
	harness.Unsupported
	*adapter.Tool
	*words
}

// why adds to the end of a strace what it said last.
func (s *session) why(err error) error {
	s.Lock()
	defer s.Unlock()
	var death adapter.Death
	if errors.As(err, &death) && s.message != "" {
		death.Said = fmt.Sprintf("%.200s", s.message)
		return death
	}
	return err
}

// Can has nearly all fields. When the call that made a task returns, strace says by which task it
// was made, and whether it is a thread. It does not say when a vfork's creator goes on.
func (s *session) Can() judge.Abilities {
	return judge.Abilities{
		judge.Detach,
		judge.Births, judge.Creators, judge.Deaths, judge.Statuses, judge.Execs, judge.Signals,
	}
}

// Resume has nothing to do: strace goes on by itself.
func (s *session) Resume(context.Context) error { return nil }

// Detach is Ctrl-C: strace lets go of all tasks, says so of each, and ends.
func (s *session) Detach(ctx context.Context) error { return s.Interrupt(ctx, syscall.SIGINT) }

package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

type session struct {
	harness.Unsupported
	harness.Log
	*adapter.Tool
	requests adapter.Requests[reply]

	adapter.Monitor // guards what follows
	hello           hello
	ready           bool
}

// A request is a line on the debugger's standard input.
type request struct {
	ID      int       `json:"id"`
	Request string    `json:"request"`
	Thread  event.TID `json:"thread,omitempty"` // of a step
}

// Version is the hello's; empty without one.
func (s *session) Version() string {
	s.Lock()
	defer s.Unlock()
	return s.hello.Version
}

// Can has the fields that the debugger offers. It can always be told to let go.
func (s *session) Can() judge.Abilities {
	s.Lock()
	defer s.Unlock()
	can := append(slices.Clone(s.hello.Fields), judge.Detach)
	for _, a := range []judge.Ability{judge.Stop, judge.Threads, judge.Step} {
		if slices.Contains(s.hello.Requests, string(a)) {
			can = append(can, a)
		}
	}
	return can
}

// Resume asks for it; a debugger that takes no requests goes on by itself.
func (s *session) Resume(ctx context.Context) error {
	_, err := s.ask(ctx, request{Request: "resume"})
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// Stop asks for it.
func (s *session) Stop(ctx context.Context) error {
	_, err := s.ask(ctx, request{Request: "stop"})
	return err
}

// Threads asks for them.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	r, err := s.ask(ctx, request{Request: "threads"})
	return r.Threads, err
}

// Step asks for it, of one thread.
func (s *session) Step(ctx context.Context, tid event.TID) error {
	_, err := s.ask(ctx, request{Request: "step", Thread: tid})
	return err
}

// Detach asks for it, or tells the debugger to end.
func (s *session) Detach(ctx context.Context) error {
	_, err := s.ask(ctx, request{Request: "detach"})
	if errors.Is(err, errors.ErrUnsupported) {
		return s.Interrupt(ctx, syscall.SIGTERM)
	}
	return err
}

// ask sends a request and waits for its reply. The error is errors.ErrUnsupported if the debugger
// does not take the request.
func (s *session) ask(ctx context.Context, r request) (got reply, err error) {
	s.Lock()
	takes := slices.Contains(s.hello.Requests, r.Request)
	s.Unlock()
	if !takes {
		return got, fmt.Errorf("%s: %w", r.Request, errors.ErrUnsupported)
	}
	got, err = s.requests.Ask(ctx, s.Tool, func(number int) []byte {
		r.ID = number
		line, _ := json.Marshal(r) // it has nothing that could fail
		return append(line, '\n')
	})
	if err == nil && got.Error != "" {
		err = adapter.Refusal(got.Error)
	}
	if err != nil {
		return got, fmt.Errorf("request %s: %w", r.Request, err)
	}
	return got, nil
}

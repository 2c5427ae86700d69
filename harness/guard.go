package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// within waits for f and gives it up when it has not returned by some time after its context's end: a
// debugger that hangs is a finding, and must not hang the suite.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(grace):
		var none T
		return none, context.Cause(ctx)
	}
}

// A guarded session's methods end with their context even where the debugger's do not.
type guarded struct{ Session }

func (g guarded) Resume(ctx context.Context) error { return guard(ctx, g.Session.Resume) }
func (g guarded) Stop(ctx context.Context) error   { return guard(ctx, g.Session.Stop) }
func (g guarded) Detach(ctx context.Context) error { return guard(ctx, g.Session.Detach) }
func (g guarded) Wait(ctx context.Context) error   { return guard(ctx, g.Session.Wait) }

func (g guarded) Threads(ctx context.Context) ([]event.TID, error) {
	return within(ctx, func() ([]event.TID, error) { return g.Session.Threads(ctx) })
}

// Step is the session's, if it steps at all.
func (g guarded) Step(ctx context.Context, tid event.TID) error {
	stepper, ok := g.Session.(Stepper)
	if !ok {
		return fmt.Errorf("step: %w", errors.ErrUnsupported)
	}
	return guard(ctx, func(ctx context.Context) error { return stepper.Step(ctx, tid) })
}

// Die is the session's, if it can die without its process.
func (g guarded) Die(ctx context.Context) error {
	mortal, ok := g.Session.(Mortal)
	if !ok {
		return fmt.Errorf("die: %w", errors.ErrUnsupported)
	}
	return guard(ctx, mortal.Die)
}

// Version is what the session was told of it, if it is told at all.
func (g guarded) Version() string {
	if told, ok := g.Session.(Versioned); ok {
		return told.Version()
	}
	return ""
}

func guard(ctx context.Context, f func(context.Context) error) error {
	_, err := within(ctx, func() (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// startGuarded starts a debugger; its session is nil if it failed before there was one.
func startGuarded(ctx context.Context, d Debugger, target Target) (Session, error) {
	s, err := within(ctx, func() (Session, error) { return d.Start(ctx, target) })
	if s == nil {
		return nil, err
	}
	return guarded{s}, err
}

// endPatience is how long a debugger may take to end; what is left of it then, the keeper kills.
const endPatience = 5 * time.Second

func endSession(s Session) error {
	done := make(chan error, 1)
	go func() { done <- s.End() }()
	select {
	case err := <-done:
		return err
	case <-time.After(endPatience):
		return errUnending
	}
}

// errUnending is what a debugger's end comes to that does not come.
var errUnending = fmt.Errorf("the debugger did not end within %v", endPatience)

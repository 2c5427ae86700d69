package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/limits"
)

// A debugger that hangs is a finding, and must not hang the suite: its calls are given up.

// within waits for f, and gives it up when some time has passed since its context's end.
func within[T any](ctx context.Context, grace time.Duration, f func() (T, error)) (T, error) {
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

// A guarded session's methods end with their context even if the debugger's do not.
type guarded struct {
	Session
	grace time.Duration
}

func (g guarded) Resume(ctx context.Context) error { return g.call(ctx, g.Session.Resume) }
func (g guarded) Stop(ctx context.Context) error   { return g.call(ctx, g.Session.Stop) }
func (g guarded) Detach(ctx context.Context) error { return g.call(ctx, g.Session.Detach) }
func (g guarded) Die(ctx context.Context) error    { return g.call(ctx, g.Session.Die) }
func (g guarded) Wait(ctx context.Context) error   { return g.call(ctx, g.Session.Wait) }

func (g guarded) Threads(ctx context.Context) ([]event.TID, error) {
	return within(ctx, g.grace, func() ([]event.TID, error) { return g.Session.Threads(ctx) })
}

func (g guarded) Step(ctx context.Context, tid event.TID) error {
	return g.call(ctx, func(ctx context.Context) error { return g.Session.Step(ctx, tid) })
}

func (g guarded) call(ctx context.Context, f func(context.Context) error) error {
	_, err := within(ctx, g.grace, func() (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// startGuarded starts a debugger. The session is nil if it failed before it had one.
func startGuarded(ctx context.Context, d Debugger, target Target) (Session, error) {
	grace := target.scale.Of(limits.Grace)
	s, err := within(ctx, grace, func() (Session, error) { return d.Start(ctx, target) })
	switch {
	case s == nil && err == nil:
		return nil, errors.New("it returned neither a session nor an error")
	case s == nil:
		return nil, err
	}
	return guarded{s, grace}, err
}

// endSession ends a debugger. What is left of one that does not end in its time, the keeper kills.
func endSession(session Session, scale limits.Scale) error {
	patience := scale.Of(limits.End)
	ctx, cancel := limits.WithTimeout(context.Background(), patience, unendingError{patience})
	defer cancel()
	_, err := within(ctx, 0, func() (struct{}, error) { return struct{}{}, session.End() })
	return err
}

// An unendingError is the failure of a debugger that does not end.
type unendingError struct{ patience time.Duration }

func (e unendingError) Error() string {
	return fmt.Sprintf("the debugger did not end within %v", e.patience)
}

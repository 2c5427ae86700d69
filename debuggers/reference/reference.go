// Package reference is the suite's own ptrace tracer, package tracer, as a debugger under
// test. It must never be accused.
package reference

import (
	"context"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/tracer"
)

// Debugger is the reference tracer.
type Debugger struct {
	Options tracer.Options // as in tracer; Events is the adapter's
}

// Name is "reference".
func (Debugger) Name() string { return "reference" }

// Version is the suite's.
func (Debugger) Version(context.Context) (string, error) { return tidcheck.Version, nil }

// Start has a tracer launch the target's program, or attach to it.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s := &session{launched: target.PID == 0}
	opts := d.Options
	opts.Events = s.Add
	err := within(ctx, func() (err error) {
		if !s.launched {
			s.tracer, err = tracer.Attach(target.PID, opts)
			return err
		}
		program, err := target.Start(harness.Spec{Argv: target.Argv})
		if err != nil {
			return err
		}
		s.tracer, err = tracer.LaunchHeld(program.PID, program.Release, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// within ends a wait with its context: a tracer that hangs is a finding, and must not hang the suite.
func within(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

type session struct {
	harness.Log
	tracer   *tracer.Tracer
	launched bool
}

func (s *session) Can() harness.Abilities { return append(harness.AllFields, harness.Detach) }

func (s *session) Resume(ctx context.Context) error { return within(ctx, s.tracer.Resume) }

func (s *session) Detach(ctx context.Context) error { return within(ctx, s.tracer.Detach) }

func (s *session) Wait(ctx context.Context) error {
	select {
	case <-s.tracer.Done():
		_, err := s.tracer.Wait()
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End kills what was launched and lets go of what was attached to, if the tracer is still at work.
func (s *session) End() error {
	select {
	case <-s.tracer.Done():
		_, err := s.tracer.Wait()
		return err
	default:
	}
	if s.launched {
		return s.tracer.Kill()
	}
	return s.tracer.Detach()
}

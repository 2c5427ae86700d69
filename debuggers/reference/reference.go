// Package reference is the suite's own ptrace tracer, package tracer, as a debugger under test. No
// rule may ever fail for it.
package reference

import (
	"context"
	"errors"
	"slices"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
)

// Debugger is the reference tracer.
type Debugger struct {
	Options tracer.Options // as in tracer; Events is the adapter's
	// Sink, if set, wraps the adapter's: for tracers that are wrong on purpose.
	Sink func(tell func(event.Event)) func(event.Event)
}

// Name is "reference".
func (Debugger) Name() string { return "reference" }

// Version is the suite's.
func (Debugger) Version(context.Context) (string, error) { return tidcheck.Version, nil }

// TimeScale is one, unless the tracer stops a program at each system call. A program that looks
// again and again whether another task has stopped (cfixtures/stop.h) then takes 0.2 s with
// SIGCHLD, and 0.05 s by events, on an idle machine. Beside six other runs each of its stops
// takes 3 ms, and the program takes a hundred times as long.
func (d Debugger) TimeScale() float64 {
	switch {
	case d.Options.Method != tracer.Syscalls:
		return 1
	case d.Options.Notify != tracer.SIGCHLD:
		return 4
	}
	return 12
}

// Start has a tracer launch the target's program, or attach to it.
func (d Debugger) Start(_ context.Context, target harness.Target) (harness.Session, error) {
	s := &session{launched: target.PID == 0}
	opts := d.Options
	opts.Events = s.Add
	if d.Sink != nil {
		opts.Events = d.Sink(s.Add)
	}
	var err error
	if s.launched {
		s.tracer, err = launch(target, opts)
	} else {
		s.tracer, err = tracer.Attach(target.PID, opts)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func launch(target harness.Target, opts tracer.Options) (*tracer.Tracer, error) {
	program, err := target.Start(harness.Spec{Argv: target.Argv})
	if err != nil {
		return nil, err
	}
	return tracer.LaunchHeld(program.PID, program.Release, opts)
}

type session struct {
	harness.Unsupported
	harness.Log
	tracer   *tracer.Tracer
	launched bool
}

func (s *session) Can() judge.Abilities {
	return append(slices.Clone(judge.AllFields),
		judge.Stop, judge.Threads, judge.Detach, judge.Step)
}

func (s *session) Resume(context.Context) error { return s.tracer.Resume() }

func (s *session) Stop(context.Context) error { return s.tracer.Stop() }

// Threads are those that can be traced and have not ended.
func (s *session) Threads(context.Context) ([]event.TID, error) {
	all, err := s.tracer.Threads()
	var tids []event.TID
	for _, t := range all {
		if t.State != tracer.Ended && t.State != tracer.KernelsOwn {
			tids = append(tids, t.TID)
		}
	}
	return tids, err
}

// Step lets the other tasks run meanwhile, and on.
func (s *session) Step(ctx context.Context, tid event.TID) error {
	all, err := s.tracer.Threads()
	for _, t := range all {
		if t.TID != tid && t.State == tracer.Stopped {
			s.tracer.ResumeThread(int(t.TID)) // an error means that it has ended
		}
	}
	if err != nil {
		return err
	}
	return s.tracer.Step(ctx, int(tid))
}

func (s *session) Detach(context.Context) error { return s.tracer.Detach() }

func (s *session) Die(context.Context) error { return s.tracer.Abandon() }

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
	end := s.tracer.Detach
	if s.launched {
		end = s.tracer.Kill
	}
	if err := end(); !errors.Is(err, tracer.ErrEnded) {
		return err
	}
	_, err := s.tracer.Wait() // it has ended by itself meanwhile
	return err
}

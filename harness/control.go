package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

// controls are the control runs of this process, each a *controlRun: what each fixture does without
// a debugger.
var controls sync.Map

// A controlRun is made by the first caller that succeeds. Failures are not kept.
type controlRun struct {
	mu      sync.Mutex
	control *judge.Control
}

// controlOf is the control run of a fixture with its parameters, and with a reference tracer's word
// if there is one.
func controlOf(
	ctx context.Context, f fixtures.Fixture, reference Debugger, how setting,
) (judge.Control, error) {
	key := fmt.Sprint(f.Source, f.Hosted, f.Values())
	if reference != nil {
		key += reference.Name()
	}
	kept, _ := controls.LoadOrStore(key, &controlRun{})
	one := kept.(*controlRun)
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.control == nil {
		made, err := runControl(ctx, f, how)
		if err == nil && reference != nil {
			err = agree(ctx, reference, f, &made, how)
		}
		switch {
		case ctx.Err() != nil:
			return made, context.Cause(ctx)
		case err != nil:
			return made, err
		}
		one.control = &made
	}
	return *one.control, nil
}

// runControl runs a fixture without a debugger. Where what it declares, what its tasks announced
// and what the kernel told differ, no debugger can be judged by it.
func runControl(ctx context.Context, f fixtures.Fixture, how setting) (judge.Control, error) {
	e := newEvidence(Scenario{f, fixtures.Launch})
	if err := performAlone(ctx, f, how, e); err != nil {
		return judge.Control{}, err
	}
	return judge.ControlOf(e, f.Hosted, f.HasNeed("witness"))
}

// agree has the reference tracer launch a fixture, if it can be launched: its words must be what is
// declared, announced and witnessed. Where nothing may be traced it says nothing.
func agree(
	ctx context.Context, reference Debugger, f fixtures.Fixture, c *judge.Control, how setting,
) error {
	if !slices.Contains(f.Modes, fixtures.Launch) {
		return nil
	}
	s := Scenario{f, fixtures.Launch}
	e := newEvidence(s)
	e.Control = *c
	failure, err := perform(ctx, reference, s, how, e)
	if err != nil || errors.Is(failure, fs.ErrPermission) {
		return err
	}
	c.Statuses, err = judge.Open(e).Confirmed()
	return err
}

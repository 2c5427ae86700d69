package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// A control is what a fixture does without a debugger, on this machine and kernel.
type control struct {
	expected event.Expected
	exact    bool    // its births are the same in each run
	outcome  outcome // with its lines labelled
	refusal  error   // why there is no witness, nil if there is
}

// source names the truth that a control run has.
func (c *control) source() string {
	if c.refusal != nil {
		return "announced"
	}
	return "witnessed"
}

// controls are the control runs of this process, one a fixture and reference.
var controls = controlRuns{runs: make(map[string]func(context.Context) (*control, error))}

type controlRuns struct {
	mu   sync.Mutex
	runs map[string]func(context.Context) (*control, error)
}

// of is a fixture's control run, which the first caller makes. A run that was cancelled does not count.
func (c *controlRuns) of(ctx context.Context, f fixtures.Fixture, reference Debugger, limit time.Duration) (*control, error) {
	key := f.Source
	if f.Hosted {
		key += " hosted"
	}
	if reference != nil {
		key += " " + reference.Name()
	}
	c.mu.Lock()
	once, ok := c.runs[key]
	if !ok {
		var mu sync.Mutex
		var done *control
		var failed error
		once = func(ctx context.Context) (*control, error) {
			mu.Lock()
			defer mu.Unlock()
			if done == nil && failed == nil {
				made, err := runControl(ctx, f, limit)
				if err == nil && reference != nil {
					err = agree(ctx, reference, f, made, limit)
				}
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				done, failed = made, err
			}
			return done, failed
		}
		c.runs[key] = once
	}
	c.mu.Unlock()
	return once(ctx)
}

// agree has the reference tracer launch a fixture, if that can be launched: what it says must be what is
// declared, announced and witnessed. Where nothing may be traced it says nothing.
func agree(ctx context.Context, reference Debugger, f fixtures.Fixture, c *control, limit time.Duration) error {
	if !slices.Contains(f.Modes, fixtures.Launch) {
		return nil
	}
	e, err := run(ctx, reference, Scenario{f, fixtures.Launch}, c, setting{limit: limit})
	if err != nil {
		return err
	}
	if errors.Is(e.broken, fs.ErrPermission) {
		return nil
	}
	for _, r := range (Scenario{f, fixtures.Launch}).rules() {
		if verdict, detail := e.judge(r); verdict == Fail {
			return fmt.Errorf("the reference tracer breaks the rule %s: %s", r.Name, detail)
		}
	}
	return nil
}

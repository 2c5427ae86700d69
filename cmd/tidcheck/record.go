package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/tracer"
)

// recordCommand runs a command under the reference tracer and the kernel's own account, and under that alone,
// and prints what all agree on.
func recordCommand(ctx context.Context, c *invocation) (int, error) {
	repeat := c.flags.Int("repeat", 5, "run it `K` times under the tracer, and K times without")
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	argv := c.flags.Args()
	switch {
	case len(argv) == 0:
		return harnessError, errors.New("name what to record: -- COMMAND [ARG…]")
	case *repeat < 1:
		return harnessError, errors.New("--repeat: it is run once at least")
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	wants, differs, err := record(ctx, argv, *repeat)
	switch {
	case ctx.Err() != nil:
		return harnessError, errors.New("stopped before all was run")
	case err != nil:
		return harnessError, err
	case differs != "":
		fmt.Fprintf(c.stderr, "tidcheck record: %s\n", differs)
		return notConforming, nil
	}
	for _, line := range wants {
		fmt.Fprintf(c.stdout, "want: %s\n", line)
	}
	return asExpected, nil
}

// witnessed is what the kernel's own account can tell apart.
var witnessed = event.View{Deaths: true, Execs: true, Untraced: true}

// record returns the want lines of a command, or which task did something else in which run.
func record(ctx context.Context, argv []string, repeat int) (wants []string, differs string, err error) {
	var expected event.Expected
	for n := range repeat {
		traced, alike, err := observe(ctx, argv)
		if err != nil {
			return nil, "", err
		}
		if n == 0 {
			if wants, expected, err = declare(traced); err != nil {
				return nil, "", err
			}
		}
		alone, err := harness.Witnessed(ctx, spec(argv), (*harness.Process).Release)
		if err != nil {
			return nil, "", err
		}
		for _, seen := range []struct {
			by   string
			form event.Form
			view event.View
		}{
			{"the tracer", traced, event.Traced},
			{"the kernel's account beside the tracer", alike, witnessed},
			{"the kernel's account without a tracer", alone, witnessed},
		} {
			if line := difference(expected, seen.form, seen.view); line != "" {
				return nil, fmt.Sprintf("the runs differ: in run %d of %d %s has %s", n+1, repeat, seen.by, line), nil
			}
		}
	}
	return wants, "", nil
}

func spec(argv []string) harness.Spec {
	return harness.Spec{Argv: argv, Env: os.Environ(), Stderr: os.Stderr}
}

// observe runs a command under both observers.
func observe(ctx context.Context, argv []string) (traced, witnessed event.Form, err error) {
	var trace event.Trace
	witnessed, err = harness.Witnessed(ctx, spec(argv), func(p *harness.Process) error {
		t, err := tracer.LaunchHeld(p.PID, p.Release, tracer.Options{Events: func(e event.Event) { trace = append(trace, e) }})
		if err != nil {
			return err
		}
		if err := t.Resume(); err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { t.Kill() }) // ErrEnded is what is wanted
		defer stop()
		_, err = t.Wait()
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	family, err := event.NewFamily(trace)
	if err != nil {
		return nil, nil, err
	}
	return family.Form(), witnessed, nil
}

// declare makes of a form what a fixture's head would say of it.
func declare(form event.Form) ([]string, event.Expected, error) {
	lines := form.Wants()
	wants := make([]event.Want, len(lines))
	for i, line := range lines {
		w, err := event.ParseWant(line)
		if err != nil {
			return nil, event.Expected{}, err
		}
		wants[i] = w
	}
	expected, err := event.Expand(wants, nil, [2]int{})
	return lines, expected, err
}

// difference is the first task that did not do as is expected.
func difference(expected event.Expected, form event.Form, view event.View) string {
	want, got := expected.Compare(form, view)
	for _, line := range want {
		if slices.Contains(got, line) {
			continue
		}
		path, _, _ := strings.Cut(line, ":")
		for _, other := range got {
			if strings.HasPrefix(other, path+":") {
				return fmt.Sprintf("%q, and the tracer's first run has %q", other, line)
			}
		}
		return fmt.Sprintf("no %s, and the tracer's first run has %q", path, line)
	}
	return ""
}

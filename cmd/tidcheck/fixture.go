package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/accounts"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/tracer"
)

// declareCommand runs a command several times and prints the want lines on which all observers
// agree: the reference tracer, and the kernel's own account with and without the tracer.
func declareCommand(c *invocation) action {
	c.Flags().SetInterspersed(false) // the command has flags of its own
	repeat := c.Flags().Int("repeat", 5, "run it `N` times with the tracer, and N times without")
	return func(ctx context.Context, args []string) error {
		switch {
		case len(args) == 0:
			return errors.New("name what to run: -- COMMAND [ARG…]")
		case *repeat < 1:
			return errors.New("--repeat: give 1 or more")
		}
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		wants, err := declared(ctx, args, *repeat)
		switch {
		case ctx.Err() != nil:
			return errors.New("stopped before all was run")
		case errors.Is(err, errDiffer):
			c.status = notConforming
		}
		for _, line := range wants {
			fmt.Printf("want: %s\n", line)
		}
		return err
	}
}

var errDiffer = errors.New("the runs differ")

// declared returns the want lines of a command. If a task did something else in one of the runs,
// the error is errDiffer and says what.
func declared(ctx context.Context, argv []string, repeat int) (wants []string, err error) {
	spec := keeper.Spec{Argv: argv, Env: os.Environ(), Stderr: os.Stderr}
	var expected event.Expected
	for n := range repeat {
		traced, beside, err := observe(ctx, spec)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			wants = traced.Wants()
			if expected, err = event.Expect(wants...); err != nil {
				return nil, err
			}
		}
		alone, err := accounts.OfCommand(ctx, spec, (*keeper.Process).Release)
		if err != nil {
			return nil, err
		}
		for _, seen := range []struct {
			by   string
			form event.Form
			view event.View
		}{
			{"the tracer", traced, event.Traced},
			{"the kernel's account beside the tracer", beside, event.Witnessed},
			{"the kernel's account without a tracer", alone, event.Witnessed},
		} {
			if line := difference(expected, seen.form, seen.view); line != "" {
				return nil, fmt.Errorf("%w: in run %d of %d %s has %s",
					errDiffer, n+1, repeat, seen.by, line)
			}
		}
	}
	return wants, nil
}

// observe runs a command once with both observers.
func observe(ctx context.Context, spec keeper.Spec) (traced, beside event.Form, err error) {
	var trace event.Trace
	beside, err = accounts.OfCommand(ctx, spec, func(p *keeper.Process) error {
		opts := tracer.Options{Events: func(e event.Event) { trace = append(trace, e) }}
		t, err := tracer.LaunchHeld(p.PID, p.Release, opts)
		if err != nil {
			return err
		}
		if err := t.Resume(); err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { t.Kill() })() // after its end: ErrEnded
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
	return family.Form(), beside, nil
}

// difference describes the first task that did something else than is expected; empty if none did.
func difference(expected event.Expected, form event.Form, view event.View) string {
	want, got := expected.Compare(form, view)
	for _, line := range want {
		if slices.Contains(got, line) {
			continue
		}
		path, _, _ := strings.Cut(line, ":")
		found := "no " + path
		for _, other := range got {
			if strings.HasPrefix(other, path+":") {
				found = fmt.Sprintf("%q", other)
			}
		}
		return fmt.Sprintf("%s, and the tracer's first run has %q", found, line)
	}
	return ""
}

// The templates are whole fixtures that pass as they are; a test runs them.
var (
	//go:embed template/fixture.c
	templateInC []byte
	//go:embed template/main.go.txt
	templateInGo []byte
)

var fixtureName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// newCommand writes a fixture for its author to change.
func newCommand(c *invocation) action {
	inGo := c.Flags().Bool("go", false, "write a Go program, NAME/main.go, instead of NAME.c")
	return func(_ context.Context, args []string) error {
		name := argument(args, 0)
		switch {
		case len(args) != 1:
			return errors.New("name one fixture, for example thread_in_a_hurry")
		case !fixtureName.MatchString(name):
			return fmt.Errorf("%q cannot name a fixture: write GROUP_BEHAVIOUR in a-z, 0-9, _",
				name)
		}
		text, file := templateInC, name+".c"
		if *inGo {
			text, file = templateInGo, filepath.Join(name, "main.go")
			if err := os.Mkdir(name, 0o777); err != nil {
				return err
			}
		}
		if err := writeNew(file, text); err != nil {
			return err
		}
		fmt.Printf("wrote %s; to run it: tidcheck run --fixture %s reference\n", file, file)
		return nil
	}
}

// writeNew writes a file that must not exist yet.
func writeNew(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

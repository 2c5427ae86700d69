// Package book is the tracer of the lesson that tidcheck grew from, as a debugger under test. It
// has known mistakes, and the suite must catch each. trace_new_threads is its program; the adapter
// reads the lines that it prints.
package book

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/judge"
)

//go:embed trace_new_threads/main.go
var source []byte

// Debugger is the lesson's tracer.
type Debugger struct{}

// Name is "book".
func (Debugger) Name() string { return "book" }

// Version is the lesson's: there is one. It builds the tracer, so that no run pays for that.
func (Debugger) Version(ctx context.Context) (string, error) {
	_, err := program(ctx)
	return "1", err
}

func program(ctx context.Context) (string, error) {
	return build.Program(ctx, build.Source{
		Name: "trace_new_threads", Language: fixtures.Go, Main: ".",
		Files: map[string][]byte{
			"go.mod": []byte("module trace_new_threads\n\ngo 1.26\n"), "main.go": source,
		},
	})
}

// Start attaches to a process. The lesson's tracer launches nothing.
func (Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	if target.PID == 0 {
		return nil, fmt.Errorf("launch a program: %w", errors.ErrUnsupported)
	}
	tracer, err := program(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{pid: event.TID(target.PID)}
	spec := harness.Spec{Argv: []string{tracer, strconv.Itoa(target.PID)}}
	s.Tool, err = adapter.Start(target, spec, adapter.Lines{Take: s.take}.Read)
	if err != nil {
		return nil, err
	}
	return s, s.Await(ctx, s.Tool, func() bool { return s.attached })
}

type session struct {
	harness.Unsupported
	harness.Log
	*adapter.Tool
	pid event.TID

	adapter.Monitor // guards what follows
	attached        bool
}

// take reads a line as the lesson's reader would: the number after "eventmsg" is a new
// thread of the one that stopped.
func (s *session) take(line []byte) error {
	s.Hear(line)
	text := string(line)
	if pc, ok := strings.CutPrefix(text, "tracee stopped at "); ok {
		at, err := strconv.ParseUint(pc, 16, 64)
		if err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		s.Lock()
		defer s.Unlock()
		s.attached = true
		s.Add(event.Event{Kind: event.Attach, PID: s.pid, TID: s.pid, PC: at})
	}
	if lwp, ok := strings.CutPrefix(text, "eventmsg: new thread lwp pid: "); ok {
		tid, err := strconv.Atoi(lwp)
		if err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		s.Add(event.Event{Kind: event.Clone, PID: s.pid, TID: s.pid, Child: event.TID(tid)})
	}
	return nil
}

func (s *session) Can() judge.Abilities {
	return judge.Abilities{judge.Births, judge.Creators, judge.Detach}
}

// Resume has nothing to do: the lesson's tracer goes on by itself.
func (s *session) Resume(context.Context) error { return nil }

// Detach is Ctrl-C, as in the lesson.
func (s *session) Detach(ctx context.Context) error { return s.Interrupt(ctx, syscall.SIGINT) }

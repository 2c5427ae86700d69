package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// script is a debugger that debugs nothing. It takes a request a line, "NUMBER run", answers it by
// "NUMBER ok", and says by "ended PID STATUS" that the program is over.
const script = `
	test "$1" = --version && { echo toy debugger 1.0; exit; }
	echo ready
	while read -r number request; do
		test "$request" = run || { echo "$number I only run"; continue; }
		"$@" </dev/null >/dev/null 2>&1 &
		echo "$number ok"
		wait $!
		echo "ended $! $?"
	done`

// toy is the adapter over it.
type toy struct{}

func (toy) Name() string { return "toy" }

func (toy) program() adapter.Program {
	return adapter.Program{Names: []string{"sh"}, Install: "it comes with every system"}
}

func (d toy) Version(ctx context.Context) (string, error) {
	line := regexp.MustCompile(`toy debugger (.+)`)
	return d.program().Version(ctx, line, "-c", script, "toy", "--version")
}

// Start returns when the debugger is ready.
func (d toy) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	if target.PID != 0 {
		return nil, fmt.Errorf("attach: %w", errors.ErrUnsupported)
	}
	s := &session{}
	args := append([]string{"-c", script, "toy"}, target.Argv...)
	var err error
	s.Tool, err = d.program().Start(target, args, adapter.Lines{Take: s.take}.Read)
	if err != nil {
		return nil, err
	}
	return s, s.Await(ctx, s.Tool, func() bool { return s.ready })
}

// A session embeds what it does not write itself.
type session struct {
	harness.Unsupported
	harness.Log
	*adapter.Tool
	requests adapter.Requests[string]

	adapter.Monitor // guards what follows
	ready, over     bool
}

// take reads what the debugger says.
func (s *session) take(line []byte) error {
	s.Hear(line)
	s.Lock()
	defer s.Unlock()
	word, rest, _ := strings.Cut(string(line), " ")
	var number, pid, code int
	switch {
	case word == "ready":
		s.ready = true
	case word == "ended":
		if _, err := fmt.Sscan(rest, &pid, &code); err != nil {
			return err
		}
		root := event.TID(pid)
		s.Add(event.Event{Kind: event.End, PID: root, TID: root, Status: event.Exited(code)})
		s.over = true
	default:
		if _, err := fmt.Sscan(word, &number); err != nil {
			return err
		}
		if !s.requests.Answer(number, rest) {
			return fmt.Errorf("request %d was not asked", number)
		}
	}
	return nil
}

func (s *session) Can() judge.Abilities { return nil }

// Resume has the program begin.
func (s *session) Resume(ctx context.Context) error {
	answer, err := s.requests.Ask(ctx, s.Tool, func(number int) []byte {
		return fmt.Appendf(nil, "%d run\n", number)
	})
	if err == nil && answer != "ok" {
		err = adapter.Refusal(answer)
	}
	return err
}

func (s *session) Wait(ctx context.Context) error {
	return s.Await(ctx, s.Tool, func() bool { return s.over })
}

// A whole adapter over a debugger that is a shell script, and what the suite says of it.
func Example() {
	o := harness.Options{Match: regexp.MustCompile("^fork/launch$")}
	debuggers := []harness.Debugger{toy{}}
	report, err := harness.RunAll(context.Background(), debuggers, o, func([]harness.Result) {})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Results {
		switch r.Rule {
		case "complete", "exit", "transparent", "bounded":
			fmt.Printf("%s: %s\n", r.Rule, r.Verdict)
		}
	}
	// Output:
	// complete: UNSUPPORTED
	// exit: UNSUPPORTED
	// transparent: PASS
	// bounded: PASS
}

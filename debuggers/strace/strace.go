// Package strace is strace as a debugger under test: it follows a program with -f and prints what its tasks do, a line
// each. It has no requests: it launches or attaches, goes on by itself, and lets go when it is told to end.
package strace

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// Known are the failures that are known of it, as harness.ParseKnown reads them.
//
//go:embed known.txt
var Known string

// Debugger is strace.
type Debugger struct {
	Path    string   // a build of one's own; empty to look it up in PATH
	Args    []string // further arguments
	Seccomp bool     // with --seccomp-bpf, which stops the program at the traced calls only; it cannot attach
}

// Name is "strace", or "strace-seccomp".
func (d Debugger) Name() string {
	if d.Seccomp {
		return "strace-seccomp"
	}
	return "strace"
}

// TimeScale is for a stop at every system call's entry and exit, and a write for each line.
func (Debugger) TimeScale() float64 { return 2 }

func (d Debugger) program() string {
	if d.Path != "" {
		return d.Path
	}
	return "strace"
}

// Version is what strace -V says.
func (d Debugger) Version(ctx context.Context) (string, error) {
	said, err := exec.CommandContext(ctx, d.program(), "-V").Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%w: install it (make debuggers, or apt-get install strace)", err)
	case err != nil:
		return "", fmt.Errorf("%s -V: %w", d.program(), err)
	}
	line, _, _ := strings.Cut(string(said), "\n")
	_, version, ok := strings.Cut(line, "version ")
	if !ok {
		return "", fmt.Errorf("%s -V: it says %.80q", d.program(), line)
	}
	return version, nil
}

// calls are those that begin and end tasks; those with a question mark some architectures do not have.
const calls = "clone,?clone3,?fork,?vfork,execve,?execveat,exit,exit_group"

// argv is strace's command line. It prints calls to the file of -o, each behind the task's id, and its own messages to
// standard error; both are the same pipe, so that they keep their order, which is why a shell is needed. With a file
// it would keep quiet about births (-q) and deaf to signals (-I4) by itself.
func (d Debugger) argv(target harness.Target) []string {
	argv := []string{
		"/bin/sh", "-c", `exec "$0" "$@" 2>&1`, d.program(), "-f", "-I2", "--quiet=path-resolution", "--decode-pids=pidns", "-s", "0",
		"-e", "trace=" + calls, "-e", "raw=execve,execveat", "-o", "/proc/self/fd/2",
	}
	if d.Seccomp {
		argv = append(argv, "--seccomp-bpf")
	}
	argv = append(argv, d.Args...)
	if target.PID != 0 {
		return append(argv, "-p", strconv.Itoa(target.PID))
	}
	return append(append(argv, "--"), target.Argv...)
}

// Start starts strace. A program that it launches is held by nobody: strace says when it has begun.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	if d.Seccomp && target.PID != 0 {
		return nil, fmt.Errorf("attach with --seccomp-bpf: %w", errors.ErrUnsupported)
	}
	env, err := target.Sheltered()
	if err != nil {
		return nil, err
	}
	s := &session{teller: newTeller(event.TID(target.PID))}
	s.Tool, err = harness.StartLineTool(target, harness.Spec{Argv: d.argv(target), Env: env}, s.line)
	if err != nil {
		return nil, err
	}
	return s, s.why(ctx, s.Await(ctx, s.ready))
}

type session struct {
	harness.Unsupported
	*harness.Tool
	*teller
	joiner joiner
}

// line takes in one line as strace wrote it.
func (s *session) line(text []byte) error {
	lines, err := s.joiner.add(string(text))
	if err != nil {
		return err
	}
	for _, line := range lines {
		for _, said := range parse(line) {
			s.take(said)
		}
	}
	return nil
}

// why adds to the failure of a strace that ended what it said last.
func (s *session) why(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || s.Err() != nil || s.message() == "" {
		return err
	}
	return fmt.Errorf("it ended, and said %.200q", s.message())
}

// Can are all fields: strace says of each birth by whom, and whether it is a thread, when the call that made it returns.
func (s *session) Can() harness.Abilities {
	return append(harness.Abilities{harness.Detach}, harness.AllFields...)
}

// Resume has nothing to do: strace goes on by itself.
func (s *session) Resume(context.Context) error { return nil }

// Detach is Ctrl-C: strace lets go of all, says so of each, and ends.
func (s *session) Detach(ctx context.Context) error { return s.Interrupt(ctx, syscall.SIGINT) }

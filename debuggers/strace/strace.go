// Package strace is strace as a debugger under test: it follows a program with -f and prints what
// its tasks do, a line each. It has no requests: it launches or attaches, goes on by itself, and
// lets go when it is told to end.
package strace

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is strace.
type Debugger struct {
	Path string   // the program; empty for strace in PATH
	Args []string // further arguments
	// Seccomp is --seccomp-bpf, with which the program stops at the traced calls alone. It cannot
	// attach.
	Seccomp bool
}

// Name is "strace" or "strace-seccomp".
func (d Debugger) Name() string {
	if d.Seccomp {
		return "strace-seccomp"
	}
	return "strace"
}

// TimeScale is for a stop at every system call's entry and exit, and a write for each line.
func (Debugger) TimeScale() float64 { return 2 }

func (d Debugger) program() adapter.Program {
	return adapter.Program{
		Path: d.Path, Names: []string{"strace"},
		Install: "`make debuggers` installs it; Debian's package strace",
	}
}

var versionLine = regexp.MustCompile(`version (.+)`)

// Version is what it prints behind that word: "6.1".
func (d Debugger) Version(ctx context.Context) (string, error) {
	return d.program().Version(ctx, versionLine, "-V")
}

// calls are those that begin and end tasks. Some architectures lack those with a question mark.
const calls = "clone,?clone3,?fork,?vfork,execve,?execveat,exit,exit_group"

// args are those of the shell that executes strace, which is at this path. It prints calls to the
// file of -o, each behind the task's id, and its own messages to standard error. Both are the same
// pipe, so that they keep their order, which is why a shell is needed. With a file it would keep
// quiet about births (-q) and ignore signals (-I4) by itself.
func (d Debugger) args(path string, target harness.Target) []string {
	args := []string{
		"-c", `exec "$0" "$@" 2>&1`, path, "-f", "-I2",
		"--quiet=path-resolution,personality", "--pidns-translation", "-s", "0",
		"-e", "trace=" + calls, "-e", "raw=execve,execveat", "-o", "/proc/self/fd/2",
	}
	if d.Seccomp {
		args = append(args, "--seccomp-bpf")
	}
	args = append(args, d.Args...)
	if target.PID != 0 {
		return append(args, "-p", strconv.Itoa(target.PID))
	}
	return slices.Concat(args, []string{"--"}, target.Argv)
}

// Start starts strace. A program that it launches is not held at its start: strace says when it has
// begun.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	if d.Seccomp && target.PID != 0 {
		return nil, fmt.Errorf("attach with --seccomp-bpf: %w", errors.ErrUnsupported)
	}
	path, err := d.program().Find()
	if err != nil {
		return nil, err
	}
	s := &session{words: newWords(path, event.TID(target.PID))}
	shell := adapter.Program{Path: "/bin/sh"}
	lines := adapter.Lines{Take: s.line, Whole: true}
	s.Tool, err = shell.Start(target, d.args(path, target), lines.Read)
	if err != nil {
		return nil, err
	}
	return s, s.why(s.Await(ctx, s.Tool, func() bool { return s.ready }))
}

// Package gdbserver holds gdb's server to the suite's rules, without gdb: its packets pass over its standard input and
// output. It runs in non-stop mode, where it tells of each birth and each death and of nothing else; in all-stop
// mode gdbserver 13 crashes when a thread ends whose end it is to tell.
package gdbserver

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/debuggers/remote"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is gdbserver.
type Debugger struct {
	Path string   // the program; empty for gdbserver in PATH
	Args []string // further arguments
}

// Known is what is known of its failures, as harness.ParseKnown reads it.
//
//go:embed known.txt
var Known string

// Name is "gdbserver".
func (Debugger) Name() string { return "gdbserver" }

// TimeScale is for attaches to a storm of births.
func (Debugger) TimeScale() float64 { return 2 }

func (d Debugger) program() (string, error) {
	name := d.Path
	if name == "" {
		name = "gdbserver"
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find gdbserver (`make debuggers` installs it; Debian's package gdbserver): %w", err)
	}
	return program, nil
}

// Version is what it prints behind the last blank of its first line.
func (d Debugger) Version(ctx context.Context) (string, error) {
	program, err := d.program()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", program, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	if !strings.HasPrefix(first, "GNU gdbserver ") {
		return "", errors.New("its first line is not gdbserver's: is it gdbserver?")
	}
	return first[strings.LastIndexByte(first, ' ')+1:], nil
}

// features are those that gdb names too; it speaks of processes by their ids.
const features = "multiprocess+;fork-events+;vfork-events+;exec-events+;vContSupported+;QThreadEvents+"

// Start starts the server with the program, which stands at its start, or attached to it.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	program, err := d.program()
	if err != nil {
		return nil, err
	}
	env, err := target.Sheltered()
	if err != nil {
		return nil, err
	}
	conn := remote.NewConn()
	tool, err := harness.StartTool(target, harness.Spec{Argv: d.argv(program, target), Env: env}, conn.Read)
	if err != nil {
		return nil, err
	}
	conn.Open(tool, tool.Over(), tool.Ended)
	s := session{remote.NewNonStop(conn, can), tool}
	return s, s.Begin(ctx, target.PID != 0, features)
}

var can = harness.Abilities{
	harness.Births, harness.Deaths, harness.Statuses, harness.Execs, harness.Signals,
	harness.Stop, harness.Threads, harness.Detach,
}

// argv is the command line of a server that ends with its one connection.
func (d Debugger) argv(program string, target harness.Target) []string {
	argv := slices.Concat([]string{program, "--once", "--no-startup-with-shell"}, d.Args)
	if target.PID != 0 {
		return append(argv, "--attach", "-", strconv.Itoa(target.PID))
	}
	return slices.Concat(argv, []string{"-"}, target.Argv)
}

type session struct {
	*remote.NonStop
	tool *harness.Tool
}

// End ends the server; the keeper ends what it leaves.
func (s session) End() error { return s.tool.End() }

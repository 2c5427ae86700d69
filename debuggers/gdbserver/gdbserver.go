// Package gdbserver holds gdb's server to the suite's rules, without gdb: its packets pass over its standard input and
// output. In non-stop mode it tells of each birth and each death. In all-stop mode, which is what gdb asks for if it is not
// told otherwise, it is held to its lists of threads: gdbserver 13 crashes there when it is to tell of a thread's end.
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
	"github.com/tidcheck/tidcheck/internal/rsp"
)

// Debugger is gdbserver.
type Debugger struct {
	Path    string   // the program; empty for gdbserver in PATH
	Args    []string // further arguments
	AllStop bool     // it stops all threads at each event
}

// Known is what is known of its failures, as harness.ParseKnown reads it.
//
//go:embed known.txt
var Known string

// Name is "gdbserver" or "gdbserver-allstop".
func (d Debugger) Name() string {
	if d.AllStop {
		return "gdbserver-allstop"
	}
	return "gdbserver"
}

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

// manners are gdbserver's in all-stop mode, and gdb's, which lets go of the processes that a program makes.
var manners = remote.Manners{
	Features:  features,
	Linux:     rsp.FromGDB,
	Interrupt: 2, // SIGINT, which it sends to the program's process group
	Detaches:  true,
	List:      (*remote.Conn).Threads,
}

// What it offers in both modes, and in non-stop mode besides.
var (
	always  = harness.Abilities{harness.Execs, harness.Signals, harness.Stop, harness.Threads, harness.Detach}
	nonStop = harness.Abilities{harness.Births, harness.Deaths, harness.Statuses}
)

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
	s := session{tool: tool}
	if d.AllStop {
		all := remote.NewAllStop(conn, manners, always)
		s.Session = all
		return s, all.Begin(ctx, target.PID != 0)
	}
	each := remote.NewNonStop(conn, append(nonStop, always...))
	s.Session = each
	return s, each.Begin(ctx, target.PID != 0, features)
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
	remote.Session
	tool *harness.Tool
}

// End ends the server; the keeper ends what it leaves.
func (s session) End() error { return s.tool.End() }

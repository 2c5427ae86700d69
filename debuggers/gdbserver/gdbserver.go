// Package gdbserver holds gdb's server to the suite's rules, without gdb. Its packets pass over
// its standard input and output. In non-stop mode it tells of each birth and each death. In
// all-stop mode, gdb's default, only its lists of threads are judged: version 13 crashes there when
// it is to tell of a thread's end.
package gdbserver

import (
	"context"
	"regexp"
	"slices"
	"strconv"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/debuggers/remote"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"github.com/tidcheck/tidcheck/judge"
)

// Debugger is gdbserver.
type Debugger struct {
	Path    string   // the program; empty for gdbserver in PATH
	Args    []string // further arguments
	AllStop bool     // it stops all threads at each event
}

// Name is "gdbserver" or "gdbserver-allstop".
func (d Debugger) Name() string {
	if d.AllStop {
		return "gdbserver-allstop"
	}
	return "gdbserver"
}

// TimeScale is for attaches to a storm of births.
func (Debugger) TimeScale() float64 { return 2 }

func (d Debugger) program() adapter.Program {
	return adapter.Program{
		Path: d.Path, Names: []string{"gdbserver"},
		Install: "`make debuggers` installs it; Debian's package gdbserver",
	}
}

var versionLine = regexp.MustCompile(`(?m)^GNU gdbserver (?:.* )?(\S+)$`)

// Version is the last word of its line: "13.1".
func (d Debugger) Version(ctx context.Context) (string, error) {
	return d.program().Version(ctx, versionLine, "--version")
}

// features are those that gdb names too. It names processes by their ids.
const features = "multiprocess+;fork-events+;vfork-events+;exec-events+;vContSupported+;" +
	"QThreadEvents+"

// manners are gdbserver's in all-stop mode, and gdb's, which lets go of the processes that a
// program makes.
var manners = remote.Manners{
	Features:  features,
	Linux:     rsp.FromGDB,
	Interrupt: 2, // SIGINT, which it sends to the program's process group
	List:      (*remote.Conn).XferThreads,
}

// always is what it offers in both modes, and nonStop what it offers in non-stop mode besides.
var (
	always = judge.Abilities{
		judge.Execs, judge.Signals, judge.Stop, judge.Threads, judge.Detach,
	}
	nonStop = judge.Abilities{judge.Births, judge.Deaths, judge.Statuses}
)

// args are the arguments of a server that ends with its one connection.
func (d Debugger) args(target harness.Target) []string {
	args := slices.Concat([]string{"--once", "--no-startup-with-shell"}, d.Args)
	if target.PID != 0 {
		return append(args, "--attach", "-", strconv.Itoa(target.PID))
	}
	return slices.Concat(args, []string{"-"}, target.Argv)
}

// Start starts the server with the program, which stands at its start, or attached to it.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	conn := remote.NewConn()
	tool, err := d.program().Start(target, d.args(target), conn.Read)
	if err != nil {
		return nil, err
	}
	conn.Open(tool)
	if d.AllStop {
		s := remote.NewAllStop(conn, manners, always)
		return s, s.Begin(ctx, target.PID != 0)
	}
	s := remote.NewNonStop(conn, append(nonStop, always...))
	return s, s.Begin(ctx, target.PID != 0, features)
}

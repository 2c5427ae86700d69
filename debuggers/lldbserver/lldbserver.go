// Package lldbserver holds lldb's server to the suite's rules, without lldb. Its packets pass
// over a socket in the run's own folder. It tells of no births and deaths of threads: it lists
// its threads when the program stands, and is held to that. Processes that the program makes are
// let go, as lldb lets them go.
package lldbserver

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/debuggers/remote"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// Debugger is lldb-server.
type Debugger struct {
	Path string   // the program; empty for lldb-server in PATH, or the newest lldb-server-N
	Args []string // further arguments
}

// Known is what is known of its failures, as findings.Parse reads it.
//
//go:embed known.txt
var Known string

// Name is "lldbserver".
func (Debugger) Name() string { return "lldbserver" }

// TimeScale is for its stops, which take long where there are many threads.
func (Debugger) TimeScale() float64 { return 3 }

func (d Debugger) program() adapter.Program {
	return adapter.Program{
		Path: d.Path, Names: []string{"lldb-server"}, Numbered: true,
		Install: "`make debuggers` installs it; Debian's package lldb-19",
	}
}

var versionLine = regexp.MustCompile(`(?m)^lldb version (.+)$`)

// Version is what it prints as such: "19.1.7".
func (d Debugger) Version(ctx context.Context) (string, error) {
	return d.program().Version(ctx, versionLine, "version")
}

// manners are lldb-server's. It overhears the first of the features.
var manners = remote.Manners{
	Features:  "xmlRegisters=i386,arm,mips,arc;multiprocess+;fork-events+;vfork-events+",
	Greetings: []string{"QListThreadsInStopReply"},
	Linux:     func(sig int) int { return sig },
	Interrupt: 19, // SIGSTOP; at an attach the program's own is taken for the attach's
	Echoes:    true,
	List:      (*remote.Conn).ThreadInfo,
}

var can = judge.Abilities{judge.Execs, judge.Signals, judge.Stop, judge.Threads, judge.Detach}

// args are the arguments of a server for one connection.
func (d Debugger) args(socket string, target harness.Target) []string {
	args := slices.Concat([]string{"gdbserver", "--reverse-connect"}, d.Args)
	if target.PID != 0 {
		return append(args, "--attach", strconv.Itoa(target.PID), "unix-connect://"+socket)
	}
	return slices.Concat(args, []string{"unix-connect://" + socket, "--"}, target.Argv)
}

// A deaf error is ours and not the server's: we have no socket. The path of one may have 107 bytes.
type deaf struct{ error }

// OurFault marks the error.
func (deaf) OurFault() {}

// Start starts the server with the program, which stands at its start, or attached to it. The
// server connects to us.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	home, err := target.Home()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(home, "socket")
	door, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		return nil, deaf{fmt.Errorf("listen for lldb-server: %w", err)}
	}
	defer door.Close()
	tool, err := d.program().Start(target, d.args(socket, target), nil)
	if err != nil {
		return nil, err
	}
	conn := remote.NewConn()
	l := &link{Tool: tool, over: make(chan struct{})}
	conn.Open(l)
	s := &session{remote.NewAllStop(conn, manners, can), l}
	if err := l.admit(ctx, door, target, conn); err != nil {
		return s, err
	}
	return s, s.Begin(ctx, target.PID != 0)
}

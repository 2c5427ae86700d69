// Package lldbserver holds lldb's server to the suite's rules, without lldb. Its packets pass
// over a socket that is its standard input. It tells of no births and deaths of threads: it lists
// its threads when the program stands, and is held to that. Processes that the program makes are
// let go, as lldb lets them go.
package lldbserver

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

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

// firstURL is a version that takes URLs for its address; 11 does not.
const firstURL = 14

// args are the arguments of a server that talks over its standard input. One that takes no URLs
// takes --fd, and ignores the address that must stand there nonetheless. Not all versions can have
// --fd: version 22 takes that address for the program.
func (d Debugger) args(version string, target harness.Target) []string {
	args := append([]string{"gdbserver"}, d.Args...)
	address := "fd://0"
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < firstURL {
		args, address = append(args, "--fd", "0"), "localhost:0"
	}
	if target.PID != 0 {
		return append(args, "--attach", strconv.Itoa(target.PID), address)
	}
	return slices.Concat(args, []string{address, "--"}, target.Argv)
}

// Start starts the server with the program, which stands at its start, or attached to it.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	// The harness has asked for the version before: a server that has none is not started. One that
	// fails to tell it now is started as a new one, and shows why it fails.
	version, _ := d.Version(ctx)
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	program := d.program()
	program.Stdin = theirs
	tool, err := program.Start(target, d.args(version, target), nil)
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, err
	}
	l := &link{Tool: tool, conn: adapter.Recorded(target, ours), over: make(chan struct{})}
	conn := remote.NewConn()
	conn.Open(l)
	go l.read(conn)
	s := &session{remote.NewAllStop(conn, manners, can), l}
	return s, s.Begin(ctx, target.PID != 0)
}

// Package lldbserver holds lldb's server to the suite's rules, without lldb: its packets pass over a socket in the run's
// own folder. It tells of no births of threads and of no deaths: it lists its threads when the program stands,
// and that is what it is held to. Processes that the program makes are let go, as lldb does.
package lldbserver

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/remote"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is lldb-server.
type Debugger struct {
	Path string   // the program; empty for the newest lldb-server or lldb-server-N in PATH
	Args []string // further arguments
}

// Known is what is known of its failures, as harness.ParseKnown reads it.
//
//go:embed known.txt
var Known string

// Name is "lldbserver".
func (Debugger) Name() string { return "lldbserver" }

// TimeScale is for its stops, which take it long where there are many threads.
func (Debugger) TimeScale() float64 { return 3 }

// newest and oldest are the versions of lldb that are looked for as lldb-server-N.
const newest, oldest = 29, 11

func (d Debugger) program() (string, error) {
	if d.Path != "" {
		return exec.LookPath(d.Path)
	}
	program, err := exec.LookPath("lldb-server")
	for n := newest; err != nil && n >= oldest; n-- {
		program, err = exec.LookPath("lldb-server-" + strconv.Itoa(n))
	}
	if err != nil {
		return "", errors.New("find lldb-server (`make debuggers` installs it; Debian's package lldb-19): neither lldb-server nor lldb-server-N is in PATH")
	}
	return program, nil
}

// Version is what it prints as such.
func (d Debugger) Version(ctx context.Context) (string, error) {
	program, err := d.program()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, program, "version").CombinedOutput() // it is on standard error
	if err != nil {
		return "", fmt.Errorf("%s version: %w", program, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	version, ok := strings.CutPrefix(first, "lldb version ")
	if !ok || version == "" {
		return "", errors.New("its first line names no version of lldb: is it lldb-server?")
	}
	return version, nil
}

// manners are lldb-server's. It overhears the first of the features.
var manners = remote.Manners{
	Features:  "xmlRegisters=i386,arm,mips,arc;multiprocess+;fork-events+;vfork-events+",
	Greetings: []string{"QListThreadsInStopReply"},
	Linux:     func(sig int) int { return sig },
	Interrupt: 19, // SIGSTOP
	Detaches:  true,
	Echoes:    true,
	List:      (*remote.Conn).ThreadInfo,
}

var can = harness.Abilities{harness.Execs, harness.Signals, harness.Stop, harness.Threads, harness.Detach}

// Start starts the server with the program, which stands at its start, or attached to it. It connects to us.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	program, err := d.program()
	if err != nil {
		return nil, err
	}
	home, err := target.Home()
	if err != nil {
		return nil, err
	}
	env, err := target.Sheltered()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(home, "socket")
	door, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		return nil, err
	}
	defer door.Close()
	tool, err := harness.StartLineTool(target, harness.Spec{Argv: d.argv(program, socket, target), Env: env}, func([]byte) error { return nil })
	if err != nil {
		return nil, err
	}
	s := &session{tool: tool, read: make(chan struct{})}
	if err := s.admit(ctx, door, target); err != nil {
		return s, err
	}
	return s, s.Begin(ctx, target.PID != 0)
}

// argv is the command line of a server for one connection.
func (d Debugger) argv(program, socket string, target harness.Target) []string {
	argv := slices.Concat([]string{program, "gdbserver", "--reverse-connect"}, d.Args)
	if target.PID != 0 {
		return append(argv, "--attach", strconv.Itoa(target.PID), "unix-connect://"+socket)
	}
	return slices.Concat(argv, []string{"unix-connect://" + socket, "--"}, target.Argv)
}

type session struct {
	*remote.AllStop
	tool *harness.Tool
	conn net.Conn
	read chan struct{} // closed when nothing more is read from it
	bad  error         // what was no packet
}

// admit waits until the server has connected.
func (s *session) admit(ctx context.Context, door *net.UnixListener, target harness.Target) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.tool.Over():
		case <-waiting.Done():
		}
		door.SetDeadline(time.Unix(1, 0))
	}()
	conn := remote.NewConn()
	s.AllStop = remote.NewAllStop(conn, manners, can)
	accepted, err := door.Accept()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return s.tool.Ended(ctx)
	}
	s.conn = accepted
	recorded := target.Recorded(accepted)
	conn.Open(recorded, s.read, s.ended)
	go func() {
		defer close(s.read)
		if err := conn.Read(recorded); !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ECONNRESET) {
			s.bad = err // else it or we have ended it with something unread
		}
	}()
	return nil
}

// Detach lets go, and ends the connection and with it the server, as lldb does: a task that had ended before is
// traced as long as the server lives.
func (s *session) Detach(ctx context.Context) error {
	if err := s.AllStop.Detach(ctx); err != nil {
		return err
	}
	s.conn.Close()
	s.tool.Ended(ctx) // is how it ended, once it has
	return context.Cause(ctx)
}

// farewell is how long a server may take to end that has closed its connection.
const farewell = time.Second

// ended says how a connection came to its end.
func (s *session) ended(ctx context.Context) error {
	if s.bad != nil {
		return s.bad
	}
	select {
	case <-s.tool.Over():
		return s.tool.Ended(ctx)
	case <-time.After(farewell):
		return errors.New("it closed its connection")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End ends the server; the keeper ends what it leaves.
func (s *session) End() error {
	err := s.tool.End()
	if s.conn != nil {
		s.conn.Close()
		<-s.read
		err = errors.Join(err, s.bad)
	}
	return err
}

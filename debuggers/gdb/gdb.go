// Package gdb holds GNU gdb to the suite's rules, over its machine interface GDB/MI.
//
// gdb is told to follow both sides of each fork, and not to stop or print for the program's
// signals. What it says of threads and processes becomes events. Each of its two modes, all-stop
// and non-stop, is a configuration. So is gdb without libthread_db, which then knows threads by
// their tids only.
package gdb

import (
	"context"
	"regexp"
	"slices"
	"strconv"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is gdb.
type Debugger struct {
	Path       string   // the program; empty for gdb in PATH
	Args       []string // further arguments
	NonStop    bool     // threads stop one by one, and not all at each stop of one
	NoThreadDB bool     // libthread_db is not loaded
}

// Name says which configuration it is: "gdb", "gdb-nonstop", "gdb-nothreaddb".
func (d Debugger) Name() string {
	name := "gdb"
	if d.NonStop {
		name += "-nonstop"
	}
	if d.NoThreadDB {
		name += "-nothreaddb"
	}
	return name
}

// TimeScale is for the symbols that gdb reads at each start and exec.
func (Debugger) TimeScale() float64 { return 3 }

func (d Debugger) program() adapter.Program {
	return adapter.Program{
		Path: d.Path, Names: []string{"gdb"},
		Install: "`make debuggers` installs it; Debian's package gdb",
	}
}

var versionLine = regexp.MustCompile(`(?m)^GNU gdb (?:.* )?(\S+)$`)

// Version is the last word of its line: "13.1".
func (d Debugger) Version(ctx context.Context) (string, error) {
	return d.program().Version(ctx, versionLine, "-nx", "--version")
}

// quiet are arguments that hold before gdb reads anything: no file may give it commands. It looks
// for no separate debug information, which would take most of its time and tells nothing of
// threads.
var quiet = []string{
	"-nx", "--quiet", "-iex", "set auto-load off", "-iex", "set debug-file-directory",
}

// args are gdb's arguments.
func (d Debugger) args(target harness.Target) []string {
	args := append(slices.Clone(quiet), "--interpreter=mi3")
	if d.NoThreadDB {
		args = append(args, "-iex", "set libthread-db-search-path")
	} else {
		args = append(args, "-iex", "set auto-load libthread-db on")
	}
	args = append(args, d.Args...)
	if target.PID != 0 {
		return args
	}
	return slices.Concat(args, []string{"--args"}, target.Argv)
}

// settings are the commands that come first. The program's standard files are not gdb's, which
// speaks over its own.
//
// Signals go to the program, and gdb neither stops for them nor says a word. Two signals are left
// out, since gdb uses them itself. SIGTRAP shows its breakpoints and steps, also those of its
// own; if gdb is told to pass SIGTRAP, the program dies at its start. SIGINT is how it interrupts
// in all-stop mode. At such a signal of the program's own gdb stops. It is then told to deliver
// the signal, as its user would tell it. The sender of a SIGINT is in siginfo: it is gdb or not.
func (d Debugger) settings() []string {
	nonStop := "off"
	if d.NonStop {
		nonStop = "on"
	}
	set := []string{
		"maint set internal-error corefile no", "set confirm off", "set pagination off",
		"set width 0", "set startup-with-shell off", "set print frame-arguments none",
		"set print thread-events on", "set print inferior-events on", "set detach-on-fork off",
		"set schedule-multiple on", "set follow-exec-mode same", "set mi-async on",
		"set non-stop " + nonStop, "set inferior-tty /dev/null", "handle all nostop noprint pass",
	}
	if d.NonStop {
		set = append(set, "handle SIGINT nostop noprint pass")
	}
	return set
}

// Start starts gdb and has it start the program, which stands at its first instruction, or attach
// to it.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s := newSession(d.NonStop, target.PID != 0)
	lines := adapter.Lines{Take: s.take, Max: maxLine, Whole: true}
	var err error
	s.Tool, err = d.program().Start(target, d.args(target), lines.Read)
	if err != nil {
		return nil, err
	}
	go s.attend()
	for _, command := range d.settings() {
		if err := s.console(ctx, command); err != nil {
			return s, err
		}
	}
	if target.PID != 0 {
		_, err = s.ask(ctx, "-target-attach", strconv.Itoa(target.PID))
	} else {
		err = s.console(ctx, "starti")
	}
	if err != nil || target.PID != 0 && d.NonStop {
		return s, err // in non-stop mode gdb tells of each thread's stop after the attach
	}
	return s, s.Await(ctx, s.Tool, func() bool { return s.stops > 0 })
}

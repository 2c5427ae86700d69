// Package gdb holds GNU gdb to the suite's rules, over its machine interface GDB/MI.
//
// It follows both sides of each fork and asks for nothing to be printed or stopped that a program
// does by itself; what gdb then says of threads and processes is passed on. Each of gdb's two modes is a
// configuration, all-stop and non-stop, and so is gdb without libthread_db, which knows threads by the kernel alone.
package gdb

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is gdb.
type Debugger struct {
	Path       string   // the program; empty for gdb in PATH
	Args       []string // further arguments
	NonStop    bool     // threads stop one by one, and not all at each stop of one
	NoThreadDB bool     // libthread_db is not loaded
}

// Known is what is known of its failures, as harness.ParseKnown reads it.
//
//go:embed known.txt
var Known string

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

func (d Debugger) program() (string, error) {
	name := d.Path
	if name == "" {
		name = "gdb"
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find gdb (`make debuggers` installs it; Debian's package gdb): %w", err)
	}
	return program, nil
}

// Version is the last word of the first line that it prints: "13.1".
func (d Debugger) Version(ctx context.Context) (string, error) {
	program, err := d.program()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, program, "-nx", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", program, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	if !strings.HasPrefix(first, "GNU gdb ") {
		return "", errors.New("its first line is not gdb's: is it gdb?")
	}
	return first[strings.LastIndexByte(first, ' ')+1:], nil
}

// argv is gdb's command line. What is set by -iex is so before gdb reads anything: no file may give it commands, and
// it looks for no debug information apart, which would be most of its time and tells nothing of threads.
func (d Debugger) argv(program string, target harness.Target) []string {
	argv := []string{program, "-nx", "--quiet", "--interpreter=mi3", "-iex", "set auto-load off", "-iex", "set debug-file-directory"}
	if d.NoThreadDB {
		argv = append(argv, "-iex", "set libthread-db-search-path")
	} else {
		argv = append(argv, "-iex", "set auto-load libthread-db on")
	}
	argv = append(argv, d.Args...)
	if target.PID != 0 {
		return argv
	}
	return slices.Concat(argv, []string{"--args"}, target.Argv)
}

// settings are the commands that come first. The program's standard files are not gdb's, which speaks over its own.
//
// Signals go to the program, and gdb neither stops for them nor says a word. That leaves out two, which are gdb's: SIGTRAP,
// by which its breakpoints and its steps show, also those that it sets for itself (if it is told to pass it, the program
// dies at its start), and in all-stop mode SIGINT, by which it interrupts. Where one of them is the program's own, gdb stops, and is
// told then to deliver it, as its user would.
func (d Debugger) settings() []string {
	set := []string{
		"maint set internal-error corefile no", "set confirm off", "set pagination off", "set width 0", "set startup-with-shell off",
		"set print frame-arguments none", "set print thread-events on", "set print inferior-events on",
		"set detach-on-fork off", "set schedule-multiple on", "set follow-exec-mode same",
		"set mi-async on", "set non-stop " + onOff(d.NonStop), "set inferior-tty /dev/null",
		"handle all nostop noprint pass",
	}
	if d.NonStop {
		set = append(set, "handle SIGINT nostop noprint pass")
	}
	return set
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// Start starts gdb and has it start the program, which stands at its first instruction, or attach to it.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	program, err := d.program()
	if err != nil {
		return nil, err
	}
	env, err := target.Sheltered()
	if err != nil {
		return nil, err
	}
	s := newSession(d.NonStop, target.PID != 0)
	s.Tool, err = harness.StartTool(target, harness.Spec{Argv: d.argv(program, target), Env: env}, s.read)
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
	if err != nil || target.PID != 0 && d.NonStop { // it has attached, and tells then of each thread's stop
		return s, err
	}
	return s, s.await(ctx, func() bool { return s.stops > 0 })
}

// Package lldb is LLDB under test, as its debug adapter: lldb-dap, which was lldb-vscode before
// LLVM 18. It announces no births. Its thread numbers are kernel tids, and only its lists are
// judged.
package lldb

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/debuggers/dap"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is LLDB's debug adapter.
type Debugger struct {
	Path string   // the program; empty for lldb-dap or lldb-vscode in PATH, or the newest with -N
	Args []string // further arguments
	// Breakpoint has a breakpoint stand at a function that is never called.
	Breakpoint bool
}

// Name is "lldb" or "lldb-breakpoint".
func (d Debugger) Name() string {
	if d.Breakpoint {
		return "lldb-breakpoint"
	}
	return "lldb"
}

// TimeScale is for an attach to a thousand threads, each of whose stops is an event. To set a
// breakpoint, LLDB reads the symbols of each library at each attach.
func (d Debugger) TimeScale() float64 {
	if d.Breakpoint {
		return 6
	}
	return 3
}

// Version is LLDB's.
func (d Debugger) Version(ctx context.Context) (string, error) {
	adapter, err := d.adapter()
	if err != nil {
		return "", err
	}
	return adapter.Version(ctx)
}

// Start starts the adapter.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	adapter, err := d.adapter()
	if err != nil {
		return nil, err
	}
	return adapter.Start(ctx, target)
}

func (d Debugger) program() adapter.Program {
	return adapter.Program{
		Path: d.Path, Names: []string{"lldb-dap", "lldb-vscode"}, Numbered: true,
		Install: "`make debuggers` installs it; Debian's package lldb-19",
	}
}

// never is a function of every program's C library that no fixture calls.
const never = "getdate_r"

// quiet keeps LLDB from reading all its own symbols when it crashes, as lldb-dap 19 does at its
// end.
var quiet = []string{"LLVM_DISABLE_SYMBOLIZATION=1"}

// initial is what LLDB is told before there is a target: to read nothing that is not there, and
// not to stop where it was not asked to.
var initial = []string{
	"settings set target.load-script-from-symbol-file false",
	"settings set target.load-cwd-lldbinit false",
	"settings set symbols.enable-external-lookup false",
	"settings set target.process.stop-on-exec false",
	"settings set target.process.follow-fork-mode parent",
}

// started is what it is told when there is a process. The signals are named, since LLDB asks back
// about all of them at once. SIGSTOP is not among them: LLDB stops a program by it, and would
// pass that SIGSTOP on to the program too.
var started = []string{
	"process handle --pass true --stop false --notify false SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP" +
		" SIGABRT SIGBUS SIGFPE SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGCHLD SIGCONT" +
		" SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGPWR SIGSYS",
}

func (d Debugger) adapter() (dap.Debugger, error) {
	path, err := d.program().Find()
	arguments := map[string]any{"initCommands": initial, "postRunCommands": started}
	adapter := dap.Debugger{
		Called: d.Name(), Path: path, Args: d.Args, Env: quiet, About: "`version",
		Launch: arguments, Attach: arguments,
		Continues: !strings.Contains(filepath.Base(path), "vscode"),
	}
	if d.Breakpoint {
		adapter.Breakpoint = never
	}
	return adapter, err
}

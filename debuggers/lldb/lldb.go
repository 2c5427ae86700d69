// Package lldb is LLDB under test, as its debug adapter: lldb-dap, which was lldb-vscode before LLVM 18. It announces no births; its numbers
// of threads are the kernel's, and it is held to its lists.
package lldb

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/debuggers/dap"
	"github.com/tidcheck/tidcheck/harness"
)

// Known is the list of the known failures of LLDB.
//
//go:embed known.txt
var Known string

// Debugger is LLDB's debug adapter.
type Debugger struct {
	Path string   // empty for lldb-dap, or of lldb-dap-N and lldb-vscode-N the newest
	Args []string // further arguments
	// Breakpoint has a breakpoint stand at a function that is never called.
	Breakpoint bool
}

// Name is "lldb", or "lldb-breakpoint".
func (d Debugger) Name() string {
	if d.Breakpoint {
		return "lldb-breakpoint"
	}
	return "lldb"
}

// TimeScale gives it time for an attach to a thousand threads, each of whose stops is an event.
func (d Debugger) TimeScale() float64 { return 3 }

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

// never is a function of every program's C library that no fixture calls.
const never = "getdate_r"

// quiet keeps LLDB from reading all its own symbols where it crashes, as lldb-dap 19 does at its end.
var quiet = []string{"LLVM_DISABLE_SYMBOLIZATION=1"}

// initial is what LLDB is told before there is a target: to read nothing that is not there, and not to stop where nobody asks it to.
var initial = []string{
	"settings set target.load-script-from-symbol-file false",
	"settings set target.load-cwd-lldbinit false",
	"settings set symbols.enable-external-lookup false",
	"settings set target.process.stop-on-exec false",
	"settings set target.process.follow-fork-mode parent",
}

// started is what it is told when there is a process. The signals are named, since LLDB asks back about all. SIGSTOP is
// not among them: it is LLDB's own means to stop a program, and would be passed on to that too.
var started = []string{
	"process handle --pass true --stop false --notify false SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGUSR1 SIGSEGV" +
		" SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGCHLD SIGCONT SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGPWR SIGSYS",
}

func (d Debugger) adapter() (dap.Debugger, error) {
	path := d.Path
	if path == "" {
		var err error
		if path, err = newest(filepath.SplitList(os.Getenv("PATH"))); err != nil {
			return dap.Debugger{}, err
		}
	}
	arguments := map[string]any{"initCommands": initial, "postRunCommands": started}
	launch := maps.Clone(arguments)
	adapter := dap.Debugger{Called: d.Name(), Path: path, Args: d.Args, Env: quiet, About: "`version", Launch: launch, Attach: arguments}
	adapter.Continues = !strings.Contains(filepath.Base(path), "vscode")
	if d.Breakpoint {
		adapter.Breakpoint = never
	}
	return adapter, nil
}

var adapterName = regexp.MustCompile(`^lldb-(?:dap|vscode)(?:-(\d+))?$`)

// newest looks for adapters in folders: one without a number is who the machine's owner chose, else the
// highest number is taken.
func newest(folders []string) (string, error) {
	best, found := "", -1
	for _, folder := range folders {
		entries, _ := os.ReadDir(folder) // a PATH may name what is not there
		for _, e := range entries {
			named := adapterName.FindStringSubmatch(e.Name())
			if named == nil {
				continue
			}
			path, err := exec.LookPath(filepath.Join(folder, e.Name()))
			if err != nil {
				continue // no program
			}
			if named[1] == "" {
				return path, nil
			}
			if n, err := strconv.Atoi(named[1]); err == nil && n > found {
				best, found = path, n
			}
		}
	}
	if best == "" {
		return "", fmt.Errorf("no lldb-dap: install lldb-19 (apt), or run make debuggers: %w", exec.ErrNotFound)
	}
	return best, nil
}

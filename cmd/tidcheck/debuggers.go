package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidcheck/tidcheck/debuggers/book"
	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/debuggers/delve"
	"github.com/tidcheck/tidcheck/debuggers/gdb"
	"github.com/tidcheck/tidcheck/debuggers/gdbserver"
	"github.com/tidcheck/tidcheck/debuggers/innocent"
	"github.com/tidcheck/tidcheck/debuggers/lldb"
	"github.com/tidcheck/tidcheck/debuggers/lldbserver"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/debuggers/strace"
	"github.com/tidcheck/tidcheck/findings"
	"github.com/tidcheck/tidcheck/harness"
)

// A configuration is what one name on the command line stands for: usually one debugger.
type configuration struct {
	name, sentence string
	external       bool // its debugger is a program on this machine, and not part of tidcheck
	debuggers      []harness.Debugger
	program        string // where the ladder has an external one: its folder, and a pattern
}

// configurations are all, in the order in which they are listed. An external debugger runs the
// program at path, or the installed one if path is empty, and gives it the extra arguments.
func configurations(path string, args []string) []configuration {
	builtIn := func(name, sentence string, debuggers ...harness.Debugger) configuration {
		return configuration{name: name, sentence: sentence, debuggers: debuggers}
	}
	external := func(program, sentence string, d harness.Debugger) configuration {
		return configuration{d.Name(), sentence, true, []harness.Debugger{d}, program}
	}
	const (
		ofGDB        = "gdb/gdb"
		ofGDBServer  = "gdbserver/gdbserver"
		ofLLDB       = "lldb/lldb-[dv]*" // lldb-dap, or lldb-vscode
		ofLLDBServer = "lldb/lldb-server"
		ofDelve      = "delve/dlv"
		ofStrace     = "strace/strace"
	)
	return []configuration{
		builtIn("reference", "tidcheck's own ptrace tracer", reference.Debugger{}),
		builtIn("book", "the tracer of a lesson, kept with its mistakes", book.Debugger{}),
		builtIn("defective", "the reference tracer with one defect each", defective.All()...),
		builtIn("innocent", "right tracers with one unusual way each", innocent.All()...),
		external(ofGDB, "GNU gdb, all-stop", gdb.Debugger{Path: path, Args: args}),
		external(ofGDB, "GNU gdb, non-stop", gdb.Debugger{Path: path, Args: args, NonStop: true}),
		external(ofGDB, "GNU gdb without libthread_db",
			gdb.Debugger{Path: path, Args: args, NoThreadDB: true}),
		external(ofGDB, "GNU gdb, by its debug adapter", gdb.DAP{Path: path, Args: args}),
		external(ofGDBServer, "gdbserver, non-stop", gdbserver.Debugger{Path: path, Args: args}),
		external(ofGDBServer, "gdbserver, all-stop",
			gdbserver.Debugger{Path: path, Args: args, AllStop: true}),
		external(ofLLDB, "LLDB, by its debug adapter", lldb.Debugger{Path: path, Args: args}),
		external(ofLLDB, "LLDB with a breakpoint set",
			lldb.Debugger{Path: path, Args: args, Breakpoint: true}),
		external(ofLLDBServer, "lldb-server", lldbserver.Debugger{Path: path, Args: args}),
		external(ofDelve, "delve, by JSON-RPC", delve.Debugger{Path: path, Args: args}),
		external(ofDelve, "delve that follows children",
			delve.Debugger{Path: path, Args: args, FollowExec: true}),
		external(ofDelve, "delve with a breakpoint set",
			delve.Debugger{Path: path, Args: args, Breakpoint: true}),
		external(ofStrace, "strace -f", strace.Debugger{Path: path, Args: args}),
		external(ofStrace, "strace -f --seccomp-bpf",
			strace.Debugger{Path: path, Args: args, Seccomp: true}),
	}
}

// find is the configuration with this name among some. The name may be that of one debugger of a
// built-in configuration, such as defective:hangs. It is nil if there is none.
func find(name string, among []configuration) *configuration {
	for _, c := range among {
		if c.name == name {
			return &c
		}
		for _, d := range c.debuggers {
			if d.Name() == name {
				c.debuggers = []harness.Debugger{d}
				return &c
			}
		}
	}
	return nil
}

// isConfigured tells whether a configuration has this name, or one of which it is another build.
func isConfigured(name string) bool {
	return find(name, configurations("", nil)) != nil ||
		find(baseName(name), configurations("", nil)) != nil
}

// configurationNames names all configurations, for messages.
func configurationNames() string {
	var names []string
	for _, c := range configurations("", nil) {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// debuggerNames are the configurations', and those with a version that make ladder has put there.
func debuggerNames() (names []string) {
	for _, c := range configurations("", nil) {
		names = append(names, c.name)
		for _, version := range c.versions() {
			names = append(names, c.name+"@"+version)
		}
	}
	return names
}

// everyKnown are the suite's findings, and those of a file or folder of the user's, if one is
// named. The user's may be about the suite's scenarios and the user's own. If debuggers' names are
// given, they may be about no others.
func everyKnown(
	name string, own []harness.Scenario, names ...string,
) (known findings.List, err error) {
	known, err = findings.All()
	if err != nil || name == "" {
		return known, err
	}
	users, err := findings.Load(name, own, names...)
	return append(users, known...), err
}

// knownNames are the names that a list of known failures may have in a run of some debuggers.
func knownNames(debuggers []harness.Debugger) (names []string) {
	ofRun := configuration{debuggers: debuggers}
	for _, c := range append(configurations("", nil), ofRun) {
		names = append(names, c.name)
		for _, d := range c.debuggers {
			names = append(names, d.Name())
		}
	}
	return names
}

// choose returns the debuggers that are named, as NAME, NAME=PATH or NAME@VERSION, with extra
// arguments for external ones. The debugger that the user offers comes first; if there is one name
// alone and no configuration has it, it is the name of the offered debugger.
func choose(
	names []string, offered offer, args []string,
) (chosen []harness.Debugger, err error) {
	called, others := "", names
	if len(names) == 1 && !strings.Contains(names[0], "=") && !isConfigured(names[0]) {
		called, others = names[0], nil
	}
	own, err := offered.debugger(called, args)
	if err != nil {
		return nil, err
	}
	if own != nil {
		chosen, names = append(chosen, own), others
	}
	for _, name := range names {
		made, err := named(name, args)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, made...)
	}
	seen := make(map[string]bool)
	for _, d := range chosen {
		if seen[d.Name()] {
			return nil, fmt.Errorf("%s is named twice", d.Name())
		}
		seen[d.Name()] = true
	}
	if chosen == nil {
		err = fmt.Errorf("name a debugger: %s; or use --command or --dap", configurationNames())
	}
	return chosen, err
}

func noDebugger(name string) error {
	return fmt.Errorf("there is no debugger %q; there are %s; for any other use "+
		"--command or --dap", name, configurationNames())
}

// named makes the debuggers that one NAME, NAME=PATH or NAME@VERSION stands for.
func named(text string, args []string) ([]harness.Debugger, error) {
	name, path, hasPath := strings.Cut(text, "=")
	if base, version, has := strings.Cut(name, "@"); has && !hasPath {
		d, err := climb(base, version, args)
		return []harness.Debugger{d}, err
	}
	c := find(name, configurations(path, args))
	switch {
	case c == nil:
		return nil, noDebugger(name)
	case !c.external && hasPath:
		return nil, fmt.Errorf("%s: %s is part of tidcheck and takes no path", text, name)
	case !c.external && len(args) > 0:
		return nil, fmt.Errorf("%s is part of tidcheck and takes no --debugger-arg", name)
	case hasPath && path == "":
		return nil, errors.New(text + ": a path is missing after the =")
	case hasPath:
		return []harness.Debugger{harness.Rename(c.debuggers[0], text)}, nil
	}
	return c.debuggers, nil
}

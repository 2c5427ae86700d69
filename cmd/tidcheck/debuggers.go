package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/debuggers/book"
	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/debuggers/delve"
	"github.com/tidcheck/tidcheck/debuggers/gdb"
	"github.com/tidcheck/tidcheck/debuggers/gdbserver"
	"github.com/tidcheck/tidcheck/debuggers/lldb"
	"github.com/tidcheck/tidcheck/debuggers/lldbserver"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/debuggers/strace"
	"github.com/tidcheck/tidcheck/harness"
)

// An adapter is a kind of debugger that can be named on the command line.
type adapter struct {
	name     string
	sentence string
	// make gives the debugger, in the build that is at a path if there is one, with further arguments. It is nil for what is
	// part of tidcheck: that has neither.
	make  func(path string, args []string) harness.Debugger
	own   []harness.Debugger
	known string // what is known of its failures, as harness.ParseKnown reads it
}

// adapters are all, in the order in which they are listed.
var adapters = []adapter{
	{name: "reference", sentence: "tidcheck's own ptrace tracer", own: []harness.Debugger{reference.Debugger{}}},
	{name: "book", sentence: "the tracer of a lesson, kept with its mistakes", own: []harness.Debugger{book.Debugger{}}},
	{name: "defective", sentence: "the reference tracer with one defect each", own: defective.All()},
	{name: "gdb", sentence: "GNU gdb, all-stop", known: gdb.Known, make: func(path string, args []string) harness.Debugger {
		return gdb.Debugger{Path: path, Args: args}
	}},
	{name: "gdb-nonstop", sentence: "GNU gdb, non-stop", known: gdb.Known, make: func(path string, args []string) harness.Debugger {
		return gdb.Debugger{Path: path, Args: args, NonStop: true}
	}},
	{name: "gdb-nothreaddb", sentence: "GNU gdb without libthread_db", known: gdb.Known, make: func(path string, args []string) harness.Debugger {
		return gdb.Debugger{Path: path, Args: args, NoThreadDB: true}
	}},
	{name: "gdbserver", sentence: "gdbserver, non-stop", known: gdbserver.Known, make: func(path string, args []string) harness.Debugger {
		return gdbserver.Debugger{Path: path, Args: args}
	}},
	{name: "gdbserver-allstop", sentence: "gdbserver, all-stop", known: gdbserver.Known, make: func(path string, args []string) harness.Debugger {
		return gdbserver.Debugger{Path: path, Args: args, AllStop: true}
	}},
	{name: "lldb", sentence: "LLDB, by its debug adapter", known: lldb.Known, make: func(path string, args []string) harness.Debugger {
		return lldb.Debugger{Path: path, Args: args}
	}},
	{name: "lldb-breakpoint", sentence: "LLDB with a breakpoint set", known: lldb.Known, make: func(path string, args []string) harness.Debugger {
		return lldb.Debugger{Path: path, Args: args, Breakpoint: true}
	}},
	{name: "lldbserver", sentence: "lldb-server", known: lldbserver.Known, make: func(path string, args []string) harness.Debugger {
		return lldbserver.Debugger{Path: path, Args: args}
	}},
	{name: "delve", sentence: "delve, by JSON-RPC", known: delve.Known, make: func(path string, args []string) harness.Debugger {
		return delve.Debugger{Path: path, Args: args}
	}},
	{name: "delve-followexec", sentence: "delve that follows children", known: delve.Known, make: func(path string, args []string) harness.Debugger {
		return delve.Debugger{Path: path, Args: args, FollowExec: true}
	}},
	{name: "delve-breakpoint", sentence: "delve with a breakpoint set", known: delve.Known, make: func(path string, args []string) harness.Debugger {
		return delve.Debugger{Path: path, Args: args, Breakpoint: true}
	}},
	{name: "strace", sentence: "strace -f", known: strace.Known, make: func(path string, args []string) harness.Debugger {
		return strace.Debugger{Path: path, Args: args}
	}},
	{name: "strace-seccomp", sentence: "strace -f --seccomp-bpf", known: strace.Known, make: func(path string, args []string) harness.Debugger {
		return strace.Debugger{Path: path, Args: args, Seccomp: true}
	}},
}

// debuggers are an adapter's, as this machine has them.
func (a adapter) debuggers() []harness.Debugger {
	if a.make != nil {
		return []harness.Debugger{a.make("", nil)}
	}
	return a.own
}

// adapterNamed is the adapter of that name, or of one debugger alone that is part of tidcheck and has it; nil if there is
// none.
func adapterNamed(name string) *adapter {
	for _, a := range adapters {
		if a.name == name {
			return &a
		}
		if i := slices.IndexFunc(a.own, func(d harness.Debugger) bool { return d.Name() == name }); i >= 0 {
			a.name, a.own = name, a.own[i:i+1]
			return &a
		}
	}
	return nil
}

func adapterNames() []string {
	names := make([]string, len(adapters))
	for i, a := range adapters {
		names[i] = a.name
	}
	return names
}

// A selection is what the command line names: debuggers, and what is known of them.
type selection struct {
	debuggers []harness.Debugger
	known     []harness.Known
}

// names are those that a list of known failures may have: the adapters', and those of this run's debuggers.
func (s selection) names() []string {
	names, all := adapterNames(), slices.Clone(s.debuggers)
	for _, a := range adapters {
		all = append(all, a.own...)
	}
	for _, d := range all {
		if !slices.Contains(names, d.Name()) {
			names = append(names, d.Name())
		}
	}
	return names
}

// choose gives the debuggers that are named, NAME or NAME=PATH, with further arguments for those that are no part of
// tidcheck, and the one that the user offers. If a single name is no adapter's, it is the offered one's.
func choose(names []string, offered offer, args []string) (chosen selection, err error) {
	if i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "-") }); i >= 0 {
		return chosen, fmt.Errorf("%s: flags come before the debuggers' names", names[i])
	}
	called, others := "", names
	if len(names) == 1 && !strings.Contains(names[0], "=") && adapterNamed(names[0]) == nil {
		called, others = names[0], nil
	}
	own, err := offered.debugger(called, args)
	if err != nil {
		return chosen, err
	}
	if own != nil {
		chosen.debuggers, names = append(chosen.debuggers, own), others
	}
	for _, name := range names {
		if err := chosen.add(name, args); err != nil {
			return chosen, err
		}
	}
	if len(chosen.debuggers) == 0 {
		return chosen, fmt.Errorf("name a debugger: %s, or --command CMD or --dap CMD", strings.Join(adapterNames(), ", "))
	}
	return chosen, nil
}

// add takes in one debugger by its name.
func (s *selection) add(text string, args []string) error {
	name, path, hasPath := strings.Cut(text, "=")
	a := adapterNamed(name)
	switch {
	case a == nil:
		return fmt.Errorf("there is no debugger %q (there are %s, and --command and --dap for any other)", name, strings.Join(adapterNames(), ", "))
	case a.make == nil && hasPath:
		return fmt.Errorf("%s is part of tidcheck: it has no other build to name (%q)", name, path)
	case a.make == nil && len(args) > 0:
		return fmt.Errorf("%s is part of tidcheck: it takes no --debugger-arg", name)
	case hasPath && path == "":
		return fmt.Errorf("%s: a path is missing behind the =", text)
	}
	made := a.own
	if a.make != nil {
		made = []harness.Debugger{a.make(path, args)}
	}
	if hasPath {
		made[0] = harness.Rename(made[0], text)
	}
	for _, d := range made {
		if slices.ContainsFunc(s.debuggers, func(other harness.Debugger) bool { return other.Name() == d.Name() }) {
			return fmt.Errorf("%s is named twice", d.Name())
		}
	}
	known, err := harness.ParseKnown("the known failures of "+a.name, a.known)
	s.debuggers, s.known = append(s.debuggers, made...), append(s.known, known...)
	return err
}

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"github.com/tidcheck/tidcheck/debuggers/command"
	"github.com/tidcheck/tidcheck/debuggers/dap"
	"github.com/tidcheck/tidcheck/harness"
)

// An offer is a debugger by a command of the user's: it speaks JSON lines, or is a debug adapter.
type offer struct {
	lines, dap string // the command, in shell words; at most one of the two
	tids       string // of an adapter: see dap.Debugger.TIDs
	arguments  object // of an adapter: see dap.Debugger.Launch and Attach
	continues  bool   // of an adapter: see dap.Debugger.Continues
}

func (o *offer) define(f *flag.FlagSet) {
	f.StringVar(&o.lines, "command", "", "a debugger that speaks JSON lines: its `command`, in shell words")
	f.StringVar(&o.dap, "dap", "", "a debugger that is a debug adapter, on its standard input and output: its `command`, in shell words")
	f.StringVar(&o.tids, "dap-tids", "", "where the adapter's thread ids are not the kernel's: an `expression` that it evaluates to pairs of both, as (1, 4711), (2, 4712)")
	f.BoolVar(&o.continues, "dap-continues", false, "wait for the adapter's event that the program goes on: lldb-dap loses a pause that comes before")
	f.Var(&o.arguments, "dap-arguments", "a JSON `object`: further arguments of the adapter's requests launch and attach")
}

// debugger is the one that is offered, under a name if there is one; nil if none is.
func (o offer) debugger(called string, args []string) (harness.Debugger, error) {
	name, line := "--command", o.lines
	switch {
	case o.lines != "" && o.dap != "":
		return nil, errors.New("--command and --dap: name one of the two")
	case o.dap != "":
		name, line = "--dap", o.dap
	case o.tids != "" || o.continues || o.arguments.text != "":
		return nil, errors.New("--dap-tids, --dap-continues and --dap-arguments are of no use without --dap")
	case o.lines == "":
		return nil, nil
	}
	argv, err := shellWords(line)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	argv = append(argv, args...)
	if o.dap == "" {
		return command.Debugger{Called: called, Argv: argv}, nil
	}
	more := o.arguments.fields
	return dap.Debugger{
		Called: called, Path: argv[0], Args: argv[1:], TIDs: o.tids, Continues: o.continues, Launch: more, Attach: more,
	}, nil
}

// again are the words of a command line that make the same offer.
func (o offer) again() (words []string) {
	for _, flag := range []struct{ name, value string }{
		{"--command", o.lines}, {"--dap", o.dap}, {"--dap-tids", o.tids}, {"--dap-arguments", o.arguments.text},
	} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	if o.continues {
		words = append(words, "--dap-continues")
	}
	return words
}

// nameless is what an offered debugger is called that was given no name.
func (o offer) nameless() string {
	if o.dap != "" {
		return dap.Debugger{}.Name()
	}
	return command.Debugger{}.Name()
}

// An object is a JSON object on the command line.
type object struct {
	text   string
	fields map[string]any
}

func (o *object) String() string { return o.text }

// Set reads it.
func (o *object) Set(text string) error {
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return fmt.Errorf("no JSON object: %w", err)
	}
	if fields == nil {
		return errors.New("no JSON object: null")
	}
	*o = object{text, fields}
	return nil
}

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"github.com/tidcheck/tidcheck/debuggers/command"
	"github.com/tidcheck/tidcheck/debuggers/dap"
	"github.com/tidcheck/tidcheck/harness"
)

// An offer is a debugger that the user gives as a command. It prints JSON lines (package command)
// or is a debug adapter (package dap).
type offer struct {
	lines, dap string // the command, in shell words; at most one of the two
	tids       string // for an adapter: see dap.Debugger.TIDs
	arguments  string // for an adapter: a JSON object; see dap.Debugger.Launch and Attach
	continues  bool   // for an adapter: see dap.Debugger.Continues
}

func (o *offer) define(f *pflag.FlagSet) {
	f.StringVar(&o.lines, "command", "",
		"test a debugger of yours that prints JSON lines: its `command`, in shell words")
	f.StringVar(&o.dap, "dap", "",
		"test a debug adapter that talks on its standard input and output: its `command`")
	f.StringVar(&o.tids, "dap-tids", "",
		"an `expression` that the adapter evaluates to pairs of its own thread id and the "+
			"kernel's, such as (1, 4711), (2, 4712); for an adapter with ids of its own")
	f.BoolVar(&o.continues, "dap-continues", false,
		"wait for the adapter's event continued before a pause; lldb-dap needs that")
	f.StringVar(&o.arguments, "dap-arguments", "",
		"a JSON `object`: extra arguments of the adapter's launch and attach requests; "+
			"with \"stopOnEntry\":false the adapter is not expected to stop at an attach")
}

// debugger makes the offered debugger, with a name unless that is empty. It is nil if none is
// offered.
func (o offer) debugger(called string, args []string) (harness.Debugger, error) {
	name, line := "--command", o.lines
	switch {
	case o.lines != "" && o.dap != "":
		return nil, errors.New("--command and --dap: give one of the two")
	case o.dap != "":
		name, line = "--dap", o.dap
	case o.tids != "" || o.continues || o.arguments != "":
		return nil, errors.New("--dap-tids, --dap-continues and --dap-arguments need --dap")
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
	var more map[string]any
	if err := json.Unmarshal([]byte(cmp.Or(o.arguments, "{}")), &more); err != nil || more == nil {
		return nil, fmt.Errorf("--dap-arguments: %q is not a JSON object", o.arguments)
	}
	return dap.Debugger{
		Called: called, Path: argv[0], Args: argv[1:], TIDs: o.tids, Continues: o.continues,
		Launch: more, Attach: more,
	}, nil
}

// again gives the words of a command line that make the same offer.
func (o offer) again() (words []string) {
	for _, flag := range []struct{ name, value string }{
		{"--command", o.lines},
		{"--dap", o.dap},
		{"--dap-tids", o.tids},
		{"--dap-arguments", o.arguments},
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

// shellWords splits a line into words as a shell does, with quotes and backslashes. It expands
// nothing.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, r := range line + "\n" { // the newline ends the last word
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case strings.ContainsRune(" \t\n", r):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		return nil, fmt.Errorf("%q: a quote is not closed", line)
	}
	if len(words) == 0 {
		return nil, errors.New("the command is empty")
	}
	return words, nil
}

// shellQuoted writes a word so that a shell reads it back as it is.
func shellQuoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

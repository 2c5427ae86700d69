// Tidcheck judges how debuggers track threads, and traces programs itself.
// `tidcheck --help` says how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck"
)

// Exit statuses that are ours, as test suites' drivers expect them.
const (
	asExpected    = 0
	notConforming = 1
	harnessError  = 2
)

// A subcommand is one of tidcheck's.
type subcommand struct {
	name, args, sentence string
	run                  func(ctx context.Context, c *invocation) (status int, err error)
}

// An invocation is a command that was called: its flags and where it writes.
type invocation struct {
	subcommand
	flags          *flag.FlagSet
	args           []string
	stdout, stderr io.Writer
}

var commands = []subcommand{
	{"run", "[flags] DEBUGGER[=PATH]…", "Runs debuggers on the scenarios and says which rules they keep.", runCommand},
	{"trace", "[flags] (-p PID | -- COMMAND [ARG…])", "Follows every thread of a program and prints what happens to it.", traceCommand},
	{"list", "[flags] [NAME…]", "Lists the scenarios, or prints what some of them declare.", listCommand},
	{"record", "[flags] -- COMMAND [ARG…]", "Prints the want lines of a program that does the same in each run.", recordCommand},
	{"check", "[flags] EVENTS.jsonl", "Judges a recorded run: whether its events are possible, and what a program declares.", checkCommand},
	{"diff", "BEFORE.json AFTER.json", "Says which verdicts changed between two reports of run --json.", diffCommand},
	{"doctor", "", "Says what this machine has for it and what is missing, by trying, and how to get it.", doctorCommand},
	{"new", "[flags] NAME", "Writes a fixture of your own, to run with --fixture.", newCommand},
}

const usage = `tidcheck tells whether a debugger tracks threads correctly: it runs programs whose threads'
lives are known under the debugger, and holds what it said against what the kernel did.

usage: tidcheck COMMAND [flags] [arguments]

`

func main() {
	os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr))
}

// dispatch runs a command and returns the exit status. Every error is one line.
func dispatch(args []string, stdout, stderr io.Writer) int {
	name := "--help"
	if len(args) > 0 {
		name = args[0]
	}
	switch name {
	case "-h", "-help", "--help", "help":
		if len(args) == 2 && name == "help" {
			return dispatch([]string{args[1], "--help"}, stdout, stderr)
		}
		help(stdout)
		if len(args) == 0 {
			return harnessError
		}
		return asExpected
	case "-version", "--version", "version":
		fmt.Fprintln(stdout, "tidcheck", tidcheck.Version)
		return asExpected
	}
	i := slices.IndexFunc(commands, func(c subcommand) bool { return c.name == name })
	if i < 0 {
		fmt.Fprintf(stderr, "tidcheck: there is no command %q (tidcheck --help has them)\n", name)
		return harnessError
	}
	c := &invocation{subcommand: commands[i], args: args[1:], stdout: stdout, stderr: stderr}
	c.flags = flag.NewFlagSet("tidcheck "+name, flag.ContinueOnError)
	c.flags.SetOutput(io.Discard)
	status, err := c.subcommand.run(context.Background(), c)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return asExpected
	case err != nil:
		text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ") // a compiler's words, say
		fmt.Fprintf(stderr, "tidcheck %s: %s\n", name, text)
	}
	return status
}

func help(w io.Writer) {
	fmt.Fprint(w, usage)
	for _, c := range commands {
		fmt.Fprintf(w, "  tidcheck %s %s\n        %s\n", c.name, c.args, c.sentence)
	}
	fmt.Fprint(w, "\n`tidcheck COMMAND --help` has its flags; `tidcheck --version` says the version.\n")
}

// parse reads the flags; --help and --version are answered here.
func (c *invocation) parse() error {
	version := c.flags.Bool("version", false, "print the suite's version and end")
	err := c.flags.Parse(c.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(c.stdout, "usage: tidcheck %s %s\n\n%s\n\n", c.name, c.subcommand.args, c.sentence)
		c.flags.SetOutput(c.stdout)
		c.flags.PrintDefaults()
	case err != nil:
		return fmt.Errorf("%w (tidcheck %s --help has the flags)", err, c.name)
	case *version:
		fmt.Fprintln(c.stdout, "tidcheck", tidcheck.Version)
		return flag.ErrHelp
	}
	return err
}

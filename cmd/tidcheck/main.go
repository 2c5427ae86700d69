// Tidcheck tests whether debuggers track threads correctly, and traces programs itself.
// `tidcheck --help` lists its commands.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/internal/inherited"
)

// Exit statuses of tidcheck's own, as programs that drive test suites expect them.
const (
	asExpected    = 0
	notConforming = 1
	harnessError  = 2
)

// A subcommand is one command of tidcheck, such as run or trace.
type subcommand struct {
	name, args, sentence string
	run                  func(ctx context.Context, c *invocation) error
	tasks                int // how many tasks it takes at least, with those that it starts
}

// An invocation is one call of a command: its arguments and its exit status.
type invocation struct {
	subcommand
	flags  *flag.FlagSet
	args   []string
	status int // an error turns asExpected into harnessError
}

var commands = []subcommand{
	{
		"run", "[flags] DEBUGGER[=PATH]…",
		"Tests debuggers: runs the scenarios under each of them and prints which rules hold.",
		runCommand, 200,
	},
	{
		"trace", "[flags] (-p PID | -- COMMAND [ARG…])",
		"Traces every thread of a program and prints its births, exits, execs and signals.",
		traceCommand, 16,
	},
	{
		"list", "[flags] [NAME…]",
		"Lists the scenarios. With names, prints what these fixtures declare.",
		listCommand, 0,
	},
	{
		"declare", "[flags] -- COMMAND [ARG…]",
		"Runs a program several times and prints what it does as a fixture's want lines.",
		declareCommand, 32,
	},
	{
		"check", "[flags] (FOLDER | EVENTS.jsonl)",
		"Judges a run again that run --keep left in a folder, or a file of events.",
		checkCommand, 0,
	},
	{
		"report", "[flags] RESULTS.json…",
		"Merges reports of run --json, and writes them as JSON, JUnit, Markdown or a page.",
		reportCommand, 0,
	},
	{
		"diff", "BEFORE.json AFTER.json",
		"Prints which verdicts differ between two reports of run --json.",
		diffCommand, 0,
	},
	{
		"known", "[flags] [PATH]",
		"Lists what is known of debuggers' failures, and drafts what a report adds to it.",
		knownCommand, 0,
	},
	{
		"repro", "[flags] [SLUG [DEBUGGER]]",
		"Prints a report of a known failure that can be sent, with a program that shows it.",
		reproCommand, 32,
	},
	{
		"doctor", "",
		"Tries what tidcheck needs on this machine, and says how to get what is missing.",
		doctorCommand, 32,
	},
	{
		"new", "[flags] NAME",
		"Writes a fixture of your own, to change and to run with run --fixture.",
		newCommand, 0,
	},
}

const usage = `tidcheck tests whether a debugger tracks threads correctly. It runs small programs
under the debugger and compares what the debugger reports with what the kernel did.

usage: tidcheck COMMAND [flags] [arguments]

`

const afterUsage = `
Exit status: 0 if all is as expected, 1 if a debugger or a file does not conform, 2 after an error
or if nothing could be judged. trace ends with its program's status.
"tidcheck COMMAND --help" lists a command's flags. "tidcheck --version" prints the version.
`

func main() {
	os.Exit(dispatch(os.Args[1:]))
}

// dispatch runs a command and returns the exit status. Every error is printed as one line.
func dispatch(args []string) int {
	if len(args) == 0 {
		help()
		return harnessError
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help", "help":
		if len(args) == 2 && name == "help" {
			return dispatch([]string{args[1], "--help"})
		}
		help()
		return asExpected
	case "-version", "--version", "version":
		fmt.Println("tidcheck", tidcheck.Version)
		return asExpected
	}
	i := slices.IndexFunc(commands, func(c subcommand) bool { return c.name == name })
	if i < 0 {
		fmt.Fprintf(os.Stderr,
			"tidcheck: there is no command %q (tidcheck --help lists them)\n", name)
		return harnessError
	}
	flags := flag.NewFlagSet("tidcheck "+name, flag.ContinueOnError)
	c := &invocation{subcommand: commands[i], flags: flags, args: args[1:]}
	flags.SetOutput(io.Discard)
	if name != "trace" { // its program is to have our umask
		inherited.UseOwnFiles()
	}
	err := inherited.HasTasks(c.tasks)
	if err == nil {
		err = c.run(context.Background(), c)
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return c.status
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ") // as a compiler's
	fmt.Fprintf(os.Stderr, "tidcheck %s: %s\n", name, text)
	return cmp.Or(c.status, harnessError)
}

func help() {
	fmt.Print(usage)
	for _, c := range commands {
		fmt.Printf("  %s\n        %s\n", c.synopsis(), c.sentence)
	}
	fmt.Print(afterUsage)
}

func (c subcommand) synopsis() string {
	return strings.TrimSpace("tidcheck " + c.name + " " + c.args)
}

// parse reads the flags. It answers --help and --version itself and then returns flag.ErrHelp.
func (c *invocation) parse() error {
	version := c.flags.Bool("version", false, "print tidcheck's version")
	err := c.flags.Parse(c.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Printf("usage: %s\n\n%s\n\n", c.synopsis(), c.sentence)
		c.flags.SetOutput(os.Stdout)
		c.flags.PrintDefaults()
	case err != nil:
		return fmt.Errorf("%w (tidcheck %s --help lists the flags)", err, c.name)
	case *version:
		fmt.Println("tidcheck", tidcheck.Version)
		return flag.ErrHelp
	}
	return err
}

// listVar defines a flag that may be given more than once. It collects the values.
func listVar(flags *flag.FlagSet, list *[]string, name, usage string) {
	flags.Func(name, usage, func(value string) error {
		*list = append(*list, value)
		return nil
	})
}

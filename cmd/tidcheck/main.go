// Tidcheck tests whether debuggers track threads correctly, and traces programs itself.
// `tidcheck --help` lists its commands.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/event"
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
	group, use, sentence string
	define               func(c *invocation) action
	tasks                int // how many tasks it takes at least, with those that it starts
}

// An action is what a command does with its arguments.
type action func(ctx context.Context, args []string) error

// An invocation is one call of a command, and its exit status.
type invocation struct {
	*cobra.Command
	status int // an error turns asExpected into harnessError
}

// Groups of commands, in the order of the help.
var groups = []*cobra.Group{
	{ID: "test", Title: "Test debuggers:"},
	{ID: "results", Title: "Results and what is known:"},
	{ID: "trace", Title: "Trace programs:"},
	{ID: "fixtures", Title: "Fixtures:"},
}

// commands is what the help lists, but for what cobra adds.
var commands = []subcommand{
	{
		"test", "run [flags] DEBUGGER[=PATH]…",
		"Tests debuggers: runs the scenarios under each of them and prints which rules hold.",
		runCommand, 200,
	},
	{
		"test", "check [flags] (FOLDER | EVENTS.jsonl)",
		"Judges a run again that run --keep left in a folder, or a file of events.",
		checkCommand, 0,
	},
	{
		"test", "doctor",
		"Tries what tidcheck needs on this machine, and says how to get what is missing.",
		doctorCommand, 32,
	},
	{
		"results", "report [flags] RESULTS.json…",
		"Merges reports of run --json, and writes them as JSON, JUnit, Markdown or a page.",
		reportCommand, 0,
	},
	{
		"results", "diff BEFORE.json AFTER.json",
		"Prints which verdicts differ between two reports of run --json: better or worse.",
		diffCommand, 0,
	},
	{
		"results", "known [flags] [PATH]",
		"Lists what is known of debuggers' failures, and drafts what a report adds to it.",
		knownCommand, 0,
	},
	{
		"results", "repro [flags] [SLUG [DEBUGGER]]",
		"Prints a report of a known failure that can be sent, with a program that shows it.",
		reproCommand, 32,
	},
	{
		"trace", "trace [flags] (-p PID | -- COMMAND [ARG…])",
		"Traces every thread of a program and prints its births, exits, execs and signals.",
		traceCommand, 16,
	},
	{
		"fixtures", "list [flags] [NAME…]",
		"Lists the scenarios. With names, prints what these fixtures declare.",
		listCommand, 0,
	},
	{
		"fixtures", "new [flags] NAME",
		"Writes a fixture of your own, to change and to run with run --fixture.",
		newCommand, 0,
	},
	{
		"fixtures", "declare [flags] -- COMMAND [ARG…]",
		"Runs a program several times and prints what it does as a fixture's want lines.",
		declareCommand, 32,
	},
	{
		"", "man FOLDER",
		"Writes the commands' manual pages into a folder.",
		manual, 0,
	},
}

const usage = `tidcheck tests whether a debugger tracks threads correctly. It runs small programs
under the debugger and compares what the debugger reports with what the kernel did.

Exit status: 0 if all is as expected, 1 if a debugger or a file does not conform, 2 after an error
or if nothing could be judged. trace ends with its program's status.`

const examples = `  tidcheck run gdb lldb                         the scenarios under two debuggers
  tidcheck run --quick --html page.html gdb     a few seconds, and a page of what failed
  tidcheck run --command "./mine --json" mine   a debugger of your own
  tidcheck trace -- make                        every thread of a program, as it comes`

func main() {
	os.Exit(dispatch(os.Args[1:]))
}

// dispatch runs a command and returns the exit status. Every error is printed as one line.
func dispatch(args []string) int {
	status := asExpected
	root := newRoot(args, &status)
	c, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return status
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ") // as a compiler's
	fmt.Fprintf(os.Stderr, "%s: %s\n", c.CommandPath(), text)
	return cmp.Or(status, harnessError)
}

// width is how wide help is printed.
const width = 100

// newRoot makes the command line. A command that ran leaves its exit status.
func newRoot(args []string, status *int) *cobra.Command {
	root := &cobra.Command{
		Use: "tidcheck", Long: usage, Example: examples, Version: tidcheck.Version,
		SilenceErrors: true, SilenceUsage: true, SuggestionsMinimumDistance: 2,
	}
	root.SetArgs(args)
	root.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := "tidcheck --help lists them"
		if near := root.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return fmt.Errorf("there is no command %q (%s)", args[0], hint)
	}
	root.RunE = func(*cobra.Command, []string) error {
		*status = harnessError
		return root.Help()
	}
	root.SetVersionTemplate("tidcheck {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return explainFlag(c, args, err)
	})
	cobra.AddTemplateFunc("wrapped", func(f *pflag.FlagSet) string {
		return f.FlagUsagesWrapped(width)
	})
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(),
		".LocalFlags.FlagUsages", "wrapped .LocalFlags"))
	root.AddGroup(groups...)
	for _, one := range commands {
		root.AddCommand(one.command(status))
	}
	return root
}

// command makes one command.
func (s subcommand) command(status *int) *cobra.Command {
	c := &invocation{Command: &cobra.Command{
		Use: s.use, GroupID: s.group, Short: s.sentence, Long: s.sentence,
		Version: tidcheck.Version, DisableFlagsInUseLine: true,
	}}
	c.Flags().SortFlags = false
	c.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault) // files
	run := s.define(c)
	c.Flags().BoolP("help", "h", false, "print this")
	c.Flags().Bool("version", false, "print tidcheck's version")
	c.SetVersionTemplate("tidcheck {{.Version}}\n")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Name() != "trace" { // its program is to have our umask
			inherited.UseOwnFiles()
		}
		err := inherited.HasTasks(s.tasks)
		if err == nil {
			err = run(cmd.Context(), args)
		}
		*status = c.status
		return err
	}
	return c.Command
}

// explainFlag says what to do about a flag that is wrong. With one dash pflag reads -run as -r -u
// -n.
func explainFlag(c *cobra.Command, args []string, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) {
		why := invalid.Unwrap()
		if errors.Is(why, strconv.ErrSyntax) {
			why = fmt.Errorf("%q is not a number", invalid.GetValue())
		}
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, why)
	}
	hint := c.CommandPath() + " --help lists the flags"
	for _, arg := range args {
		text, dashed := strings.CutPrefix(arg, "-")
		name, _, _ := strings.Cut(text, "=")
		if dashed && len(name) > 1 && c.Flags().Lookup(name) != nil {
			hint = "write --" + name
		}
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

// manual writes a manual page for each command.
func manual(c *invocation) action {
	c.Long += " FOLDER may be new."
	return func(_ context.Context, args []string) error {
		if len(args) != 1 {
			return errors.New("name a folder for the pages")
		}
		if err := os.MkdirAll(args[0], 0o777); err != nil {
			return err
		}
		header := doc.GenManHeader{Section: "1", Source: "tidcheck " + tidcheck.Version}
		return doc.GenManTree(c.Root(), &header, args[0])
	}
}

// completes has a shell complete arguments by names.
func completes(names func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	}
}

// argument is the nth argument; empty if there are not so many.
func argument(args []string, n int) string {
	if n < len(args) {
		return args[n]
	}
	return ""
}

// listVar defines a flag that may be given more than once. It collects the values.
func listVar(flags *pflag.FlagSet, list *[]string, name, usage string) {
	flags.Func(name, usage, func(value string) error {
		*list = append(*list, value)
		return nil
	})
}

func plural(n int, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "s"):
		what += "es"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// exitStatus is a program's status as a shell gives it: 128 and the signal's number if a signal
// killed it. It is 0 if the tracer detached.
func exitStatus(s event.Status) int {
	switch {
	case s == event.Unknown:
		return asExpected
	case s.Signal() != 0:
		return 128 + int(s.Signal())
	}
	return s.Code()
}

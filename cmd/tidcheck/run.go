package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/tidcheck/tidcheck/debuggers/book"
	"github.com/tidcheck/tidcheck/debuggers/command"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/report"
)

func runCommand(ctx context.Context, c *invocation) (int, error) {
	match := c.flags.String("run", "", "run the scenarios in whose scenario/mode this regular expression (`regexp`) is found")
	jsonFile := c.flags.String("json", "", "write the results to this `file` as JSON (- is standard output)")
	knownFile := c.flags.String("known", "", "a `file` of known failures, a line each: DEBUGGER SCENARIO/MODE RULE VERSION REPORT")
	line := c.flags.String("command", "", "a debugger that speaks JSON lines: its `command`, in shell words")
	quick := c.flags.Bool("quick", false, "run the quick set alone: some seconds, and something of every group, mode and rule")
	long := c.flags.Bool("long", false, "run the long set too: real programs, and what takes up to a minute")
	repeat := c.flags.Int("repeat", 1, "run each scenario `N` times, and say in how many it passed")
	var own ownFixtures
	c.flags.Var(&own, "fixture", "run this `FILE`, a fixture that is not in the catalogue; may be given more than once")
	jobs := c.flags.Int("jobs", 0, "runs at once; 0 is four times the CPUs, since a run mostly waits")
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	o := harness.Options{Jobs: *jobs, Reference: reference.Debugger{}, Quick: *quick, Long: *long, Repeat: *repeat, Fixtures: own}
	debuggers, err := chosen(c.flags.Args(), *line)
	if err == nil && *match != "" {
		o.Match, err = regexp.Compile(*match)
	}
	if err == nil && *knownFile != "" {
		o.Known, err = harness.ReadKnown(*knownFile)
	}
	if err == nil && *jobs < 0 {
		err = errors.New("--jobs: the number of runs at once is not negative")
	}
	if err == nil && *quick && *long {
		err = errors.New("--quick and --long: name one of the two")
	}
	if err == nil && *repeat < 1 {
		err = errors.New("--repeat: each scenario is run once at least")
	}
	var out *os.File
	if err == nil {
		out, err = createJSON(*jsonFile)
	}
	if err != nil {
		return harnessError, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	result, err := harness.RunAll(ctx, debuggers, o, func(results []harness.Result) { c.told(*jsonFile, results) })
	if result == nil {
		return harnessError, err
	}
	if *jsonFile != "-" {
		report.Summary(c.stdout, result)
	}
	if writeErr := writeJSON(c, out, *jsonFile, result); writeErr != nil {
		return harnessError, writeErr
	}
	if err != nil {
		return harnessError, fmt.Errorf("stopped before all was run: %w", err)
	}
	return report.Status(result), nil
}

// ownFixtures are those of --fixture.
type ownFixtures []fixtures.Fixture

func (o *ownFixtures) String() string { return "" }

// Set reads a fixture's head.
func (o *ownFixtures) Set(file string) error {
	f, err := fixtures.Load(file)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(*o, func(other fixtures.Fixture) bool { return other.Name == f.Name }) {
		return fmt.Errorf("%s: two fixtures are called %s", file, f.Name)
	}
	*o = append(*o, f)
	return nil
}

// told prints a scenario's results, unless standard output is for the JSON.
func (c *invocation) told(jsonFile string, results []harness.Result) {
	if jsonFile != "-" {
		report.Line(c.stdout, results)
	}
}

// createJSON creates the file of --json, if there is one, before a run that would be lost without it.
func createJSON(name string) (*os.File, error) {
	if name == "" || name == "-" {
		return nil, nil
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666) // what it holds stays until there is better
	if err != nil {
		return nil, fmt.Errorf("--json: %w", err)
	}
	return file, nil
}

func writeJSON(c *invocation, file *os.File, name string, result *harness.Report) error {
	if name == "-" {
		return report.JSON(c.stdout, result)
	}
	if file == nil {
		return nil
	}
	file.Truncate(0) // EINVAL for what is no plain file
	if err := cmp.Or(report.JSON(file, result), file.Close()); err != nil {
		return fmt.Errorf("--json: %w", err)
	}
	return nil
}

// chosen are the debuggers that are named on the command line.
func chosen(names []string, line string) ([]harness.Debugger, error) {
	var list []harness.Debugger
	if line != "" {
		argv, err := shellWords(line)
		if err != nil {
			return nil, fmt.Errorf("--command: %w", err)
		}
		d := command.Debugger{Argv: argv}
		if len(names) == 1 && builtin(names[0]) == nil {
			d.Called, names = names[0], nil
		}
		list = append(list, d)
	}
	for _, name := range names {
		name, path, hasPath := strings.Cut(name, "=")
		if hasPath {
			return nil, fmt.Errorf("%s is part of tidcheck: it has no other build to name (%q)", name, path)
		}
		d := builtin(name)
		switch {
		case strings.HasPrefix(name, "-"):
			return nil, fmt.Errorf("%s: flags come before the debuggers' names", name)
		case d == nil:
			return nil, fmt.Errorf("there is no debugger %q (there are reference and book, and --command for any other)", name)
		case slices.ContainsFunc(list, func(other harness.Debugger) bool { return other.Name() == name }):
			return nil, fmt.Errorf("%s is named twice", name)
		}
		list = append(list, d)
	}
	if len(list) == 0 {
		return nil, errors.New("name a debugger: reference, book, or --command CMD")
	}
	return list, nil
}

// builtin is the debugger of that name that is part of tidcheck, nil if there is none.
func builtin(name string) harness.Debugger {
	switch name {
	case "reference":
		return reference.Debugger{}
	case "book":
		return book.Debugger{}
	}
	return nil
}

// shellWords splits a line as a shell would, with quotes and backslashes, and expands nothing.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, r := range line {
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
	if quote != 0 || escaped {
		return nil, fmt.Errorf("%q: a quote is not closed", line)
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("the command is empty")
	}
	return words, nil
}

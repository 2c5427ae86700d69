package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/report"
)

// A runRequest is what the command line of run asks for.
type runRequest struct {
	match, json, known, keep, required string
	offered                            offer
	quick, long, bisect                bool
	repeat, jobs                       int
	timeScale                          float64
	args                               words
	own                                ownFixtures
}

func (r *runRequest) define(c *invocation) {
	f := c.flags
	f.StringVar(&r.match, "run", "", "run the scenarios in whose scenario/mode this regular expression (`regexp`) is found")
	f.StringVar(&r.json, "json", "", "write the results to this `file` as JSON (- is standard output)")
	f.StringVar(&r.known, "known", "", "a `file` of known failures, a line each: DEBUGGER[,…] SCENARIO/MODE RULE[?][,…] VERSION REPORT")
	r.offered.define(f)
	f.StringVar(&r.keep, "keep", "", "keep in this `folder` one of each run: what was said, what was true, and how to run it again")
	f.StringVar(&r.required, "require", "", "fail if one of these is missing, a `list` of debuggers and needs divided by commas: gdb,perf,cc,…")
	f.BoolVar(&r.quick, "quick", false, "run the quick set alone: some seconds, and something of every group, mode and rule")
	f.BoolVar(&r.long, "long", false, "run the long set too: real programs, and what takes up to a minute")
	f.BoolVar(&r.bisect, "bisect", false, "end with 125 where the status would be 2, so that git bisect run passes over what cannot be tested")
	f.IntVar(&r.repeat, "repeat", 1, "run each scenario `N` times, and say in how many it passed")
	f.IntVar(&r.jobs, "jobs", 0, "runs at once; 0 is four times the CPUs, since a run mostly waits")
	f.Float64Var(&r.timeScale, "time-scale", 1, "multiply every limit by this `factor`, for a slow machine")
	f.Var(&r.args, "debugger-arg", "a further `argument` for the debuggers that are programs of their own; may be given more than once")
	f.Var(&r.own, "fixture", "run this `FILE`, a fixture that is not in the catalogue; may be given more than once")
}

// options reads what is asked for, and refuses what has no meaning.
func (r *runRequest) options(c *invocation) (o harness.Options, debuggers []harness.Debugger, err error) {
	o = harness.Options{
		Reference: reference.Debugger{}, Quick: r.quick, Long: r.long, Fixtures: r.own,
		Repeat: r.repeat, Jobs: r.jobs, TimeScale: r.timeScale, Keep: r.keep,
		Again: func(debugger string, s harness.Scenario) string { return c.again(r.offered, debugger, s) },
	}
	switch {
	case r.jobs < 0:
		return o, nil, errors.New("--jobs: the number of runs at once is not negative")
	case r.quick && r.long:
		return o, nil, errors.New("--quick and --long: name one of the two")
	case r.repeat < 1:
		return o, nil, errors.New("--repeat: each scenario is run once at least")
	case !(r.timeScale > 0 && r.timeScale <= maxTimeScale):
		return o, nil, fmt.Errorf("--time-scale: a factor is above 0 and at most %d", maxTimeScale)
	}
	chosen, err := choose(c.flags.Args(), r.offered, r.args)
	if err != nil {
		return o, nil, err
	}
	if o.Known = chosen.known; r.known != "" {
		own, err := harness.ReadKnown(r.known, chosen.names()...)
		if err != nil {
			return o, nil, err
		}
		o.Known = append(own, o.Known...) // the first that fits counts
	}
	if r.match != "" {
		if o.Match, err = regexp.Compile(r.match); err != nil {
			return o, nil, err
		}
	}
	if r.keep != "" {
		err = os.MkdirAll(r.keep, 0o755)
	}
	return o, chosen.debuggers, err
}

// maxTimeScale keeps a limit within what a clock can count.
const maxTimeScale = 1000

// again is the command that runs one scenario of this invocation once more: its flags, without those that choose
// scenarios and count them.
func (c *invocation) again(offered offer, debugger string, s harness.Scenario) string {
	words := []string{"tidcheck", "run", "--run", "^" + s.String() + "$"}
	c.flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "time-scale":
			words = append(words, "--time-scale", f.Value.String())
		case "debugger-arg", "fixture":
			for _, value := range f.Value.(interface{ given() []string }).given() {
				words = append(words, "--"+f.Name, value)
			}
		}
	})
	if s.Fixture.Set == fixtures.Long && !s.Fixture.Own {
		words = append(words, "--long")
	}
	if name, _, _ := strings.Cut(debugger, "="); adapterNamed(name) == nil {
		words = append(words, offered.again()...)
		if debugger == offered.nameless() {
			debugger = ""
		}
	}
	if debugger != "" {
		words = append(words, debugger)
	}
	for i, w := range words {
		words[i] = shellQuoted(w)
	}
	return strings.Join(words, " ")
}

func runCommand(ctx context.Context, c *invocation) (int, error) {
	var r runRequest
	r.define(c)
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	status, err := c.run(ctx, &r)
	if r.bisect && status == harnessError {
		status = untestable
	}
	return status, err
}

// untestable has git bisect run pass over a commit.
const untestable = 125

func (c *invocation) run(ctx context.Context, r *runRequest) (int, error) {
	o, debuggers, err := r.options(c)
	if err != nil {
		return harnessError, err
	}
	if err := require(ctx, r.required, debuggers); err != nil {
		return harnessError, err
	}
	out, err := createJSON(r.json)
	if err != nil {
		return harnessError, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	result, err := harness.RunAll(ctx, debuggers, o, func(results []harness.Result) { c.told(r.json, results) })
	if result == nil {
		return harnessError, err
	}
	if r.json != "-" {
		report.Summary(c.stdout, result)
		if err == nil { // who was to be caught may not have been run
			fmt.Fprint(c.stdout, defective.KillTable(result.Results))
		}
	}
	if writeErr := writeJSON(c, out, r.json, result); writeErr != nil {
		return harnessError, writeErr
	}
	if err != nil {
		return harnessError, fmt.Errorf("stopped before all was run: %w", err)
	}
	return report.Status(result), nil
}

// words are what a flag was given, each time.
type words []string

func (w *words) String() string { return "" }

func (w *words) given() []string { return *w }

// Set takes one.
func (w *words) Set(text string) error {
	*w = append(*w, text)
	return nil
}

// ownFixtures are those of --fixture.
type ownFixtures []fixtures.Fixture

func (o *ownFixtures) String() string { return "" }

func (o *ownFixtures) given() (files []string) {
	for _, f := range *o {
		files = append(files, f.Source)
	}
	return files
}

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
	if len(result.Results) == 0 { // it was stopped at once
		return file.Close()
	}
	file.Truncate(0) // EINVAL for what is no plain file
	if err := cmp.Or(report.JSON(file, result), file.Close()); err != nil {
		return fmt.Errorf("--json: %w", err)
	}
	return nil
}

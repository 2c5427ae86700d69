package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/findings"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/report"
)

// A runRequest is what the command line of run asks for.
type runRequest struct {
	harness.Options
	files                           resultFiles
	match, known, history, required string
	counted                         *findings.History // nil without --history
	offered                         offer
	bisect, failFast                bool
	args                            []string
	printer                         report.Printer
	slowest                         int
	rerun                           string          // the file of --rerun-failed
	failed                          map[string]bool // what it says was not as expected
	shuffle                         *uint64
	shard, shards                   int
}

func (r *runRequest) define(f *pflag.FlagSet) {
	f.StringVar(&r.match, "run", "",
		"run only scenarios whose SCENARIO/MODE matches this `regexp`, such as fork/launch")
	r.files.define(f)
	f.StringVar(&r.known, "known", "",
		"expect the failures of your own findings in this `path`: a file, "+
			"or a folder of folders as findings/ of the suite (its README has the form)")
	f.StringVar(&r.history, "history", "",
		"count passes of what is known to fail at times over all runs that this `file` has, "+
			"and add this one (JSON lines)")
	r.offered.define(f)
	f.StringVar(&r.Keep, "keep", "",
		"keep the evidence of each run in this `folder`; tidcheck check judges it again")
	f.StringVar(&r.required, "require", "",
		"fail if one of this `list` is missing: names as in tidcheck doctor, such as gdb,perf")
	f.BoolVar(&r.Quick, "quick", false,
		"run only the quick set: a few seconds, with some of every group, mode and rule")
	f.BoolVar(&r.Long, "long", false,
		"run the long set too: real programs, and scenarios that take up to a minute")
	f.BoolVarP(&r.printer.All, "verbose", "v", false,
		"print every result, and how each pass was judged")
	f.BoolVarP(&r.printer.Quiet, "quiet", "q", false,
		"print the table and the counts at the end alone")
	f.IntVar(&r.slowest, "slowest", 0, "print the `N` scenarios that took longest")
	f.BoolVar(&r.failFast, "fail-fast", false,
		"begin no more runs after the first result that is not as expected")
	f.StringVar(&r.rerun, "rerun-failed", "",
		"run what was not as expected in this `file` of --json, by the debuggers that it names "+
			"unless you name some")
	f.Func("shuffle", "run the scenarios in another order, which this `number` gives", r.setShuffle)
	f.Func("shard", "run the `i/n`th part of all alone, such as 1/4", r.setShard)
	f.BoolVar(&r.bisect, "bisect", false,
		"end with status 125 instead of 2, so that git bisect run skips what cannot be tested")
	f.IntVar(&r.Repeat, "repeat", 1, "run each scenario `N` times and print how many runs passed")
	f.IntVar(&r.Jobs, "jobs", 0,
		"make `N` runs at once; 0 is four times the CPUs, since a run mostly waits")
	f.BoolVar(&r.FullLimits, "full-limits", false,
		"wait until a run's time is over, also when it is proven to hang")
	f.Float64Var(&r.TimeScale, "time-scale", 1, "multiply every time limit by this `factor`")
	listVar(f, &r.args, "debugger-arg",
		"pass this extra `argument` to external debuggers; may be given more than once")
	f.Func("fixture",
		"run this `FILE`, your own fixture, instead of the catalogue; may be given more than once",
		r.addFixture)
}

func (r *runRequest) setShuffle(text string) error {
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("give a number such as 7")
	}
	r.shuffle = &seed
	return nil
}

func (r *runRequest) setShard(text string) error {
	part, of, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(part)
	n, err2 := strconv.Atoi(of)
	if err1 != nil || err2 != nil || i < 1 || i > n {
		return errors.New("give a part and how many there are, such as 1/4")
	}
	r.shard, r.shards = i, n
	return nil
}

// plan chooses among the runs of a suite and orders them.
func (r *runRequest) plan(all []harness.Planned) (chosen []harness.Planned) {
	for _, p := range all {
		if r.failed == nil || r.failed[p.Debugger+" "+p.Scenario.String()] {
			chosen = append(chosen, p)
		}
	}
	if r.shards > 0 {
		whole := chosen
		chosen = nil
		for i := r.shard - 1; i < len(whole); i += r.shards {
			chosen = append(chosen, whole[i])
		}
	}
	if r.shuffle != nil {
		rand.New(rand.NewPCG(*r.shuffle, 0)).Shuffle(len(chosen), func(i, j int) {
			chosen[i], chosen[j] = chosen[j], chosen[i]
		})
	}
	r.printer.Plan = chosen
	r.printer.Begin()
	return chosen
}

// readFailed reads the file of --rerun-failed, and names its debuggers that were not as expected.
func (r *runRequest) readFailed() (debuggers []string, err error) {
	before, err := readReport(r.rerun)
	if err != nil {
		return nil, err
	}
	r.failed = map[string]bool{}
	r.Long = !r.Quick // failures of the long set are run again too
	for _, one := range report.Unexpected(before.Results) {
		r.failed[one.Debugger+" "+one.Scenario+"/"+string(one.Mode)] = true
		if !slices.Contains(debuggers, one.Debugger) {
			debuggers = append(debuggers, one.Debugger)
		}
	}
	if debuggers == nil {
		return nil, fmt.Errorf("%s: every result is as expected: nothing is to be run again",
			r.rerun)
	}
	return debuggers, nil
}

// addFixture reads the head of a fixture that --fixture names.
func (r *runRequest) addFixture(file string) error {
	f, err := fixtures.Load(file)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.Fixtures, func(o fixtures.Fixture) bool { return o.Name == f.Name }) {
		return fmt.Errorf("%s: two fixtures are called %s", file, f.Name)
	}
	r.Fixtures = append(r.Fixtures, f)
	return nil
}

// maxTimeScale keeps a limit within what a time.Duration can hold.
const maxTimeScale = 1000

// complete fills in the harness's options that are not flags, and returns the debuggers that are
// named. It refuses flags that make no sense.
func (r *runRequest) complete(names []string) (debuggers []harness.Debugger, err error) {
	switch {
	case r.Jobs < 0:
		err = errors.New("--jobs: the number of runs at once must not be negative")
	case r.Quick && r.Long:
		err = errors.New("--quick and --long: give one of the two")
	case r.Repeat < 1:
		err = errors.New("--repeat: give 1 or more")
	case r.printer.All && r.printer.Quiet:
		err = errors.New("-v and -q: give one of the two")
	case r.slowest < 0:
		err = errors.New("--slowest: the number of scenarios must not be negative")
	case !(r.TimeScale > 0 && r.TimeScale <= maxTimeScale): // NaN too
		err = fmt.Errorf("--time-scale: give a factor above 0 and at most %d", maxTimeScale)
	case r.rerun != "":
		var failed []string
		if failed, err = r.readFailed(); err != nil {
			return nil, err
		}
		if len(names) == 0 && r.offered.lines+r.offered.dap == "" {
			names = failed
		}
	}
	if err == nil {
		debuggers, err = choose(names, r.offered, r.args)
	}
	if err != nil {
		return nil, err
	}
	var own []harness.Scenario
	if r.Fixtures != nil {
		if own, err = (harness.Options{Fixtures: r.Fixtures}).Scenarios(); err != nil {
			return nil, err
		}
	}
	known, err := everyKnown(r.known, own, knownNames(debuggers)...)
	if err != nil {
		return nil, err
	}
	r.Reference, r.Again, r.Expect = reference.Debugger{}, r.again, known.Expect
	r.Plan, r.printer.Like = r.plan, known.Like
	if r.history != "" {
		if r.counted, err = findings.ReadHistory(r.history); err != nil {
			return nil, fmt.Errorf("--history: %w", err)
		}
		r.Expect = func(result harness.Result) harness.Result {
			return r.counted.Expect(known, result)
		}
	}
	if r.match != "" {
		if r.Match, err = regexp.Compile(r.match); err != nil {
			return nil, fmt.Errorf("--run: %w", err)
		}
	}
	if r.Keep != "" {
		err = os.MkdirAll(r.Keep, 0o755)
	}
	return debuggers, err
}

// again gives the command line that runs one scenario of this request once more.
func (r *runRequest) again(debugger string, s harness.Scenario) string {
	words := []string{"tidcheck", "run", "--run", "^" + s.String() + "$"}
	for _, arg := range r.args {
		words = append(words, "--debugger-arg", arg)
	}
	for _, f := range r.Fixtures {
		words = append(words, "--fixture", f.Source)
	}
	if r.TimeScale != 1 {
		words = append(words, "--time-scale", fmt.Sprint(r.TimeScale))
	}
	if s.Fixture.Set == fixtures.Long && !s.Fixture.Own {
		words = append(words, "--long")
	}
	if !isConfigured(debugger) {
		words = append(words, r.offered.again()...)
	}
	if debugger != "command" && debugger != "dap" { // an offered one without a name
		words = append(words, debugger)
	}
	for i, w := range words {
		words[i] = shellQuoted(w)
	}
	return strings.Join(words, " ")
}

// untestable is the status for which git bisect run skips a commit.
const untestable = 125

func runCommand(c *invocation) action {
	var r runRequest
	r.define(c.Flags())
	c.Long += "\n\nDEBUGGER is one of these:\n"
	for _, one := range configurations("", nil) {
		c.Long += fmt.Sprintf("  %-18s %s\n", one.name, one.sentence)
	}
	c.Long += "\nor, with --command or --dap, a name for your own debugger. " +
		"NAME=PATH tests another build,\nNAME@VERSION one of `make ladder`."
	c.ValidArgsFunction = completes(debuggerNames)
	c.RegisterFlagCompletionFunc("run", completes(scenarioNames))
	c.RegisterFlagCompletionFunc("require", completes(checkNames))
	return func(ctx context.Context, args []string) error {
		err := r.run(ctx, c, args)
		if r.bisect && (err != nil || c.status == harnessError) {
			c.status = untestable
		}
		return err
	}
}

func (r *runRequest) run(ctx context.Context, c *invocation, args []string) error {
	debuggers, err := r.complete(args)
	if err != nil {
		return err
	}
	if err := require(ctx, r.required, debuggers); err != nil {
		return err
	}
	if err := r.compile(ctx); err != nil {
		return err
	}
	if err := r.files.open(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	toStdout := r.files.toStdout() // then standard output is for that alone
	// A closed pipe costs the words for people alone: a write then fails, and does not end us.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	out := &checked{Writer: os.Stdout}
	r.printer.Out = out
	if toStdout {
		r.printer.Out = io.Discard
	} else if width := columns(os.Stdout); width() > 0 && os.Getenv("TERM") != "dumb" {
		r.printer.Columns, r.printer.Colour = width, os.Getenv("NO_COLOR") == ""
	}
	cut := 0
	isCut := func(one harness.Result) bool { // it tells nothing
		return ctx.Err() != nil && one.Verdict == judge.Unresolved &&
			strings.Contains(one.Detail, context.Cause(ctx).Error())
	}
	result, err := harness.RunAll(ctx, debuggers, r.Options, func(results []harness.Result) {
		if isCut(results[0]) {
			cut++
			return
		}
		r.printer.Print(results)
		if r.failFast && len(report.Unexpected(results)) > 0 {
			fail(errFailedFast)
		}
	})
	r.printer.End()
	if result == nil {
		return err
	}
	if r.shards > 1 {
		result.Shards = []string{fmt.Sprintf("%d/%d", r.shard, r.shards)}
	}
	result.Results = slices.DeleteFunc(result.Results, isCut)
	var historyErr error
	if r.counted != nil {
		historyErr = r.counted.Write()
	}
	if !toStdout {
		r.summarize(result)
	}
	writeErr := r.files.write(result)
	switch {
	case historyErr != nil:
		return fmt.Errorf("--history: %w", historyErr)
	case writeErr != nil:
		return writeErr
	case err != nil && !errors.Is(err, errFailedFast):
		return fmt.Errorf("stopped before all was run: %w (what was under way is left out: %s)",
			err, plural(cut, "scenario"))
	case out.err != nil:
		return fmt.Errorf("standard output: %w", out.err)
	}
	c.status = report.Status(result)
	return nil
}

// errFailedFast is why a run with --fail-fast was stopped.
var errFailedFast = errors.New("--fail-fast: a result is not as expected")

// compile sees that the user's own fixtures can be built, so that what is wrong is told once.
func (r *runRequest) compile(ctx context.Context) error {
	for _, f := range r.Fixtures {
		source, err := build.Fixture(f)
		if err != nil {
			return fmt.Errorf("--fixture: %w", err)
		}
		_, err = build.Program(ctx, source)
		if failure := new(build.Failure); errors.As(err, &failure) {
			fmt.Fprint(os.Stderr, failure.Output)
			return fmt.Errorf("--fixture: %s cannot be built: %w", f.Source, failure.Err)
		}
	}
	return nil // if a compiler is missing, the results say so
}

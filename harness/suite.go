package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/inherited"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/transcript"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
)

// Options say which scenarios are run, and how. The zero value runs the catalogue but for its long
// set.
type Options struct {
	Match    *regexp.Regexp     // searched in scenario/mode; nil for all
	Quick    bool               // those of the quick set alone
	Long     bool               // those of the long set too
	Fixtures []fixtures.Fixture // these instead of the catalogue's
	Repeat   int                // runs of each scenario, none of which may fail; zero for one
	// Keep names a folder in which each run leaves one of its own: what was said, what was true and
	// what /proc showed.
	Keep string
	// Expect, if it is not nil, changes results by what is known of a debugger, as
	// findings.List.Expect does.
	Expect func(Result) Result
	// Again, if it is not nil, gives the command that runs a scenario once more.
	Again func(debugger string, s Scenario) string
	// TimeScale multiplies every time limit, for a slow machine; zero is one.
	TimeScale float64
	// FullLimits waits until a run's time is over. Else a run ends when it is proven to hang.
	FullLimits bool
	// Reference, if it is not nil, launches each fixture once first. If its words differ from the
	// other accounts, no debugger is judged by that fixture.
	Reference Debugger
	// Plan, if it is not nil, chooses among all that RunAll would run, and orders it.
	Plan func([]Planned) []Planned
	// Jobs is how many runs RunAll makes at once; zero is four times the CPUs, since a run mostly
	// waits. They are fewer where the limit on open files is low.
	Jobs int

	witness string // the machine's, as RunAll found it
}

// FormVersion is the version of the form in which a Report is written as JSON.
const FormVersion = 1

// A Report is the outcome of a suite: what --json writes. docs/results.md describes it.
type Report struct {
	Form      int        `json:"form,omitempty"` // FormVersion; zero before it had a version
	Suite     string     `json:"suite"`          // its version
	Machine   Machine    `json:"machine"`
	Debuggers []Identity `json:"debuggers"`
	Results   []Result   `json:"results"`
	Stopped   string     `json:"stopped,omitempty"` // why it was stopped before all was run
	Shards    []string   `json:"shards,omitempty"`  // the parts that were run, if not all: "1/4"
}

// A Machine is where a suite ran.
type Machine struct {
	Kernel  string `json:"kernel"`
	Arch    string `json:"arch"`
	Witness string `json:"witness"` // where truth came from besides the ledger
	// Refused says of each of the kernel's accounts that cannot be had why that is.
	Refused map[judge.Source]string `json:"refused,omitempty"`
}

// An Identity is a debugger under test.
type Identity struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// A Scenario is a fixture and a way to meet it.
type Scenario struct {
	Fixture fixtures.Fixture
	Mode    fixtures.Mode
}

// A Planned is what RunAll runs Options.Repeat times: a debugger on a scenario.
type Planned struct {
	Debugger string
	Scenario Scenario
	nth      int // of the debuggers
}

// String is scenario/mode: "fork/launch".
func (s Scenario) String() string { return s.Fixture.Name + "/" + string(s.Mode) }

// Scenarios lists the scenarios that the options choose.
func (o Options) Scenarios() ([]Scenario, error) {
	chosen := o.Fixtures
	if chosen == nil {
		catalogue, err := fixtures.Catalogue()
		if err != nil {
			return nil, err
		}
		chosen = slices.DeleteFunc(catalogue, func(f fixtures.Fixture) bool {
			return f.Set == fixtures.Long && !o.Long || f.Set != fixtures.Quick && o.Quick
		})
	}
	var list []Scenario
	for _, f := range chosen {
		for _, m := range f.Modes {
			if s := (Scenario{f, m}); o.Match == nil || o.Match.MatchString(s.String()) {
				list = append(list, s)
			}
		}
	}
	return list, nil
}

// whyNone says why no scenario is chosen.
func (o Options) whyNone() error {
	if o.Match == nil {
		return errors.New("no scenario is chosen")
	}
	if !o.Long || o.Quick {
		others, err := Options{Match: o.Match, Long: true, Fixtures: o.Fixtures}.Scenarios()
		if err == nil && len(others) > 0 {
			set := cmp.Or(others[0].Fixture.Set, "neither quick nor long")
			return fmt.Errorf("no scenario that is chosen matches %s: %s is of the set %q", o.Match,
				others[0], set)
		}
	}
	return fmt.Errorf("no scenario matches %s (tidcheck list has them)", o.Match)
}

// A subject is a debugger with its version, which is asked for once, or why it cannot be had.
type subject struct {
	Debugger
	version string
	missing error
}

func newSubject(ctx context.Context, d Debugger) subject {
	version, err := d.Version(ctx)
	return subject{d, version, err}
}

// RunAll runs debuggers on scenarios and calls each with the results of a scenario when it has
// them, one call at a time. With a nil report, the error is the harness's own and nothing was run.
// With a report it is the context's cause, and the report has what had begun by then.
func RunAll(
	ctx context.Context, debuggers []Debugger, o Options, each func([]Result),
) (*Report, error) {
	scenarios, err := o.Scenarios()
	if err == nil && len(scenarios) == 0 {
		err = o.whyNone()
	}
	if err == nil {
		_, err = build.Keeper(ctx) // every run needs it
	}
	if err != nil {
		return nil, err
	}
	report := &Report{
		Form: FormVersion, Suite: tidcheck.Version, Machine: ThisMachine(ctx),
		Debuggers: make([]Identity, len(debuggers)),
	}
	o.witness = report.Machine.Witness
	var plan []Planned
	subjects := make([]subject, len(debuggers))
	for i, d := range debuggers {
		subjects[i] = newSubject(ctx, d)
		report.Debuggers[i] = Identity{d.Name(), subjects[i].version}
		for _, s := range scenarios {
			plan = append(plan, Planned{d.Name(), s, i})
		}
	}
	if o.Plan != nil {
		plan = o.Plan(plan)
	}
	if len(plan) == 0 {
		return nil, errors.New("nothing is left to be run")
	}
	jobs := make(chan struct{}, inherited.Runs(cmp.Or(o.Jobs, 4*runtime.NumCPU())))
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, p := range plan {
		select {
		case jobs <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-jobs }()
			results := repeat(ctx, subjects[p.nth], p.Scenario, o)
			mu.Lock()
			defer mu.Unlock()
			identity := &report.Debuggers[p.nth]
			identity.Version = cmp.Or(results[0].Version, identity.Version)
			report.Results = append(report.Results, results...)
			each(results)
		})
	}
	group.Wait()
	err = context.Cause(ctx)
	if err != nil {
		report.Stopped = err.Error()
	}
	return report, err
}

// kernelRelease is the running kernel's, such as 6.1.0-18-amd64; "?" where that is not Linux.
func kernelRelease() string { return procfs.FirstLine("/proc/sys/kernel/osrelease") }

// ThisMachine tells where the suite runs, by trying.
func ThisMachine(ctx context.Context) Machine {
	witness, refused := witnessHere(ctx)
	return Machine{kernelRelease(), runtime.GOARCH, witness, refused}
}

// repeat runs a scenario as often as the options say, and counts.
func repeat(ctx context.Context, d subject, s Scenario, o Options) []Result {
	_, results := once(ctx, d, s, o, 0)
	for n := 1; n < o.Repeat && ctx.Err() == nil; n++ {
		_, more := once(ctx, d, s, o, n)
		for i, again := range more {
			results[i].addRun(again)
		}
	}
	for i := range results {
		results[i].tellOthers()
		if o.Expect != nil {
			results[i] = results[i].expected(o.Expect)
		}
	}
	return results
}

// once runs a scenario for the nth time, judges it, and keeps it if the options say so.
func once(
	ctx context.Context, d subject, s Scenario, o Options, n int,
) (*judge.Evidence, []Result) {
	folder := o.folderOf(d, s, n)
	e := attempt(ctx, d, s, o, folder.transcript())
	results := Results(e)
	if err := folder.keep(e, results); err != nil {
		e.Progress = judge.Progress{State: judge.OurFault, Reason: err.Error()}
		results = Results(e)
	}
	return e, results
}

// attempt runs a scenario, if this machine and the debugger can.
func attempt(
	ctx context.Context, d subject, s Scenario, o Options, log *transcript.Log,
) *judge.Evidence {
	e := newEvidence(s)
	e.Debugger.Name, e.Debugger.Version, e.Witness = d.Name(), d.version, o.witness
	if o.Again != nil {
		e.Again = o.Again(d.Name(), s)
	}
	if d.missing != nil {
		e.Progress = judge.Progress{State: judge.Lacking, Reason: d.missing.Error()}
		return e
	}
	begin := witness.Now()
	err := tryRun(ctx, d, s, o, log, e)
	e.Took = witness.Now() - begin
	switch {
	case err == nil:
		return e
	case errors.Is(err, build.ErrMissing):
		e.Progress.State = judge.Lacking
	case errors.Is(err, errors.ErrUnsupported):
		e.Progress.State = judge.NotSupplied
	default:
		e.Progress.State = judge.OurFault
	}
	e.Progress.Reason = err.Error()
	return e
}

// tryRun runs a scenario, unless something is missing. Its error is why the evidence proves
// nothing.
func tryRun(
	ctx context.Context, d subject, s Scenario, o Options, log *transcript.Log, e *judge.Evidence,
) error {
	for _, n := range s.Fixture.Needs {
		if err := lacking(n); err != nil {
			return err
		}
	}
	var err error
	if s.Fixture, err = asBuiltFor(d, s.Fixture); err != nil {
		return err
	}
	scale := limits.Scale(o.TimeScale)
	limit := limits.Run
	if s.Fixture.Set == fixtures.Long {
		limit = limits.LongRun
	}
	limit = scale.Of(limit)
	c, err := controlOf(ctx, s.Fixture, o.Reference, setting{limit: limit, scale: scale})
	if err != nil {
		return fmt.Errorf("control run without a debugger: %w", err)
	}
	if err := c.Allows(s.Mode); err != nil {
		return err
	}
	if paced, ok := As[Paced](d.Debugger); ok {
		limit = limits.Scale(paced.TimeScale()).Of(limit)
	}
	e.Control = c
	_, err = perform(ctx, d, s, setting{limit, scale, log, o.FullLimits}, e)
	return err
}

// A setting is what a run is given besides its scenario.
type setting struct {
	limit      time.Duration
	scale      limits.Scale
	log        *transcript.Log // nil if it is not kept
	fullLimits bool
}

// asBuiltFor is a fixture as it is built for a debugger: a C fixture is hosted in a Go program for
// one that debugs Go programs alone.
func asBuiltFor(d subject, f fixtures.Fixture) (fixtures.Fixture, error) {
	host, ok := As[Hosted](d.Debugger)
	if !ok || host.Host() == f.Language {
		return f, nil
	}
	if f.Alone != "" {
		return f, fmt.Errorf(
			"the debugger debugs Go programs alone, and none can host this one: %s: %w",
			f.Alone, errors.ErrUnsupported)
	}
	f.Hosted = true
	return f, nil
}

package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/fixtures"
)

// Limit is how long a run may take that needs some hundredths of a second on an idle machine, and
// LongLimit that of a fixture of the long set.
const (
	Limit     = 5 * time.Second
	LongLimit = time.Minute
)

// Options say which scenarios are run, and how.
type Options struct {
	Match    *regexp.Regexp     // searched in scenario/mode; nil for all
	Quick    bool               // those of the quick set alone
	Long     bool               // those of the long set too
	Fixtures []fixtures.Fixture // these, and not the catalogue's
	Repeat   int                // runs of each scenario, none of which may fail; zero for one
	Known    []Known
	// Keep names a folder in which each run leaves one of its own: what was said, what was true and what /proc showed.
	Keep string
	// Again, if it is not nil, is the command that runs a scenario once more.
	Again func(debugger string, s Scenario) string
	// TimeScale multiplies every limit, for a slow machine; zero is one.
	TimeScale float64
	// Reference, if it is not nil, launches each fixture once first. Where its words differ from the other
	// accounts of the kernel, no debugger is judged by them.
	Reference Debugger
	Jobs      int // RunAll: runs at once; zero for four times the CPUs, since a run mostly waits
}

// A Report is the outcome of a suite: what --json writes.
type Report struct {
	Suite     string     `json:"suite"` // its version
	Machine   Machine    `json:"machine"`
	Debuggers []Identity `json:"debuggers"`
	Results   []Result   `json:"results"`
	Stopped   string     `json:"stopped,omitempty"` // why it was stopped before all was run
}

// A Machine is where a suite ran.
type Machine struct {
	Kernel  string `json:"kernel"`
	Arch    string `json:"arch"`
	Witness string `json:"witness"` // where truth came from besides the ledger
}

// An Identity is a debugger under test.
type Identity struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Scenarios lists the scenarios of the whole catalogue whose scenario/mode the expression is found in; nil is all.
func Scenarios(match *regexp.Regexp) ([]Scenario, error) {
	return Options{Match: match, Long: true}.Scenarios()
}

// Scenarios lists those that the options choose.
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

// RunAll runs debuggers on scenarios and calls each with the results of a scenario when it has
// them, one at a time. The error is the harness's own, and nothing was run; or it is the context's cause, and the
// report has what had begun by then.
func RunAll(ctx context.Context, debuggers []Debugger, o Options, each func([]Result)) (*Report, error) {
	scenarios, err := o.Scenarios()
	if err != nil {
		return nil, err
	}
	if len(scenarios) == 0 {
		return nil, o.nothing()
	}
	if err := Prepare(ctx); err != nil {
		return nil, err
	}
	report := &Report{Suite: tidcheck.Version, Machine: ThisMachine(ctx)}
	versions := make([]string, len(debuggers))
	missing := make([]error, len(debuggers))
	for i, d := range debuggers {
		versions[i], missing[i] = d.Version(ctx)
		report.Debuggers = append(report.Debuggers, Identity{d.Name(), versions[i]})
	}

	jobs := make(chan struct{}, max(o.Jobs, 1))
	if o.Jobs == 0 {
		jobs = make(chan struct{}, 4*runtime.NumCPU())
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	for i, d := range debuggers {
		for _, s := range scenarios {
			select {
			case jobs <- struct{}{}:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				break
			}
			group.Go(func() {
				defer func() { <-jobs }()
				var results []Result
				if missing[i] != nil {
					results = s.each(d.Name(), 0, all(Untested, missing[i]))
				} else {
					results = runScenario(ctx, d, s, o)
				}
				for n := range results {
					results[n] = expect(o.Known, results[n], versions[i])
				}
				mu.Lock()
				defer mu.Unlock()
				report.Debuggers[i].Version = cmp.Or(results[0].version, report.Debuggers[i].Version)
				report.Results = append(report.Results, results...)
				each(results)
			})
		}
	}
	group.Wait()
	err = context.Cause(ctx)
	if err != nil {
		report.Stopped = err.Error()
	}
	return report, err
}

// nothing says why no scenario is chosen.
func (o Options) nothing() error {
	switch left := (Options{Match: o.Match, Long: true, Fixtures: o.Fixtures}); {
	case o.Match == nil:
		return errors.New("no scenario is chosen")
	case !o.Long || o.Quick:
		if others, err := left.Scenarios(); err == nil && len(others) > 0 {
			return fmt.Errorf("no scenario that is chosen matches %s: %s is of the set %q", o.Match, others[0], cmp.Or(others[0].Fixture.Set, "neither quick nor long"))
		}
	}
	return fmt.Errorf("no scenario matches %s (tidcheck list has them)", o.Match)
}

// Prepare looks whether this machine can run anything, and builds what every run needs.
func Prepare(ctx context.Context) error {
	_, err := keeperProgram(ctx)
	return err
}

// ThisMachine tells where we are, by trying.
func ThisMachine(ctx context.Context) Machine {
	release, _, err := kernelVersion()
	if err != nil {
		release = "unknown"
	}
	return Machine{Kernel: release, Arch: runtime.GOARCH, Witness: witnessed(ctx)}
}

// runScenario runs one scenario, as often as is asked for, and gives each of its rules a verdict.
func runScenario(ctx context.Context, d Debugger, s Scenario, o Options) []Result {
	var results []Result
	for n := 0; n == 0 || n < o.Repeat && ctx.Err() == nil; n++ {
		again := runOnce(ctx, d, s, o, n)
		if n == 0 {
			results = again
			continue
		}
		for i := range results {
			results[i].repeated(again[i])
		}
	}
	return results
}

// runOnce runs one scenario for the n-th time, and keeps what is to be kept of it.
func runOnce(ctx context.Context, d Debugger, s Scenario, o Options, n int) []Result {
	folio := o.folioOf(d, s, n)
	e, took, err := runEvidence(ctx, d, s, o, folio.transcript())
	results := s.verdicts(d.Name(), took, e, err)
	for i := range results {
		if o.Again != nil {
			results[i].Again = o.Again(d.Name(), s)
		}
		results[i].Kept = folio.place()
		if e != nil {
			results[i].version = e.version
		}
	}
	if err := folio.keep(e, results); err != nil {
		return s.each(d.Name(), took, all(Unresolved, err))
	}
	return results
}

// verdicts are what a run's evidence comes to, or why there is none.
func (s Scenario) verdicts(debugger string, took time.Duration, e *evidence, err error) []Result {
	switch missing := (*missingError)(nil); {
	case errors.As(err, &missing):
		return s.each(debugger, took, all(Untested, err))
	case errors.Is(err, errors.ErrUnsupported):
		return s.each(debugger, took, all(NotOffered, err))
	case err != nil:
		return s.each(debugger, took, all(Unresolved, err))
	}
	return s.each(debugger, took, e.judge)
}

// A setting is what a run is given besides its scenario.
type setting struct {
	limit time.Duration
	log   *transcript // nil where nobody wants it
}

// runEvidence runs one scenario once.
func runEvidence(ctx context.Context, d Debugger, s Scenario, o Options, log *transcript) (_ *evidence, _ time.Duration, err error) {
	for _, n := range s.Fixture.Needs {
		if err := lacking(n); err != nil {
			return nil, 0, err
		}
	}
	if s.Fixture, err = asBuiltFor(d, s.Fixture); err != nil {
		return nil, 0, err
	}
	limit := o.scaled(limitOf(s.Fixture))
	c, err := controls.of(ctx, s.Fixture, o.Reference, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("control run without a debugger: %w", err)
	}
	if paced, ok := As[Paced](d); ok {
		limit = scaled(limit, paced.TimeScale())
	}
	begin := time.Now()
	e, err := run(ctx, d, s, c, setting{limit, log})
	return e, time.Since(begin), err
}

// asBuiltFor is a fixture as it is built for a debugger: for one that debugs Go programs alone, a C fixture is hosted in one.
func asBuiltFor(d Debugger, f fixtures.Fixture) (fixtures.Fixture, error) {
	host, ok := As[Hosted](d)
	if !ok || host.Host() == f.Language {
		return f, nil
	}
	if f.Alone != "" {
		return f, unhostedError{f.Alone}
	}
	f.Hosted = true
	return f, nil
}

// An unhostedError is why a debugger of Go programs alone is not run on a fixture.
type unhostedError struct{ why string }

func (e unhostedError) Error() string {
	return "the debugger debugs Go programs alone, and none can host this one: " + e.why
}

func (unhostedError) Is(target error) bool { return target == errors.ErrUnsupported }

// scaled is a limit on this machine.
func (o Options) scaled(limit time.Duration) time.Duration {
	if o.TimeScale == 0 {
		return limit
	}
	return scaled(limit, o.TimeScale)
}

func scaled(limit time.Duration, by float64) time.Duration { return time.Duration(float64(limit) * by) }

func limitOf(f fixtures.Fixture) time.Duration {
	if f.Set == fixtures.Long {
		return LongLimit
	}
	return Limit
}

// A missingError is what this machine lacks for a scenario.
type missingError struct{ what string }

func (e *missingError) Error() string { return "this machine lacks " + e.what }

// lacking looks for one of a fixture's needs.
func lacking(n fixtures.Need) error {
	if n.Capability >= 0 {
		var effective uint64
		fmt.Sscanf(statusFields("/proc/self")["CapEff"], "%x", &effective)
		if effective&(1<<n.Capability) == 0 {
			return &missingError{n.Text}
		}
		return nil
	}
	if n.Command != "" {
		if _, err := exec.LookPath(n.Command); err != nil {
			return &missingError{n.Text + ": install it, and have it in PATH"}
		}
		return nil
	}
	if n.Probed {
		if err := tryNeed(n.Text); err != nil {
			return &missingError{fmt.Sprintf("%s: %v", n.Text, err)}
		}
		return nil
	}
	release, version, err := kernelVersion()
	if err == nil && !n.Kernel.Holds(version) {
		return &missingError{fmt.Sprintf("%s: its kernel is %s", n.Text, release)}
	}
	return err
}

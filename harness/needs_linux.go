package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/probe"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

// What this machine is, and what it lacks for a fixture.

// newEvidence is the evidence of a run that has not begun.
func newEvidence(s Scenario) *judge.Evidence {
	notAsked := judge.Interval{State: judge.NotAsked}
	return &judge.Evidence{
		Form: judge.FormVersion, Suite: tidcheck.Version,
		Kernel: kernelRelease(), Arch: runtime.GOARCH,
		Scenario: s.Fixture.Name, Mode: s.Mode, Own: s.Fixture.Own,
		Declared: judge.Declaration{Wants: s.Fixture.Wants, Params: s.Fixture.Numbers()},
		Progress: judge.Progress{State: judge.Done}, End: judge.End{State: judge.NoSession},
		Attach: notAsked, Detach: notAsked,
		Program: judge.Program{State: judge.NotBegun, Status: event.Unknown},
		Account: judge.Account{Source: judge.NoAccount},
	}
}

// witnessHere names, by trying, where truth comes from besides the ledger, and why each other
// source cannot be had. The map is nil if nothing could be tried.
func witnessHere(ctx context.Context) (from string, refused map[judge.Source]string) {
	k, err := build.StartKeeper(ctx)
	if err != nil {
		return err.Error(), nil
	}
	a := openers.Open(k.PID())
	k.Close()
	a.Discard()
	if a.Source() == judge.NoAccount {
		return "none, the ledger and /proc alone: " + a.Why(), a.Refused
	}
	return string(a.Source()), a.Refused
}

// lacking says which of a fixture's needs this machine lacks: an error that is build.ErrMissing.
func lacking(n fixtures.Need) error {
	missing := func(format string, args ...any) error {
		args = append([]any{build.ErrMissing, n.Text}, args...)
		return fmt.Errorf("%w %s"+format, args...)
	}
	switch {
	case n.Capability >= 0:
		effective, _ := strconv.ParseUint(procfs.Status(event.TID(os.Getpid()))["CapEff"], 16, 64)
		if effective&(1<<n.Capability) == 0 {
			return missing("")
		}
	case n.Command != "":
		if _, err := exec.LookPath(n.Command); err != nil {
			return missing(": install it, and have it in PATH")
		}
	case n.Probed:
		if err := tryNeed(n.Text); err != nil {
			return missing(": %w", err)
		}
	default:
		release := kernelRelease()
		version, err := event.ParseKernel(release)
		if err == nil && !n.Kernel.Holds(version) {
			return missing(": its kernel is %s", release)
		}
		return err
	}
	return nil
}

// tryNeed tries one of fixtures.Probes. The error says why it is not to be had.
func tryNeed(need string) error {
	switch need {
	case "witness":
		from, refused := witnessHere(context.Background())
		if refused[judge.Perf] != "" && refused[judge.Connector] != "" || refused == nil {
			return errors.New(from)
		}
		return nil
	case "cgo":
		return build.Cgo()
	}
	return probe.Try(need)
}

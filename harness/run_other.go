//go:build !linux

package harness

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

var errNotLinux = fmt.Errorf("run a fixture on %s: %w", runtime.GOOS, errors.ErrUnsupported)

func newEvidence(Scenario) *judge.Evidence { return &judge.Evidence{} }

func lacking(fixtures.Need) error { return errNotLinux }

func witnessHere(context.Context) (string, map[judge.Source]string) { return "none", nil }

func perform(context.Context, Debugger, Scenario, setting, *judge.Evidence) (failure, err error) {
	return nil, errNotLinux
}

func performAlone(context.Context, fixtures.Fixture, setting, *judge.Evidence) error {
	return errNotLinux
}

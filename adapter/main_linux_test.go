package adapter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { testproc.Main(m, nil) }

// A visitor shows the target of a run to a test, and debugs nothing.
type visitor struct {
	targets chan harness.Target
	over    chan struct{}
}

func (visitor) Name() string                            { return "visitor" }
func (visitor) Version(context.Context) (string, error) { return "1", nil }

func (v visitor) Start(_ context.Context, target harness.Target) (harness.Session, error) {
	v.targets <- target
	<-v.over
	return nil, errors.ErrUnsupported
}

// withTarget calls f with the target of a run, which lasts as long.
func withTarget(t *testing.T, f func(ctx context.Context, target harness.Target)) {
	t.Helper()
	o := harness.Options{Match: regexp.MustCompile("^fork/launch$"), TimeScale: 6}
	v := visitor{make(chan harness.Target), make(chan struct{})}
	over := make(chan error, 1)
	go func() {
		_, err := harness.RunAll(t.Context(), []harness.Debugger{v}, o, func([]harness.Result) {})
		over <- err
	}()
	select {
	case target := <-v.targets:
		defer func() { close(v.over); <-over }()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		f(ctx, target)
	case err := <-over:
		t.Fatal("it came to no target: ", err)
	}
}

// script is a shell script that a test writes.
func script(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	assert.NilError(t, os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o755))
	return file
}

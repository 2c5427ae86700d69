package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/tracer"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, map[string]func(){"attach": attachUntilKilled})
}

// attachUntilKilled is a debugger that attaches to a process, says so, and does no more.
func attachUntilKilled() {
	pid, _ := strconv.Atoi(os.Getenv("PID"))
	if _, err := tracer.Attach(pid, tracer.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("attached")
	select {}
}

// newKeeper is a keeper that the test's end closes.
func newKeeper(t testing.TB) *keeper.Keeper {
	t.Helper()
	k, err := build.StartKeeper(t.Context())
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, k.Close()) })
	return k
}

// newStage is where a scenario of a fixture takes place; the test closes it.
func newStage(t testing.TB, f fixtures.Fixture, mode fixtures.Mode) *stage {
	t.Helper()
	testproc.Alarm(t, 20*time.Second)
	s := Scenario{f, mode}
	one, err := prepare(t.Context(), s, within5s, newEvidence(s))
	assert.NilError(t, err)
	return one
}

// within5s is the setting of most runs.
var within5s = setting{limit: limits.Run}

// settingOf is the setting of a fixture's control run.
func settingOf(f fixtures.Fixture) setting {
	if f.Set == fixtures.Long {
		return setting{limit: limits.LongRun}
	}
	return within5s
}

func fixtureNamed(t testing.TB, name string) fixtures.Fixture {
	t.Helper()
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no fixture is called %s", name)
	return fixtures.Fixture{}
}

// skipWhatIsLacking skips the test of a fixture that needs what this machine lacks.
func skipWhatIsLacking(t testing.TB, f fixtures.Fixture) {
	t.Helper()
	for _, need := range f.Needs {
		if err := lacking(need); err != nil {
			t.Skip(err)
		}
	}
}

// script is a shell script that a test writes.
func script(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "script")
	assert.NilError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return name
}

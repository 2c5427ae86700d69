package lldb

import (
	"fmt"
	"os"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	cache, err := os.MkdirTemp("", "lldb-test-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Setenv("TIDCHECK_CACHE", cache)
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

func TestQuick(t *testing.T) {
	if os.Getenv("TIDCHECK_DEBUGGERS") == "" {
		t.Skip("TIDCHECK_DEBUGGERS is not set: make conformance holds the debuggers on this machine to the suite")
	}
	known, err := harness.ParseKnown("known.txt", Known)
	assert.NilError(t, err)
	harness.Test(t, Debugger{}, harness.Options{Quick: true, Known: known})
}

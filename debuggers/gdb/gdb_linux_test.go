package gdb

import (
	"fmt"
	"os"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-nx" {
		fakeMain()
		return
	}
	cache, err := os.MkdirTemp("", "gdb-test-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Setenv("TIDCHECK_CACHE", cache)
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

// What is known of gdb is green, and nothing else fails.
func TestQuickSet(t *testing.T) {
	if os.Getenv("TIDCHECK_DEBUGGERS") == "" {
		t.Skip("TIDCHECK_DEBUGGERS is not set: make conformance holds the debuggers on this machine to the suite")
	}
	known, err := harness.ParseKnown("known.txt", Known)
	assert.NilError(t, err)
	for _, d := range []Debugger{{}, {NonStop: true}, {NoThreadDB: true}} {
		t.Run(d.Name(), func(t *testing.T) { harness.Test(t, d, harness.Options{Quick: true, Known: known}) })
	}
}

package delve

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"version", "exec", "attach"}, os.Args[1]) {
		fakeMain()
		return
	}
	cache, err := os.MkdirTemp("", "delve-test-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Setenv("TIDCHECK_CACHE", cache)
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

// The failures that are known are not accused, and others are: see known.txt.
func TestQuickSet(t *testing.T) {
	known, err := harness.ParseKnown("known.txt", Known)
	if err != nil {
		t.Fatal(err)
	}
	harness.Test(t, Debugger{}, harness.Options{Quick: true, Known: known})
}

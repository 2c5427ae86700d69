package gdb

import (
	"os"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-nx" {
		fakeMain()
		return
	}
	testproc.Main(m, nil)
}

func TestQuickSet(t *testing.T) {
	adaptertest.QuickSet(
		t, harness.Options{}, Debugger{}, Debugger{NonStop: true},
		Debugger{NoThreadDB: true})
}

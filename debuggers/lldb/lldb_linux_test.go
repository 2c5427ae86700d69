package lldb

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, nil)
}

func TestQuickSet(t *testing.T) {
	adaptertest.QuickSet(t, harness.Options{}, Debugger{}, Debugger{Breakpoint: true})
}

func TestTheNewestAdapterIsFound(t *testing.T) {
	for _, c := range []struct{ names, want string }{
		{"lldb-dap-19", "lldb-dap-19"},
		{
			"lldb-vscode-14 lldb-dap-9 lldb-dap-19 lldb-dap-22x lldb-22 lldb-server-23",
			"lldb-dap-19",
		},
		{"lldb-dap-19 lldb-dap", "lldb-dap"},
		{"lldb-vscode-14 lldb-vscode-9", "lldb-vscode-14"},
		{"-lldb-dap-22 lldb-dap-19", "lldb-dap-19"}, // the first cannot be executed
	} {
		folder := t.TempDir()
		for name := range strings.FieldsSeq(c.names) {
			mode := os.FileMode(0o755)
			if rest, plain := strings.CutPrefix(name, "-"); plain {
				name, mode = rest, 0o644
			}
			assert.NilError(
				t, os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"), mode))
		}
		t.Setenv("PATH", "/nowhere:"+folder)
		got, err := Debugger{}.program().Find()
		assert.NilError(t, err)
		assert.Equal(t, got, filepath.Join(folder, c.want), c.names)
	}
	t.Setenv("PATH", "/nowhere:"+t.TempDir())
	_, err := Debugger{}.program().Find()
	assert.ErrorContains(
		t, err, "find lldb-dap (`make debuggers` installs it; Debian's package lldb-19)")
	assert.ErrorIs(t, err, exec.ErrNotFound)
}

func TestABuildOfOnesOwnIsTakenByItsPath(t *testing.T) {
	_, err := Debugger{Path: "/nowhere/lldb-dap"}.Version(t.Context())
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.Equal(t, Debugger{}.Name()+" "+Debugger{Breakpoint: true}.Name(), "lldb lldb-breakpoint")
}

func TestAUsersConfigurationIsNotRead(t *testing.T) {
	adaptertest.NeedDebuggers(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	assert.NilError(
		t, os.WriteFile(home+"/.lldbinit", []byte("platform shell touch "+home+"/read\n"), 0o644))
	got := adaptertest.Verdicts(t, "fork/launch", harness.Options{}, Debugger{})
	assert.Assert(t, strings.HasPrefix(got["lldb"]["bounded"], "PASS: "), "%v", got)
	_, err := os.Stat(home + "/read")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

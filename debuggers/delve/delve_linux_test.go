package delve

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"version", "exec", "attach"}, os.Args[1]) {
		fakeMain()
		return
	}
	adaptertest.Main(m)
}

func TestQuickSet(t *testing.T) {
	adaptertest.QuickSet(t, Known, harness.Options{}, Debugger{})
}

// What was found in delve by hand is found by the suite too.
func TestTheDefectsOfDelveAreSeen(t *testing.T) {
	adaptertest.NeedVersion(t, Debugger{}, "1.27.2")
	for _, c := range []struct {
		debugger  Debugger
		scenarios string
		runs      int
		want      string
	}{
		{Debugger{}, "attach_churn/attach_(before|during)", 3, "could not attach to new thread [0-9]+ no such process"},
		// A thread that it has not attached to meets the breakpoint.
		{Debugger{Breakpoint: true}, "attach_mid_birth/attach_before", 1, `the program ended with SIGTRAP, without a debugger with 0|task [0-9]+ \(main\): state Z \(zombie\)`},
		{Debugger{}, "attach_signal_first/attach_before", 1, `task [0-9]+ \(main/1\) was sent 1 signals and got 0: swallowed`},
		{Debugger{}, "attach_signal_first/orphaned", 1, `task [0-9]+ \(main/1\) is stopped since: state T`},
		{Debugger{}, "attach_stopped/attach_before", 1, `main went on: 1`},
		{Debugger{FollowExec: true}, "exec_from_leader/launch", 1, "Command: wait err no child processes"},
		{Debugger{FollowExec: true}, "exec_then_threads/stops", 1, "the debugger's stop did not come within 10s"},
	} {
		o := harness.Options{Repeat: c.runs, TimeScale: 0.5}
		adaptertest.Shows(t, c.debugger, o, adaptertest.Defect{Scenarios: c.scenarios, Want: c.want})
	}
}

func TestVersionSaysWhatIsMissing(t *testing.T) {
	_, err := Debugger{Path: "no such delve"}.Version(t.Context())
	assert.Error(t, err, "find delve (`make debuggers` builds it): exec: \"no such delve\": executable file not found in $PATH")
	_, err = Debugger{Path: "/bin/true"}.Version(t.Context())
	assert.Error(t, err, "dlv version prints no version: is it delve?")
	_, err = Debugger{Path: "/bin/false"}.Version(t.Context())
	assert.Error(t, err, "/bin/false version: exit status 1")
	self, err := os.Executable()
	assert.NilError(t, err)
	version, err := Debugger{Path: self}.Version(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, version, "1.2.3")
}

// Where the go command installs programs delve is found without a path; so it is beside us, where make builds it.
func TestDelveIsFoundWhereGoInstallsIt(t *testing.T) {
	dir := t.TempDir()
	assert.NilError(t, os.WriteFile(dir+"/dlv", []byte("#!/bin/sh\n"), 0o755))
	t.Setenv("PATH", t.TempDir())
	t.Setenv("GOBIN", dir)
	program, err := Debugger{}.program()
	assert.NilError(t, err)
	assert.Equal(t, program, dir+"/dlv")
	assert.NilError(t, os.Remove(dir+"/dlv"))
	_, err = Debugger{}.program()
	assert.ErrorContains(t, err, "find delve")
}

func TestTheCommandLine(t *testing.T) {
	const serve = " --headless --api-version=2 --listen=unix:/s --check-go-version=false --allow-non-terminal-interactive=true"
	d := Debugger{Args: []string{"--log"}}
	launch := d.argv("dlv", "/s", harness.Target{Argv: []string{"/p", "n=1", "--x"}})
	assert.Equal(t, strings.Join(launch, " "), "dlv exec /p"+serve+" --log -- n=1 --x")
	attach := d.argv("dlv", "/s", harness.Target{Argv: []string{"/p", "n=1"}, PID: 7})
	assert.Equal(t, strings.Join(attach, " "), "dlv attach 7"+serve+" --log")
}

func TestDelveIsSilenced(t *testing.T) {
	dir := t.TempDir()
	assert.NilError(t, silence(dir))
	mode, err := os.ReadFile(dir + "/go/telemetry/mode")
	assert.NilError(t, err)
	assert.Equal(t, string(mode), "off")
	assert.ErrorContains(t, silence("/dev/null"), "turn telemetry off: ")
}

func TestConfigurationsHaveNamesOfTheirOwn(t *testing.T) {
	assert.Equal(t, Debugger{}.Name(), "delve")
	assert.Equal(t, Debugger{FollowExec: true}.Name(), "delve-followexec")
	assert.Equal(t, Debugger{Breakpoint: true}.Name(), "delve-breakpoint")
}

package gdbserver

import (
	"os"
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
	adaptertest.QuickSet(
		t, harness.Options{TimeScale: 0.5}, Debugger{}, Debugger{AllStop: true})
}

// The suite finds the defects of gdbserver that were found by hand.
func TestTheDefectsOfGdbserverAreSeen(t *testing.T) {
	adaptertest.NeedVersion(t, Debugger{}, "13.1")
	for _, defect := range []adaptertest.Defect{
		{"attach_leader_gone/attach_before", "session", "the debugger's start: .*it ended with 1"},
		{
			"exit_leader_first/detach_during", "session",
			"the debugger's detach: .*it ended with SIGSEGV",
		},
		{"thread_by_vfork_flag/launch", "sound", "created process [0-9]+ by vfork; it was a clone"},
		{"thread_with_exit_signal/launch", "sound", "created process [0-9]+; it was a clone"},
		{"exit_code/launch", "exit", "main/2\\): the kernel says status 1, the debugger said 0"},
		{"exec_from_thread/launch", "exit", "\\(main\\) ended, and its end was not reported"},
		{"attach_vfork_parent/stops", "bounded", "the debugger's stop did not come"},
		{"attach_mid_birth/attach_before", "stopped", "\\(main/2/1\\) ran on at the attach"},
		{"attach_signal_first/orphaned", "released", "\\(main\\) is stopped since: state T"},
		{"signal_own_stop/launch", "transparent", "it stood: 0"},
	} {
		adaptertest.Shows(t, Debugger{}, harness.Options{TimeScale: 0.3}, defect)
	}
}

// program is a shell script as gdbserver.
func program(t *testing.T, text string) Debugger {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gdbserver")
	assert.NilError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return Debugger{Path: name}
}

func TestVersionSaysWhatIsMissing(t *testing.T) {
	version, err := program(t, "echo 'GNU gdbserver (Debian 13.1-3) 13.1'; echo 'more 7'").Version(
		t.Context())
	assert.NilError(t, err)
	assert.Equal(t, version, "13.1")
	_, err = program(t, "echo 'GNU gdb 13.1'").Version(t.Context())
	assert.ErrorContains(t, err, "--version prints no version of gdbserver: is it gdbserver?")
	d := program(t, "exit 3")
	_, err = d.Version(t.Context())
	assert.Error(t, err, d.Path+" --version: exit status 3")
	_, err = Debugger{Path: "no such gdbserver"}.Version(t.Context())
	assert.ErrorContains(
		t, err, "find gdbserver (`make debuggers` installs it; Debian's package gdbserver): ")
}

func TestTheCommandLine(t *testing.T) {
	d := Debugger{Args: []string{"--debug"}}
	launch := d.args(harness.Target{Argv: []string{"/p", "n=1", "--x"}})
	assert.Equal(
		t, strings.Join(launch, " "), "--once --no-startup-with-shell --debug - /p n=1 --x")
	attach := d.args(harness.Target{Argv: []string{"/p", "n=1"}, PID: 7})
	assert.Equal(
		t, strings.Join(attach, " "), "--once --no-startup-with-shell --debug --attach - 7")
}

func TestConfigurationsHaveNamesOfTheirOwn(t *testing.T) {
	assert.Equal(t, Debugger{}.Name(), "gdbserver")
	assert.Equal(t, Debugger{AllStop: true}.Name(), "gdbserver-allstop")
}

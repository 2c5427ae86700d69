package gdbserver

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	cache, err := os.MkdirTemp("", "gdbserver-test-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Setenv("TIDCHECK_CACHE", cache)
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

// What is known of gdbserver is green, and nothing else fails.
func TestQuickSet(t *testing.T) {
	if os.Getenv("TIDCHECK_DEBUGGERS") == "" {
		t.Skip("TIDCHECK_DEBUGGERS is not set: make conformance holds the debuggers on this machine to the suite")
	}
	known, err := harness.ParseKnown("known.txt", Known)
	assert.NilError(t, err)
	for _, d := range []Debugger{{}, {AllStop: true}} {
		t.Run(d.Name(), func(t *testing.T) { harness.Test(t, d, harness.Options{Quick: true, Known: known, TimeScale: 0.5}) })
	}
}

// What was found in gdbserver by hand is found by the suite too.
func TestTheDefectsOfGdbserverAreSeen(t *testing.T) {
	if os.Getenv("TIDCHECK_DEBUGGERS") == "" {
		t.Skip("TIDCHECK_DEBUGGERS is not set: make conformance holds the debuggers on this machine to the suite")
	}
	if version, err := (Debugger{}).Version(t.Context()); err != nil {
		t.Skip(err)
	} else if version != "13.1" {
		t.Skipf("they are those of gdbserver 13.1, and this is %s", version)
	}
	for _, c := range []struct{ scenario, rule, want string }{
		{"attach_leader_gone/attach_before", "complete", "the debugger's start: .*it ended with 1"},
		{"exit_leader_first/detach_during", "complete", "the debugger's detach: .*it ended with SIGSEGV"},
		{"thread_by_vfork_flag/launch", "sound", "vfork [0-9]+\": a clone is a thread's birth"},
		{"thread_with_exit_signal/launch", "sound", "fork [0-9]+\": a clone is a thread's birth"},
		{"exit_code/launch", "exit", "main/2\\) ended with 1, reported was 0"},
		{"exec_from_thread/launch", "exit", "\\(main\\) ended and it was not reported"},
		{"attach_vfork_parent/stops", "bounded", "the debugger's stop did not come within"},
		{"signal_own_stop/launch", "transparent", "it stood: 0"},
	} {
		o := harness.Options{Match: regexp.MustCompile("^" + c.scenario + "$"), TimeScale: 0.3}
		report, err := harness.RunAll(t.Context(), []harness.Debugger{Debugger{}}, o, func([]harness.Result) {})
		assert.NilError(t, err)
		seen := slices.ContainsFunc(report.Results, func(r harness.Result) bool {
			found, _ := regexp.MatchString(c.want, r.Detail)
			return r.Rule == c.rule && r.Verdict == harness.Fail && found
		})
		assert.Check(t, seen, "%s: %s does not say %q", c.scenario, c.rule, c.want)
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
	version, err := program(t, "echo 'GNU gdbserver (Debian 13.1-3) 13.1'; echo 'more 7'").Version(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, version, "13.1")
	_, err = program(t, "echo 'GNU gdb 13.1'").Version(t.Context())
	assert.Error(t, err, "its first line is not gdbserver's: is it gdbserver?")
	d := program(t, "exit 3")
	_, err = d.Version(t.Context())
	assert.Error(t, err, d.Path+" --version: exit status 3")
	_, err = Debugger{Path: "no such gdbserver"}.Version(t.Context())
	assert.ErrorContains(t, err, "find gdbserver (`make debuggers` installs it; Debian's package gdbserver): ")
}

func TestTheCommandLine(t *testing.T) {
	d := Debugger{Args: []string{"--debug"}}
	launch := d.argv("gs", harness.Target{Argv: []string{"/p", "n=1", "--x"}})
	assert.Equal(t, strings.Join(launch, " "), "gs --once --no-startup-with-shell --debug - /p n=1 --x")
	attach := d.argv("gs", harness.Target{Argv: []string{"/p", "n=1"}, PID: 7})
	assert.Equal(t, strings.Join(attach, " "), "gs --once --no-startup-with-shell --debug --attach - 7")
}

func TestConfigurationsHaveNamesOfTheirOwn(t *testing.T) {
	assert.Equal(t, Debugger{}.Name(), "gdbserver")
	assert.Equal(t, Debugger{AllStop: true}.Name(), "gdbserver-allstop")
}

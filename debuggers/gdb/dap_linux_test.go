package gdb

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// written is a shell script as gdb.
func written(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gdb")
	assert.NilError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return name
}

func TestOnlyGdbsWithAWholeDebugAdapterAreJudged(t *testing.T) {
	for version, want := range map[string]string{
		"13.1":                 "gdb 13.1: its debug adapter is judged from version 15 on",
		"10.1.90.20210103-git": "gdb 10.1.90.20210103-git: its debug adapter is judged from ",
		"15.1":                 "", "18.1": "", "HEAD": "",
	} {
		d := DAP{Path: written(t, "echo 'GNU gdb (Fake) "+version+"'\n")}
		got, err := d.Version(t.Context())
		if want != "" {
			assert.ErrorContains(t, err, want)
			continue
		}
		assert.NilError(t, err)
		assert.Equal(t, got, version)
	}
	_, err := DAP{Path: "no such gdb"}.Version(t.Context())
	assert.ErrorContains(t, err, "executable file not found")
}

func TestTheAdaptersCommandLine(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	d := DAP{Args: []string{"-x", "y"}}
	d.Path = written(
		t, "[ $2 = --version ] && exec echo 'GNU gdb (Fake) 18.1'\necho \"$@\" >>"+asked)
	o := harness.Options{Match: regexp.MustCompile("^fork/launch$")}
	_, err := harness.RunAll(t.Context(), []harness.Debugger{d}, o, func([]harness.Result) {})
	assert.NilError(t, err)
	got, err := os.ReadFile(asked)
	assert.NilError(t, err)
	assert.Equal(t, strings.TrimSpace(string(got)), "-nx --quiet -iex set auto-load off "+
		"-iex set debug-file-directory --interpreter=dap -iex set auto-load libthread-db on "+
		"-iex set startup-with-shell off -iex handle all nostop noprint pass -x y")
}

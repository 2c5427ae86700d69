package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/gdb"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func namesOf(debuggers []harness.Debugger) (names []string) {
	for _, d := range debuggers {
		names = append(names, d.Name())
	}
	return names
}

func TestBuildsOfADebuggerStandSideBySide(t *testing.T) {
	chosen, err := choose([]string{"gdb", "gdb=/a/b", "reference"}, offer{}, nil)
	assert.NilError(t, err)
	assert.DeepEqual(t, namesOf(chosen), []string{"gdb", "gdb=/a/b", "reference"})
	other, ok := harness.As[gdb.Debugger](chosen[1])
	assert.Assert(t, ok)
	assert.Equal(t, other.Path, "/a/b")

	chosen, err = choose([]string{"gdb-nonstop"}, offer{}, []string{"-x", "1"})
	assert.NilError(t, err)
	want := gdb.Debugger{NonStop: true, Args: []string{"-x", "1"}}
	assert.DeepEqual(t, chosen, []harness.Debugger{want})
}

func TestInvalidDebuggerNamesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"gdb=":      "gdb=: a path is missing after the =",
		"book=/x":   "book=/x: book is part of tidcheck",
		"unbuilt=x": `there is no debugger "unbuilt"`,
	} {
		_, err := choose([]string{text}, offer{}, nil)
		assert.ErrorContains(t, err, want)
	}
	_, err := choose([]string{"gdb=/a", "gdb=/a"}, offer{}, nil)
	assert.ErrorContains(t, err, "gdb=/a is named twice")
	_, err = choose([]string{"defective", "defective:hangs"}, offer{}, nil)
	assert.ErrorContains(t, err, "defective:hangs is named twice")
	chosen, err := choose([]string{"gdb=/a"}, offer{lines: "true"}, nil)
	assert.NilError(t, err)
	assert.Equal(t, len(chosen), 2, "NAME=PATH does not name the offered debugger")
}

// The command that repeats a run names one defective or innocent tracer, as results do.
func TestEachTracerOfManyCanBeNamedAlone(t *testing.T) {
	for _, many := range []string{"defective", "innocent"} {
		all, err := choose([]string{many}, offer{}, nil)
		assert.NilError(t, err)
		assert.Assert(t, len(all) > 1)
		for _, d := range all {
			chosen, err := choose([]string{d.Name()}, offer{}, nil)
			assert.NilError(t, err)
			assert.DeepEqual(t, namesOf(chosen), []string{d.Name()})
		}
	}
}

// A finding is about debuggers that there are, and there is one of each external program.
func TestFindingsAreAboutConfigurationsThatThereAre(t *testing.T) {
	known, err := everyKnown("", nil)
	assert.NilError(t, err)
	of := make(map[string]bool)
	for _, f := range known {
		for _, one := range f.Failures {
			of[one.Debugger] = true
			for _, name := range one.Configurations {
				assert.Check(t, isConfigured(name), "%s: no debugger is called %s", f.Slug, name)
			}
		}
	}
	for _, name := range []string{"gdb", "gdbserver", "lldb", "lldbserver", "delve", "strace"} {
		assert.Check(t, of[name], "no finding is about %s", name)
	}
}

func TestShellWordsReadsWhatShellQuotedWrites(t *testing.T) {
	for _, text := range []string{"", "a", "a b", "it's", `\`, "$x", "^a/b$", "a=b", "-x"} {
		words, err := shellWords("w " + shellQuoted(text))
		assert.NilError(t, err)
		assert.DeepEqual(t, words, []string{"w", text})
	}
}

func TestFailuresOfTheLongSetAreRunAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "failed.json")
	text := `{"suite": "1", "debuggers": [{"name": "gdb"}], "results": [{"debugger": "gdb",
		"scenario": "real_make", "mode": "launch", "rule": "exit", "verdict": "FAIL"}]}`
	assert.NilError(t, os.WriteFile(file, []byte(text), 0o600))
	r := runRequest{rerun: file}
	debuggers, err := r.readFailed()
	assert.NilError(t, err)
	assert.DeepEqual(t, debuggers, []string{"gdb"})
	assert.Assert(t, r.Long)
}

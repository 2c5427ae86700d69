package main

import (
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/book"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// built is a debugger that is a program of its own.
type built struct {
	book.Debugger
	path string
	args []string
}

func (built) Name() string { return "built" }

func withBuilt(t *testing.T) {
	real := adapters
	adapters = append(adapters[:len(adapters):len(adapters)], adapter{
		name: "built", known: "built fork/launch complete 1 a defect",
		make: func(path string, args []string) harness.Debugger { return built{path: path, args: args} },
	})
	t.Cleanup(func() { adapters = real })
}

func TestBuildsOfADebuggerStandSideBySide(t *testing.T) {
	withBuilt(t)
	chosen, err := choose([]string{"built", "built=/a/b", "reference"}, offer{}, nil)
	assert.NilError(t, err)
	var names []string
	for _, d := range chosen.debuggers {
		names = append(names, d.Name())
	}
	assert.DeepEqual(t, names, []string{"built", "built=/a/b", "reference"})
	other, ok := harness.As[built](chosen.debuggers[1])
	assert.Assert(t, ok)
	assert.Equal(t, other.path, "/a/b")
	assert.Equal(t, chosen.known[0].Report, "a defect")

	chosen, err = choose([]string{"built"}, offer{}, []string{"-x", "1"})
	assert.NilError(t, err)
	assert.DeepEqual(t, chosen.debuggers[0].(built).args, []string{"-x", "1"})
}

func TestNamesWithoutMeaningAreRefused(t *testing.T) {
	withBuilt(t)
	for text, want := range map[string]string{
		"built=":    "built=: a path is missing behind the =",
		"book=/x":   "book is part of tidcheck",
		"-x":        "flags come before the debuggers' names",
		"unbuilt=x": `there is no debugger "unbuilt"`,
	} {
		_, err := choose([]string{text}, offer{}, nil)
		assert.ErrorContains(t, err, want)
	}
	_, err := choose([]string{"built=/a", "built=/a"}, offer{}, nil)
	assert.ErrorContains(t, err, "built=/a is named twice")
	_, err = choose([]string{"defective", "defective:hangs"}, offer{}, nil)
	assert.ErrorContains(t, err, "defective:hangs is named twice")
	chosen, err := choose([]string{"built=/a"}, offer{lines: "true"}, nil)
	assert.NilError(t, err)
	assert.Equal(t, len(chosen.debuggers), 2, "another build is no name for the offered one")
	_, err = choose([]string{"mine", "--run", "fork"}, offer{lines: "true"}, nil)
	assert.ErrorContains(t, err, "--run: flags come before the debuggers' names")
}

// The command that repeats a run names the debugger as its results do.
func TestEachOfManyCanBeNamedByItself(t *testing.T) {
	all, err := choose([]string{"defective"}, offer{}, nil)
	assert.NilError(t, err)
	assert.Assert(t, len(all.debuggers) > 1)
	for _, d := range all.debuggers {
		chosen, err := choose([]string{d.Name()}, offer{}, nil)
		assert.NilError(t, err)
		assert.Equal(t, len(chosen.debuggers), 1)
		assert.Equal(t, chosen.debuggers[0].Name(), d.Name())
	}
}

func TestACommandIsQuotedAsAShellReadsIt(t *testing.T) {
	for _, text := range []string{"", "a", "a b", "it's", `\`, "$x", "^a/b$", "a=b", "-x"} {
		words, err := shellWords("w " + shellQuoted(text))
		assert.NilError(t, err)
		assert.DeepEqual(t, words, []string{"w", text})
	}
}

package findings

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// head reads the text of a user's file.
func head(text string, own ...harness.Scenario) (List, error) {
	r, err := newReader(own, nil)
	if err != nil {
		return nil, err
	}
	return r.read("own.txt", text)
}

func TestHeadsAreRead(t *testing.T) {
	got, err := head(`# gdb misses births

    upstream: https://sourceware.org/1
    measured: Linux 6.18
    says: complete,exit ^unreported: a/b  c$

    debugger: gdb
    good: 10.1 12.1
    shows: 13.1 18.1
    hides: 10.1
    says: fork/launch,stops sound .
    always: 13.1 fork/launch,stops thread_*/launch complete 3 of 3
    configurations: gdb gdb-nonstop
    sometimes: 13.1 fork/launch exit,order 1 of 3
    sometimes: 18.1 */stops exit

What a user sees: nothing.

always: this is prose.
# another
debugger: strace
always: * fork/launch exit
`)
	assert.NilError(t, err)
	assert.Equal(t, len(got), 2)
	assert.Equal(t, got[0].Title, "gdb misses births")
	assert.Equal(t, got[0].Upstream, "https://sourceware.org/1")
	assert.Equal(t, got[0].Measured, "Linux 6.18")
	one, both := []string{"gdb"}, []string{"gdb", "gdb-nonstop"}
	assert.DeepEqual(t, got[0].Good, []Good{{"gdb", one, "10.1"}, {"gdb", one, "12.1"}})
	assert.DeepEqual(t, got[0].Scripts, []Script{
		{"gdb", "13.1", "shows"}, {"gdb", "18.1", "shows"}, {"gdb", "10.1", "hides"},
	})
	assert.DeepEqual(t, got[0].Failures, []Failure{
		{
			"gdb", one, "13.1",
			[]string{"fork/launch", "fork/stops", "thread_*/launch"},
			[]string{"complete"},
			true,
			Rate{3, 3},
		},
		{
			"gdb", both, "13.1",
			[]string{"fork/launch"},
			[]string{"exit", "order"},
			false,
			Rate{1, 3},
		},
		{"gdb", both, "18.1", []string{"*/stops"}, []string{"exit"}, false, Rate{}},
	})
	says := got[0].says
	assert.Equal(t, len(says), 2)
	assert.Equal(t, says[0].text.String(), "^unreported: a/b  c$")
	assert.DeepEqual(t, says[0].rules, []string{"complete", "exit"})
	assert.Equal(t, says[0].debugger, "")
	assert.Equal(t, says[1].debugger, "gdb")
	assert.DeepEqual(t, says[1].scenarios, []string{"fork/launch", "fork/stops"})
	assert.DeepEqual(t, got[1].Failures, []Failure{{
		"strace", []string{"strace"}, "*", []string{"fork/launch"}, []string{"exit"}, true, Rate{},
	}})
}

func TestAHeadThatSaysNothingIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		"always: 13 fork/launch complete 2 of 3":    "2 of 3 is not always",
		"sometimes: 13 fork/launch complete 4 of 3": `"4 of 3" is no rate: it is K of N runs, such`,
		"sometimes: 13 fork/launch complete often":  `"often" is no rate`,
		"sometimes: 13 complete 1 of 3":             "it names no scenario: a line is",
		"always: 13 fork/[launch complete":          `"fork/[launch" is no pattern`,
		"always: 13 fork/launch complete,finish":    "no rule is called finish",
		"always: 13 spoon/launch complete": "no scenario is called spoon/launch " +
			"(tidcheck list has them)",
		"always: 13 fork/launch,lunch complete": "no scenario is called fork/lunch",
		"says: complete [":                      "error parsing regexp",
		"says: complete":                        "says: a line is [SCENARIO/MODE…] RULE[,RULE]",
		"upstream:":                             "upstream: says nothing",
		"scenarios: fork/launch":                "scenarios: a head has no such line",
		"Says: complete ^x":                     "Says: a head has no such line",
		"says : complete [":                     "error parsing regexp",
		"says:\tcomplete [":                     "error parsing regexp",
	} {
		_, err := head("# a title\n\ndebugger: gdb\n" + line + "\n")
		assert.ErrorContains(t, err, "own.txt:4: "+want)
	}
	for _, line := range []string{"always: 13 fork/launch complete", "good: 13", "shows: 13"} {
		_, err := head("# a title\n" + line + "\n")
		assert.ErrorContains(t, err, "own.txt:2: no line debugger: is above it")
	}
	_, err := head("# a title\ndebugger: gdb\n")
	assert.ErrorContains(t, err, `own.txt: neither always: nor sometimes: is a line of "a title"`)
	_, err = head("gdb fork/launch complete 13 x\n")
	assert.ErrorContains(t, err, `own.txt:1: a finding begins with its title, "# TITLE"`)
}

func TestAUsersFindingIsAboutDebuggersOfTheRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.txt")
	text := "# a title\ndebugger: gdb\nconfigurations: gdb=/opt/gdb\nalways: 1 fork/launch exit\n"
	assert.NilError(t, os.WriteFile(file, []byte(text), 0o644))
	got, err := Load(file, nil, "gdb", "mine")
	assert.NilError(t, err)
	assert.Assert(t, got[0].Own)
	_, err = Load(file, nil, "mine")
	assert.ErrorContains(t, err, "own.txt:2: no debugger is called gdb")
}

// The suite's findings can be read, each by itself says enough, and none has a wildcard over
// fixtures without a regular expression that names its cause.
func TestTheSuitesFindingsAreWhole(t *testing.T) {
	list, err := All()
	assert.NilError(t, err)
	assert.Assert(t, len(list) > 70)
	for _, f := range list {
		assert.Check(t, f.Upstream != "", "%s: no line upstream:", f.Slug)
		assert.Check(t, f.Measured != "", "%s: no line measured:", f.Slug)
		for _, one := range f.Failures {
			assert.Check(t, one.Version != anyVersion, "%s: a version that was measured", f.Slug)
			for _, rule := range one.Rules {
				if one.isWide() {
					assert.Check(t, f.isSaid(one, rule), "%s: %s over fixtures needs a line says:",
						f.Slug, rule)
				}
			}
		}
	}
}

// Package findings is what is known of debuggers' failures. A finding is one cause. Its folder has
// README.md, whose head is lines of a key and a value, indented so that they show as they are:
//
//	upstream: not reported, or where it was reported
//	measured: Linux 6.18, amd64, 2026-11   where and when the rates below were counted
//	says: complete ^unreported birth: .*\(main/1/1\)
//	debugger: gdb                          what follows is about this program
//	configurations: gdb gdb-nonstop        of it, as tidcheck run names them
//	good: 10.1 12.1                        versions that were measured, and do not fail
//	always: 13.1 fork/launch,stops complete,exit 100 of 100
//	sometimes: 13.1 spawn/launch bounded 2 of 9
//	shows: 13.1 18.1                       versions that repro.sh was run on, and that show it,
//	flaky: 16.3                            at times,
//	hides: 10.1                            or do not
//
// It may have a reproducer, repro.sh and repro.c, which needs nothing of ours, and report.md, from
// which [Finding.Report] makes a report that can be sent.
// [List.Expect] turns a failure into KFAIL if findings say where it comes and what it says.
package findings

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"sync"

	"github.com/tidcheck/tidcheck/harness"
)

// A Finding is one cause of failures.
type Finding struct {
	Slug     string // its folder's name; empty if it is from a user's file
	Title    string
	Upstream string // where it was reported, or that it was not
	Measured string // where and when
	Failures []Failure
	Good     []Good
	Scripts  []Script
	Own      bool // it is a user's own

	says []saying
}

// A Failure is a line of a head: each of these scenarios fails by each of these rules.
type Failure struct {
	Debugger       string   // the program
	Configurations []string // of it; they are debuggers' names
	Version        string   // that was measured; * is any
	Scenarios      []string // patterns as in path.Match for scenario/mode
	Rules          []string
	Always         bool // it comes in each run, so that one that passes says that it is mended
	Rate           Rate
}

// Good is a version that was measured and does not fail.
type Good struct {
	Debugger       string
	Configurations []string
	Version        string
}

// A Script is what repro.sh was seen to do on one version.
type Script struct {
	Debugger string
	Version  string
	Shows    string // the key: shows, flaky or hides
}

// A Rate is how often a failure came: in k of n runs. The zero value says that it was not counted.
type Rate struct{ K, N int }

// A saying is what a rule says when a finding's failure comes.
type saying struct {
	debugger  string // the program that it is about; empty for all
	scenarios []string
	rules     []string
	text      *regexp.Regexp // searched in a violation's kind and text
}

// A List is what is known.
type List []Finding

//go:embed */README.md */repro.* */report.md
var folders embed.FS

var all = sync.OnceValues(func() (List, error) { return readFolders(folders, nil, nil) })

// All are the findings of the suite.
func All() (List, error) {
	list, err := all()
	return slices.Clone(list), err
}

// Load reads a user's own findings: a folder of folders as the suite's, or a file with one head or
// more, each below a line "# TITLE". It refuses scenarios that are neither the suite's nor the
// user's own, and debuggers that are none of those given, where any are.
func Load(name string, own []harness.Scenario, debuggers ...string) (List, error) {
	list, err := load(name, own, debuggers)
	for i := range list {
		list[i].Own = true
	}
	return list, err
}

func load(name string, own []harness.Scenario, debuggers []string) (List, error) {
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		list, err := readFolders(os.DirFS(name), own, debuggers)
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return list, err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the list of known failures: %w", err)
	}
	r, err := newReader(own, debuggers)
	if err != nil {
		return nil, err
	}
	return r.read(name, string(text))
}

// readFolders reads each folder's README.md, which has one head.
func readFolders(
	folders fs.FS, own []harness.Scenario, debuggers []string,
) (list List, err error) {
	names, err := fs.Glob(folders, "*/README.md")
	if err == nil && len(names) == 0 {
		err = errors.New("no folder of a finding is there (each has a README.md)")
	}
	if err != nil {
		return nil, err
	}
	r, err := newReader(own, debuggers)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(folders, name)
		if err != nil {
			return nil, fmt.Errorf("read a finding: %w", err)
		}
		found, err := r.read(name, string(text))
		if err != nil {
			return nil, err
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%s: it has %d heads, and a finding has one", name, len(found))
		}
		found[0].Slug = path.Dir(name)
		list = append(list, found...)
	}
	return list, nil
}

// name is how a message names a finding.
func (f Finding) name() string {
	if f.Slug == "" {
		return f.Title
	}
	return f.Slug + ": " + f.Title
}

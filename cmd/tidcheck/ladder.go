package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
)

// ladderVariable names the folder of `make ladder`, if it is not beside tidcheck's own program.
const ladderVariable = "TIDCHECK_LADDER"

// ladder is the folder of `make ladder`, which may not be there. The program of a debugger of one
// version stands there at NAME/VERSION/PROGRAM.
func ladder() string {
	if folder := os.Getenv(ladderVariable); folder != "" {
		return folder
	}
	self, err := os.Executable()
	if err != nil {
		return "ladder"
	}
	return filepath.Join(filepath.Dir(self), "ladder")
}

// baseName is the name of a debugger of which NAME=PATH or NAME@VERSION is one build.
func baseName(text string) string {
	if i := strings.IndexAny(text, "=@"); i >= 0 {
		return text[:i]
	}
	return text
}

// versions are those of its debugger that the ladder has, the oldest first.
func (c configuration) versions() (found []string) {
	if !c.external {
		return nil
	}
	name, program := filepath.Split(c.program)
	paths, _ := filepath.Glob(filepath.Join(ladder(), name, "*", program)) // it is a pattern
	for _, path := range paths {
		version := filepath.Base(filepath.Dir(path))
		if !strings.HasPrefix(version, ".") { // it is half made
			found = append(found, version)
		}
	}
	slices.SortFunc(found, compareVersions)
	return found
}

// compareVersions compares by the numbers that are divided by dots: 9.1 is less than 13.1.
func compareVersions(a, b string) int {
	numbers := func(version string) (list []int) {
		for part := range strings.SplitSeq(version, ".") {
			n, _ := strconv.Atoi(part) // what is no number comes first
			list = append(list, n)
		}
		return list
	}
	return cmp.Or(slices.Compare(numbers(a), numbers(b)), strings.Compare(a, b))
}

// pathOf is the program of one version.
func (c configuration) pathOf(version string) (string, error) {
	found := c.versions()
	if slices.Contains(found, version) {
		name, program := filepath.Split(c.program)
		paths, err := filepath.Glob(filepath.Join(ladder(), name, version, program))
		if err != nil || len(paths) == 0 {
			return "", errors.New("it is gone")
		}
		return filepath.Abs(paths[0])
	}
	const remedy = "make ladder gets those that tidcheck is tried with"
	if len(found) == 0 {
		return "", fmt.Errorf("%s has no version of it (%s)", ladder(), remedy)
	}
	return "", fmt.Errorf("%s has %s (%s)", ladder(), strings.Join(found, ", "), remedy)
}

// climb makes the debugger of one version, NAME@VERSION.
func climb(name, version string, args []string) (harness.Debugger, error) {
	text := name + "@" + version
	c := find(name, configurations("", args))
	switch {
	case c == nil:
		return nil, noDebugger(name)
	case !c.external:
		return nil, fmt.Errorf("%s: %s is part of tidcheck and has no versions", text, name)
	}
	path, err := c.pathOf(version)
	if err != nil {
		return nil, fmt.Errorf("there is no %s: %w", text, err)
	}
	c = find(name, configurations(path, args))
	return harness.Rename(c.debuggers[0], text), nil
}

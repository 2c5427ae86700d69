package findings

import (
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func allFindings(t *testing.T) List {
	t.Helper()
	list, err := All()
	assert.NilError(t, err)
	return list
}

var setting = Setting{
	Version: "99.1", Kernel: "Linux 9.9", Arch: "riscv64", System: "A System",
	Compiler: "cc 7", Go: "go9",
}

// A maintainer reads a report in two minutes: it has all that a project asks for, on a page.
func TestReportsAreWhole(t *testing.T) {
	n := 0
	for _, f := range allFindings(t) {
		source, err := fs.ReadFile(folders, f.file("report.md"))
		if err != nil {
			continue
		}
		assert.Check(t, f.HasReproducer(), "%s: a report needs a reproducer", f.Slug)
		assert.Check(t, len(f.Reported()) > 0, "%s: no section Seen in DEBUGGER", f.Slug)
		for _, debugger := range f.Reported() {
			n++
			s := setting
			s.Debugger = debugger
			text, err := f.Report(s)
			assert.NilError(t, err, "%s %s", f.Slug, debugger)
			for _, part := range []string{
				"99.1", "Linux 9.9", "riscv64", "A System", "sh repro.sh " + s.Program(),
				"xpect", "What the kernel does",
			} {
				assert.Check(t, is.Contains(text, part), "%s %s", f.Slug, debugger)
			}
			assert.Check(t, strings.Count(text, "\n") <= 90, "%s %s is no page", f.Slug, debugger)
			assert.Check(t, is.Equal(strings.Count(text, "```")%2, 0), "%s %s", f.Slug, debugger)
		}
		checkHeadings(t, f, string(source))
	}
	assert.Assert(t, n >= 28)
}

// checkHeadings finds headings that no form has, such as one about a debugger that has not been
// seen to fail.
func checkHeadings(t *testing.T, f Finding, source string) {
	for _, match := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(source, -1) {
		name, debugger, isAboutOne := strings.Cut(match[1], " in ")
		assert.Check(t, slices.ContainsFunc([]string{sourceware, llvm, delve, strace},
			func(form string) bool { return strings.Contains(form, `"`+name+`"`) }),
			"%s: no form has %s", f.Slug, match[1])
		assert.Check(t, !isAboutOne || slices.Contains(f.Reported(), debugger), "%s: %s",
			f.Slug, match[1])
	}
}

// A finding that the newest release still has can be reported, if its script shows it.
func TestWhatTheNewestReleaseHasCanBeSent(t *testing.T) {
	list := allFindings(t)
	newest := make(map[string]string)
	for _, f := range list {
		for _, one := range f.Failures {
			if v := newest[one.Debugger]; v == "" || isBelow(v, one.Version) {
				newest[one.Debugger] = one.Version
			}
		}
	}
	for _, f := range list {
		script, err := fs.ReadFile(folders, f.file("repro.sh"))
		if err != nil {
			continue
		}
		match := regexp.MustCompile(`(?m)^# Shows in: (.*)$`).FindSubmatch(script)
		assert.Assert(t, match != nil, f.Slug)
		shows := strings.Fields(string(match[1]))
		for _, one := range f.Failures {
			if one.Version == newest[one.Debugger] && slices.Contains(shows, one.Debugger) {
				assert.Check(t, is.Contains(f.Reported(), one.Debugger), f.Slug)
			}
		}
	}
}

// Without report.md a report has what README.md says.
func TestAnOldFindingHasAShortReport(t *testing.T) {
	f, err := allFindings(t).Reproducer("detach-asserts-at-dead-leader")
	assert.NilError(t, err)
	assert.DeepEqual(t, f.Reported(), []string{"gdb"})
	s := setting
	s.Debugger = "gdb"
	text, err := f.Report(s)
	assert.NilError(t, err)
	assert.Check(t, is.Contains(text, "\nSummary: A detach "))
	assert.Check(t, is.Contains(text, "sh repro.sh gdb"))
	assert.Check(t, is.Contains(text, "PTRACE_DETACH is ESRCH"))
	assert.Check(t, !strings.Contains(text, "always:"))
}

func TestAttachmentsAreTheReproducersFiles(t *testing.T) {
	f, err := allFindings(t).Reproducer("attach-fails-at-churn")
	assert.NilError(t, err)
	files, err := f.Attachments()
	assert.NilError(t, err)
	assert.Equal(t, len(files), 3)
	for name, begins := range map[string]string{
		"repro.c": "/*\n", "repro.go": "//go:build ignore\n", "repro.sh": "#!/bin/sh\n",
	} {
		assert.Check(t, bytes.HasPrefix(files[name], []byte(begins)), name)
	}
}

func TestASlugThatIsNotThereNamesTheNearest(t *testing.T) {
	list := allFindings(t)
	for slug, want := range map[string]string{
		"attach-refuse-leader":    "nearest are attach-refuses-dead-leader, ",
		"exec-of-main-hangs":      "nearest are exec-off-main-hangs, ",
		"attach-again-never-ends": "attach-again-never-ends has no reproducer",
	} {
		_, err := list.Reproducer(slug)
		assert.Check(t, is.ErrorContains(err, want))
	}
}

func TestDistanceCountsEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"abc", "", 3},
		{"", "abc", 3},
		{"abc", "abc", 0},
		{"abc", "xbc", 1},
		{"abc", "bc", 1},
		{"kitten", "sitting", 3},
	} {
		assert.Check(t, is.Equal(distance(c.a, c.b), c.want), "%s %s", c.a, c.b)
	}
}

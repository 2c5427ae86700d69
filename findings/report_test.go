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

// A finding whose script shows it in the newest release can be reported to that project.
func TestWhatTheNewestReleaseHasCanBeSent(t *testing.T) {
	list := allFindings(t)
	newest := make(map[string]string)
	for _, f := range list {
		for _, one := range f.Scripts {
			if v := newest[one.Debugger]; v == "" || isBelow(v, one.Version) {
				newest[one.Debugger] = one.Version
			}
		}
	}
	for _, f := range list {
		var got []string
		if _, err := fs.Stat(folders, f.file("report.md")); err == nil {
			got = f.Reported()
		}
		var may []string // which show it in the newest release, if only at times
		for _, one := range f.Scripts {
			name := reportedAs(one.Debugger)
			if one.Version != newest[one.Debugger] || one.Shows == "hides" {
				continue
			}
			may = append(may, name)
			assert.Check(t, one.Shows == "flaky" || slices.Contains(got, name),
				"%s: it can be reported to %s", f.Slug, name)
		}
		for _, name := range got {
			assert.Check(t, is.Contains(may, name), f.Slug)
		}
	}
}

// The head says of each debugger that repro.sh names in which versions it shows.
func TestScriptsNameTheDebuggersOfTheirHeads(t *testing.T) {
	for _, f := range allFindings(t) {
		if !f.HasReproducer() {
			assert.Check(t, is.Len(f.Scripts, 0), f.Slug)
			continue
		}
		script, err := fs.ReadFile(folders, f.file("repro.sh"))
		assert.NilError(t, err)
		match := regexp.MustCompile(`(?m)^# Shows in: (.*)$`).FindSubmatch(script)
		assert.Assert(t, match != nil, f.Slug)
		got := strings.Fields(strings.ReplaceAll(string(match[1]), "lldb-server", "lldbserver"))
		var want []string
		for _, one := range f.Scripts {
			if one.Shows != "hides" && !slices.Contains(want, one.Debugger) {
				want = append(want, one.Debugger)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		assert.Check(t, is.DeepEqual(got, want), f.Slug)
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

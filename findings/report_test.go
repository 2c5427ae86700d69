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
		assert.Check(t, !strings.Contains(string(source), "someone"), "%s: a signal comes", f.Slug)
		checkHeadings(t, f, string(source))
	}
	assert.Assert(t, n >= 28)
}

// What another version printed is not told as this machine's.
func TestAReportSaysWhichVersionWasSeen(t *testing.T) {
	const warned = "the script was not run"
	for _, f := range allFindings(t) {
		for _, one := range f.Scripts {
			if f.CheckVersion(one.Debugger, one.Version) != nil ||
				!slices.Contains(f.Reported(), one.Debugger) {
				continue
			}
			s := setting
			s.Debugger, s.Version = one.Debugger, one.Version
			text, err := f.Report(s)
			assert.NilError(t, err)
			source, _ := fs.ReadFile(folders, f.file("report.md"))
			isSeen := strings.Contains(string(source), "\n"+one.Debugger+" "+one.Version+", ")
			want := len(source) > 0 && !isSeen
			assert.Check(t, is.Equal(strings.Contains(text, warned), want), "%s %s %s", f.Slug,
				one.Debugger, one.Version)
		}
	}
	f, err := allFindings(t).Reproducer("leader-end-told-twice")
	assert.NilError(t, err)
	for version, want := range map[string]string{
		"13.1": "Seen with gdb 18.1; the script was not run with 13.1 here:\n" +
			"run `sh repro.sh gdb` before you send this.\n\ngdb 18.1, Linux",
		"(not installed here)": "Seen with gdb 18.1; the script was not run here:\n",
		"18.1.90.2026-git":     "not run with 18.1.90.2026-git here",
		"18.1-2.el9":           "Seen:\n\ngdb 18.1, Linux",
	} {
		s := setting
		s.Debugger, s.Version = "gdb", version
		text, err := f.Report(s)
		assert.NilError(t, err)
		assert.Check(t, is.Contains(text, want))
	}
}

// Each section Seen begins with the debugger and the version that was run.
func TestSeenBeginsWithAVersion(t *testing.T) {
	for _, f := range allFindings(t) {
		text, err := fs.ReadFile(folders, f.file("report.md"))
		if err != nil {
			continue
		}
		sections := sectionsOf(string(text))
		for _, debugger := range f.Reported() {
			with := seenWith.FindStringSubmatch(sections[seenSection+debugger])
			assert.Assert(t, with != nil, "%s %s", f.Slug, debugger)
			assert.Check(t, is.Equal(with[1], debugger), f.Slug)
			assert.Check(t, slices.ContainsFunc(f.Scripts, func(one Script) bool {
				return one.Debugger == debugger && one.Version == with[2] && one.Shows != "hides"
			}), "%s: its head does not have %s %s", f.Slug, debugger, with[2])
		}
	}
}

// The summary that tells versions apart has all that the script was run on.
func TestTheSummaryNamesTheVersionsOfTheHead(t *testing.T) {
	text, err := fs.ReadFile(folders, "leader-end-told-twice/report.md")
	assert.NilError(t, err)
	f, err := allFindings(t).Reproducer("leader-end-told-twice")
	assert.NilError(t, err)
	for _, one := range f.Scripts {
		assert.Check(t, is.Contains(sectionsOf(string(text))[summarySection], one.Version))
	}
}

func TestARightVersionIsNotReported(t *testing.T) {
	for _, c := range []struct{ slug, debugger, version, want string }{
		{
			"leader-end-told-twice", "gdb", "10.1",
			"gdb 10.1 does not do this, as measured (findings/leader-end-told-twice): " +
				"name another build",
		},
		{"leader-end-told-twice", "gdb", "10.1-1.el9", "gdb 10.1 does not do this"},
		{"leader-end-told-twice", "gdb", "10.1.90.20210103-git", "gdb 10.1 does not do this"},
		{"leader-end-told-twice", "gdb", "10.10", ""}, // another
		{"leader-end-told-twice", "gdb", "10", ""},
		{"leader-end-told-twice", "gdb", "13.1", ""},
		{"leader-end-told-twice", "gdb", "9.2", ""}, // not measured
		{"leader-end-told-twice", "gdb", "(not installed here)", ""},
		{"exec-off-main-hangs", "lldb", "14.0.6", "lldb 14.0.6 does not do this"},
		{"executing-thread-told-ended", "gdb", "13.1", "gdb 13.1 does not do this"},
		{"executing-thread-told-ended", "gdb", "10.1", ""}, // at times
		{"exit-during-vfork-untold", "gdbserver", "10.1", "gdbserver 10.1 does not do this"},
		{"exit-during-vfork-untold", "lldb", "10.1", ""}, // gdb's
		{
			"attach-hangs-at-traced-thread", "gdb", "18.1", // a scenario shows it
			"repro.sh does not show this with gdb 18.1, as measured " +
				"(findings/attach-hangs-at-traced-thread): name another build",
		},
	} {
		f, err := allFindings(t).Reproducer(c.slug)
		assert.NilError(t, err)
		err = f.CheckVersion(c.debugger, c.version)
		if c.want == "" {
			assert.Check(t, err, "%v", c)
			continue
		}
		assert.Check(t, is.ErrorContains(err, c.want))
	}
}

// A finding's other configurations, and lldb-server in a report about lldb, may fail where one is
// good.
func TestWhatIsGoodInOneConfigurationMayBeReported(t *testing.T) {
	good := []Good{{"lldb", []string{"lldb"}, "19.1.7"}}
	for name, c := range map[string]struct {
		finding Finding
		refused bool
	}{
		"good": {Finding{Good: good}, true},
		"good, and lldb-server shows it": {
			Finding{Good: good, Scripts: []Script{{"lldbserver", "19.1.7", "shows"}}}, false,
		},
		"good, and lldb-server fails": {
			Finding{Good: good, Failures: []Failure{{Debugger: "lldbserver", Version: "19.1.7"}}},
			false,
		},
		"another configuration": {
			Finding{Good: []Good{{"lldb", []string{"lldb-breakpoint"}, "19.1.7"}}}, false,
		},
		"lldb-server hides it": {
			Finding{Scripts: []Script{{"lldbserver", "19.1.7", "hides"}}}, false,
		},
	} {
		err := c.finding.CheckVersion("lldb", "19.1.7")
		assert.Check(t, is.Equal(err != nil, c.refused), name)
	}
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

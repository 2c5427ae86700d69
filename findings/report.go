package findings

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// A Setting is what a report says of a machine, and of the debugger whose defect it reports. The
// report.md of a finding is a template over it.
type Setting struct {
	Debugger string // the program, as heads name it
	Version  string
	Kernel   string // with "Linux"
	Arch     string
	System   string // the distribution
	Compiler string
	Go       string // the version of the go command
}

// Program is what a user calls the debugger.
func (s Setting) Program() string {
	if s.Debugger == "delve" {
		return "dlv"
	}
	return s.Debugger
}

// Attach is the debugger's command line that attaches to a process.
func (s Setting) Attach() string {
	switch s.Debugger {
	case "gdbserver":
		return "gdbserver --attach :2345 PID"
	case "delve":
		return "dlv attach PID"
	case "strace":
		return "strace -f -p PID"
	}
	return s.Debugger + " -p PID"
}

// Run is the debugger's command line that runs the program of the report to its end.
func (s Setting) Run() string {
	switch s.Debugger {
	case "gdb":
		return "gdb -batch -ex run ./repro"
	case "gdbserver":
		return `gdb -batch -ex "target remote | gdbserver - ./repro" -ex continue`
	case "lldb":
		return "lldb -b -o run ./repro"
	case "delve":
		return "dlv exec ./repro, and then continue"
	}
	return s.Debugger + " -f ./repro"
}

// HasReproducer tells whether the finding has a program and a script that show it.
func (f Finding) HasReproducer() bool {
	_, err := fs.Stat(folders, f.file("repro.sh"))
	return err == nil
}

// PrintReproducers lists the findings that have a reproducer, and the debuggers of their reports.
func (l List) PrintReproducers(w io.Writer) {
	for _, f := range l {
		if f.HasReproducer() {
			fmt.Fprintf(w, "%s: %s (%s)\n", f.Slug, f.Title, strings.Join(f.Reported(), " "))
		}
	}
}

// Reproducer is the finding with this slug. The error names those that are nearest to it.
func (l List) Reproducer(slug string) (Finding, error) {
	var names []string
	for _, f := range l {
		switch {
		case f.Slug == slug && f.HasReproducer():
			return f, nil
		case f.Slug == slug:
			return f, fmt.Errorf("%s has no reproducer (tidcheck repro lists those that have)",
				slug)
		case f.HasReproducer():
			names = append(names, f.Slug)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(distance(slug, a), distance(slug, b))
	})
	return Finding{}, fmt.Errorf("no finding is called %s; the nearest are %s "+
		"(tidcheck repro lists all)", slug, strings.Join(names[:min(3, len(names))], ", "))
}

// distance is how many bytes are to be added, removed or replaced to make one text the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the part of a that was seen, to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func (f Finding) file(name string) string { return path.Join(f.Slug, name) }

// Attachments are the files of the finding's reproducer, by their names.
func (f Finding) Attachments() (map[string][]byte, error) {
	names, err := fs.Glob(folders, f.file("repro.*"))
	files := make(map[string][]byte)
	for _, name := range names {
		text, bad := fs.ReadFile(folders, name)
		files[path.Base(name)], err = text, errors.Join(err, bad)
	}
	return files, err
}

// Reported are the debuggers to whose projects the finding can be reported: those that report.md
// has a section about, which the newest release still fails. Without report.md they are those of
// the head.
func (f Finding) Reported() (debuggers []string) {
	text, err := fs.ReadFile(folders, f.file("report.md"))
	for _, match := range seenIn.FindAllSubmatch(text, -1) {
		debuggers = append(debuggers, string(match[1]))
	}
	if err == nil {
		return debuggers
	}
	for _, one := range f.Failures {
		if name := reportedAs(one.Debugger); !slices.Contains(debuggers, name) {
			debuggers = append(debuggers, name)
		}
	}
	return debuggers
}

var seenIn = regexp.MustCompile(`(?m)^## Seen in (\S+)$`)

// reportedAs names the program in whose report a debugger's failure is told: lldb-server is a part
// of lldb.
func reportedAs(debugger string) string {
	if debugger == "lldbserver" {
		return "lldb"
	}
	return debugger
}

// CheckVersion refuses a version of a debugger that was measured and is right, or in which the
// script does not show what scenarios do.
func (f Finding) CheckVersion(debugger, version string) error {
	var shows, fails bool
	var hides, good string // the version that was measured
	isAbout := func(name, measured string) bool {
		return reportedAs(name) == debugger && isBuildOfVersion(version, measured)
	}
	for _, one := range f.Scripts {
		switch {
		case !isAbout(one.Debugger, one.Version):
		case one.Shows != "hides":
			shows = true
		case one.Debugger == debugger:
			hides = one.Version
		}
	}
	for _, one := range f.Good {
		if slices.Contains(one.Configurations, debugger) && isAbout(debugger, one.Version) {
			good = one.Version
		}
	}
	for _, one := range f.Failures {
		fails = fails || isAbout(one.Debugger, one.Version)
	}
	switch {
	case shows, hides == "" && (good == "" || fails):
		return nil
	case fails:
		return fmt.Errorf("repro.sh does not show this with %s %s, as measured (findings/%s): "+
			"name another build", debugger, hides, f.Slug)
	}
	return fmt.Errorf("%s %s does not do this, as measured (findings/%s): name another build",
		debugger, cmp.Or(hides, good), f.Slug)
}

// Report is a report about one of the debuggers of [Finding.Reported], in the form in which its
// project takes reports. Without report.md it has what README.md says.
func (f Finding) Report(s Setting) (string, error) {
	name := f.file("report.md")
	text, err := fs.ReadFile(folders, name)
	isShort := errors.Is(err, fs.ErrNotExist)
	if isShort {
		name = f.file("README.md")
		text, err = fs.ReadFile(folders, name)
	}
	if err != nil {
		return "", fmt.Errorf("read a report: %w", err)
	}
	filled, err := fill(name, string(text), s)
	if err != nil {
		return "", err
	}
	sections := sectionsOf(filled)
	if seen, ok := sections[seenSection+s.Debugger]; ok {
		sections[seenSection+s.Debugger] = s.warning(seen) + seen
	}
	if isShort {
		sections = map[string]string{
			titleSection:   sections[titleSection],
			summarySection: sections["What a user sees"],
			stepsSection:   "```console\n$ sh repro.sh " + s.Program() + "\n```",
			kernelSection:  sections[kernelSection],
		}
	}
	return fill(s.Debugger, forms[s.Debugger], filledForm{s, sections})
}

// warning says that what was seen is another version's than the report's.
func (s Setting) warning(seen string) string {
	with := seenWith.FindStringSubmatch(seen)
	if with == nil || isSame(with[2], s.Version) {
		return ""
	}
	build := ""
	if numbered.MatchString(s.Version) { // else none is installed
		build = "with " + s.Version + " "
	}
	return fmt.Sprintf("Seen with %s %s; the script was not run %shere:\n"+
		"run `sh repro.sh %s` before you send this.\n\n", with[1], with[2], build, s.Program())
}

// seenWith is how a section Seen begins.
var seenWith = regexp.MustCompile(`^(\S+) (\d[^\s,]*), `)

func fill(name, text string, data any) (string, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, data)
	return b.String(), err
}

// The sections of report.md that are read here. The text before the first is the summary.
const (
	titleSection   = "title" // without a heading of its own
	summarySection = "summary"
	kernelSection  = "What the kernel does"
	stepsSection   = "Steps"
	seenSection    = "Seen in " // and the debugger
)

// sectionsOf splits a text at its headings.
func sectionsOf(text string) map[string]string {
	sections := make(map[string]string)
	at := summarySection
	for line := range strings.Lines(text) {
		heading, isHeading := strings.CutPrefix(line, "## ")
		first, isTitle := strings.CutPrefix(line, "# ")
		switch {
		case isHeading:
			at = strings.TrimSpace(heading)
		case isTitle && sections[titleSection] == "":
			sections[titleSection] = strings.TrimSpace(first)
		default:
			sections[at] += line
		}
	}
	for name, text := range sections {
		sections[name] = strings.Trim(text, "\n")
	}
	return sections
}

// A filledForm is what a form is filled with.
type filledForm struct {
	Setting
	sections map[string]string
}

// Title is the report's title.
func (f filledForm) Title() string { return f.sections[titleSection] }

// Summary is the title in a tracker of several programs.
func (f filledForm) Summary() string {
	if strings.Contains(f.Title(), f.Debugger) {
		return f.Title()
	}
	return f.Debugger + ": " + f.Title()
}

// Part is a section below a heading, or nothing if there is none. A section may be about one
// debugger.
func (f filledForm) Part(heading, name string) string {
	text := f.sections[name]
	if text == "" {
		text = f.sections[name+" in "+f.Debugger]
	}
	if text == "" {
		return ""
	}
	if heading == "" {
		return text + "\n"
	}
	return fmt.Sprintf("\n%s\n\n%s\n", heading, text)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/report"
	"golang.org/x/term"
)

// diffCommand prints what changed between two reports of run --json.
func diffCommand(c *invocation) action {
	return func(_ context.Context, args []string) error {
		if len(args) != 2 {
			return errors.New("name two reports of run --json: BEFORE.json AFTER.json")
		}
		before, err := readReport(args[0])
		if err != nil {
			return err
		}
		after, err := readReport(args[1])
		if err != nil {
			return err
		}
		if !slices.Equal(before.Shards, after.Shards) {
			fmt.Fprintf(os.Stderr, "the reports have different parts of all: %q and %q\n",
				before.Shards, after.Shards)
		}
		changes := report.Diff(before, after)
		for _, change := range changes {
			fmt.Println(change)
			if detail, _, _ := strings.Cut(change.Detail, "\n"); detail != "" {
				fmt.Printf("    %s\n", detail)
			}
			if change.Way == report.Worse {
				c.status = notConforming
			}
		}
		if len(changes) == 0 {
			fmt.Println("no verdict changed")
		}
		return nil
	}
}

// readReport reads a report of run --json, and warns of one that was stopped.
func readReport(name string) (*harness.Report, error) {
	reports, err := report.Read(name)
	switch {
	case err != nil:
		return nil, err
	case len(reports) > 1:
		return nil, fmt.Errorf("%s: it has %d reports merged, and one is needed here", name,
			len(reports))
	}
	warnStopped(name, reports)
	return reports[0], nil
}

func warnStopped(name string, reports []*harness.Report) {
	for _, r := range reports {
		if r.Stopped != "" {
			fmt.Fprintf(os.Stderr, "%s: the run was stopped before its end: %s\n", name, r.Stopped)
		}
	}
}

// reportCommand merges reports and writes them in other forms.
func reportCommand(c *invocation) action {
	var files resultFiles
	files.define(c.Flags())
	c.Long += `

Reports of one machine, suite and version become one: shards, or runs of other scenarios. Others
stand side by side. A run that was stopped is marked in every form. Without a flag, a summary is
printed as Markdown. A file - is standard output.`
	return func(_ context.Context, args []string) error {
		if len(args) == 0 {
			return errors.New("name reports of run --json: RESULTS.json…")
		}
		var all []*harness.Report
		for _, name := range args {
			reports, err := report.Read(name)
			if err != nil {
				return err
			}
			warnStopped(name, reports)
			all = append(all, reports...)
		}
		if !files.isAny() {
			files.names["markdown"] = "-"
		}
		if err := files.open(); err != nil {
			return err
		}
		return files.write(report.Merge(all)...)
	}
}

// resultFiles are the files that results are written to, by the names of their flags.
type resultFiles struct {
	names map[string]string
	files map[string]*report.File
}

// forms are the forms of results, in the order in which they are written.
var forms = []struct {
	name, usage string
	write       func(io.Writer, []*harness.Report) error
}{
	{
		"json", "write the results as JSON to this `file` (- is standard output)",
		report.MergedJSON,
	},
	{"junit", "write the results as JUnit's XML to this `file`", report.JUnit},
	{
		"markdown", "write a summary as Markdown to this `file`, and append it to " +
			"$GITHUB_STEP_SUMMARY where that is set",
		report.Markdown,
	},
	{"html", "write a page with the evidence of each failure to this `file`", report.HTML},
}

func (f *resultFiles) define(flags *pflag.FlagSet) {
	f.names, f.files = make(map[string]string), make(map[string]*report.File)
	for _, form := range forms {
		flags.Func(form.name, form.usage, func(name string) error {
			f.names[form.name] = name
			return nil
		})
	}
}

func (f *resultFiles) isAny() bool { return len(f.names) > 0 }

// toStdout tells whether standard output is for one of the forms.
func (f *resultFiles) toStdout() bool {
	return slices.Contains(slices.Collect(maps.Values(f.names)), "-")
}

// open makes sure that the files can be written, before a run whose results would be lost.
func (f *resultFiles) open() (err error) {
	taken := make(map[string]string) // forms by their files
	for _, form := range forms {
		name, ok := f.names[form.name]
		if !ok || name == "" {
			continue
		}
		if other := taken[filepath.Clean(name)]; other != "" {
			return fmt.Errorf("--%s and --%s: name two files", other, form.name)
		}
		taken[filepath.Clean(name)] = form.name
		if f.files[form.name], err = report.Create(name); err != nil {
			return fmt.Errorf("--%s: %w", form.name, err)
		}
	}
	return nil
}

// write writes all files. Reports without results, of a run that was stopped at once, leave them
// with what they held before.
func (f *resultFiles) write(reports ...*harness.Report) error {
	has := func(r *harness.Report) bool { return len(r.Results) > 0 }
	if !slices.ContainsFunc(reports, has) {
		return nil
	}
	var errs []error
	for _, form := range forms {
		file := f.files[form.name]
		if file == nil {
			continue
		}
		err := file.Write(func(w io.Writer) error { return form.write(w, reports) })
		if summary := os.Getenv("GITHUB_STEP_SUMMARY"); form.name == "markdown" && summary != "" {
			err = errors.Join(err, appendMarkdown(summary, reports))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", form.name, err))
		}
	}
	return errors.Join(errs...)
}

// appendMarkdown adds a summary to the file that GitHub shows with a job.
func appendMarkdown(name string, reports []*harness.Report) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(report.Markdown(file, reports), file.Close())
}

// A checked writer keeps the first error.
type checked struct {
	io.Writer
	err error
}

func (c *checked) Write(text []byte) (int, error) {
	n, err := c.Writer.Write(text)
	c.err = cmp.Or(c.err, err)
	return n, err
}

// plainColumns is how wide a table may be where there is no terminal.
const plainColumns = 100

// columns tells how wide the terminal is that a file is; zero if it is none.
func columns(file *os.File) func() int {
	return func() int {
		width, _, _ := term.GetSize(int(file.Fd()))
		return width
	}
}

// summarize prints the scenarios that took longest, if they are asked for, and a report's summary.
// Unless it was stopped, it prints which rules caught which defect.
func (r *runRequest) summarize(result *harness.Report) {
	if r.slowest > 0 {
		fmt.Fprintln(r.printer.Out)
		report.Slowest(r.printer.Out, result, r.slowest)
	}
	report.Summary(r.printer.Out, result, cmp.Or(columns(os.Stdout)(), plainColumns))
	if result.Stopped == "" {
		fmt.Fprint(r.printer.Out, defective.KillTable(result.Results))
	}
}

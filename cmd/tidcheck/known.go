package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/findings"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/judge"
)

// knownCommand lists findings, or drafts those that a report lacks.
func knownCommand(c *invocation) action {
	update := c.Flags().String("update", "",
		"add drafts of findings for what fails in this `report` of run --json and is not known "+
			"to PATH, a file, and print what was known and passes; without PATH, print both")
	c.Long += `

PATH is a file or a folder as run --known takes. A draft has its lines says:, and no title: run
--known refuses it until you have said what is wrong.`
	return func(_ context.Context, args []string) error {
		if len(args) > 1 {
			return errors.New("name one file or folder of findings")
		}
		if *update != "" {
			return draft(*update, argument(args, 0))
		}
		known, err := everyKnown(argument(args, 0), nil)
		if err != nil {
			return err
		}
		for _, f := range known {
			name := f.Slug
			if name == "" {
				name = "your own"
			}
			fmt.Printf("%s: %s (%s)\n", name, f.Title, f.Upstream)
		}
		return nil
	}
}

// draft writes what a report has that findings do not.
func draft(reportFile, file string) error {
	r, err := readReport(reportFile)
	if err != nil {
		return err
	}
	for _, one := range r.Results {
		if one.Verdict == judge.KPass {
			fmt.Printf("%s %s/%s: %s passes, %s\n", one.Debugger, one.Scenario, one.Mode, one.Rule,
				one.Detail)
		}
	}
	text := findings.Draft(r)
	if file == "" || text == "" {
		fmt.Print(text)
		return nil
	}
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(before) > 0 && !bytes.HasSuffix(before, []byte("\n")) {
		text = "\n" + text
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = out.WriteString(text)
	return errors.Join(err, out.Close())
}

// reproCommand gives a report of a finding that can be sent, with a program that shows it.
func reproCommand(c *invocation) action {
	folder := c.Flags().String("write", "",
		"write report.md and the reproducer's files into this `folder`, which may be new")
	c.Long += `

SLUG is a finding's name; without one, those that have a reproducer are listed. The report is about
this machine, and about DEBUGGER: gdb, gdbserver, lldb, delve or strace, also as NAME=PATH or
NAME@VERSION. Without one it is about the first that the finding names and that is installed. A
version that was measured and is right is refused.`
	c.ValidArgsFunction = completes(func() (slugs []string) {
		list, _ := findings.All() // embedded, and tested
		for _, f := range list {
			if f.HasReproducer() {
				slugs = append(slugs, f.Slug)
			}
		}
		return slugs
	})
	return func(ctx context.Context, args []string) error {
		list, err := findings.All()
		switch {
		case err != nil:
			return err
		case len(args) == 0 && *folder != "":
			return errors.New("--write: name a finding too")
		case len(args) == 0:
			list.PrintReproducers(os.Stdout)
			return nil
		case len(args) > 2:
			return errors.New("name one finding, and one debugger at most")
		}
		f, err := list.Reproducer(args[0])
		if err != nil {
			return err
		}
		setting, err := settingOf(ctx, f, argument(args, 1))
		if err != nil {
			return err
		}
		report, err := f.Report(setting)
		if err != nil {
			return err
		}
		files, err := f.Attachments()
		if err != nil {
			return err
		}
		if *folder == "" {
			return printReport(report, files)
		}
		files["report.md"] = []byte(report)
		return writeReport(*folder, files)
	}
}

// settingOf is this machine, and the debugger that a user names or the first that is installed.
func settingOf(
	ctx context.Context, f findings.Finding, named string,
) (s findings.Setting, err error) {
	names := f.Reported()
	if named != "" {
		if !slices.Contains(names, baseName(named)) {
			return s, fmt.Errorf("%s is a finding about %s, and not about %s", f.Slug,
				strings.Join(names, ", "), named)
		}
		names = []string{named}
	}
	machine := harness.ThisMachine(ctx)
	s = findings.Setting{
		Kernel: "Linux " + machine.Kernel, Arch: machine.Arch, System: system(),
		Compiler: "cc " + notHere, Go: "go " + notHere,
	}
	if found, err := build.Compiler(fixtures.C); err == nil {
		s.Compiler = found
	}
	if found, err := build.Compiler(fixtures.Go); err == nil {
		s.Go = found
	}
	var refused error
	for _, name := range names {
		if s.Version, err = versionOf(ctx, name); err != nil {
			continue
		}
		s.Debugger = baseName(name)
		if refused = f.CheckVersion(s.Debugger, s.Version); refused == nil {
			return s, nil
		}
	}
	if refused != nil {
		return s, refused
	}
	s.Debugger, s.Version = names[0], notHere
	if baseName(named) == named { // what is installed; else that one build was asked for
		err = nil
	}
	return s, err
}

const notHere = "(not installed here)"

// versionOf is the version of the debugger that NAME, NAME=PATH or NAME@VERSION stands for.
func versionOf(ctx context.Context, name string) (string, error) {
	debuggers, err := choose([]string{name}, offer{}, nil)
	if err != nil {
		return "", err
	}
	return debuggers[0].Version(ctx)
}

// system is the name of this machine's distribution.
func system() string {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "an unknown system"
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return "an unknown system"
}

func printReport(report string, files map[string][]byte) error {
	fmt.Print(report)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Printf("\n%s:\n\n```\n%s```\n", name, files[name])
	}
	return nil
}

// writeReport writes new files.
func writeReport(folder string, files map[string][]byte) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(folder, name)
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return err
		}
		_, err = out.Write(files[name])
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
		fmt.Println("wrote", path)
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tidcheck/tidcheck/findings"
	"github.com/tidcheck/tidcheck/judge"
)

// knownCommand lists findings, or drafts those that a report lacks.
func knownCommand(_ context.Context, c *invocation) error {
	update := c.flags.String("update", "",
		"add drafts of findings for what fails in this `report` of run --json and is not known\n"+
			"to PATH, a file, and print what was known and passes; without PATH, print both")
	c.sentence += `

PATH is a file or a folder as run --known takes. A draft has its lines says:, and no title: run
--known refuses it until you have said what is wrong.`
	if err := c.parse(); err != nil {
		return err
	}
	if c.flags.NArg() > 1 {
		return errors.New("name one file or folder of findings")
	}
	if *update != "" {
		return draft(*update, c.flags.Arg(0))
	}
	known, err := everyKnown(c.flags.Arg(0), nil)
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

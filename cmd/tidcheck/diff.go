package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/report"
)

// diffCommand prints what changed between two reports of run --json.
func diffCommand(_ context.Context, c *invocation) error {
	if err := c.parse(); err != nil {
		return err
	}
	if c.flags.NArg() != 2 {
		return errors.New("name two reports of run --json: BEFORE.json AFTER.json")
	}
	before, err := readReport(c.flags.Arg(0))
	if err != nil {
		return err
	}
	after, err := readReport(c.flags.Arg(1))
	if err != nil {
		return err
	}
	changes := report.Diff(before, after)
	for _, change := range changes {
		fmt.Println(change)
		if detail, _, _ := strings.Cut(change.Detail, "\n"); detail != "" {
			fmt.Printf("    %s\n", detail)
		}
		c.status = notConforming
	}
	if len(changes) == 0 {
		fmt.Println("no verdict changed")
	}
	return nil
}

// readReport reads a report of run --json, and warns of one that was stopped.
func readReport(name string) (*harness.Report, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var r harness.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: not a report of run --json: %w", name, err)
	}
	if r.Suite == "" || len(r.Results) == 0 {
		return nil, fmt.Errorf("%s: not a report of run --json: it has no results", name)
	}
	if r.Stopped != "" {
		fmt.Fprintf(os.Stderr, "%s: the run was stopped before its end: %s\n", name, r.Stopped)
	}
	return &r, nil
}

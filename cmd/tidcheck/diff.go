package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
)

// diffCommand tells what changed between two reports that run wrote by --json.
func diffCommand(_ context.Context, c *invocation) (int, error) {
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	if c.flags.NArg() != 2 {
		return harnessError, errors.New("name two reports, written by run --json: BEFORE.json AFTER.json")
	}
	var reports [2]*harness.Report
	for i, name := range c.flags.Args() {
		r, err := readReport(name)
		if err != nil {
			return harnessError, err
		}
		if r.Stopped != "" {
			fmt.Fprintf(c.stderr, "%s was stopped before all was run: %s\n", name, r.Stopped)
		}
		reports[i] = r
	}
	changes := harness.Diff(reports[0], reports[1])
	for _, change := range changes {
		fmt.Fprintln(c.stdout, change)
		if detail, _, _ := strings.Cut(change.Detail, "\n"); detail != "" {
			fmt.Fprintf(c.stdout, "    %s\n", detail)
		}
	}
	if len(changes) > 0 {
		return notConforming, nil
	}
	fmt.Fprintln(c.stdout, "no verdict changed")
	return asExpected, nil
}

func readReport(name string) (*harness.Report, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var r harness.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: it is no report of run --json: %w", name, err)
	}
	if r.Suite == "" || len(r.Results) == 0 {
		return nil, fmt.Errorf("%s: it is no report of run --json: it has no results", name)
	}
	return &r, nil
}

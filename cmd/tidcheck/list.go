package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
)

// A listed is one entry of `tidcheck list --json`.
type listed struct {
	Scenario string            `json:"scenario"`
	Mode     fixtures.Mode     `json:"mode"`
	Sentence string            `json:"sentence"`
	Params   map[string]string `json:"params"` // as the suite runs it
	Needs    []string          `json:"needs"`
	Source   string            `json:"source"`
}

func listCommand(_ context.Context, c *invocation) (int, error) {
	asJSON := c.flags.Bool("json", false, "print a JSON array, an entry a scenario and mode")
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	if c.flags.NArg() > 0 {
		return harnessError, fmt.Errorf("it takes no arguments, and got %q", c.flags.Arg(0))
	}
	scenarios, err := harness.Scenarios(nil)
	if err != nil {
		return harnessError, err
	}
	list := make([]listed, len(scenarios))
	for i, s := range scenarios {
		f := s.Fixture
		list[i] = listed{f.Name, s.Mode, f.Sentence, map[string]string{}, []string{}, f.Source}
		for _, p := range f.Params {
			list[i].Params[p.Name] = p.Quick
		}
		for _, n := range f.Needs {
			list[i].Needs = append(list[i].Needs, n.Text)
		}
	}
	if *asJSON {
		encoder := json.NewEncoder(c.stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(list); err != nil {
			return harnessError, err
		}
		return asExpected, nil
	}
	for i, l := range list {
		if i == 0 || list[i-1].Scenario != l.Scenario {
			fmt.Fprintf(c.stdout, "%s\n    %s\n    modes: %s\n", l.Scenario, l.Sentence, modesOf(scenarios[i].Fixture))
			if len(l.Needs) > 0 {
				fmt.Fprintf(c.stdout, "    needs: %s\n", strings.Join(l.Needs, " "))
			}
		}
	}
	return asExpected, nil
}

func modesOf(f fixtures.Fixture) string {
	words := make([]string, len(f.Modes))
	for i, m := range f.Modes {
		words[i] = string(m)
	}
	return strings.Join(words, " ")
}

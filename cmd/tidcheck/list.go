package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	Set      fixtures.Set      `json:"set"` // quick, long, or empty
	Source   string            `json:"source"`
}

func listCommand(_ context.Context, c *invocation) (int, error) {
	asJSON := c.flags.Bool("json", false, "print a JSON array of all, an entry a scenario and mode")
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	if c.flags.NArg() > 0 {
		return c.listHeads(c.flags.Args())
	}
	scenarios, err := harness.Scenarios(nil)
	if err != nil {
		return harnessError, err
	}
	list := make([]listed, len(scenarios))
	for i, s := range scenarios {
		f := s.Fixture
		list[i] = listed{f.Name, s.Mode, f.Sentence, map[string]string{}, []string{}, f.Set, f.Source}
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
			if l.Set != "" {
				fmt.Fprintf(c.stdout, "    set: %s\n", l.Set)
			}
		}
	}
	return asExpected, nil
}

// listHeads prints the whole declarations of fixtures, and where their sources are.
func (c *invocation) listHeads(names []string) (int, error) {
	for n, name := range names {
		f, err := fixtureNamed(name)
		if err != nil {
			return harnessError, err
		}
		head, err := fixtures.Head(f)
		if err != nil {
			return harnessError, err
		}
		if n > 0 {
			fmt.Fprintln(c.stdout)
		}
		fmt.Fprintf(c.stdout, "%s, in %s\n\n%s\n", name, f.Source, head)
	}
	return asExpected, nil
}

// fixtureNamed is the catalogue's fixture of that name.
func fixtureNamed(name string) (fixtures.Fixture, error) {
	catalogue, err := fixtures.Catalogue()
	if err != nil {
		return fixtures.Fixture{}, err
	}
	i := slices.IndexFunc(catalogue, func(f fixtures.Fixture) bool { return f.Name == name })
	if i < 0 {
		return fixtures.Fixture{}, fmt.Errorf("there is no fixture %q%s", name, similar(name, catalogue))
	}
	return catalogue[i], nil
}

// similar names the fixtures of a name's group, or how to find any.
func similar(name string, catalogue []fixtures.Fixture) string {
	var group []string
	for _, f := range catalogue {
		if f.Group() == (fixtures.Fixture{Name: name}).Group() {
			group = append(group, f.Name)
		}
	}
	if len(group) == 0 {
		return " (tidcheck list has them)"
	}
	return fmt.Sprintf(" (its group has %s)", strings.Join(group, ", "))
}

func modesOf(f fixtures.Fixture) string {
	words := make([]string, len(f.Modes))
	for i, m := range f.Modes {
		words[i] = string(m)
	}
	return strings.Join(words, " ")
}

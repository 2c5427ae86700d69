package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A listed is one entry of list --json.
type listed struct {
	Scenario string            `json:"scenario"`
	Mode     fixtures.Mode     `json:"mode"`
	Sentence string            `json:"sentence"`
	Params   map[string]string `json:"params"` // as the suite runs it
	Needs    []string          `json:"needs"`
	Set      fixtures.Set      `json:"set"` // quick, long, or empty
	Source   string            `json:"source"`
}

func listCommand(c *invocation) action {
	asJSON := c.Flags().Bool("json", false,
		"print a JSON array with an entry for each SCENARIO/MODE")
	var o harness.Options
	match := c.Flags().String("run", "", "list what run --run runs with this `regexp`")
	c.Flags().BoolVar(&o.Quick, "quick", false, "list what run --quick runs")
	c.Flags().BoolVar(&o.Long, "long", false, "list what run --long runs")
	rules := c.Flags().Bool("rules", false, "print the rules instead")
	debuggers := c.Flags().Bool("debuggers", false,
		"print the debuggers instead, and the versions of each that make ladder has put there")
	c.ValidArgsFunction = completes(fixtureNames)
	return func(_ context.Context, args []string) error {
		switch {
		case (*debuggers || *rules) && c.Flags().NFlag()+len(args) > 1:
			return errors.New("--debuggers and --rules go with no other flag and no names")
		case *debuggers:
			listDebuggers()
			return nil
		case *rules:
			for _, r := range judge.Rules {
				fmt.Printf("%-12s %s\n", r.Name, r.Sentence)
			}
			return nil
		case len(args) > 0:
			return listHeads(args)
		case c.Flags().NFlag() == 0 || *asJSON && c.Flags().NFlag() == 1:
			o.Long = true // all that there is
		}
		if *match != "" {
			var err error
			if o.Match, err = regexp.Compile(*match); err != nil {
				return fmt.Errorf("--run: %w", err)
			}
		}
		scenarios, err := o.Scenarios()
		switch {
		case err != nil:
			return err
		case len(scenarios) == 0:
			return errors.New("run would run nothing (tidcheck list has all)")
		case *asJSON:
			var list []listed
			for _, one := range scenarios {
				list = append(list, entryOf(one.Fixture, one.Mode))
			}
			encoder := json.NewEncoder(os.Stdout)
			encoder.SetIndent("", "  ")
			return encoder.Encode(list)
		}
		listScenarios(scenarios)
		return nil
	}
}

// listScenarios prints each fixture once, with those of its modes that are listed.
func listScenarios(scenarios []harness.Scenario) {
	for len(scenarios) > 0 {
		f, modes := scenarios[0].Fixture, ""
		for len(scenarios) > 0 && scenarios[0].Fixture.Name == f.Name {
			modes += " " + string(scenarios[0].Mode)
			scenarios = scenarios[1:]
		}
		fmt.Printf("%s\n    %s\n    modes:%s\n", f.Name, f.Sentence, modes)
		if f.Needs != nil {
			fmt.Printf("    needs: %s\n", strings.Join(entryOf(f, "").Needs, " "))
		}
		if f.Set != "" {
			fmt.Printf("    set: %s\n", f.Set)
		}
	}
}

// fixtureNames are those of the catalogue.
func fixtureNames() (names []string) {
	catalogue, _ := fixtures.Catalogue() // embedded, and tested
	for _, f := range catalogue {
		names = append(names, f.Name)
	}
	return names
}

// scenarioNames are those of the catalogue.
func scenarioNames() (names []string) {
	catalogue, _ := fixtures.Catalogue()
	for _, f := range catalogue {
		for _, mode := range f.Modes {
			names = append(names, harness.Scenario{Fixture: f, Mode: mode}.String())
		}
	}
	return names
}

// listDebuggers prints the debuggers that run knows by name, and their versions.
func listDebuggers() {
	for _, c := range configurations("", nil) {
		fmt.Printf("%s\n    %s\n", c.name, c.sentence)
		if versions := c.versions(); versions != nil {
			fmt.Printf("    versions: %s\n", strings.Join(versions, " "))
		}
	}
}

func entryOf(f fixtures.Fixture, mode fixtures.Mode) listed {
	l := listed{f.Name, mode, f.Sentence, map[string]string{}, []string{}, f.Set, f.Source}
	for _, p := range f.Params {
		l.Params[p.Name] = p.Quick
	}
	for _, n := range f.Needs {
		l.Needs = append(l.Needs, n.Text)
	}
	return l
}

// listHeads prints the declarations of fixtures, and where their sources are.
func listHeads(names []string) error {
	for n, name := range names {
		f, err := fixtureNamed(name)
		if err != nil {
			return err
		}
		if n > 0 {
			fmt.Println()
		}
		fmt.Printf("%s, in %s\n\n%s\n", f.Name, f.Source, f.Head)
	}
	return nil
}

// fixtureNamed returns the catalogue's fixture of that name, or a user's own that is in a file of
// that name. The error names those of its group.
func fixtureNamed(name string) (fixtures.Fixture, error) {
	if slices.Contains([]string{".c", ".go"}, filepath.Ext(name)) {
		return fixtures.Load(name)
	}
	wanted := fixtures.Fixture{Name: name}
	catalogue, err := fixtures.Catalogue()
	if err != nil {
		return wanted, err
	}
	var group []string
	for _, f := range catalogue {
		if f.Name == name {
			return f, nil
		}
		if f.Group() == wanted.Group() {
			group = append(group, f.Name)
		}
	}
	hint := "tidcheck list has them"
	if group != nil {
		hint = "its group has " + strings.Join(group, ", ")
	}
	return wanted, fmt.Errorf("there is no fixture %q (%s)", name, hint)
}

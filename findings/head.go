package findings

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A reader reads heads, and knows which names there are.
type reader struct {
	scenarios map[string]bool // scenario/mode
	debuggers []string        // configurations; empty if any name is right
}

func newReader(own []harness.Scenario, debuggers []string) (*reader, error) {
	catalogue, err := harness.Options{Long: true}.Scenarios()
	if err != nil {
		return nil, err
	}
	r := &reader{make(map[string]bool), debuggers}
	for _, s := range append(catalogue, own...) {
		r.scenarios[s.String()] = true
	}
	return r, nil
}

// A section is what a head says of the lines that come after it.
type section struct {
	debugger       string
	configurations []string
}

// read reads all heads of a file; errors name it by its name, and the line.
func (r *reader) read(name, text string) (list List, err error) {
	var (
		s      section
		inHead bool
		n      int
	)
	for line := range strings.Lines(text) {
		n++
		title, isTitle := strings.CutPrefix(strings.TrimRight(line, "\n"), "# ")
		line = strings.TrimSpace(line)
		match := keyLine.FindStringSubmatch(line)
		switch {
		case isTitle:
			list, s, inHead = append(list, Finding{Title: title}), section{}, true
			if title == sayWhy {
				err = errors.New("say what is wrong, in place of " + sayWhy)
			}
		case line == "":
		case inHead && match != nil:
			err = r.parse(&list[len(list)-1], &s, match[1], match[2])
		case len(list) == 0:
			err = errors.New(`a finding begins with its title, "# TITLE"`)
		default:
			inHead = false // prose
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	for _, f := range list {
		if len(f.Failures) == 0 {
			return nil, fmt.Errorf("%s: neither always: nor sometimes: is a line of %q",
				name, f.Title)
		}
	}
	return list, nil
}

// keyLine is one word and a colon. A misspelt key is one too, so that it is refused.
var keyLine = regexp.MustCompile(`^(\w+)\s*:\s*(.*)$`)

// parse reads one line of a head.
func (r *reader) parse(f *Finding, s *section, key, value string) error {
	if value == "" {
		return fmt.Errorf("%s: says nothing", key)
	}
	switch key {
	case "upstream":
		f.Upstream = value
	case "measured":
		f.Measured = value
	case "debugger":
		*s = section{value, []string{value}}
		return r.checkDebuggers(s.configurations)
	case "configurations":
		s.configurations = strings.Fields(value)
		return r.checkDebuggers(s.configurations)
	case "says":
		said, err := r.parseSaying(*s, value)
		f.says = append(f.says, said)
		return err
	case "good":
		if s.debugger == "" {
			return errNoDebugger
		}
		for version := range strings.FieldsSeq(value) {
			f.Good = append(f.Good, Good{s.debugger, s.configurations, version})
		}
	case "shows", "flaky", "hides":
		if s.debugger == "" {
			return errNoDebugger
		}
		for version := range strings.FieldsSeq(value) {
			f.Scripts = append(f.Scripts, Script{s.debugger, version, key})
		}
	case "always", "sometimes":
		failure, err := r.parseFailure(*s, value)
		failure.Always = key == "always"
		if err == nil && failure.Always && failure.Rate.K < failure.Rate.N {
			err = fmt.Errorf("%s is not always", failure.Rate)
		}
		f.Failures = append(f.Failures, failure)
		return err
	default:
		return fmt.Errorf("%s: a head has no such line", key)
	}
	return nil
}

func (r *reader) checkDebuggers(names []string) error {
	for _, name := range names {
		named := func(d string) bool { return isBuildOf(d, name) }
		if len(r.debuggers) > 0 && !slices.ContainsFunc(r.debuggers, named) {
			return fmt.Errorf("no debugger is called %s", name)
		}
	}
	return nil
}

var errNoDebugger = errors.New("no line debugger: is above it")

// parseFailure reads VERSION SCENARIO/MODE[,MODE]… RULE[,RULE] [K of N].
func (r *reader) parseFailure(s section, text string) (f Failure, err error) {
	f = Failure{Debugger: s.debugger, Configurations: s.configurations}
	if s.debugger == "" {
		return f, errNoDebugger
	}
	f.Version, text, _ = strings.Cut(text, " ")
	if f.Scenarios, f.Rules, text, err = r.parsePlaces(text); err != nil {
		return f, err
	}
	switch {
	case len(f.Scenarios) == 0:
		return f, errors.New("it names no scenario: a line is " +
			"VERSION SCENARIO/MODE[,MODE]… RULE[,RULE] K of N")
	case text == "":
		return f, nil // not counted
	}
	f.Rate, err = parseRate(text)
	return f, err
}

// parsePlaces reads words SCENARIO/MODE[,MODE], then RULE[,RULE]. The rest is what comes after.
func (r *reader) parsePlaces(text string) (scenarios, rules []string, rest string, err error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	for strings.Contains(word, "/") {
		name, modes, _ := strings.Cut(word, "/")
		for mode := range strings.SplitSeq(modes, ",") {
			pattern := name + "/" + mode
			if err := r.checkScenario(pattern); err != nil {
				return nil, nil, "", err
			}
			scenarios = append(scenarios, pattern)
		}
		word, rest, _ = strings.Cut(strings.TrimSpace(rest), " ")
	}
	rules = strings.Split(word, ",")
	for _, rule := range rules {
		if _, err := judge.RuleNamed(rule); err != nil {
			return nil, nil, "", err
		}
	}
	return scenarios, rules, strings.TrimSpace(rest), nil
}

func (r *reader) checkScenario(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q is no pattern", pattern)
	}
	if r.scenarios[pattern] {
		return nil
	}
	for s := range r.scenarios {
		if matches(pattern, s) {
			return nil
		}
	}
	return fmt.Errorf("no scenario is called %s (tidcheck list has them)", pattern)
}

// parseSaying reads [SCENARIO/MODE[,MODE]…] RULE[,RULE] REGEXP.
func (r *reader) parseSaying(s section, text string) (said saying, err error) {
	said.debugger = s.debugger
	said.scenarios, said.rules, text, err = r.parsePlaces(text)
	if err == nil && text == "" {
		err = errors.New("says: a line is [SCENARIO/MODE…] RULE[,RULE] REGEXP")
	}
	if err == nil {
		said.text, err = regexp.Compile(text)
	}
	return said, err
}

// parseRate reads "K of N".
func parseRate(text string) (r Rate, err error) {
	words := strings.Fields(text)
	if len(words) == 3 && words[1] == "of" {
		k, badK := strconv.Atoi(words[0])
		n, badN := strconv.Atoi(words[2])
		if badK == nil && badN == nil && 0 < k && k <= n {
			return Rate{k, n}, nil
		}
	}
	return r, fmt.Errorf("%q is no rate: it is K of N runs, such as 3 of 10", text)
}

func matches(pattern, s string) bool {
	ok, _ := path.Match(pattern, s) // the reader has refused what is no pattern
	return ok
}

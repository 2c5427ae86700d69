package event

import (
	"fmt"
	"slices"
	"strings"
)

// An Act is one event of a task in a canonical form: paths in place of tids, and no time.
type Act struct {
	Kind   Kind
	Child  Path   // Clone, Fork, VFork
	Status Status // Exit, End
	Signal Signo  // Signal
}

// A Line is one task in a canonical form.
type Line struct {
	Path Path
	Acts []Act
}

// A Form is a run's canonical form: a line a task, ordered by [Path.Compare],
// each with the task's own events in order. A program that is deterministic has one,
// however its threads interleave. Its process's end stands there only where
// it differs from its leader's own; the program's first exec does not.
type Form []Line

// String writes one act as in a fixture's want: "clone main/1", "exit 0", "killed SIGKILL".
func (a Act) String() string {
	switch {
	case a.Kind.IsBirth():
		return a.Kind.String() + " " + string(a.Child)
	case a.Kind == Exit && a.Status.Signal() != 0:
		return "killed " + a.Status.String()
	case a.Kind == Exit, a.Kind == End:
		return a.Kind.String() + " " + a.Status.String()
	case a.Kind == Signal:
		return "signal " + a.Signal.String()
	}
	return a.Kind.String()
}

// String writes the line without its end: "main: clone main/1, exit 0".
func (l Line) String() string {
	acts := make([]string, len(l.Acts))
	for i, a := range l.Acts {
		acts[i] = a.String()
	}
	return strings.TrimSuffix(string(l.Path)+": "+strings.Join(acts, ", "), " ")
}

// Lines are the form's lines as text.
func (f Form) Lines() []string {
	lines := make([]string, len(f))
	for i, l := range f {
		lines[i] = l.String()
	}
	return lines
}

// String writes the form as text, which [ParseForm] reads.
func (f Form) String() string { return strings.Join(f.Lines(), "\n") }

// ParseForm reads a canonical form; its lines may come in any order.
func ParseForm(text string) (Form, error) {
	var form Form
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		l, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("form line %q: %w", line, err)
		}
		form = append(form, l)
	}
	slices.SortStableFunc(form, func(a, b Line) int { return a.Path.Compare(b.Path) })
	return form, nil
}

func parseLine(line string) (l Line, err error) {
	name, acts, ok := strings.Cut(line, ":")
	if !ok {
		return l, fmt.Errorf("no colon after the path")
	}
	if l.Path, err = ParsePath(name); err != nil {
		return l, err
	}
	if acts = strings.TrimSpace(acts); acts == "" {
		return l, nil
	}
	for word := range strings.SplitSeq(acts, ",") {
		act, err := parseAct(strings.TrimSpace(word))
		if err != nil {
			return l, err
		}
		l.Acts = append(l.Acts, act)
	}
	return l, nil
}

// parseAct reads an act whose paths and statuses are constants.
func parseAct(s string) (a Act, err error) {
	word, arg, hasArg := strings.Cut(s, " ")
	isKilled := word == "killed"
	if isKilled {
		word = "exit"
	}
	kind, ok := parseKind(word)
	if !ok || kind == Attach || kind == Ready {
		return a, fmt.Errorf("%q is no event of a canonical form", s)
	}
	a.Kind = kind
	needsArg := kind.IsBirth() || kind == Exit || kind == End || kind == Signal
	switch {
	case needsArg != hasArg:
		return a, fmt.Errorf("%q: %s takes %s", s, kind, map[bool]string{true: "an argument", false: "no argument"}[needsArg])
	case kind.IsBirth():
		a.Child, err = ParsePath(arg)
	case kind == Signal:
		a.Signal, err = ParseSignal(arg)
	case kind == Exit, kind == End:
		if a.Status, err = parseStatus(arg); err == nil && kind == Exit && a.Status != Unknown && isKilled != (a.Status.Signal() != 0) {
			return a, fmt.Errorf("%q: a task exits with a code and is killed by a signal", s)
		}
	}
	return a, err
}

package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An Act is one event of a task in a canonical form: it has paths in place of tids, and no time.
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

// A Form is a run's canonical form: one line for each task, ordered by [Path.Compare], with the
// task's own events in order. A deterministic program has one canonical form, however its threads
// interleave. A process's end is part of it only if it differs from its leader's own end. The
// program's first exec is not part of it.
type Form []Line

// String writes the act as a fixture's want line has it: "clone main/1", "exit 0",
// "killed SIGKILL".
func (a Act) String() string {
	switch {
	case a.Kind.IsBirth():
		return a.Kind.String() + " " + string(a.Child)
	case a.Kind == Exit && a.Status.Signal() != 0:
		return "killed " + a.Status.String()
	case a.Kind.isEnd():
		return a.Kind.String() + " " + a.Status.String()
	case a.Kind == Signal:
		return "signal " + a.Signal.String()
	}
	return a.Kind.String()
}

// String writes the line without a newline: "main: clone main/1, exit 0".
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

// String writes the form as text, a line a task.
func (f Form) String() string { return strings.Join(f.Lines(), "\n") }

var errNoColon = errors.New("no colon after the path")

// parseAct reads what [Act.String] writes.
func parseAct(s string) (a Act, err error) {
	word, arg, hasArg := strings.Cut(s, " ")
	isKilled := word == "killed"
	if isKilled {
		word = Exit.String()
	}
	kind, err := parseKind(word)
	a.Kind = kind
	switch takesArg := kind.IsBirth() || kind.isEnd() || kind == Signal; {
	case err != nil:
	case kind == Attach || kind == Ready:
		err = fmt.Errorf("%s has no place in a canonical form", kind)
	case takesArg && !hasArg:
		err = fmt.Errorf("%q lacks its argument", s)
	case !takesArg && hasArg:
		err = fmt.Errorf("%q: %s takes no argument", s, kind)
	case kind.IsBirth():
		a.Child, err = ParsePath(arg)
	case kind == Signal:
		a.Signal, err = ParseSignal(arg)
	case takesArg:
		a.Status, err = parseStatus(arg)
		isCode := a.Status.Signal() == 0
		if err == nil && kind == Exit && isKilled == isCode && a.Status != Unknown {
			err = fmt.Errorf("%q: a task exits with a code and is killed by a signal", s)
		}
	}
	return a, err
}

func parseStatus(s string) (Status, error) {
	if s == Unknown.String() {
		return Unknown, nil
	}
	if code, err := strconv.Atoi(s); err == nil {
		return exitCode(code)
	}
	sig, err := ParseSignal(s)
	return Killed(sig), err
}

// exitCode is Exited for a code that is not trusted.
func exitCode(code int) (Status, error) {
	if code < 0 || code > 255 {
		return 0, fmt.Errorf("%d is no exit code (0 to 255)", code)
	}
	return Exited(code), nil
}

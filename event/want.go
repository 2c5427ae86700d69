package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Want is one "want:" line of a fixture's head: what the kernel does to some
// tasks of the program, in the words of the canonical form.
//
//	main: clone main/1..n, exit 0
//	main/1..n: exit 0
//	main/1..m^0..d-1: clone ./1..m, exit 0
//	[linux<6.0] main: exit 7, end 9
//	*: at least 2*n+1 clone *, at least n exit 0
//
// A path's number may be a range. A range's ends, and the counts of bounds, are numbers,
// parameters, or arithmetic over them with + - * / and parentheses; in a path a quotient stands in
// parentheses. "A^B" repeats the part A for B generations, each below the one before. "." is the
// task itself. A name that is no parameter stands for the number that an earlier line, or the task
// itself, has in that generation. "*" is any task: a bound counts over all of them.
//
// A line states all events of the kinds that it names: its tasks may have no other event of these
// kinds. Kinds that it does not name are left open.
type Want struct {
	text   string
	limit  Limit
	paths  pattern
	exact  []wantAct
	bounds []wantAct
}

// MarshalText gives the line as ParseWant read it.
func (w Want) MarshalText() ([]byte, error) { return []byte(w.text), nil }

// UnmarshalText reads a line as [ParseWant] does.
func (w *Want) UnmarshalText(text []byte) (err error) {
	*w, err = ParseWant(string(text))
	return err
}

type wantAct struct {
	Act              // its Child is not used
	children pattern // births: the new tasks
	untraced bool    // births: with CLONE_UNTRACED, of which the kernel tells no tracer
	bound    string  // bounds: "least" or "most"
	count    expr    // bounds
}

// String is the line as it was written.
func (w Want) String() string { return w.text }

// ParseWant reads one line, without its "want:". The error names the line and what is wrong in it.
func ParseWant(line string) (Want, error) {
	w := Want{text: strings.TrimSpace(line)}
	if err := w.parse(); err != nil {
		return Want{}, fmt.Errorf("want %q: %w", w.text, err)
	}
	return w, nil
}

func (w *Want) parse() (err error) {
	rest := w.text
	if condition, ok := strings.CutPrefix(rest, "["); ok {
		if condition, rest, ok = strings.Cut(condition, "]"); !ok {
			return errors.New("no ] after the kernel's version")
		}
		if w.limit, err = ParseLimit(condition); err != nil {
			return err
		}
	}
	name, acts, ok := strings.Cut(strings.TrimSpace(rest), ":")
	if !ok {
		return errNoColon
	}
	if w.paths, err = parsePattern(name); err != nil {
		return err
	}
	if w.paths.root == "." {
		return errors.New("a line's own path begins with main, @N or *")
	}
	for text := range strings.SplitSeq(acts, ",") {
		a, err := parseWantAct(strings.Fields(text))
		if err == nil && a.bound == "" && (w.paths.root == "*" || a.children.root == "*") {
			err = fmt.Errorf("%q: * goes with at least and at most only", strings.TrimSpace(text))
		}
		if err != nil {
			return err
		}
		if a.bound == "" {
			w.exact = append(w.exact, a)
		} else {
			w.bounds = append(w.bounds, a)
		}
	}
	return nil
}

func parseWantAct(words []string) (a wantAct, err error) {
	if len(words) >= 3 && words[0] == "at" && (words[1] == "least" || words[1] == "most") {
		a.bound, a.count = words[1], expr(words[2])
		if err := a.count.check(); err != nil {
			return a, err
		}
		words = words[3:]
	}
	if len(words) == 0 {
		return a, errors.New("an event is missing")
	}
	switch kind, _ := parseKind(words[0]); {
	case kind.IsBirth():
		a.Kind = kind
		if a.untraced = words[len(words)-1] == "untraced"; a.untraced {
			words = words[:len(words)-1]
		}
		if len(words) != 2 {
			return a, fmt.Errorf("%q: %s takes the new task's path", strings.Join(words, " "), kind)
		}
		a.children, err = parsePattern(words[1])
	case a.bound != "" && len(words) == 1 && kind.isEnd():
		a.Act = Act{Kind: kind, Status: Unknown} // with any status
	default:
		a.Act, err = parseAct(strings.Join(words, " "))
	}
	return a, err
}

// A Limit is a range of kernel versions, such as "linux<6.0". The zero Limit is all of them.
type Limit struct {
	op      string
	version [2]int
}

// ParseLimit reads a limit: "linux", one of < <= = >= >, and a version for [ParseKernel].
func ParseLimit(s string) (l Limit, err error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "linux")
	for _, op := range []string{"<=", ">=", "<", ">", "="} {
		if v, found := strings.CutPrefix(rest, op); ok && found {
			l.op = op
			l.version, err = ParseKernel(v)
			return l, err
		}
	}
	const form = "linux, one of < <= = >= >, and a version such as 6.1"
	return l, fmt.Errorf("[%s] is no limit: write %s", s, form)
}

// Holds tells whether a kernel, its major and minor version, is within the limit.
func (l Limit) Holds(kernel [2]int) bool {
	switch c := slices.Compare(kernel[:], l.version[:]); {
	case l.op == "":
		return true
	case c < 0:
		return strings.Contains(l.op, "<")
	case c > 0:
		return strings.Contains(l.op, ">")
	}
	return strings.Contains(l.op, "=")
}

// ParseKernel reads the major and the minor version of a kernel's release, such as
// "6.18.44-cloud".
func ParseKernel(release string) (version [2]int, err error) {
	if _, err = fmt.Sscanf(release, "%d.%d", &version[0], &version[1]); err != nil {
		err = fmt.Errorf("%q is no kernel version (such as 6.1)", release)
	}
	return version, err
}

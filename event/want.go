package event

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Want is one "want:" line of a fixture's head: what the kernel does to some
// tasks of the program, in the words of the canonical form.
//
//	main: clone main/1..n, exit 0
//	main/1..n: exit 0
//	main/1..m^0..d-1: clone ./1..m, exit 0
//	[linux<6.0] main: exit 7, end 9
//	*: at least n clone *, at least n exit 0
//
// A path's number may be a range; its ends are numbers, parameters, or sums of
// them. "^" repeats a part one below the other, "." is the task itself, and a
// name without a value stands for the number that an earlier line, or the task
// itself, has at that depth. "*" is any task: bounds count over all of them.
//
// A line states all events of the kinds that it names: no others of these kinds
// may happen to its tasks, while kinds that it does not name are left open.
type Want struct {
	text  string
	limit Limit
	paths pattern
	acts  []wantAct
}

type wantAct struct {
	Act              // Child is unused
	child    pattern // births: the new tasks
	untraced bool    // births: with CLONE_UNTRACED, which a tracer is not told of
	anyEnd   bool    // bounds: Status was not named
	bound    bound
	count    expr
}

type bound uint8

const (
	exactly bound = iota
	atLeast
	atMost
)

// String is the line as it was written.
func (w Want) String() string { return w.text }

// ParseWant reads one line, without its "want:".
func ParseWant(line string) (Want, error) {
	w := Want{text: strings.TrimSpace(line)}
	fail := func(err error) (Want, error) { return Want{}, fmt.Errorf("want %q: %w", w.text, err) }
	rest := w.text
	if strings.HasPrefix(rest, "[") {
		cond, after, ok := strings.Cut(rest[1:], "]")
		if !ok {
			return fail(fmt.Errorf("no ] after the kernel's version"))
		}
		var err error
		if w.limit, err = ParseLimit(cond); err != nil {
			return fail(err)
		}
		rest = strings.TrimSpace(after)
	}
	name, acts, ok := strings.Cut(rest, ":")
	if !ok {
		return fail(fmt.Errorf("no colon after the path"))
	}
	var err error
	if w.paths, err = parsePattern(name); err != nil {
		return fail(err)
	}
	if w.paths.root == "." {
		return fail(fmt.Errorf("a line's own path begins with main, @N or *"))
	}
	for word := range strings.SplitSeq(acts, ",") {
		a, err := parseWantAct(strings.Fields(word))
		if err != nil {
			return fail(err)
		}
		if w.paths.root == "*" && a.bound == exactly {
			return fail(fmt.Errorf("%q: over all tasks only at least and at most can be stated", strings.TrimSpace(word)))
		}
		w.acts = append(w.acts, a)
	}
	return w, nil
}

func parseWantAct(words []string) (a wantAct, err error) {
	if len(words) >= 3 && words[0] == "at" && (words[1] == "least" || words[1] == "most") {
		a.bound = map[string]bound{"least": atLeast, "most": atMost}[words[1]]
		a.count = expr(words[2])
		if err := a.count.check(); err != nil {
			return a, err
		}
		words = words[3:]
	}
	if len(words) == 0 {
		return a, fmt.Errorf("an event is missing")
	}
	kind, ok := parseKind(words[0])
	if !ok || !kind.IsBirth() {
		a.anyEnd = a.bound != exactly && ok && len(words) == 1 && (kind == Exit || kind == End)
		if a.anyEnd {
			a.Act = Act{Kind: kind, Status: Unknown}
			return a, nil
		}
		a.Act, err = parseAct(strings.Join(words, " "))
		return a, err
	}
	a.Kind = kind
	if a.untraced = words[len(words)-1] == "untraced"; a.untraced {
		words = words[:len(words)-1]
	}
	if len(words) != 2 {
		return a, fmt.Errorf("%q: %s takes the new task's path", strings.Join(words, " "), kind)
	}
	a.child, err = parsePattern(words[1])
	if err == nil && a.child.root == "*" && a.bound == exactly {
		err = fmt.Errorf("%q: * goes with at least and at most only", strings.Join(words, " "))
	}
	return a, err
}

// A Limit is a range of kernel versions, such as "linux<6.0"; the zero Limit is all.
type Limit struct {
	op      string
	version [2]int
}

// ParseLimit reads a limit: linux, one of < <= = >= >, and a version.
func ParseLimit(s string) (l Limit, err error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "linux")
	for _, op := range []string{"<=", ">=", "<", ">", "="} {
		if v, found := strings.CutPrefix(rest, op); ok && found {
			l.op = op
			l.version, err = ParseKernel(v)
			return l, err
		}
	}
	return l, fmt.Errorf("[%s] is no limit: write linux, one of < <= = >= >, and a version", s)
}

// Holds tells whether a kernel is within the limit.
func (l Limit) Holds(kernel [2]int) bool {
	c := slices.Compare(kernel[:], l.version[:])
	switch l.op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case "=":
		return c == 0
	case ">=":
		return c >= 0
	case ">":
		return c > 0
	}
	return true
}

// ParseKernel reads the first two numbers of a kernel's release, such as "6.18.44-cloud".
func ParseKernel(release string) (version [2]int, err error) {
	numbers := strings.FieldsFunc(release, func(r rune) bool { return r == '.' || r == '-' || r == '+' })
	if len(numbers) < 2 {
		return version, fmt.Errorf("%q is no kernel version (such as 6.1)", release)
	}
	for i := range version {
		if version[i], err = strconv.Atoi(numbers[i]); err != nil {
			return version, fmt.Errorf("%q is no kernel version (such as 6.1)", release)
		}
	}
	return version, nil
}

package event

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Params are a fixture's parameters by name.
type Params map[string]int

// A pattern is a set of birth paths: "main/1..n", "main/1..m^0..d-1/2", "./1..m", "*".
type pattern struct {
	text  string
	root  string // "main", "@N", "." for the task itself, or "*" for any task
	parts []part
}

// A part is one number of a path, from lo to hi, repeated from least to most
// times one below the other.
type part struct {
	lo, hi      expr
	least, most expr
}

// An expr is a sum or product of numbers and names, worked out from left to right.
type expr string

func parsePattern(s string) (pattern, error) {
	words := strings.Split(s, "/")
	p := pattern{text: s, root: words[0]}
	if p.root == "*" && len(words) > 1 {
		return p, fmt.Errorf("path %q: * stands alone", s)
	}
	if p.root != "*" && p.root != "." {
		if _, err := ParsePath(p.root); err != nil {
			return p, err
		}
	}
	for _, word := range words[1:] {
		numbers, times, repeated := strings.Cut(word, "^")
		if !repeated {
			times = "1"
		}
		var q part
		q.lo, q.hi = parseRange(numbers)
		q.least, q.most = parseRange(times)
		for _, e := range []expr{q.lo, q.hi, q.least, q.most} {
			if err := e.check(); err != nil {
				return p, fmt.Errorf("path %q: %w", s, err)
			}
		}
		p.parts = append(p.parts, q)
	}
	return p, nil
}

func parseRange(s string) (lo, hi expr) {
	a, b, isRange := strings.Cut(s, "..")
	if !isRange {
		b = a
	}
	return expr(a), expr(b)
}

// maxPaths bounds what one want line may stand for, so that a slip in a head
// is an error and not a machine without memory; maxDepth bounds its generations.
const (
	maxPaths = 1 << 17
	maxDepth = 64
)

// expand lists the paths of the pattern. The number at each depth that a name
// without a value stands for comes from above: the ranges of an earlier line, or self's.
func (p pattern) expand(env Params, self Path, above func(depth int) (lo, hi int, ok bool)) ([]Path, error) {
	root := Path(p.root)
	if p.root == "." {
		root = self
	}
	paths := []Path{root}
	for _, q := range p.parts {
		var next []Path
		least, err := q.least.eval(env)
		if err != nil {
			return nil, err
		}
		most, err := q.most.eval(env)
		if err != nil {
			return nil, err
		}
		if most > maxDepth {
			return nil, fmt.Errorf("path %q goes more than %d generations down", p.text, maxDepth)
		}
		level := paths
		for times := 0; times <= most; times++ {
			if times >= least {
				next = append(next, level...)
			}
			if times == most {
				break
			}
			if level, err = q.below(level, env, above); err != nil {
				return nil, err
			}
			if len(next)+len(level) > maxPaths {
				return nil, fmt.Errorf("path %q stands for more than %d tasks", p.text, maxPaths)
			}
		}
		paths = next
	}
	return paths, nil
}

// below lists the paths one level below those given.
func (q part) below(level []Path, env Params, above func(int) (int, int, bool)) ([]Path, error) {
	var next []Path
	for _, parent := range level {
		lo, hi, err := q.limits(env, strings.Count(string(parent), "/"), above)
		if err != nil {
			return nil, err
		}
		if hi-lo >= maxPaths {
			return nil, fmt.Errorf("range %d..%d is too wide", lo, hi)
		}
		for n := lo; n <= hi; n++ {
			next = append(next, parent.Nth(n))
		}
	}
	return next, nil
}

func (q part) limits(env Params, depth int, above func(int) (int, int, bool)) (lo, hi int, err error) {
	if q.lo == q.hi && q.lo.isName() {
		if _, ok := env[string(q.lo)]; !ok {
			if lo, hi, ok := above(depth); ok {
				return lo, hi, nil
			}
		}
	}
	if lo, err = q.lo.eval(env); err != nil {
		return 0, 0, err
	}
	if lo < 1 {
		return 0, 0, fmt.Errorf("%s is %d: births are counted from 1", q.lo, lo)
	}
	hi, err = q.hi.eval(env)
	return lo, hi, err
}

func (e expr) isName() bool { return e != "" && unicode.IsLetter(rune(e[0])) && e.operator() < 0 }

func (e expr) operator() int { return strings.LastIndexAny(string(e), "+-*") }

// check tells whether the expression can have a value at all.
func (e expr) check() error {
	if i := e.operator(); i >= 0 {
		if err := e[:i].check(); err != nil {
			return err
		}
		return e[i+1:].check()
	}
	if e.isName() {
		return checkName(string(e))
	}
	if _, err := strconv.ParseUint(string(e), 10, 31); err != nil {
		return fmt.Errorf("%q is neither a number nor a name", string(e))
	}
	return nil
}

func checkName(s string) error {
	for i, r := range s {
		if !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r)) {
			return fmt.Errorf("%q is no name", s)
		}
	}
	return nil
}

func (e expr) eval(env Params) (int, error) {
	i := e.operator()
	if i < 0 {
		if v, ok := env[string(e)]; ok {
			return v, nil
		}
		v, err := strconv.Atoi(string(e))
		if err != nil {
			known := strings.Join(slices.Sorted(maps.Keys(env)), ", ")
			return 0, fmt.Errorf("%q has no value (the parameters are: %s)", string(e), known)
		}
		return v, nil
	}
	left, err := e[:i].eval(env)
	if err != nil {
		return 0, err
	}
	right, err := e[i+1:].eval(env)
	switch e[i] {
	case '+':
		left += right
	case '-':
		left -= right
	case '*':
		left *= right
	}
	return left, err
}

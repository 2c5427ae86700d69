package event

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A pattern is a set of birth paths: "main/1..n", "main/1..m^0..d-1/2", "./1..m", "*".
type pattern struct {
	text  string
	root  string // "main", "@N", "." for the task itself, or "*" for any task
	parts []part
}

// A part is one number of a path, or a range of numbers. It is repeated from times.lo to times.hi
// times, each below the one before.
type part struct{ numbers, times span }

// A span is "LO..HI", or a single expression that is both.
type span struct{ lo, hi expr }

func parsePattern(s string) (p pattern, err error) {
	p.text = s
	root := s
	for i := lastOutside(root, "/"); i >= 0; i = lastOutside(root, "/") {
		numbers, times, repeated := strings.Cut(root[i+1:], "^")
		if !repeated {
			times = "1"
		}
		var q part
		if q.numbers, err = parseSpan(numbers); err == nil {
			q.times, err = parseSpan(times)
		}
		if err != nil {
			return p, fmt.Errorf("path %q: %w", s, err)
		}
		p.parts = append(p.parts, q)
		root = root[:i]
	}
	slices.Reverse(p.parts)
	switch p.root = root; {
	case root == "*" && len(p.parts) > 0:
		err = fmt.Errorf("path %q: * stands alone", s)
	case root != "*" && root != ".":
		_, err = ParsePath(root)
	}
	return p, err
}

func parseSpan(text string) (span, error) {
	lo, hi, isRange := strings.Cut(text, "..")
	if !isRange {
		hi = lo
	}
	s := span{expr(lo), expr(hi)}
	return s, cmp.Or(s.lo.check(), s.hi.check())
}

func (s span) eval(params Params) (lo, hi int, err error) {
	lo, errLo := s.lo.eval(params)
	hi, errHi := s.hi.eval(params)
	return lo, hi, cmp.Or(errLo, errHi)
}

// Bounds on what one want line may stand for, so that a slip in a head is an error and does not
// use up the machine's memory.
const (
	maxPaths = 1 << 17
	maxDepth = 64 // generations
)

var errTooMany = fmt.Errorf("a path stands for more than %d tasks", maxPaths)

// numberRanges hold, for each generation from the first on, the least and the greatest number that
// some paths have there.
type numberRanges [][2]int

func (r *numberRanges) add(paths ...Path) {
	for _, p := range paths {
		for depth, s := range strings.Split(string(p), "/")[1:] {
			n, _ := strconv.Atoi(s) // a count, as ParsePath and Nth have it
			if depth == len(*r) {
				*r = append(*r, [2]int{n, n})
			}
			(*r)[depth][0] = min((*r)[depth][0], n)
			(*r)[depth][1] = max((*r)[depth][1], n)
		}
	}
}

// expand lists the paths of the pattern. "." is self. A name that is no parameter stands for the
// numbers that outer has for its generation.
func (p pattern) expand(params Params, self Path, outer numberRanges) ([]Path, error) {
	paths := []Path{Path(p.root)}
	if p.root == "." {
		paths[0] = self
	}
	for _, q := range p.parts {
		least, most, err := q.times.eval(params)
		if err != nil {
			return nil, err
		}
		if most > maxDepth {
			return nil, fmt.Errorf("path %q has more than %d generations", p.text, maxDepth)
		}
		var all []Path
		level := paths
		for times := 0; times <= most; times++ {
			if times > 0 {
				if level, err = q.below(level, params, outer); err != nil {
					return nil, err
				}
			}
			if len(all)+len(level) > maxPaths {
				return nil, errTooMany
			}
			if times >= least {
				all = append(all, level...)
			}
		}
		paths = all
	}
	return paths, nil
}

// below lists the paths one generation below those given.
func (q part) below(parents []Path, params Params, outer numberRanges) ([]Path, error) {
	var paths []Path
	for _, parent := range parents {
		lo, hi, err := q.limits(params, strings.Count(string(parent), "/"), outer)
		if err != nil {
			return nil, err
		}
		if hi-lo >= maxPaths-len(paths) {
			return nil, errTooMany
		}
		for n := lo; n <= hi; n++ {
			paths = append(paths, parent.Nth(n))
		}
	}
	return paths, nil
}

func (q part) limits(params Params, depth int, outer numberRanges) (lo, hi int, err error) {
	name := q.numbers.lo
	_, isParam := params[string(name)]
	if q.numbers.hi == name && name.isName() && !isParam && depth < len(outer) {
		return outer[depth][0], outer[depth][1], nil
	}
	if lo, hi, err = q.numbers.eval(params); err == nil && lo < 1 {
		err = fmt.Errorf("%s is %d: births are counted from 1", name, lo)
	}
	return lo, hi, err
}

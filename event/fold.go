package event

import (
	"fmt"
	"slices"
	"strings"
)

// Wants writes the form as the want lines of a fixture's head, without "want:": signals are left out, tasks that
// are born one after the other are ranges, and so are siblings that do the same.
func (f Form) Wants() []string {
	generations := slices.Clone(f) // siblings stand together
	slices.SortStableFunc(generations, func(a, b Line) int {
		return strings.Count(string(a.Path), "/") - strings.Count(string(b.Path), "/")
	})
	var lines []wantLine
	for _, l := range generations {
		creator, n := l.Path.split()
		next := wantLine{creator: creator, first: n, last: n, own: l.Path, acts: l.wantActs()}
		if n := len(lines) - 1; n >= 0 && lines[n].continues(next) {
			lines[n].last = next.last
			continue
		}
		lines = append(lines, next)
	}
	wants := make([]string, 0, len(lines))
	for _, l := range lines {
		if l.acts != "" {
			wants = append(wants, l.String())
		}
	}
	return wants
}

// A wantLine is a line of a form, or a range of siblings whose lines are alike.
type wantLine struct {
	creator     Path
	first, last int // the numbers in the range, 0 for a path that has none
	own         Path
	acts        string
}

func (l wantLine) continues(next wantLine) bool {
	return l.first > 0 && next.creator == l.creator && next.first == l.last+1 && next.acts == l.acts
}

func (l wantLine) String() string {
	if l.last > l.first {
		return fmt.Sprintf("%s..%d: %s", l.own, l.last, l.acts)
	}
	return string(l.own) + ": " + strings.ReplaceAll(l.acts, "./", string(l.own)+"/")
}

// wantActs writes a task's acts with its own path as ".", so that those of siblings can be alike.
func (l Line) wantActs() string {
	var words []string
	kind, from, to := Kind(0), 0, 0 // births in a row
	flush := func() {
		switch {
		case kind == 0:
		case from == to:
			words = append(words, fmt.Sprintf("%s ./%d", kind, from))
		default:
			words = append(words, fmt.Sprintf("%s ./%d..%d", kind, from, to))
		}
		kind = 0
	}
	for _, a := range l.Acts {
		switch _, n := a.Child.split(); {
		case a.Kind == Signal:
		case !a.Kind.IsBirth():
			flush()
			words = append(words, a.String())
		case a.Kind == kind && n == to+1:
			to = n
		default:
			flush()
			kind, from, to = a.Kind, n, n
		}
	}
	flush()
	return strings.Join(words, ", ")
}

package event

import (
	"fmt"
	"slices"
	"strings"
)

// Wants writes the form as the want lines of a fixture's head, without "want:". Births in a row
// become a range, and so do siblings that do the same. Signals are left out.
func (f Form) Wants() []string {
	generations := slices.Clone(f) // sorted so that siblings stand together
	slices.SortStableFunc(generations, func(a, b Line) int {
		return strings.Count(string(a.Path), "/") - strings.Count(string(b.Path), "/")
	})
	var lines []wantLine
	for _, l := range generations {
		_, n := l.Path.split()
		next := wantLine{first: l.Path, last: n, acts: l.wantActs()}
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

// A wantLine is one line of a form, or a range of siblings whose lines are alike.
type wantLine struct {
	first Path
	last  int    // the number of the last in its generation; 0 for main and @N
	acts  string // as [Line.wantActs] writes them
}

func (l wantLine) continues(next wantLine) bool {
	creator, n := l.first.split()
	nextCreator, _ := next.first.split()
	return n > 0 && nextCreator == creator && next.last == l.last+1 && next.acts == l.acts
}

func (l wantLine) String() string {
	if _, n := l.first.split(); l.last > n {
		return fmt.Sprintf("%s..%d: %s", l.first, l.last, l.acts)
	}
	return string(l.first) + ": " + strings.ReplaceAll(l.acts, "./", string(l.first)+"/")
}

// wantActs writes a task's acts with "." for its own path, so that those of siblings can be alike.
func (l Line) wantActs() string {
	var words []string
	kind, from, to := Kind(0), 0, 0 // of the births in a row that the last word is
	for _, a := range l.Acts {
		switch _, n := a.Child.split(); {
		case a.Kind == Signal:
		case !a.Kind.IsBirth():
			kind = 0
			words = append(words, a.String())
		case a.Kind == kind && n == to+1:
			to = n
			words[len(words)-1] = fmt.Sprintf("%s ./%d..%d", kind, from, to)
		default:
			kind, from, to = a.Kind, n, n
			words = append(words, fmt.Sprintf("%s ./%d", kind, n))
		}
	}
	return strings.Join(words, ", ")
}

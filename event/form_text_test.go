package event

import (
	"fmt"
	"slices"
	"strings"
)

// ParseForm reads a canonical form. Its lines may come in any order; empty lines are ignored. The
// error quotes the line that has no meaning.
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
		return l, errNoColon
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

package harness

import (
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// setApart tells the tasks of a program that hosts a fixture from the fixture's own: those that were announced as such,
// and whom these made. They are named as tasks that were found are, and the others' births are counted
// without them, so that paths are those that the fixture declares.
func (t *truth) setApart(all announced) {
	for _, a := range all {
		if !a.host {
			continue
		}
		lives := t.byTID[a.tid]
		if i := slices.IndexFunc(lives, func(l *life) bool { return l.PID == a.pid && !l.host }); i >= 0 {
			lives[i].host = true
		}
	}
	hosts, born, now := make(map[*event.Life]bool), make(map[*event.Life]int), make(map[event.Path]event.Path)
	found := 0
	for _, l := range t.lives { // a creator comes before those that it made
		l.host = l.host || hosts[l.Creator]
		hosts[l.Life] = l.host
		was := l.Path
		switch {
		case l.host:
			found++
			l.Path = event.Found(found)
		case l.Creator != nil:
			born[l.Creator]++
			l.Path = l.Creator.Path.Nth(born[l.Creator])
		}
		now[was] = l.Path
	}
	if found == 0 {
		return
	}
	apart := make(map[event.Path]bool)
	for _, l := range t.lives {
		apart[l.Path] = l.host
	}
	for _, l := range t.lives {
		acts := l.Acts[:0]
		for _, a := range l.Acts {
			if a.Child = now[a.Child]; l.host || !apart[a.Child] {
				acts = append(acts, a)
			}
		}
		l.Acts = acts
	}
}

// form is the canonical form of the fixture's own tasks.
func (t *truth) form() event.Form {
	form := t.family.Form()
	for _, l := range t.lives {
		if l.host {
			form = slices.DeleteFunc(form, func(line event.Line) bool { return line.Path == l.Path })
		}
	}
	return form
}

package harness

import (
	"slices"

	"github.com/tidcheck/tidcheck/event"
)

// setApart tells the tasks of a program that hosts a fixture from the fixture's own: those that it announced as such,
// and whom these made. They are named as found tasks are, and births are counted without them, so that the fixture's
// own have the paths that it declares.
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
	if !slices.ContainsFunc(t.lives, func(l *life) bool { return l.host }) {
		return
	}
	hosts, born, found := make(map[*event.Life]bool), make(map[*event.Life]int), 0
	now := make(map[event.Path]*life) // by their paths when all births were counted
	for _, l := range t.lives {       // a creator comes before whom it made
		now[l.Path] = l
		l.host = l.host || hosts[l.Creator]
		hosts[l.Life] = l.host
		switch {
		case l.host:
			found++
			l.Path = event.Found(found)
		case l.Creator != nil:
			born[l.Creator]++
			l.Path = l.Creator.Path.Nth(born[l.Creator])
		}
	}
	for _, l := range t.lives {
		l.Acts = slices.DeleteFunc(l.Acts, func(a event.Act) bool { return a.Kind.IsBirth() && now[a.Child].host && !l.host })
		for i, a := range l.Acts {
			if a.Kind.IsBirth() {
				l.Acts[i].Child = now[a.Child].Path
			}
		}
	}
}

// form is the canonical form of the fixture's own tasks.
func (t *truth) form() event.Form {
	hosts := make(map[event.Path]bool)
	for _, l := range t.lives {
		hosts[l.Path] = l.host
	}
	return slices.DeleteFunc(t.family.Form(), func(line event.Line) bool { return hosts[line.Path] })
}

package picture

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
)

// missing says of each kind of violation by which something is left out what that is, and which
// mark of the kernel's or of /proc's has its time.
var missing = map[string]struct {
	what string
	by   Source
	kind string
}{
	"unreported birth":       {"birth", Kernel, "birth"},
	"unlisted at the attach": {"attach", Kernel, "birth"},
	"not attached":           {"attach", Proc, ""},
	"attached late":          {"attach", Proc, ""},
	"unreported exec":        {"exec", Kernel, "exec"},
	"unreported vforkdone":   {"vforkdone", "", ""},
	"unreported signal":      {"signal", "", ""},
	"unreported death":       {"end", Kernel, "exit"},
	"unreported end":         {"end of the process", Kernel, "exit"},
	"unlisted":               {"place in the list", Proc, ""},
	"ran on":                 {"stop", Proc, ""},
	"left stopped":           {"release", Proc, ""},
	"still traced":           {"release", Proc, ""},
	"stopped":                {"release", Proc, ""},
	"stopped since":          {"release", Proc, ""},
	"released late":          {"release", "", ""},
	"signal swallowed":       {"delivery", "", ""},
	"no end":                 {"end of the program", "", ""},
}

// place finds the places of violations in the drawing, the first in time first.
func (d *drawing) place(violations []judge.Violation) []Wrong {
	all := make([]Wrong, 0, len(violations))
	for _, v := range violations {
		w := d.wrong(v)
		w.Kind, w.Text = v.Kind, v.Text
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(a, b Wrong) int { return cmp.Compare(a.At, b.At) })
	return all
}

// wrong is the place of one violation.
func (d *drawing) wrong(v judge.Violation) Wrong {
	lane := None
	if len(v.TIDs) > 0 {
		for _, tid := range v.TIDs {
			if lanes := d.ids[tid]; lane == None && len(lanes) > 0 {
				lane = lanes[0]
			}
		}
	}
	if m, ok := missing[v.Kind]; ok {
		return d.absence(v, lane, m.what, m.by, m.kind)
	}
	if i := d.said(v); i != None {
		m := d.Marks[i]
		w := Wrong{At: m.At, Task: m.Task, Mark: i}
		if m.Child != None {
			w.Task = m.Child
		}
		return w
	}
	if v.Kind == "overdue" {
		return d.overdue()
	}
	return Wrong{At: d.last(lane), Task: lane, Mark: None, Noticed: true}
}

// absence is the place at which something should have been.
func (d *drawing) absence(
	v judge.Violation, lane int, what string, by Source, kind string,
) Wrong {
	w := Wrong{Task: lane, Mark: None, Missing: what, At: d.last(lane), Noticed: true}
	if lane == None || by == "" {
		return w
	}
	if kind == "birth" {
		for _, n := range d.ids[v.TIDs[0]] { // of an id that was used again, the text says which
			if strings.Contains(v.Text, "("+string(d.Tasks[n].Path)+")") {
				w.Task = n
			}
		}
		w.At, w.Noticed = max(d.Tasks[w.Task].Born, 0), false
		if w.Missing == "attach" {
			w.At = max(w.At, d.c.Attach.Complete)
		}
		return w
	}
	past := 0 // of a process's execs, those that were told
	if kind == "exec" && len(v.Numbers) == 2 {
		past = v.Numbers[1]
	}
	for _, m := range d.Marks {
		isIts := slices.Contains(d.ids[v.TIDs[0]], m.Task)
		switch {
		case m.By != by || !isIts || kind != "" && m.Kind != kind:
		case by == Proc && !quotes(v.Text, m.Text):
		case past > 0:
			past--
		default:
			w.At, w.Task, w.Noticed = m.At, m.Task, false
			if kind != "exit" { // the last of a process's ends is that of the process
				return w
			}
		}
	}
	return w
}

// quotes tells whether a text has another in it as whole words: "thread 101" is not in "thread
// 1010".
func quotes(text, part string) bool {
	isWord := func(s string, i int) bool {
		return i >= 0 && i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'z')
	}
	for from := 0; part != ""; {
		i := strings.Index(text[from:], part)
		if i < 0 {
			return false
		}
		i += from
		if !isWord(text, i-1) && !isWord(text, i+len(part)) {
			return true
		}
		from = i + 1
	}
	return false
}

// isLater are the kinds of violations by words that may have been right the first time.
var isLater = []string{"told twice", "after its death", "after the end of its process"}

// said is the place of the word that a violation quotes, None if it quotes none. What was told
// twice is wrong the second time.
func (d *drawing) said(v judge.Violation) int {
	found := None
	for i, m := range d.Marks {
		if m.By != Debugger {
			continue
		}
		isIts := slices.ContainsFunc(v.TIDs, func(tid event.TID) bool {
			return slices.Contains(d.ids[tid], m.Task) || m.Child != None &&
				slices.Contains(d.ids[tid], m.Child)
		})
		switch v.Kind {
		case "told twice":
			if quotes(v.Text, m.Text) && (d.again[i] || found != None) {
				return i
			}
		case "wrong status", "wrong status of the process":
			want := "exit"
			if v.Kind != "wrong status" {
				want = "end"
			}
			if isIts && m.Kind == want {
				return i
			}
			continue
		case "exec told twice", "vforkdone told twice", "signal told twice":
			kind, _, _ := strings.Cut(v.Kind, " ")
			if isIts && m.Kind == kind {
				found = i
			}
			continue
		}
		if quotes(v.Text, m.Text) {
			if !slices.Contains(isLater, v.Kind) {
				return i
			}
			found = i
		}
	}
	return found
}

// overdue is the first task that stood when the run's time was over, or the last mark of all.
func (d *drawing) overdue() Wrong {
	w := Wrong{At: d.last(None), Task: None, Mark: None, Missing: "progress", Noticed: true}
	for _, m := range d.Marks {
		if m.By == Proc && m.Line == string(judge.AtOverdue) {
			w.At = m.At
			if w.Task == None && strings.EqualFold(m.Kind, "t") {
				w.Task = m.Task
			}
		}
	}
	return w
}

// last is the time of the last mark of a lane, or of all.
func (d *drawing) last(lane int) (at time.Duration) {
	for _, m := range d.Marks {
		if lane == None || m.Task == lane {
			at = max(at, m.At)
		}
	}
	return at
}

package event

import (
	"fmt"
	"maps"
	"slices"
)

// A View is what an observer can know of a run. [Expected.Compare] leaves out the rest.
type View uint8

// The views.
const (
	Announced View = iota // the program's own account: births
	Witnessed             // the kernel's account: also that tasks end, and execs
	Traced                // a ptrace tracer's: all but tasks born with CLONE_UNTRACED
)

// Expected is what a fixture's want lines mean for given parameters and a given kernel.
type Expected struct {
	lines    map[Path]expectedLine // of the tasks whose events are stated exactly
	untraced map[Path]bool         // true for a task born with CLONE_UNTRACED
	bounds   []expectedBound
}

type expectedLine struct {
	Line
	kinds []Kind // which the want line names
}

type expectedBound struct {
	wantAct
	want  Want
	paths []Path // the tasks whose events it counts; nil for all
	n     int    // the value of count
}

// Expect reads want lines without parameters, as a fixture's head has them, and works them out.
func Expect(lines ...string) (Expected, error) {
	wants := make([]Want, len(lines))
	for i, line := range lines {
		w, err := ParseWant(line)
		if err != nil {
			return Expected{}, err
		}
		wants[i] = w
	}
	return Expand(wants, nil, [2]int{})
}

// Expand works out want lines for a fixture's parameters and a kernel's major and minor version.
// The error names the line that has no meaning: a name without a value, or a task that two lines
// state.
func Expand(wants []Want, params Params, kernel [2]int) (Expected, error) {
	x := Expected{lines: map[Path]expectedLine{}, untraced: map[Path]bool{}}
	var ranges numberRanges // of the lines so far
	for _, w := range wants {
		if !w.limit.Holds(kernel) {
			continue
		}
		if err := x.add(w, params, &ranges); err != nil {
			return x, fmt.Errorf("want %q: %w", w.text, err)
		}
	}
	return x, nil
}

func (x *Expected) add(w Want, params Params, ranges *numberRanges) error {
	var paths []Path
	if w.paths.root != "*" {
		var err error
		if paths, err = w.paths.expand(params, "", *ranges); err != nil {
			return err
		}
	}
	ranges.add(paths...)
	for _, a := range w.bounds {
		n, err := a.count.eval(params)
		if err != nil {
			return err
		}
		x.bounds = append(x.bounds, expectedBound{a, w, paths, n})
	}
	if len(w.exact) == 0 {
		return nil
	}
	for _, p := range paths {
		if _, twice := x.lines[p]; twice {
			return fmt.Errorf("an earlier line states %s", p)
		}
		var err error
		if x.lines[p], err = x.expandLine(w, p, params); err != nil {
			return err
		}
	}
	return nil
}

// expandLine works out a want line for one task, and notes which of its children are untraced.
func (x *Expected) expandLine(w Want, self Path, params Params) (line expectedLine, err error) {
	line.Path = self
	var own numberRanges
	own.add(self)
	for _, a := range w.exact {
		line.kinds = append(line.kinds, a.Kind)
		if !a.Kind.IsBirth() {
			line.Acts = append(line.Acts, a.Act)
			continue
		}
		children, err := a.children.expand(params, self, own)
		if err != nil {
			return line, err
		}
		for _, c := range children {
			line.Acts = append(line.Acts, Act{Kind: a.Kind, Child: c})
			x.untraced[c] = x.untraced[c] || a.untraced
		}
	}
	return line, nil
}

// Compare returns the expected and the actual lines of a form, each reduced to what the view can
// know and the want lines name. They are equal if the form is as expected. Each bound that does not
// hold adds one line to both: the want line, and what was counted.
func (x Expected) Compare(form Form, v View) (want, got []string) {
	actual := make(map[Path]Line, len(form))
	for _, l := range form {
		actual[l.Path] = l
	}
	for _, p := range slices.SortedFunc(maps.Keys(x.lines), Path.Compare) {
		if v == Traced && x.Untraced(p) {
			continue
		}
		line := x.lines[p]
		expected := Line{Path: p}
		for _, a := range line.Acts {
			if v != Traced || !x.untraced[a.Child] {
				expected.Acts = append(expected.Acts, a)
			}
		}
		want = append(want, v.project(expected, line.kinds).String())
		if l, ok := actual[p]; ok {
			got = append(got, v.project(l, line.kinds).String())
		}
	}
	for _, b := range x.bounds {
		n := b.matches(form, v)
		if v.sees(b.Kind) && (b.bound == "least" && n < b.n || b.bound == "most" && n > b.n) {
			want = append(want, b.want.text)
			got = append(got, fmt.Sprintf("%s: %d × %s", b.want.paths.text, n, b.Kind))
		}
	}
	return want, got
}

// Line is the expected line of one task. It is false if the want lines state none of its events
// exactly.
func (x Expected) Line(p Path) (Line, bool) {
	line, ok := x.lines[p]
	return line.Line, ok
}

// Most is how many events of a kind the want lines allow some tasks together. It is false if they
// leave that open.
func (x Expected) Most(k Kind, tasks ...Path) (most int, ok bool) {
	var open []Path // those of which no line states the kind exactly
	stated := 0
	for _, p := range tasks {
		line, has := x.lines[p]
		if !has || !slices.Contains(line.kinds, k) {
			open = append(open, p)
			continue
		}
		for _, a := range line.Acts {
			if a.Kind == k {
				stated++
			}
		}
	}
	most, ok = stated, len(open) == 0
	for _, b := range x.bounds {
		limit := b.n
		switch {
		case b.Kind != k || b.bound != "most":
			continue
		case b.covers(tasks):
		case b.covers(open):
			limit += stated
		default:
			continue
		}
		if !ok || limit < most {
			most, ok = limit, true
		}
	}
	return most, ok
}

// covers tells whether a bound counts the events of all these tasks.
func (b expectedBound) covers(tasks []Path) bool {
	return b.paths == nil || !slices.ContainsFunc(tasks, func(p Path) bool {
		return !slices.Contains(b.paths, p)
	})
}

// Untraced tells whether a task, or one that it descends from, is born with CLONE_UNTRACED. The
// kernel tells no tracer of such a task.
func (x Expected) Untraced(p Path) bool {
	for ; p != ""; p, _ = p.split() {
		if x.untraced[p] {
			return true
		}
	}
	return false
}

// Open tells whether the want lines bound births. Two runs of such a program may differ.
func (x Expected) Open() bool {
	return slices.ContainsFunc(x.bounds, func(b expectedBound) bool { return b.Kind.IsBirth() })
}

// project reduces a line to the given kinds of events, and to what the view can know of them.
func (v View) project(l Line, kinds []Kind) Line {
	reduced := Line{Path: l.Path}
	for _, a := range l.Acts {
		isNamed := slices.Contains(kinds, a.Kind) || a.Kind == Fork && slices.Contains(kinds, VFork)
		if !isNamed || !v.sees(a.Kind) {
			continue
		}
		if a.Kind == VFork && v != Traced {
			a.Kind = Fork
		}
		if a.Kind.isEnd() && v != Traced {
			a.Status = Unknown
		}
		reduced.Acts = append(reduced.Acts, a)
	}
	return reduced
}

func (v View) sees(k Kind) bool {
	switch k {
	case Exit, Exec:
		return v != Announced
	case End, VForkDone, Signal:
		return v == Traced
	}
	return true
}

// matches counts the events in a form that a bound is about.
func (b expectedBound) matches(form Form, v View) int {
	n := 0
	for _, l := range form {
		if b.paths != nil && !slices.Contains(b.paths, l.Path) {
			continue
		}
		for _, a := range l.Acts {
			sameKind := a.Kind == b.Kind || b.Kind == VFork && a.Kind == Fork && v != Traced
			sameStatus := v != Traced || a.Status.Same(b.Status)
			if sameKind && sameStatus && a.Signal == b.Signal {
				n++
			}
		}
	}
	return n
}

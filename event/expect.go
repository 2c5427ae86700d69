package event

import (
	"fmt"
	"slices"
	"strings"
)

// A View is what an observer can know of a run besides births. Where it cannot
// see a thing, that thing is left out of a comparison.
type View struct {
	Deaths   bool // that tasks end
	Statuses bool // with which status
	Signals  bool
	Execs    bool
	VForks   bool // a vfork from a fork, and when its creator goes on
	Untraced bool // births with CLONE_UNTRACED
}

// The views of the two complete observers.
var (
	// Traced is the view of a ptrace tracer.
	Traced = View{Deaths: true, Statuses: true, Signals: true, Execs: true, VForks: true}
	// Declared is the view of a fixture's head, which knows all.
	Declared = View{Deaths: true, Statuses: true, Signals: true, Execs: true, VForks: true, Untraced: true}
)

// Expected is what a fixture's want lines come to for given parameters.
type Expected struct {
	lines    map[Path]expectedLine
	untraced map[Path]bool // those born with CLONE_UNTRACED
	bounds   []expectedBound
}

type expectedLine struct {
	acts  []expectedAct
	kinds []Kind
}

type expectedAct struct {
	Act
	untraced bool
}

type expectedBound struct {
	wantAct
	text  string
	path  pattern
	paths []Path // what it counts over; nil for all tasks
	n     int
}

// Expand works out want lines for a fixture's parameters and a kernel's version.
func Expand(wants []Want, params Params, kernel [2]int) (Expected, error) {
	x := Expected{lines: map[Path]expectedLine{}, untraced: map[Path]bool{}}
	var ranges levels
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

// levels are the ranges that earlier lines had at each depth.
type levels [][2]int

func (l *levels) note(paths []Path) {
	for _, p := range paths {
		for depth, n := range p.numbers() {
			if depth == len(*l) {
				*l = append(*l, [2]int{n, n})
			}
			(*l)[depth][0] = min((*l)[depth][0], n)
			(*l)[depth][1] = max((*l)[depth][1], n)
		}
	}
}

func (l levels) at(depth int) (lo, hi int, ok bool) {
	if depth >= len(l) {
		return 0, 0, false
	}
	return l[depth][0], l[depth][1], true
}

// numbers are the counts in a path, from the first generation on.
func (p Path) numbers() []int {
	var numbers []int
	for _, s := range strings.Split(string(p), "/")[1:] {
		n := 0
		for _, digit := range s {
			n = n*10 + int(digit-'0')
		}
		numbers = append(numbers, n)
	}
	return numbers
}

func (x *Expected) add(w Want, params Params, ranges *levels) error {
	var paths []Path
	if w.paths.root != "*" {
		var err error
		if paths, err = w.paths.expand(params, "", ranges.at); err != nil {
			return err
		}
	}
	ranges.note(paths)
	exact := slices.ContainsFunc(w.acts, func(a wantAct) bool { return a.bound == exactly })
	for _, p := range paths {
		if !exact {
			break
		}
		if _, twice := x.lines[p]; twice {
			return fmt.Errorf("an earlier line states %s", p)
		}
		line, err := expandLine(w, p, params)
		if err != nil {
			return err
		}
		x.lines[p] = line
		for _, a := range line.acts {
			x.untraced[a.Child] = x.untraced[a.Child] || a.untraced
		}
	}
	for _, a := range w.acts {
		if a.bound == exactly {
			continue
		}
		n, err := a.count.eval(params)
		if err != nil {
			return err
		}
		x.bounds = append(x.bounds, expectedBound{wantAct: a, text: w.text, path: w.paths, paths: paths, n: n})
	}
	return nil
}

func expandLine(w Want, self Path, params Params) (line expectedLine, err error) {
	own := self.numbers()
	selfAt := func(depth int) (int, int, bool) {
		if depth >= len(own) {
			return 0, 0, false
		}
		return own[depth], own[depth], true
	}
	for _, a := range w.acts {
		if a.bound != exactly {
			continue
		}
		line.kinds = append(line.kinds, a.Kind)
		if !a.Kind.IsBirth() {
			line.acts = append(line.acts, expectedAct{Act: a.Act})
			continue
		}
		children, err := a.child.expand(params, self, selfAt)
		if err != nil {
			return line, err
		}
		for _, c := range children {
			line.acts = append(line.acts, expectedAct{Act: Act{Kind: a.Kind, Child: c}, untraced: a.untraced})
		}
	}
	return line, nil
}

// Compare gives the expected and the actual lines of a form as a view can tell
// them apart; they are equal where the form is as expected. Bounds that do not
// hold are lines of their own.
func (x Expected) Compare(form Form, v View) (want, got []string) {
	actual := make(map[Path]Line, len(form))
	for _, l := range form {
		actual[l.Path] = l
	}
	for _, p := range x.paths() {
		if !v.Untraced && x.Untraced(p) {
			continue
		}
		line := x.lines[p]
		expected := Line{Path: p}
		for _, a := range line.acts {
			if !a.untraced || v.Untraced {
				expected.Acts = append(expected.Acts, a.Act)
			}
		}
		want = append(want, v.project(expected, line.kinds).String())
		if l, ok := actual[p]; ok {
			got = append(got, v.project(l, line.kinds).String())
		}
	}
	for _, b := range x.bounds {
		if text, ok := b.holds(form, v); !ok {
			want, got = append(want, b.text), append(got, text)
		}
	}
	return want, got
}

func (x Expected) paths() []Path {
	paths := make([]Path, 0, len(x.lines))
	for p := range x.lines {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, Path.Compare)
	return paths
}

// Line is the expected line of one task, with whether any was stated exactly.
func (x Expected) Line(p Path) (Line, bool) {
	line, ok := x.lines[p]
	l := Line{Path: p}
	for _, a := range line.acts {
		l.Acts = append(l.Acts, a.Act)
	}
	return l, ok
}

// Untraced tells whether no tracer is told of a task: it, or a task that it descends from, is
// born with CLONE_UNTRACED.
func (x Expected) Untraced(p Path) bool {
	for last := len(p); last > 0; last = strings.LastIndexByte(string(p[:last]), '/') {
		if x.untraced[p[:last]] {
			return true
		}
	}
	return false
}

// Open tells whether births are bounded only: the runs of such a program differ.
func (x Expected) Open() bool {
	return slices.ContainsFunc(x.bounds, func(b expectedBound) bool { return b.Kind.IsBirth() })
}

// project leaves of a line what the view can tell and the kinds name.
func (v View) project(l Line, kinds []Kind) Line {
	out := Line{Path: l.Path}
	for _, a := range l.Acts {
		if !slices.Contains(kinds, a.Kind) && !(a.Kind == Fork && slices.Contains(kinds, VFork)) || !v.sees(a.Kind) {
			continue
		}
		if a.Kind == VFork && !v.VForks {
			a.Kind = Fork
		}
		if (a.Kind == Exit || a.Kind == End) && !v.Statuses {
			a.Status = Unknown
		}
		out.Acts = append(out.Acts, a)
	}
	return out
}

func (v View) sees(k Kind) bool {
	switch k {
	case Exit:
		return v.Deaths
	case End:
		return v.Deaths && v.Statuses
	case Exec:
		return v.Execs
	case VForkDone:
		return v.VForks
	case Signal:
		return v.Signals
	}
	return true
}

// holds counts what a bound is about, and says what it found where that is out of bounds.
func (b expectedBound) holds(form Form, v View) (string, bool) {
	if !v.sees(b.Kind) {
		return "", true
	}
	n := 0
	for _, l := range form {
		if b.paths != nil && !slices.Contains(b.paths, l.Path) {
			continue
		}
		for _, a := range l.Acts {
			same := a.Kind == b.Kind || b.Kind == VFork && a.Kind == Fork && !v.VForks
			if same && (b.Kind.IsBirth() || !v.Statuses || b.anyEnd || a.Status.Same(b.Status)) && a.Signal == b.Signal {
				n++
			}
		}
	}
	if b.bound == atLeast && n >= b.n || b.bound == atMost && n <= b.n {
		return "", true
	}
	return fmt.Sprintf("%s: %d × %s", b.path.text, n, b.Kind), false
}

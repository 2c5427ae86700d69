package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
)

// A Printer writes results for people as they come: those that are not as expected, with what
// explains them. On a terminal its last line says how far the suite has come.
type Printer struct {
	Out   io.Writer
	All   bool // every result, and how each pass was judged
	Quiet bool // no result
	// Columns is how wide the terminal is that Out is; nil if Out is none.
	Columns func() int
	Colour  bool
	Plan    []harness.Planned // all that is run, in the order in which it begins
	// Like names the findings that a failure is like; nil if none are looked for.
	Like func(harness.Result) []string

	begun      time.Time
	sentences  map[string]string // of scenarios
	done       map[string]bool   // by debugger and scenario
	unexpected int               // results
}

// Begin notes the plan and the time.
func (p *Printer) Begin() {
	p.begun = time.Now()
	p.done, p.sentences = map[string]bool{}, map[string]string{}
	for name, one := range catalogue() {
		p.sentences[name] = one.sentence
	}
	for _, one := range p.Plan {
		p.sentences[one.Scenario.Fixture.Name] = one.Scenario.Fixture.Sentence
	}
	p.draw()
}

// Print writes the results of one scenario, as harness.RunAll gives them.
func (p *Printer) Print(results []harness.Result) {
	shown := results
	switch {
	case p.Quiet:
		shown = nil
	case !p.All:
		shown = Unexpected(results)
	}
	if text := p.lines(shown); text != "" {
		p.erase()
		io.WriteString(p.Out, text)
	}
	for _, r := range results {
		p.done[r.Debugger+" "+r.Scenario+"/"+string(r.Mode)] = true
	}
	p.unexpected += len(Unexpected(results))
	p.draw()
}

// End removes the line of progress.
func (p *Printer) End() { p.erase() }

func (p *Printer) erase() {
	if p.Columns != nil {
		io.WriteString(p.Out, "\r\x1b[K")
	}
}

// draw writes the line of progress, cut to the terminal's width.
func (p *Printer) draw() {
	if p.Columns == nil {
		return
	}
	line := []rune(p.progress(time.Since(p.begun)))
	if width := p.Columns() - 1; len(line) > width {
		line = line[:max(width, 0)]
	}
	p.erase()
	io.WriteString(p.Out, string(line))
}

// progress is how far the suite has come in some time. What has been at work for longest is the
// first of the plan that has not ended.
func (p *Printer) progress(took time.Duration) string {
	line := fmt.Sprintf("%d of %d", len(p.done), len(p.Plan))
	if p.unexpected > 0 {
		line += fmt.Sprintf(", %d not as expected", p.unexpected)
	}
	if n := len(p.done); n > 0 && n < len(p.Plan) && took > time.Second {
		left := took / time.Duration(n) * time.Duration(len(p.Plan)-n)
		line += fmt.Sprintf(", some %s left", left.Round(time.Second))
	}
	for _, one := range p.Plan {
		if name := one.Debugger + " " + one.Scenario.String(); !p.done[name] {
			return line + ": " + name
		}
	}
	return line
}

// Colours of verdicts on a terminal, as ECMA-48 has them.
var colours = map[judge.Verdict]string{
	judge.Pass: "32", judge.Fail: "1;31", judge.KPass: "1;33", judge.Unresolved: "1;35",
	judge.KFail: "33",
}

// verdict is a verdict as a line begins with it.
func (p *Printer) verdict(v judge.Verdict) string {
	text := fmt.Sprintf("%-11s", v)
	if colour, ok := colours[v]; ok && p.Colour {
		return "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
	return text
}

// Slowest writes the n scenarios that took longest.
func Slowest(w io.Writer, r *harness.Report, n int) {
	byScenario := slices.Clone(r.Results)
	slices.SortStableFunc(byScenario, func(a, b harness.Result) int {
		return cmp.Compare(b.Seconds, a.Seconds)
	})
	type key struct{ debugger, scenario string }
	seen := map[key]bool{}
	for _, one := range byScenario {
		k := key{one.Debugger, one.Scenario + "/" + string(one.Mode)}
		if len(seen) == n {
			return
		}
		if !seen[k] {
			seen[k] = true
			fmt.Fprintf(w, "%6.2f s  %s %s\n", one.Seconds, k.debugger, k.scenario)
		}
	}
}

// around are the steps of the kernel and the words of the debugger before and after the place where
// they first part. There are none where it is not known when that was.
func around(p *picture.Picture) (lines []string) {
	const before, after = 4, 2
	if p == nil || len(p.Wrong) == 0 || p.Wrong[0].Noticed || p.Untimed {
		return nil
	}
	first, there, pointed := p.Wrong[0], 0, false
	var steps []int // places in p.Marks
	for i, m := range p.Marks {
		if m.By == picture.Proc {
			continue
		}
		steps = append(steps, i)
		if m.At <= first.At {
			there = len(steps)
		}
	}
	for _, i := range steps[max(there-before, 0):min(there+after, len(steps))] {
		m, pointer := p.Marks[i], " "
		its := m.Child == first.Task || m.Child == picture.None && m.Task == first.Task
		if i == first.Mark || m.By == picture.Kernel && m.At == first.At && its {
			pointer, pointed = ">", true
		}
		lines = append(lines, fmt.Sprintf("%s %9.3f ms  %-8s  %s%s", pointer,
			float64(m.At.Microseconds())/1000, m.By, pathOf(p.Tasks[m.Task]), m.Text))
	}
	if !pointed {
		return nil // it shows in no step and in no word, but in a look at /proc
	}
	return lines
}

// wrap breaks a line between words where a terminal would break it anywhere.
func (p *Printer) wrap(line string) (lines []string) {
	if p.Columns == nil {
		return []string{line}
	}
	width := max(p.Columns()-len(indent)-1, 20)
	for len(line) > width {
		i := strings.LastIndexByte(line[:width], ' ')
		if i <= len("  ") {
			break // a word that is too long
		}
		lines, line = append(lines, line[:i]), "  "+line[i+1:]
	}
	return append(lines, line)
}

// indent stands before what explains a verdict.
const indent = "            "

// clean is a text from outside with a dot for each control character.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '·'
		}
		return r
	}, text)
}

// pathOf begins a line about a task that the kernel made.
func pathOf(t picture.Task) string {
	if t.Path == "" {
		return ""
	}
	return string(t.Path) + ": "
}

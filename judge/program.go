package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// These rules are about what the debugger did to the program: whether all of it goes on, is let go
// of, and lives as it does without a debugger.

// running is judged by the program's own progress: if it came to its end, or to the checkpoint at
// which it was let go, it went on. Else it is judged by the tasks that stay in a stop of a
// tracer's, or in any stop once the debugger failed to attach; and after each standstill by the
// tasks that were not seen to go on.
func running(c *Case, f *finding) {
	for _, s := range c.Standstills {
		for _, t := range s.Left.Tasks {
			f.breachBy(c, t, "left stopped", "was left stopped "+s.Where)
		}
	}
	if c.failure() != "" && !c.wentOn() {
		// What stands now is what the debugger held when it failed.
		for _, s := range c.Standstills {
			if s.Left.At > 0 { // all were to go on, and were looked at
				f.judged++
			}
		}
		return
	}
	if !c.isOverdue() || len(f.bad) > 0 {
		f.judged = 1
		return
	}
	if c.Program.Alone {
		f.judged = 1 // that it came to its end is seen without a look at its tasks
	}
	stopped := c.stoppedBefore()
	for _, t := range c.looks(AtOverdue) {
		f.judged++
		if t.Held() && t.Motion == Still && (t.Tracer != 0 || c.Program.Alone && !stopped[t.TID]) {
			f.breachBy(c, t, "left stopped", "was left stopped")
		}
	}
}

// stoppedBefore are the tasks that stood when the debugger attached.
func (c *Case) stoppedBefore() map[event.TID]bool {
	stopped := make(map[event.TID]bool)
	for _, t := range c.looks(BeforeAttach) {
		stopped[t.TID] = t.Held()
	}
	return stopped
}

func released(c *Case, f *finding) {
	after := c.looks(AfterDetach)
	switch {
	case c.failure() != "" && c.Detach.State != Complete && len(after) == 0:
		return
	case c.Detach.State == Complete || c.Mode == fixtures.AttachAgain && len(after) > 0:
	case c.Mode == fixtures.Orphaned:
		f.untested = "no task of the program had a tracer when its debugger was to be killed"
		return
	default:
		f.untested = "it came to no detach"
		return
	}
	c.releasedLate(f)
	if len(after) == 0 {
		f.judged = 1 // the program is over, and no task of it is held
		return
	}
	stopped := c.stoppedBefore()
	for _, t := range c.looks(AtOverdue) {
		// A signal that was on its way at the detach stops a task only when that goes on. What
		// stands since a later attach failed says nothing of the detach.
		failed := c.Progress.State == Failed
		if t.Held() && t.Motion == Still && t.Tracer == 0 && !stopped[t.TID] && !failed {
			f.breachBy(c, t, "stopped since", "is stopped since")
			stopped[t.TID] = true
		}
	}
	living := make(map[event.TID]bool)
	for _, t := range after {
		living[t.PID] = living[t.PID] || !t.Ended()
	}
	for _, t := range after {
		f.judged++
		switch {
		case !living[t.PID]: // the kernel tells the end of a process to its tracer first
		case t.Tracer != 0:
			f.breachBy(c, t, "still traced", "is still traced")
		case t.Held() && !stopped[t.TID]:
			f.breachBy(c, t, "stopped", "is stopped")
		}
	}
}

func transparent(c *Case, f *finding) {
	f.judged = 1
	c.signalsDiffer(f)
	said, alone := c.endOf(c.truth.processes[0]), c.Control.Status
	if c.Program.State == Over && !said.Same(alone) { // else it may be Unknown
		f.breach("another end", nil, numbers{int(alone), int(said)},
			"the program ended with %s, and without a debugger it ends with %s", said, alone)
	}
	if c.Program.Alone && c.Program.State != Over {
		f.breach("no end", nil, nil,
			"the program did not come to its end after the debugger had failed to attach")
	}
	if c.changed != "" {
		f.breach("other lives", nil, nil,
			"its tasks did not live as they do without a debugger (-declared +witnessed):\n%s",
			c.changed)
	}
	c.outputDiffers(f)
}

// signalsDiffer compares the signals that tasks were sent with those that they handled. One may be
// lost with a debugger that was killed: it was told of the signal and had not passed it on. Where
// the time was over, signals may be on their way: to a task that still moves, or one to a task that
// stands, perhaps for its debugger to pass that on.
func (c *Case) signalsDiffer(f *finding) {
	pending, held := make(map[event.TID]bool), make(map[event.TID]bool)
	for _, t := range c.looks(AtOverdue) {
		pending[t.TID] = t.Pending || t.Motion != Still
		held[t.TID] = t.Held()
	}
	for _, a := range c.Ledger {
		lost := 0
		if c.Mode == fixtures.Orphaned || held[a.TID] {
			lost = 1
		}
		counts := fmt.Sprintf("%s: %s sent, %d handled: the debugger", c.truth.name(a.TID),
			count(a.Sent, "signal"), a.Handled)
		them := "them all"
		if a.Sent == 1 {
			them = "it"
		}
		if a.Sent > a.Handled+lost && !pending[a.TID] {
			f.breach("signal swallowed", tids{a.TID}, numbers{a.Sent, a.Handled},
				"%s did not deliver %s", counts, them)
		}
		if a.Sent < a.Handled {
			f.breach("signal invented", tids{a.TID}, numbers{a.Sent, a.Handled},
				"%s delivered more", counts)
		}
	}
}

func bounded(c *Case, f *finding) {
	switch {
	case c.failure() != "" && (c.Progress.State != Done || c.End.State == Unending):
		f.untested = "the debugger failed"
		return
	case !c.isOverdue():
		f.judged = 1
		return
	}
	var b strings.Builder
	if c.Progress.Still > 0 {
		fmt.Fprintf(&b, "proven hung after %v without a change: %s did not come", c.Progress.Still,
			c.Progress.Step)
	} else {
		fmt.Fprintf(&b, "timeout: %s did not come in %v", c.Progress.Step, c.Limit)
	}
	if c.End.State == Unending && c.Progress.State == TimedOut {
		fmt.Fprintf(&b, ", and %s", c.End.Reason)
	}
	tasks := c.looks(AtOverdue)
	if n := c.moving(tasks); n > 0 {
		fmt.Fprintf(&b, ", and %d of %d tasks still moved", n, len(tasks))
		if !slices.ContainsFunc(tasks, Task.Held) {
			b.WriteString(": it may only be late (--time-scale, Options.TimeScale)")
		}
	}
	for _, t := range tasks {
		fmt.Fprintf(&b, "\n%s: %s", c.truth.name(t.TID), t)
	}
	f.breach("overdue", nil, nil, "%s", &b)
}

// moving counts the tasks that went on when the program's time was over. At a step of the
// debugger's that says nothing.
func (c *Case) moving(tasks []Task) (n int) {
	if c.Progress.By == ByDebugger {
		return 0
	}
	for _, t := range tasks {
		if t.Motion != Still || strings.HasPrefix(t.State, "R") {
			n++
		}
	}
	return n
}

// ids are where a fixture prints the id of a task: after the words process and thread.
var ids = regexp.MustCompile(`\b(process|thread): (\d+)`)

// labelLines replaces the ids in lines of output by birth paths, as labelLine does. If an id was
// used twice, the second time that a line comes it is about the second task.
func labelLines(lines []string, t *truth, exact bool) []string {
	labels, printed := make([]string, len(lines)), make(map[string]int)
	for i, line := range lines {
		labels[i] = labelLine(line, t, exact, printed[line])
		printed[line]++
	}
	return labels
}

// labelLine replaces the ids in a line of output by the birth paths of the nth tasks with those
// ids, from 0, or of the last. If births differ from run to run (exact is false), only main is told
// from other tasks.
func labelLine(line string, t *truth, exact bool, n int) string {
	return ids.ReplaceAllStringFunc(line, func(match string) string {
		word, digits, _ := strings.Cut(match, ": ")
		tid, _ := strconv.Atoi(digits) // a number, by the pattern
		path := t.nthPath(event.TID(tid), n)
		switch {
		case path == "":
			path = "unknown"
		case !exact && path != event.Main:
			path = "other"
		}
		return word + ": " + string(path)
	})
}

// labelOwed labels a line by the first lives with its ids by which the line is owed, else by the
// last.
func labelOwed(line string, t *truth, exact bool, owed map[string]int) string {
	label := labelLine(line, t, exact, 0)
	for n, last := 1, ""; owed[label] == 0 && label != last; n++ {
		last, label = label, labelLine(line, t, exact, n)
	}
	return label
}

// outputDiffers compares the lines of the output with the control run's, as multisets. A program
// that did not end may still owe some. Lines that paths tell apart are not compared if those are
// not known.
func (c *Case) outputDiffers(f *finding) {
	if c.Control.Exact && !c.truth.isComplete() {
		return
	}
	owed := make(map[string]int)
	for _, line := range c.Control.Lines {
		owed[line]++
	}
	for _, line := range c.Program.Lines {
		label := labelOwed(line, c.truth, c.Control.Exact, owed)
		if owed[label]--; owed[label] < 0 {
			text := fmt.Sprintf("%q", line)
			if label != line {
				text += " (" + label + ")"
			}
			f.breach("a line too many", nil, nil,
				"the program printed %s, which it does not print without a debugger", text)
		}
	}
	if c.Program.State != Over {
		return
	}
	for _, line := range c.Control.Lines {
		if owed[line] > 0 {
			owed[line] = 0
			f.breach("a line missing", nil, nil,
				"the program did not print %q, which it prints without a debugger", line)
		}
	}
}

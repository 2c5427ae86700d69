package harness

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// What a debugger did to the program: whether that goes on, is let go of whole, and lives as it does alone.

// running is judged by the program's own progress: if it came to its end, or to the checkpoint
// at which it was let go, it went on. Else it is judged by who stands in a stop of a tracer's, and stays there, or
// once the debugger failed to attach in any stop; and after each standstill by who was not seen to go on.
func running(e *evidence) (bad []string, judged int, err error) {
	for _, s := range e.standstills {
		for _, t := range s.left {
			bad = append(bad, fmt.Sprintf("%s was left stopped %s: %s", e.truth.name(t.tid), s.where, t))
		}
	}
	if e.overdue == "" || len(bad) > 0 {
		return bad, 1 + len(e.standstills), nil
	}
	if e.alone {
		judged = 1 // that it came to its end is seen without a look at its tasks
	}
	stopped := e.stoppedBefore()
	for _, t := range e.dump {
		judged++
		if t.held() && t.still && (t.tracer != 0 || e.alone && !stopped[t.tid]) {
			bad = append(bad, fmt.Sprintf("%s was left stopped: %s", e.truth.name(t.tid), t))
		}
	}
	return bad, judged, nil
}

// stoppedBefore are the tasks that stood when the debugger attached.
func (e *evidence) stoppedBefore() map[event.TID]bool {
	stopped := make(map[event.TID]bool)
	for _, t := range e.before {
		stopped[t.tid] = t.held()
	}
	return stopped
}

func released(e *evidence) (bad []string, judged int, err error) {
	if e.detached.complete == 0 && (e.mode != fixtures.AttachAgain || len(e.released) == 0) {
		if e.mode == fixtures.Orphaned {
			return nil, 0, errors.New("nobody traced the program when its debugger was to be killed")
		}
		return nil, 0, errors.New("it came to no detach")
	}
	if len(e.released) == 0 {
		return nil, 1, nil // the program is over, and holds nobody
	}
	stopped := e.stoppedBefore()
	for _, t := range e.dump {
		// A signal that was on its way at the detach stops a task only when that goes on.
		if t.held() && t.still && t.tracer == 0 && !stopped[t.tid] {
			bad = append(bad, fmt.Sprintf("%s is stopped since: %s", e.truth.name(t.tid), t))
			stopped[t.tid] = true
		}
	}
	living := make(map[event.TID]bool)
	for _, t := range e.released {
		living[t.pid] = living[t.pid] || !t.ended()
	}
	for _, t := range e.released {
		judged++
		switch {
		case !living[t.pid]: // the kernel tells a tracer of its process's end, and only then the parent
		case t.tracer != 0:
			bad = append(bad, fmt.Sprintf("%s is still traced: %s", e.truth.name(t.tid), t))
		case t.held() && !stopped[t.tid]:
			bad = append(bad, fmt.Sprintf("%s is stopped: %s", e.truth.name(t.tid), t))
		}
	}
	return bad, judged, nil
}

func transparent(e *evidence) (bad []string, judged int, err error) {
	pending := make(map[event.TID]bool)
	for _, t := range e.dump {
		pending[t.tid] = t.pending
	}
	lost := 0
	if e.mode == fixtures.Orphaned {
		lost = 1 // with the debugger, which was told of it and had not passed it on
	}
	for _, a := range e.announced {
		if a.sent > a.handled+lost && !pending[a.tid] {
			bad = append(bad, fmt.Sprintf("%s was sent %d signals and got %d: swallowed", e.truth.name(a.tid), a.sent, a.handled))
		}
		if a.sent < a.handled {
			bad = append(bad, fmt.Sprintf("%s was sent %d signals and got %d", e.truth.name(a.tid), a.sent, a.handled))
		}
	}
	if e.outcome.ended && !e.outcome.status.Same(e.control.status) { // Unknown below an old kernel
		bad = append(bad, fmt.Sprintf("the program ended with %s, without a debugger with %s", e.outcome.status, e.control.status))
	}
	if e.alone && !e.outcome.ended {
		bad = append(bad, "the program did not come to its end and the debugger, which failed, has it no more")
	}
	if e.changed != "" {
		bad = append(bad, "its tasks did not live as they do without a debugger (-declared +witnessed):\n"+e.changed)
	}
	return append(bad, e.outputDiffers()...), 1 + len(e.announced), nil
}

// outputDiffers compares the output's lines with those of the control run, as multisets. A program
// that did not end may still owe some.
func (e *evidence) outputDiffers() (bad []string) {
	owed := make(map[string]int)
	for _, line := range e.control.lines {
		owed[line]++
	}
	for _, line := range e.outcome.lines {
		label := labelOwed(line, e.truth, e.exact, owed)
		if owed[label]--; owed[label] < 0 {
			bad = append(bad, fmt.Sprintf("the program printed %q (%s), which it does not without a debugger", line, label))
		}
	}
	if !e.outcome.ended {
		return bad
	}
	for _, line := range e.control.lines {
		if owed[line] > 0 {
			owed[line] = 0
			bad = append(bad, fmt.Sprintf("the program did not print %q, which it does without a debugger", line))
		}
	}
	return bad
}

func bounded(e *evidence) (bad []string, judged int, err error) {
	if e.overdue == "" {
		return nil, 1, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s did not come within %v", e.overdue, e.limit)
	if e.unending {
		fmt.Fprintf(&b, ", and %v", errUnending)
	}
	if n := e.moving(); n > 0 {
		fmt.Fprintf(&b, ", and %d of %d tasks still moved: it may only be late (--time-scale, Options.TimeScale)", n, len(e.dump))
	}
	for _, t := range e.dump {
		fmt.Fprintf(&b, "\n%s: %s", e.truth.name(t.tid), t)
	}
	return []string{b.String()}, 1, nil
}

// moving is how many tasks of a program went on when its time was over. At a step of the debugger's own that says nothing.
func (e *evidence) moving() (n int) {
	if strings.HasPrefix(e.overdue, "the debugger's ") {
		return 0
	}
	for _, t := range e.dump {
		if !t.still || strings.HasPrefix(t.state, "R") {
			n++
		}
	}
	return n
}

package scene

import (
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// noTask is an id that no task has: what /proc would add of a task is not known.
const noTask = 1 << 30

func task(state string, switches uint64) judge.Task {
	t := judge.Task{TID: noTask, PID: noTask, State: state, Switches: switches, Tracer: 7}
	t.Motion = judge.SeenOnce
	return t
}

func TestATaskThatDoesNotStandIsAccusedOnlyByProof(t *testing.T) {
	untraced := task("D (disk sleep)", 1)
	untraced.Tracer = 0
	killed := task("R (running)", 1)
	killed.Killed = true
	for _, c := range []struct {
		name  string
		looks []judge.Task
		want  judge.Motion // SeenOnce if it is no more in doubt, empty if it is still
	}{
		{
			"it sleeps on",
			[]judge.Task{task("S (sleeping)", 1), task("S (sleeping)", 1)},
			judge.Still,
		},
		{
			"it stands now",
			[]judge.Task{task("S (sleeping)", 1), task("t (tracing stop)", 2)},
			judge.SeenOnce,
		},
		{"it waits for a CPU", []judge.Task{task("R (running)", 1), task("R (running)", 1)}, ""},
		{
			"it moved once, on its way to its stop",
			[]judge.Task{task("R (running)", 1), task("R (running)", 2), task("R (running)", 2)},
			"",
		},
		{
			"it runs on",
			[]judge.Task{task("R (running)", 1), task("R (running)", 2), task("S (sleeping)", 3)},
			judge.Moved,
		},
		{"it is on its way out", []judge.Task{task("R (running)", 1), killed}, judge.SeenOnce},
		{
			"it waits in D",
			[]judge.Task{task("D (disk sleep)", 1), task("D (disk sleep)", 1)},
			"",
		},
		{"it waits in D without a tracer", []judge.Task{untraced, untraced}, judge.Still},
	} {
		first := c.looks[0]
		d := &doubt{task: &first, last: first}
		settled := false
		for _, now := range c.looks[1:] {
			settled = settled || d.settle(now)
		}
		assert.Equal(t, settled, c.want != "", c.name)
		if settled {
			assert.Equal(t, first.Motion, c.want, c.name)
		}
	}
}

func TestATaskIsStillOnlyIfItsDebuggerHadACPU(t *testing.T) {
	held, free := task("t (tracing stop)", 1), task("S (sleeping)", 1)
	free.Tracer = 0
	for _, c := range []struct {
		name          string
		before, later judge.Task
		there, rested bool
		want          judge.Motion
	}{
		{"it is held", held, held, true, true, judge.Still},
		{"its debugger had no CPU", held, held, true, false, judge.Starved},
		{"it has no debugger", free, free, true, false, judge.Still},
		{"it ran", held, task("t (tracing stop)", 2), true, true, judge.Moved},
		{"it went on", held, task("S (sleeping)", 1), true, true, judge.Moved},
		{"it is gone", held, judge.Task{}, false, true, judge.Moved},
	} {
		assert.Equal(t, motion(c.before, c.later, c.there, c.rested), c.want, c.name)
	}
}

func TestADebuggerRestsIfItSleepsOrHadACPU(t *testing.T) {
	const enough = 50 * time.Millisecond
	for _, c := range []struct {
		state string
		ran   time.Duration
		want  bool
	}{
		{"S (sleeping)", 0, true},
		{"t (tracing stop)", 0, true},
		{"R (running)", 0, false},
		{"R (running)", enough - 1, false},
		{"R (running)", enough, true},
		{"D (disk sleep)", 0, false},
	} {
		got := rests(judge.Task{State: c.state}, c.ran, enough)
		assert.Equal(t, got, c.want, "%s after %v", c.state, c.ran)
	}
}

// quiet is a view of a run that hangs: a task in a tracing stop, and a debugger that sleeps.
func quiet() view {
	return view{
		program: []judge.Task{{TID: noTask, PID: noTask, State: "Z (zombie)"}},
		debugger: map[event.TID]thread{
			7: {Task: judge.Task{TID: 7, State: "S (sleeping)"}, load: time.Second, counted: true},
		},
	}
}

func TestAHangIsNotProvenWhileSomethingMayHappen(t *testing.T) {
	const since = 3 * time.Second
	assert.Equal(t, quiet().unproven(quiet(), since), "")
	asleep := func(load time.Duration) thread {
		return thread{Task: judge.Task{TID: 7, State: "S (sleeping)"}, load: load, counted: true}
	}
	for _, c := range []struct {
		change func(*view)
		want   string
	}{
		{func(v *view) { clear(v.debugger) }, "no thread of the debugger's is known"},
		{func(v *view) { clear(v.debugger); v.ended = true }, ""},
		{func(v *view) { v.debugger[7] = asleep(1200 * time.Millisecond) }, ""},
		{
			func(v *view) { v.debugger[7] = asleep(1400 * time.Millisecond) },
			"the debugger was at work for 400ms of 3s",
		},
		{
			func(v *view) { v.debugger[8] = asleep(400 * time.Millisecond) },
			"the debugger was at work for 400ms of 3s",
		},
		{
			func(v *view) {
				v.debugger[7] = thread{Task: judge.Task{State: "R (running)"}, counted: true}
			},
			"the debugger's task 7 is in state R (running)",
		},
		{
			func(v *view) { v.debugger[7] = thread{} },
			"the CPU time of the debugger's task 7 is not known",
		},
		{
			func(v *view) { v.program[0].State = "t (tracing stop)" },
			"process 1073741824 may have timers", // of a process that is gone nothing is known
		},
	} {
		v := quiet()
		c.change(&v)
		assert.Equal(t, v.unproven(quiet(), since), c.want)
	}
}

func TestWhatMovesIsSeen(t *testing.T) {
	assert.Assert(t, quiet().equal(quiet()))
	for name, change := range map[string]func(*view){
		"a byte":   func(v *view) { v.said++ },
		"a state":  func(v *view) { v.program[0].State = "X (dead)" },
		"a switch": func(v *view) { v.program[0].Switches++ },
		"a tracer": func(v *view) { v.program[0].Tracer++ },
		"a birth":  func(v *view) { v.program = append(v.program, judge.Task{}) },
		"the end of a process of the debugger's": func(v *view) {
			v.processes = append(v.processes, 7)
		},
	} {
		v := quiet()
		change(&v)
		assert.Assert(t, !v.equal(quiet()), name)
	}
	v := quiet()
	v.debugger[7] = thread{}
	assert.Assert(t, v.equal(quiet()), "the debugger may wake")
}

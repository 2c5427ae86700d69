package harness

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// hung has the run stop at a step where two of the program's tasks are left.
func hung(s *sketch) {
	s.overdue = "the program's end"
	s.outcome.ended = false
	s.dump = []procTask{
		{tid: 100, state: "S (sleeping)", still: true, wchan: "futex_do_wait", syscall: "202"},
		{tid: 103, state: "t (tracing stop)", still: true, tracer: 77, holder: "process 70 (gdb)", wchan: "ptrace_stop", syscall: "running"},
	}
}

func TestRunningAccusesOfTasksThatWereLeftStopped(t *testing.T) {
	testRule(t, "running", launched, []broken{
		{"in a tracing stop", hung, "task 103 (main/2/1) was left stopped: state t (tracing stop), at ptrace_stop, syscall running, traced by process 70 (gdb)"},
		{"in a group stop, traced", func(s *sketch) {
			hung(s)
			s.dump[0].state, s.dump[0].tracer, s.dump[0].still = "T (stopped)", 77, true
			s.dump[1].tracer = 0
		}, "task 100 (main) was left stopped"},
		{"in a group stop of the program's own", func(s *sketch) {
			hung(s)
			s.dump[1] = procTask{tid: 103, state: "T (stopped)"}
		}, ""},
		{"for a moment", func(s *sketch) { hung(s); s.dump[1].still = false }, ""},
		{"it waits for something else", func(s *sketch) { hung(s); s.dump = s.dump[:1] }, ""},
	})
}

func TestReleasedAccusesOfTasksThatAreTracedOrStopped(t *testing.T) {
	testRule(t, "released", attached, []broken{
		{"traced", func(s *sketch) { s.released[0].tracer, s.released[0].holder = 77, "process 70 (gdb)" }, "task 100 (main) is still traced: state S (sleeping)"},
		{"stopped", func(s *sketch) { s.released[0].state = "T (stopped)" }, "task 100 (main) is stopped: state T (stopped)"},
		{"a newcomer is stopped", func(s *sketch) { s.released = append(s.released, procTask{tid: 102, state: "T (stopped)"}) }, "task 102 (main/3) is stopped"},
		{"it stops when it goes on", func(s *sketch) {
			hung(s)
			s.dump[0].state, s.dump[0].still = "T (stopped)", true
		}, "task 100 (main) is stopped since: state T (stopped)"},
		{"it was stopped before, and is still", func(s *sketch) {
			hung(s)
			s.dump[0] = procTask{tid: 101, state: "T (stopped)", still: true}
		}, ""},
		{"it stops for a moment", func(s *sketch) {
			hung(s)
			s.dump[0].state, s.dump[0].still = "T (stopped)", false
		}, ""},
		{"nobody is left", func(s *sketch) { s.released = nil }, ""},
		{"a zombie among others is traced", func(s *sketch) { s.released[0].state, s.released[0].tracer = "Z (zombie)", 77 }, "task 100 (main) is still traced: state Z (zombie)"},
		{"it has just ended", func(s *sketch) { s.released = []procTask{{tid: 100, state: "Z (zombie)", tracer: 77}} }, ""},
		{"who was stopped goes on", func(s *sketch) { s.released[1].state = "S (sleeping)" }, ""},
	})
}

func TestTransparentAccusesOfWhatTheProgramShows(t *testing.T) {
	signals := func(sent, handled int) func(*sketch) {
		return func(s *sketch) { s.ledger[3].sent, s.ledger[3].handled = sent, handled }
	}
	testRule(t, "transparent", launched, []broken{
		{"a swallowed signal", signals(2, 1), "task 103 (main/2/1) was sent 2 signals and got 1: swallowed"},
		{"an invented signal", signals(1, 2), "task 103 (main/2/1) was sent 1 signals and got 2"},
		{"a signal that came", signals(2, 2), ""},
		{"a signal on its way when the time was over", func(s *sketch) {
			signals(1, 0)(s)
			hung(s)
			s.dump[1].pending = true
		}, ""},
		{"the exit status", func(s *sketch) { s.outcome.status = event.Killed(5) }, "the program ended with SIGTRAP, without a debugger with 0"},
		{"a line is gone", func(s *sketch) { s.outcome.lines = s.outcome.lines[:1] }, `did not print "process: main, thread: main/2/1"`},
		{"a line is gone of a program that goes on", func(s *sketch) {
			hung(s)
			s.outcome.lines = nil
		}, ""},
		{"a line more", func(s *sketch) { s.outcome.lines = append(s.outcome.lines, "done") }, `the program printed "done" (done), which it does not without a debugger`},
		{"a line is another", func(s *sketch) { s.outcome.lines[1] = "process: 100, thread: 102" }, `printed "process: 100, thread: 102" (process: main, thread: main/2)`},
		{"other lines' order", func(s *sketch) { slices.Reverse(s.outcome.lines) }, ""},
		{"its tasks", func(s *sketch) { s.changed = "-main/2\n" }, "its tasks did not live as they do without a debugger (-declared +witnessed):\n-main/2"},
	})
}

func TestBoundedAccusesOfAHangAndShowsEveryTask(t *testing.T) {
	testRule(t, "bounded", launched, []broken{
		{"a hang", hung, "the program's end did not come within 1s\n" +
			"task 100 (main): state S (sleeping), at futex_do_wait, syscall 202\n" +
			"task 103 (main/2/1): state t (tracing stop), at ptrace_stop, syscall running, traced by process 70 (gdb)"},
		{"a debugger that does not end either", func(s *sketch) {
			hung(s)
			s.dump, s.unending = nil, true
		}, "the program's end did not come within 1s, and the debugger did not end within 5s"},
		{"it comes late", func(s *sketch) { hung(s); s.dump[0].still = false }, "the program's end did not come within 1s, " +
			"and 1 of 2 tasks still moved: it may only be late (--time-scale, Options.TimeScale)\ntask 100 (main): "},
		{"one runs without a pause", func(s *sketch) { hung(s); s.dump[0].state = "R (running)" }, ", and 1 of 2 tasks still moved"},
		{"the debugger comes late", func(s *sketch) { hung(s); s.overdue, s.dump[0].still = "the debugger's stop", false }, "the debugger's stop did not come within 1s\n"},
		{"a hang with nobody left", func(s *sketch) { hung(s); s.dump = nil }, "the program's end did not come within 1s"},
	})
}

// orphaned is the program whose debugger was killed when it had attached to it.
func orphaned() *sketch {
	s := attached()
	s.mode = fixtures.Orphaned
	s.evidence.detached = interval{23, 24}
	s.said = ""
	s.orphaned = []procTask{{tid: 100, pid: 100, state: "t (tracing stop)", tracer: 77}, {tid: 101, pid: 100, state: "t (tracing stop)", tracer: 77}}
	return s
}

func TestWhoIsKilledIsHeldToWhatItTraced(t *testing.T) {
	other := func(task procTask) func(*sketch) {
		return func(s *sketch) { s.orphaned = append(s.orphaned, task) }
	}
	testRule(t, "complete", orphaned, []broken{
		{"not a thread", other(procTask{tid: 102, pid: 100, state: "S (sleeping)"}), "task 102 (main/3) was not attached to: state S (sleeping)"},
		{"a thread that has ended", other(procTask{tid: 102, pid: 100, state: "Z (zombie)"}), ""},
		{"a thread on its way out", other(procTask{tid: 102, pid: 100, state: "R (running)", flags: exiting}), ""},
		{"a process made before", other(procTask{tid: 102, pid: 102, state: "S (sleeping)"}), ""},
	})
	signals := func(sent, handled int) func(*sketch) {
		return func(s *sketch) { s.ledger[2].sent, s.ledger[2].handled = sent, handled }
	}
	testRule(t, "transparent", orphaned, []broken{
		{"a signal dies with it", signals(3, 2), ""},
		{"two signals are gone", signals(3, 1), "was sent 3 signals and got 1: swallowed"},
	})
	testRule(t, "released", orphaned, []broken{
		{"a stop was on its way", func(s *sketch) {
			hung(s)
			s.dump[0].state = "T (stopped)"
		}, "task 100 (main) is stopped since: state T (stopped)"},
	})
}

func TestWhatIsKeptOfADeathIsWhatItIsJudgedBy(t *testing.T) {
	shown := orphaned().joined(t).shown()
	for _, want := range []string{
		"when the debugger was to be killed:\n  task 100 (main): state t (tracing stop), traced by thread 77\n",
		"after its death:\n  task 100 (main): state S (sleeping)\n",
	} {
		assert.Check(t, strings.Contains(shown, want), "got %q, want %q in it", shown, want)
	}
}

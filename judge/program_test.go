package judge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// hung has the run time out at a step where two of the program's tasks are left.
func hung(s *sketch) {
	s.Progress = Progress{State: TimedOut, Step: "the program's end", By: ByProgram}
	s.Program.State, s.Program.Status = Begun, event.Unknown
	s.dump = []Task{
		{TID: 100, State: "S (sleeping)", Motion: Still, Wchan: "futex_do_wait", Syscall: "202"},
		{
			TID:     103,
			State:   "t (tracing stop)",
			Motion:  Still,
			Tracer:  77,
			Holder:  "process 70 (gdb)",
			Wchan:   "ptrace_stop",
			Syscall: "running",
		},
	}
}

func TestRunningReportsTasksThatWereLeftStopped(t *testing.T) {
	testRule(t, "running", launched, []variant{
		{
			"in a tracing stop",
			hung,
			"task 103 (main/2/1) was left stopped: state t (tracing stop), " +
				"at ptrace_stop, syscall running, traced by process 70 (gdb)",
		},
		{"in a group stop, traced", func(s *sketch) {
			hung(s)
			s.dump[0].State, s.dump[0].Tracer = "T (stopped)", 77
			s.dump[1].Tracer = 0
		}, "task 100 (main) was left stopped"},
		{"in a group stop of the program's own", func(s *sketch) {
			hung(s)
			s.dump[1] = Task{TID: 103, State: "T (stopped)", Motion: Still}
		}, ""},
		{"for a moment", func(s *sketch) { hung(s); s.dump[1].Motion = Moved }, ""},
		{"it waits for something else", func(s *sketch) { hung(s); s.dump = s.dump[:1] }, ""},
	})
}

func TestReleasedReportsTasksThatAreTracedOrStopped(t *testing.T) {
	testRule(t, "released", attached, []variant{
		{"traced", func(s *sketch) {
			s.released[0].Tracer, s.released[0].Holder = 77, "process 70 (gdb)"
		}, "task 100 (main) is still traced: state S (sleeping), traced by process 70 (gdb)"},
		{
			"stopped", func(s *sketch) { s.released[0].State = "T (stopped)" },
			"task 100 (main) is stopped: state T (stopped)",
		},
		{"a newcomer is stopped", func(s *sketch) {
			s.released = append(s.released, Task{TID: 102, State: "T (stopped)"})
		}, "task 102 (main/3) is stopped"},
		{"it stops when it goes on", func(s *sketch) {
			hung(s)
			s.dump[0].State = "T (stopped)"
		}, "task 100 (main) is stopped since: state T (stopped)"},
		{"it was stopped before, and is still", func(s *sketch) {
			hung(s)
			s.dump[0] = Task{TID: 101, State: "T (stopped)", Motion: Still}
		}, ""},
		{"it stops for a moment", func(s *sketch) {
			hung(s)
			s.dump[0].State, s.dump[0].Motion = "T (stopped)", Moved
		}, ""},
		{"no task is left", func(s *sketch) { s.released = nil }, ""},
		{"no task is left, and the debugger crashed at its end", func(s *sketch) {
			s.released = nil
			s.fail("it crashed")
		}, ""},
		{"a zombie among others is traced", func(s *sketch) {
			s.released[0].State, s.released[0].Tracer = "Z (zombie)", 77
		}, "task 100 (main) is still traced: state Z (zombie)"},
		{"it has just ended", func(s *sketch) {
			s.released = []Task{{TID: 100, State: "Z (zombie)", Tracer: 77}}
		}, ""},
		{
			"a task that was stopped goes on",
			func(s *sketch) { s.released[1].State = "S (sleeping)" },
			"",
		},
	})
}

func TestTransparentReportsWhatTheProgramShows(t *testing.T) {
	signals := func(sent, handled int) func(*sketch) {
		return func(s *sketch) { s.Ledger[3].Sent, s.Ledger[3].Handled = sent, handled }
	}
	testRule(t, "transparent", launched, []variant{
		{
			"a swallowed signal", signals(2, 1),
			"task 103 (main/2/1): 2 signals sent, 1 handled: the debugger did not deliver them all",
		},
		{
			"an invented signal", signals(1, 2),
			"task 103 (main/2/1): 1 signal sent, 2 handled: the debugger delivered more",
		},
		{"a signal that came", signals(2, 2), ""},
		{"a signal on its way when the time was over", func(s *sketch) {
			signals(2, 0)(s)
			hung(s)
			s.dump[1].Pending = true
		}, ""},
		{
			"a swallowed signal that was alone", signals(1, 0),
			"1 signal sent, 0 handled: the debugger did not deliver it",
		},
		{"a signal that a hung debugger may hold for a task that stands", func(s *sketch) {
			signals(2, 1)(s)
			hung(s)
		}, ""},
		{"two signals, of which it can hold one", func(s *sketch) {
			signals(2, 0)(s)
			hung(s)
		}, "2 signals sent, 0 handled: the debugger did not deliver them all"},
		{"a signal to a task that still moves", func(s *sketch) {
			signals(5, 1)(s)
			hung(s)
			s.dump[1].Motion = Moved
		}, ""},
		{"a signal to a task that waits when the time is over", func(s *sketch) {
			signals(2, 1)(s)
			hung(s)
			s.dump[1].State, s.dump[1].Tracer = "S (sleeping)", 77
		}, "2 signals sent, 1 handled: the debugger did not deliver them all"},
		{
			"the exit status", func(s *sketch) { s.Program.Status = event.Killed(5) },
			"the program ended with SIGTRAP, and without a debugger it ends with 0",
		},
		{
			"a line is gone", func(s *sketch) { s.Program.Lines = s.Program.Lines[:1] },
			`did not print "process: main, thread: main/2/1", which it prints without a debugger`,
		},
		{"a line is gone of a program that goes on", func(s *sketch) {
			hung(s)
			s.Program.Lines = nil
		}, ""},
		{
			"a line more", func(s *sketch) { s.Program.Lines = append(s.Program.Lines, "done") },
			`the program printed "done", which it does not print without a debugger`,
		},
		{
			"a line is another",
			func(s *sketch) { s.Program.Lines[1] = "process: 100, thread: 102" },
			`printed "process: 100, thread: 102" (process: main, thread: main/2)`,
		},
		{"other lines' order", func(s *sketch) { slices.Reverse(s.Program.Lines) }, ""},
		{"its tasks", func(s *sketch) {
			s.kernelDid("60 100: exit ?", "55 100: clone 104\n57 100/104: exit ?\n60 100: exit ?")
		}, "its tasks did not live as they do without a debugger (-declared +witnessed):\n"},
		{"its tasks, if the time was over, prove nothing", func(s *sketch) {
			hung(s)
			s.kernelDid("60 100: exit ?", "")
		}, ""},
	})
}

func TestBoundedReportsATimeoutAndShowsEveryTask(t *testing.T) {
	const timeout = "timeout: the program's end did not come in 1s"
	testRule(t, "bounded", launched, []variant{
		{
			"the program's end", hung, timeout + "\n" +
				"task 100 (main): state S (sleeping), at futex_do_wait, syscall 202\n" +
				"task 103 (main/2/1): state t (tracing stop), at ptrace_stop, syscall running, " +
				"traced by process 70 (gdb)",
		},
		{"a debugger that does not end either", func(s *sketch) {
			hung(s)
			s.dump, s.End = nil, End{State: Unending, Reason: "the debugger did not end within 5s"}
		}, timeout + ", and the debugger did not end within 5s"},
		{"it comes late", func(s *sketch) {
			hung(s)
			s.dump[0].Motion, s.dump[1].State = Moved, "S (sleeping)"
		}, timeout + ", and 1 of 2 tasks still moved: it may only be late " +
			"(--time-scale, Options.TimeScale)\ntask 100 (main): "},
		{"one moves while another is held", func(s *sketch) {
			hung(s)
			s.dump[0].Motion = Moved
		}, timeout + ", and 1 of 2 tasks still moved\ntask 100 (main): "},
		{
			"one runs without a pause",
			func(s *sketch) { hung(s); s.dump[0].State = "R (running)" },
			", and 1 of 2 tasks still moved",
		},
		{"the debugger comes late", func(s *sketch) {
			hung(s)
			s.Progress.Step, s.Progress.By = "the debugger's stop", ByDebugger
			s.dump[0].Motion = Moved
		}, "timeout: the debugger's stop did not come in 1s\n"},
		{"no task is left", func(s *sketch) { hung(s); s.dump = nil }, timeout},
		{
			"a hang that was proven",
			func(s *sketch) { hung(s); s.Progress.Still = 3 * time.Second },
			"proven hung after 3s without a change: the program's end did not come\n" +
				"task 100 (main): state S (sleeping), at futex_do_wait, syscall 202\n",
		},
	})
}

// A debugger that timed out is judged by that, even if it has to be killed. Any other failure of
// its end counts.
func TestATimeoutOutweighsADebuggerThatDoesNotEnd(t *testing.T) {
	unending := End{State: Unending, Reason: "the debugger did not end within 5s"}
	for _, c := range []struct {
		name     string
		timedOut bool
		end      End
		want     string // how the debugger failed; empty if it did not
	}{
		{"it timed out", true, End{State: Ended}, ""},
		{"it timed out and was killed", true, unending, ""},
		{
			"it was killed", false, unending,
			"the debugger failed: the debugger did not end within 5s",
		},
		{
			"it timed out and crashed", true,
			End{EndFailed, "it crashed"},
			"the debugger failed: it crashed",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			if c.timedOut {
				hung(s)
			}
			s.End = c.end
			session, bounded := s.ruled(t, "session"), s.ruled(t, "bounded")
			if c.want != "" {
				assert.Equal(t, session.Verdict, Fail)
				assert.Equal(t, session.Reason, c.want)
				assert.Equal(t, bounded.Verdict, Untested)
				return
			}
			assert.Equal(t, session.Verdict, Untested, session.Reason)
			assert.Equal(t, bounded.Verdict, Fail, bounded.Reason)
		})
	}
}

// alone is the program that went on without the debugger, which failed to attach to it.
func alone() *sketch {
	s := attached()
	s.Mode, s.said, s.released = fixtures.AttachBefore, "", nil
	s.Attach, s.Detach = Interval{State: Asked, Asked: 12}, notAsked
	s.Progress = Progress{
		State:  Failed,
		Step:   "the debugger's start",
		By:     ByDebugger,
		Reason: "it crashed",
	}
	s.End.State = NoSession
	s.Program.Alone = true
	return s
}

func TestAProgramThatGoesOnAloneIsJudgedByItsEnd(t *testing.T) {
	stops := func(s *sketch) {
		s.Program.State, s.Program.Status = Begun, event.Unknown
		s.dump = []Task{{TID: 100, State: "T (stopped)", Motion: Still}}
	}
	testRule(t, "running", alone, []variant{
		{"it was left in a stop", stops, "task 100 (main) was left stopped: state T (stopped)"},
		{"for a moment", func(s *sketch) { stops(s); s.dump[0].Motion = Moved }, ""},
		{"it was stopped before", func(s *sketch) { stops(s); s.dump[0].TID = 101 }, ""},
	})
	testRule(t, "transparent", alone, []variant{
		{
			"it does not come to its end", stops,
			"the program did not come to its end after the debugger had failed to attach",
		},
	})
}

// orphaned is the program whose debugger was killed when it had attached to it.
func orphaned() *sketch {
	s := attached()
	s.Mode = fixtures.Orphaned
	s.Detach = took(23, 24)
	s.said = "100: attach\n100/101: attach\n"
	s.atKill = []Task{
		{TID: 100, PID: 100, State: "t (tracing stop)", Tracer: 77},
		{TID: 101, PID: 100, State: "t (tracing stop)", Tracer: 77},
	}
	return s
}

func TestWhatAKilledDebuggerToldIsJudged(t *testing.T) {
	testRule(t, "sound", orphaned, []variant{
		{
			"a task that never was", func(s *sketch) { s.say("100/101", "100/999") },
			"the kernel created no task 999 for this program",
		},
		{"a wrong process", func(s *sketch) { s.say("100/101", "101") }, "was of process 100"},
	})
	testRule(t, "once", orphaned, []variant{
		{"told twice", func(s *sketch) { s.said += "100/101: attach" }, "was reported before"},
		{"not all", func(s *sketch) { s.say("100/101: attach\n", "") }, ""},
	})
}

func TestAKilledDebuggerIsHeldToWhatItTraced(t *testing.T) {
	other := func(task Task) func(*sketch) {
		return func(s *sketch) { s.atKill = append(s.atKill, task) }
	}
	testRule(t, "complete", orphaned, []variant{
		{
			"not a thread", other(Task{TID: 102, PID: 100, State: "S (sleeping)"}),
			"task 102 (main/3) was not attached to: state S (sleeping)",
		},
		{"a thread that has ended", other(Task{TID: 102, PID: 100, State: "Z (zombie)"}), ""},
		{
			"a thread on its way out",
			other(Task{TID: 102, PID: 100, State: "R (running)", Flags: Exiting}), "",
		},
		{"a process made before", other(Task{TID: 102, PID: 102, State: "S (sleeping)"}), ""},
	})
	assert.Equal(t, orphaned().ruled(t, "complete").Reason, "by /proc, when it was killed")
	signals := func(sent, handled int) func(*sketch) {
		return func(s *sketch) { s.Ledger[2].Sent, s.Ledger[2].Handled = sent, handled }
	}
	testRule(t, "transparent", orphaned, []variant{
		{"a signal dies with it", signals(3, 2), ""},
		{
			"two signals are gone",
			signals(3, 1),
			"3 signals sent, 1 handled: the debugger did not deliver",
		},
	})
	testRule(t, "released", orphaned, []variant{
		{"a stop was on its way", func(s *sketch) {
			hung(s)
			s.dump[0].State = "T (stopped)"
		}, "task 100 (main) is stopped since: state T (stopped)"},
	})
	untraced := orphaned()
	untraced.Detach.State = Asked
	got := untraced.ruled(t, "released")
	assert.Equal(t, got.Verdict, Untested)
	assert.Equal(t, got.Reason,
		"no task of the program had a tracer when its debugger was to be killed")
}

func TestTheLooksAtADeathAreShown(t *testing.T) {
	shown := orphaned().opened(t).ShowLooks()
	for _, want := range []string{
		"when the debugger was to be killed, at 0.000000 s:\n" +
			"  task 100 (main): state t (tracing stop), traced by thread 77\n",
		"after the detach, at 0.000000 s:\n  task 100 (main): state S (sleeping)\n",
	} {
		assert.Check(t, strings.Contains(shown, want), "got %q, want %q in it", shown, want)
	}
}

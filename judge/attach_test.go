package judge

import (
	"slices"
	"testing"
)

func TestCompleteTakesAttachAndDetachForIntervals(t *testing.T) {
	testRule(t, "complete", attached, []variant{
		{
			"a task at the attach", func(s *sketch) { s.say("100/101: attach\n", "") },
			"task 101 (main/1) lived at the attach and was not listed",
		},
		{
			"main at the attach", func(s *sketch) { s.say("100: attach\n", "") },
			"task 100 (main) lived at the attach and was not listed",
		},
		{"one born inside the attach is told of", func(s *sketch) {
			s.say("100/102: attach", "100: clone 102")
		}, ""},
		{
			"one born inside the attach that lives on",
			func(s *sketch) { s.say("100/102: attach\n", "") },
			"task 102 (main/3), created by main, was not reported",
		},
		{"one that is gone inside it", func(s *sketch) {
			s.kernelDid("17 100/104: exit ?", "21 100/104: exit ?")
		}, ""},
		{
			"one that is gone just after it",
			func(s *sketch) { s.kernelDid("17 100/104: exit ?", "23 100/104: exit ?") },
			"task 104 (main/2), created by main, was not reported",
		},
		{"one dead inside the attach is listed", func(s *sketch) {
			s.say("100: ready", "100/104: attach\n100: ready")
		}, ""},
		{"one that dies inside the attach is not", func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", "")
			s.kernelDid("20 100: clone 102", "20 100: clone 102\n21 100/101: exit ?")
			s.say("100/101: attach\n", "")
		}, ""},
		{
			"a birth after the attach", func(s *sketch) { s.say("100/102: clone 103\n", "") },
			"task 103 (main/3/1), created by main/3, was not reported",
		},
		{"one born after the detach is told of", func(s *sketch) {
			s.say("100/101: exit 0", "100/101: exit 0\n100: clone 105")
		}, ""},
		{
			"one born before the detach", func(s *sketch) { s.Detach = took(57, 58) },
			"task 105 (main/4), created by main, was not reported",
		},
	})
}

// withOthers has the program make a process, 200, before the attach, which makes 201 after it.
func withOthers(s *sketch) {
	s.kernelDid("10 100: clone 101", "6 100: fork 200\n10 100: clone 101")
	s.kernelDid("25 100/102: clone 103",
		"25 100/102: clone 103\n30 200: fork 201\n31 201: exit ?\n32 200: exit ?")
	s.before = append(s.before, Task{TID: 200, PID: 200})
}

func TestAnAttachFindsNeitherOtherProcessesNorAZombie(t *testing.T) {
	zombie := func(s *sketch) {
		s.before[0].State = "Z (zombie)"
		s.say("100: attach\n", "")
	}
	whole := func(s *sketch) { s.Detach = notAsked }
	forkInside := func(s *sketch) {
		s.kernelDid("25 100/102: clone 103", "21 100: fork 200\n24 200: clone 201\n"+
			"25 100/102: clone 103\n30 200/201: exit ?\n31 200: exit ?")
	}
	testRule(t, "complete", attached, []variant{
		{"processes made before the attach, and theirs", withOthers, ""},
		{"that no look shows", func(s *sketch) {
			withOthers(s)
			s.before = s.before[:2]
		}, ""},
		{"that no look shows, and one is listed", func(s *sketch) {
			withOthers(s)
			s.before = s.before[:2]
			s.say("100: ready", "200: attach\n100: ready")
		}, ""},
		{"a process born inside the attach, and its thread", forkInside, ""},
		{"but those that it says are born", func(s *sketch) {
			forkInside(s)
			s.say("100: ready", "100: fork 200\n100: ready")
		}, "task 201 (main/4/1), created by main/4, was not reported"},
		{"a leader that is a zombie", zombie, ""},
	})
	testRule(t, "exit", attached, []variant{
		{"processes made before the attach, and theirs", withOthers, ""},
		{"that no look shows", func(s *sketch) {
			withOthers(s)
			s.before = s.before[:2]
		}, ""},
		{"the process's end", func(s *sketch) {
			whole(s)
			s.say("100/101: exit 0",
				"100/101: exit 0\n100/102: exit 3\n100/105: exit 0\n100: exit 0")
		}, "process 100 ended, and its end was not reported"},
		{"of which the kernel tells no debugger that lacks the leader", func(s *sketch) {
			whole(s)
			zombie(s)
			s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 3\n100/105: exit 0")
		}, ""},
		{"and the end of one that came and went inside the attach is not due", func(s *sketch) {
			whole(s)
			s.kernelDid("15 100: clone 104\n17 100/104: exit ?", "15 100: fork 104\n17 104: exit ?")
			s.say("100: ready", "100: fork 104\n104: exit 0\n100: ready")
			s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 3\n100/105: exit 0\n"+
				"100: exit 0\n100: end 0")
		}, ""},
	})
}

// A task that has another tracer cannot be the debugger's.
func TestAnAttachFindsNoTaskThatHasATracer(t *testing.T) {
	taken := func(s *sketch) {
		s.before[1].Tracer = 77
		s.say("100/101: attach\n", "")
		s.say("100/101: exit 0", "")
	}
	for _, rule := range []string{"complete", "exit"} {
		testRule(t, rule, attached, []variant{{"a thread", taken, ""}})
	}
}

func TestAnAttachIsCompleteOnce(t *testing.T) {
	testRule(t, "once", attached, []variant{
		{
			"told twice", func(s *sketch) { s.say("100: ready", "100: ready\n100: ready") },
			`process 100 was ready: this was reported before`,
		},
		{"not told", func(s *sketch) { s.say("100: ready", "") }, ""},
	})
}

func TestAnAttachIsCompleteOnceAllIsAttachedTo(t *testing.T) {
	stood := func(change func(*Task)) func(*sketch) {
		return func(s *sketch) {
			look := Look{When: AtStop, At: 23, Tasks: slices.Clone(s.before)}
			for i := range look.Tasks {
				look.Tasks[i].State, look.Tasks[i].Tracer = "t (tracing stop)", 7
			}
			change(&look.Tasks[1])
			s.Standstills = []Standstill{{Where: "at the attach", Stood: look, During: notAsked}}
		}
	}
	lateList := func(s *sketch) {
		s.say("100/101: attach\n", "")
		s.say("100: ready", "100: ready\n100/101: attach")
	}
	untraced := stood(func(t *Task) { t.Tracer = 0 })
	const not = "task 101 (main/1) was not attached to at the attach: state t (tracing stop)"
	testRule(t, "complete", attached, []variant{
		{"listed after it was", lateList, `task 101 of process 100 was attached to: this was ` +
			`reported after the word that the attach was complete`},
		{"listed after it was, where the rest cannot be judged", func(s *sketch) {
			s.withoutAccount()
			lateList(s)
		}, `task 101 of process 100 was attached to: this was reported after the word that the ` +
			`attach was complete`},
		{"a task that was born inside it, listed after it", func(s *sketch) {
			s.say("100/102: attach\n", "")
			s.say("100: ready", "100: ready\n100/102: attach")
		}, ""},
		{"listed without that word", func(s *sketch) { s.say("100: ready\n", "") }, ""},
		{"all traced", stood(func(*Task) {}), ""},
		{"one not traced", untraced, not},
		{"one that is exiting", stood(func(t *Task) { t.Tracer, t.Flags = 0, Exiting }), ""},
		{"none traced, by a debugger that does not trace", func(s *sketch) {
			untraced(s)
			for i := range s.Standstills[0].Stood.Tasks {
				s.Standstills[0].Stood.Tasks[i].Tracer = 0
			}
		}, ""},
		{"none traced, but one of another process", func(s *sketch) {
			untraced(s)
			s.Standstills[0].Stood.Tasks[0] = Task{
				TID: 200, PID: 200, State: "t (tracing stop)", Tracer: 7,
			}
		}, ""},
		{"one that another tracer had", func(s *sketch) {
			untraced(s)
			s.before[1].Tracer = 9
		}, ""},
		{"one of an id that another task had before", func(s *sketch) {
			untraced(s)
			s.kernelDid("15 100: clone 104\n17 100/104: exit ?",
				"14 100/101: exit ?\n15 100: clone 101")
			s.declare("main/1: exit 0", "main/1: exit 0")
		}, ""},
		{"one that no account has", func(s *sketch) {
			untraced(s)
			s.Standstills[0].Stood.Tasks[1].TID = 999
		}, ""},
		{"one that was not there before", func(s *sketch) {
			untraced(s)
			s.before = s.before[:1]
		}, ""},
		{"a zombie that was listed after it was", func(s *sketch) {
			lateList(s)
			s.before[1].State = "Z (zombie)"
		}, ""},
		{"a task that another program had then, listed after it was", func(s *sketch) {
			lateList(s)
			s.before[1].PID = 7
		}, ""},
		{"a task that was born inside it, listed twice", func(s *sketch) { // which once accuses
			s.say("100: ready", "100: ready\n100/102: attach")
		}, ""},
		{"a task that no account has, seen before", func(s *sketch) {
			s.before = append(s.before, Task{TID: 999, PID: 100})
		}, ""},
	})
}

func TestAProcessThatIsBornJustBeforeTheAttachIsNotTheDebuggers(t *testing.T) {
	child := func(born string) func(*sketch) {
		return func(s *sketch) {
			s.kernelDid("25 100/102: clone 103", born+` 100: fork 110
				26 110: clone 111
				27 110/111: exit ?
				28 110: exit ?
				29 100/102: clone 103`)
		}
	}
	const task = "task 110 (main/4), created by main, was not reported"
	testRule(t, "complete", attached, []variant{
		{"before the attach", child("11"), ""},
		{"after it", child("23"), task},
	})
	testRule(t, "exit", attached, []variant{{"before the attach", child("11"), ""}})
}

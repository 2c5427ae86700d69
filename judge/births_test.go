package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

func TestCompleteReportsAMissedBirth(t *testing.T) {
	testRule(t, "complete", launched, []variant{
		{
			"a thread's birth", func(s *sketch) { s.say("100/102: clone 103\n", "") },
			"task 103 (main/2/1), created by main/2, was not reported",
		},
		{
			"a birth by main", func(s *sketch) { s.say("100: clone 101\n", "") },
			"task 101 (main/1), created by main, was not reported",
		},
		{
			"the second life of a tid", reuse(""),
			"task 101 (main/3), created by main, was not reported",
		},
		{"both lives of a tid are told", reuse("100: clone 101"), ""},
		{
			"another task in its place", func(s *sketch) { s.say("clone 103", "clone 999") },
			"task 103 (main/2/1)",
		},
	})
}

// reuse has the tid 101 used again, of which the debugger says what is given.
func reuse(told string) func(*sketch) {
	return func(s *sketch) {
		s.kernelDid("50 100/102: exit ?",
			"45 100: clone 101\n47 100/101: exit ?\n50 100/102: exit ?")
		s.declare("main/1..2, exit 0", "main/1..3, exit 0")
		s.declare("main/1: exit 0", "main/1: exit 0\nmain/3: exit 4")
		s.say("100/102: exit 3", told+"\n100/101: exit 4\n100/102: exit 3")
	}
}

// bornUntraced has main/2 be born with CLONE_UNTRACED: no tracer is told of it, nor of its
// children.
func bornUntraced(s *sketch) {
	s.declare("main: clone main/1..2, exit 0", "main: clone main/1, clone main/2 untraced, exit 0")
	s.say("100: clone 102\n", "")
	s.say("100/102: clone 103\n", "")
	s.say("100/103: exit 0\n", "")
	s.say("100/102: exit 3\n", "")
}

func TestADebuggerNeedNotKnowUntracedTasks(t *testing.T) {
	silent := func() *sketch {
		s := launched()
		bornUntraced(s)
		return s
	}
	for _, rule := range []string{"complete", "sound", "once", "order", "exit"} {
		testRule(t, rule, silent, []variant{
			{"it may know them", func(s *sketch) {
				s.say("100: clone 101", "100: clone 101\n100/102: attach\n100/102: clone 103")
				s.say("100: exit 0", "100/102: exit 3\n100/103: exit 0\n100: exit 0")
			}, ""},
			{"without the kernel's account", func(s *sketch) { s.withoutAccount() }, ""},
		})
	}
	testRule(t, "complete", silent, []variant{
		{
			"another's birth", func(s *sketch) { s.say("100: clone 101\n", "") },
			"task 101 (main/1), created by main, was not reported",
		},
		{"at an attach it is found", func(s *sketch) {
			s.Mode = fixtures.AttachBefore
			s.say("100: ready", "100: attach\n100/101: attach\n100: ready")
			s.say("100: clone 101\n", "")
			s.Attach = took(27, 28)
		}, "task 102 (main/2) lived at the attach and was not listed"},
		{"the ledger has no times: it may have come after the attach", func(s *sketch) {
			s.withoutAccount()
			s.Mode = fixtures.AttachBefore
			s.say("100: ready", "100: attach\n100: ready")
			s.Attach = took(3, 4)
		}, ""},
	})
	testRule(t, "exit", silent, []variant{
		{
			"a wrong status",
			func(s *sketch) { s.say("100: exit 0", "100/102: exit 4\n100: exit 0") },
			"task 102 (main/2): the kernel says status 3, the debugger said 4",
		},
	})
}

func TestSoundReportsTasksThatNeverWere(t *testing.T) {
	never := func(tid string) string {
		return "the kernel created no task " + tid + " for this program"
	}
	testRule(t, "sound", launched, []variant{
		{
			"a birth", func(s *sketch) { s.say("clone 103", "clone 999") },
			`reported: task 102 of process 100 created thread 999; ` + never("999"),
		},
		{
			"a birth of no task", func(s *sketch) { s.say("clone 103", "clone 0") },
			`reported: task 102 of process 100 created thread 0; ` + never("0"),
		},
		{
			"a creator",
			func(s *sketch) { s.say("100/102: clone 103", "100/998: clone 103") },
			never("998"),
		},
		{
			"a thread as a process", func(s *sketch) { s.say("clone 103", "fork 103") },
			`reported: task 102 of process 100 created process 103; it was a clone ` +
				"(a clone is a thread's birth, a fork or vfork a process's)",
		},
		{"a death", func(s *sketch) { s.say("100/103: exit 0", "100/997: exit 0") }, never("997")},
		{"a former tid", func(s *sketch) {
			s.say("100: exit 0", "100: exec from 996\n100: exit 0")
		}, never("996")},
		{
			"a task at the attach",
			func(s *sketch) { s.say("100: ready", "100/995: attach") },
			never("995"),
		},
		{"a birth after the cut", func(s *sketch) {
			s.Account.Cut = 22
			s.Ledger = s.Ledger[:3]
		}, never("103")},
		{"a creator that is not named", func(s *sketch) {
			s.say("100/102: clone 103", "100/0: clone 103")
		}, ""},
	})
}

func TestOnceReportsWhatWasToldTwice(t *testing.T) {
	const before = ": this was reported before"
	testRule(t, "once", launched, []variant{
		{
			"a birth",
			func(s *sketch) { s.say("100: clone 102", "100: clone 102\n100: clone 102") },
			"task 100 created thread 102" + before,
		},
		{
			"a birth, with another creator",
			func(s *sketch) { s.say("100/103: exit 0", "100: clone 103\n100/103: exit 0") },
			"task 100 created thread 103" + before,
		},
		{
			"a birth and a listing",
			func(s *sketch) { s.say("100: clone 102", "100: clone 102\n100/102: attach") },
			"task 102 of process 100 was attached to" + before,
		},
		{
			"the listing of what it launched",
			func(s *sketch) { s.say("100: ready", "100: attach") },
			"task 100 was attached to" + before,
		},
		{
			"a death",
			func(s *sketch) { s.say("100/103: exit 0", "100/103: exit 0\n100/103: exit 0") },
			"task 103 of process 100 ended with status 0" + before,
		},
		{"a reused tid has two lives", reuse("100: clone 101"), ""},
		{"a reused tid has two lives, told when the second begins", func(s *sketch) {
			reuse("100: clone 101")(s)
			s.read("100: clone 101", 45)
		}, ""},
		{"a reused tid has not three", func(s *sketch) {
			reuse("100: clone 101")(s)
			s.say("100: exit 0", "100: clone 101\n100: exit 0")
		}, "task 100 created thread 101" + before},
	})
	testRule(t, "once", attached, []variant{
		{
			"a listing",
			func(s *sketch) { s.say("100/101: attach", "100/101: attach\n100/101: attach") },
			"task 101 of process 100 was attached to" + before,
		},
	})
}

func TestParentReportsAWrongCreator(t *testing.T) {
	const real = "was created by task 102 (main/2)"
	testRule(t, "parent", launched, []variant{
		{
			"another task", func(s *sketch) { s.say("100/102: clone 103", "100: clone 103") },
			`reported: task 100 created thread 103; main/2/1 ` + real,
		},
		{"no task", func(s *sketch) { s.say("100/102: clone 103", "100/0: clone 103") }, real},
		{
			"a tid that never was",
			func(s *sketch) { s.say("100/102: clone 103", "100/999: clone 103") },
			real,
		},
		{"of a task that never was", func(s *sketch) { s.say("clone 103", "clone 999") }, ""},
		{"a tid's second life, where its first came and went before the attach", func(s *sketch) {
			s.withoutAccount()
			s.Mode, s.Attach = fixtures.AttachDuring, took(12, 22)
			s.Ledger[3].TID = 101
			s.say("100/102: clone 103", "100/102: clone 101")
			s.say("100: clone 101\n", "")
		}, ""},
	})
}

func TestOrderReportsWordsBeforeABirthOrAfterADeath(t *testing.T) {
	const (
		early = ": this was reported before the birth of "
		late  = ": this was reported after the death of "
	)
	testRule(t, "order", launched, []variant{
		{"a death before its birth", func(s *sketch) {
			s.say("100/103: exit 0\n", "")
			s.say("100/102: clone 103", "100/103: exit 0\n100/102: clone 103")
		}, "task 103 of process 100 ended with status 0" + early + "task 103 (main/2/1)"},
		{"a birth by a task that was not born", func(s *sketch) {
			s.say("100/102: clone 103\n", "")
			s.say("100: clone 102", "100/102: clone 103\n100: clone 102")
		}, "task 102 of process 100 created thread 103" + early + "task 102 (main/2)"},
		{"a signal before its birth", func(s *sketch) {
			s.say("100: clone 101", "100/101: signal SIGUSR1\n100: clone 101")
		}, "task 101 of process 100 got SIGUSR1" + early + "task 101 (main/1)"},
		{"a birth by a dead task", func(s *sketch) {
			s.say("100/102: clone 103\n", "")
			s.say("100/102: exit 3", "100/102: exit 3\n100/102: clone 103")
		}, "task 102 of process 100 created thread 103" + late + "task 102 (main/2)"},
		{"a signal to a dead task", func(s *sketch) {
			s.say("100: exit 0", "100/103: signal SIGUSR1\n100: exit 0")
		}, "task 103 of process 100 got SIGUSR1" + late + "task 103 (main/2/1)"},
		{
			"a birth that is never told is complete's",
			func(s *sketch) { s.say("100/102: clone 103\n", "") },
			"",
		},
		{"a second death is once's", func(s *sketch) {
			s.say("100/103: exit 0", "100/103: exit 0\n100/103: exit 0")
		}, ""},
		{"a reused tid lives again", reuse("100: clone 101"), ""},
		{"a process ends after its leader", func(s *sketch) {
			s.say("100: exit 0\n", "")
			s.say("100/103: exit 0", "100: exit 0\n100/103: exit 0")
		}, ""},
	})
}

func TestABirthIsToldWhenItWas(t *testing.T) {
	testRule(t, "sound", launched, []variant{
		{
			"before", func(s *sketch) { s.read("100: clone 102", 19) },
			`task 100 created thread 102: this was reported at 19ns, and main/2 was born at 20ns`,
		},
		{"after", func(s *sketch) { s.read("100: clone 102", 21) }, ""},
		{"long after its end", func(s *sketch) { s.read("100: clone 102", 900) }, ""},
		{"before, without the kernel's times", func(s *sketch) {
			s.withoutAccount()
			s.read("100: clone 102", 1)
		}, ""},
	})
}

// A word that was read before the second life of its tid began is of the first.
func TestATimeTellsTwoLivesOfATIDApart(t *testing.T) {
	second := func(s *sketch) { // 102 makes it, and the debugger names 102 for the first
		reuse("")(s)
		s.kernelDid("45 100: clone 101", "45 100/102: clone 101")
		s.declare("main/1..3, exit 0", "main/1..2, exit 0")
		s.declare("clone main/2/1, exit 3", "clone main/2/1..2, exit 3")
		s.declare("main/3: exit 4", "main/2/2: exit 4")
		s.say("100: clone 101", "100/102: clone 101")
	}
	testRule(t, "parent", launched, []variant{
		{"at a time that is not known", second, ""},
		{"before the second life", func(s *sketch) {
			second(s)
			s.read("100/102: clone 101", 12)
		}, `reported: task 102 of process 100 created thread 101; main/1 was created by task ` +
			`100 (main)`},
	})
}

func TestAWordNamesTheProcessOfItsTask(t *testing.T) {
	process := func(s *sketch) {
		s.kernelDid("50 100/102: exit ?", "41 100: fork 200\n42 200: exit ?\n50 100/102: exit ?")
		s.declare("main: clone main/1..2, exit 0", "main: clone main/1..2, fork main/3, exit 0")
	}
	testRule(t, "sound", attached, []variant{
		{
			"at an attach", func(s *sketch) { s.say("100/101: attach", "102/101: attach") },
			`reported: task 101 of process 102 was attached to; task 101 (main/1) was of ` +
				`process 100`,
		},
		{
			"at an end", func(s *sketch) { s.say("100/101: exit 0", "101: exit 0") },
			`reported: task 101 ended with status 0; task 101 (main/1) was of process 100`,
		},
		{"that it does not know", func(s *sketch) {
			s.say("100/101: attach", "0/101: attach")
		}, ""},
		{"of a task that it does not know", func(s *sketch) {
			s.say("100/102: clone 103", "102/0: clone 103")
		}, `reported: a task of process 102 created thread 103; the program had no process 102`},
		{"and not the task's", func(s *sketch) {
			s.say("100/102: clone 103", "100/0: clone 103")
		}, ""},
	})
	testRule(t, "sound", launched, []variant{
		{"a child's own", func(s *sketch) {
			process(s)
			s.say("100/102: exit 3", "100: fork 200\n200: exit 0\n100/102: exit 3")
		}, ""},
		{"its parent's", func(s *sketch) {
			process(s)
			s.say("100/102: exit 3", "100: fork 200\n100/200: exit 0\n100/102: exit 3")
		}, `reported: task 200 of process 100 ended with status 0; task 200 (main/3) was of ` +
			`process 200`},
	})
}

func TestSoundKnowsTheTasksThatALookShowed(t *testing.T) {
	held := func() *sketch {
		s := launched()
		s.withoutAccount()
		s.Ledger[3] = torn
		s.declare("main/2: clone main/2/1, exit 3", "main/2: exit 3")
		s.declare("main/2/1: exit 0", "")
		s.Control.Lines, s.Program.Lines = nil, nil
		s.dump = []Task{{TID: 100, PID: 100}, {TID: 103, PID: 100, State: "t (tracing stop)"}}
		return s
	}
	const never = "the kernel created no task 103 for this program"
	testRule(t, "sound", held, []variant{
		{"no look shows it", func(s *sketch) { s.dump = s.dump[:1] }, never},
		{"a standstill shows it", func(s *sketch) {
			s.Standstills = []Standstill{{Stood: Look{Tasks: s.dump}}}
			s.dump = nil
		}, ""},
		{"a standstill shows it after the list", func(s *sketch) {
			s.Standstills = []Standstill{{After: Look{Tasks: s.dump}}}
			s.dump = nil
		}, ""},
		{"a standstill shows it left", func(s *sketch) {
			s.Standstills = []Standstill{{Left: Look{Tasks: s.dump}}}
			s.dump = nil
		}, ""},
		{"it is listed, and no look shows it", func(s *sketch) {
			s.say("100/102: clone 103\n			100/103: exit 0\n", "")
			s.dump = s.dump[:1]
			s.Standstills = []Standstill{{Listed: []event.TID{103}}}
		}, "the kernel created no such task for this program"},
	})
}

func TestATaskThatEndedBeforeItsGateIsNotDue(t *testing.T) {
	early := func() *sketch {
		s := attached()
		s.withoutAccount()
		s.Mode, s.Detach = fixtures.AttachBefore, notAsked
		s.Ledger = []Announcement{slot(100, UnknownCreator), slot(101, 0), slot(102, 0)}
		for i := range s.Ledger {
			s.Ledger[i].Came = i + 1
		}
		s.wants = "main: clone main/1..2, exit 0\nmain/1: exit 0\nmain/2: exit 3"
		s.said = "100: attach\n100: ready\n100: clone 102\n100/102: exit 3\n100: exit 0\n100: end 0"
		s.before, s.announced = []Task{{TID: 100, PID: 100}}, 2
		return s
	}
	testRule(t, "complete", early, []variant{
		{
			"it was still there",
			func(s *sketch) { s.before = append(s.before, Task{TID: 101, PID: 100}) },
			"task 101 (main/1), created by main, was not reported",
		},
		{
			"it came later", func(s *sketch) { s.announced = 1 },
			"task 101 (main/1), created by main, was not reported",
		},
	})
	testRule(t, "exit", early, nil)
}

func TestAWrongProcessIsNamedOnce(t *testing.T) {
	s := launched()
	s.say("100: ready", "100: ready\n102/101: signal SIGHUP\n102/101: signal SIGHUP")
	assert.Equal(t, len(s.ruled(t, "sound").Violations), 1)
}

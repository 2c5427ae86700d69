package judge

import (
	"cmp"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

func TestExitReportsMissingDeathsAndWrongStatuses(t *testing.T) {
	const (
		missing = " ended, and its end was not reported"
		after   = ": this was reported after the end of process 100"
		says3   = "task 102 (main/2): the kernel says status 3, the debugger said "
	)
	testRule(t, "exit", launched, []variant{
		{
			"a thread's death is missing", func(s *sketch) { s.say("100/103: exit 0\n", "") },
			"task 103 (main/2/1)" + missing,
		},
		{
			"main's death is missing", func(s *sketch) { s.say("100: exit 0\n", "") },
			"task 100 (main)" + missing,
		},
		{
			"a thread's status",
			func(s *sketch) { s.say("100/102: exit 3", "100/102: exit 4") },
			says3 + "4",
		},
		{
			"a signal for a status",
			func(s *sketch) { s.say("100/102: exit 3", "100/102: killed SIGKILL") },
			says3 + "SIGKILL",
		},
		{"the process's status, if the thread was waited for when that ended", func(s *sketch) {
			s.say("100/102: exit 3\n", "")
			s.say("100: exit 0", "100/102: exit 0\n100: exit 0")
		}, ""},
		{"the process's status, and the process goes on", func(s *sketch) {
			s.say("100/102: exit 3", "100/102: exit 0\n100: signal SIGHUP")
		}, says3 + "0"},
		{"a status that it does not know", func(s *sketch) {
			s.say("100/102: exit 3", "100/102: exit ?")
		}, ""},
		{
			"the process's status", func(s *sketch) { s.say("100: end 0", "100: end 5") },
			"process 100: the kernel says status 0, the debugger said 5",
		},
		{
			"the process's end, told without a tid",
			func(s *sketch) { s.say("100: end 0", "100/0: end 0") },
			"",
		},
		{"a death after the process's end, told without a pid", func(s *sketch) {
			s.say("100: exit 0\n			100: end 0", "100: end 0\n0/100: exit 0")
		}, "task 100 ended with status 0" + after},
		{
			"the process's end is missing", func(s *sketch) { s.say("100: end 0", "") },
			"process 100" + missing,
		},
		{"a death after the process's end", func(s *sketch) {
			s.say("100/102: exit 3\n", "")
			s.say("100: end 0", "100: end 0\n100/102: exit 3")
		}, "task 102 of process 100 ended with status 3" + after},
		{
			"a second end",
			func(s *sketch) { s.say("100: end 0", "100: end 0\n100: end 0") },
			"process 100 ended with status 0" + after,
		},
		{"only the first death of two counts", func(s *sketch) {
			s.say("100/103: exit 0", "100/103: exit 0\n100/103: exit 1")
		}, ""},
		{"the second life's death is missing", func(s *sketch) {
			reuse("100: clone 101")(s)
			s.say("100/101: exit 4\n", "")
		}, "task 101 (main/3)" + missing},
		{"one that the end of the run killed", func(s *sketch) {
			s.kernelDid("30 100/103: exit ?", "2000 100/103: exit ?")
			s.kernelDid("60 100: exit ?", "60 100: exit ?\n2000 100/999: exit ?")
			s.say("100/103: exit 0\n", "")
		}, ""},
	})
}

// The suite ends a program whose time is over. Its debugger had to tell only of what came before.
func TestNoDeathIsDueOnceTheTimeIsOver(t *testing.T) {
	overdue := func(s *sketch, at time.Duration) {
		hung(s)
		s.Looks, s.dump = []Look{{When: AtOverdue, At: at, Tasks: s.dump}}, nil
		for _, end := range []string{"/101: exit 0", "/102: exit 3", ": exit 0", ": end 0"} {
			s.say("100"+end, "")
		}
	}
	testRule(t, "exit", launched, []variant{
		{"all came later", func(s *sketch) { overdue(s, 35) }, ""},
		{
			"one came before", func(s *sketch) { overdue(s, 45) },
			"task 101 (main/1) ended, and its end was not reported",
		},
	})
}

func TestExitJudgesNoDeathAfterTheDetach(t *testing.T) {
	testRule(t, "exit", attached, []variant{
		{
			"a death before it", func(s *sketch) { s.say("100/101: exit 0", "") },
			"task 101 (main/1) ended, and its end was not reported",
		},
		{
			"that of a task born inside the attach, just after it",
			func(s *sketch) { s.kernelDid("17 100/104: exit ?", "23 100/104: exit ?") },
			"task 104 (main/2) ended, and its end was not reported",
		},
		{"a death after it is told", func(s *sketch) {
			s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 3")
		}, ""},
		{
			"with a wrong status",
			func(s *sketch) { s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 4") },
			"task 102 (main/3): the kernel says status 3, the debugger said 4",
		},
	})
}

func TestExitJudgesTheEndOfEachProcess(t *testing.T) {
	const missing = "process 200 ended, and its end was not reported"
	leftOut := func(s *sketch) { s.say("200: end 3\n", "") }
	withThread := func(s *sketch) {
		s.kernelDid("20 200: exit ?", "15 200: clone 202\n20 200: exit ?\n22 200/202: exit ?")
		s.declare("main/1..2: exit 3",
			"main/2: exit 3\nmain/1: clone main/1/1, exit 3, end 4\nmain/1/1: exit 4")
		thread := Announcement{State: Born, TID: 202, PID: 200, Creator: 1}
		s.Ledger = append(s.Ledger, thread)
		s.say("200: exit 3\n		200: end 3",
			"200: clone 202\n200: exit 3\n200/202: exit 4\n200: end 4")
	}
	testRule(t, "exit", launched, []variant{
		{"that of a thread is not its process's", func(s *sketch) { // which sound accuses
			s.say("100/103: exit 0", "100/103: exit 0\n100/103: end 0")
		}, ""},
	})
	testRule(t, "exit", vforked, []variant{
		{"left out", leftOut, missing},
		{"left out, without an account", func(s *sketch) {
			s.withoutAccount()
			leftOut(s)
		}, missing},
		{"left out once it was let go", func(s *sketch) {
			leftOut(s)
			s.Detach = took(50, 51)
		}, ""},
		{"left out by a debugger that takes it for a thread", func(s *sketch) {
			leftOut(s)
			s.say("vfork 200", "clone 200") // which sound says
		}, ""},
		{"left out by one that takes it and its task for threads", func(s *sketch) {
			withThread(s)
			s.say("200: end 4\n", "")
			s.say("vfork 200", "clone 200")
		}, ""},
		{"a process that lives on", func(s *sketch) {
			s.kernelDid("20 200: exit ?\n", "")
			s.say("200: exit 3\n		200: end 3\n", "")
		}, ""},
		{
			"a wrong status", func(s *sketch) { s.say("200: end 3", "200: end 4") },
			"process 200: the kernel says status 3, the debugger said 4",
		},
		{"a status that it does not know", func(s *sketch) {
			s.say("200: end 3", "200: end ?")
		}, ""},
		{
			"told twice", func(s *sketch) { s.say("200: end 3", "200: end 3\n200: end 3") },
			`process 200 ended with status 3: this was reported after the end of process 200`,
		},
		{"told before its last task's", func(s *sketch) {
			s.say("200: exit 3\n		200: end 3", "200: end 3\n200: exit 3")
		}, `task 200 ended with status 3: this was reported after the end of process 200`},
		{"another status than its leader's", withThread, ""},
		{"its leader's status", func(s *sketch) {
			withThread(s)
			s.say("200: end 4", "200: end 3")
		}, "process 200: the kernel says status 4, the debugger said 3"},
		{"two processes with one id", func(s *sketch) {
			s.kernelDid("30 100: fork 201\n		40 201: exit ?",
				"30 100: fork 200\n40 200: exit ?")
			s.Ledger[2].TID, s.Ledger[2].PID = 200, 200
			s.say("100: fork 201\n		201: exit 3\n		201: end 3",
				"100: fork 200\n200: exit 3\n200: end 3")
		}, ""},
		{"two processes with one id, of which the second's is left out", func(s *sketch) {
			s.kernelDid("30 100: fork 201\n		40 201: exit ?",
				"30 100: fork 200\n40 200: exit ?")
			s.Ledger[2].TID, s.Ledger[2].PID = 200, 200
			s.say("100: fork 201\n		201: exit 3\n		201: end 3",
				"100: fork 200\n200: exit 3")
		}, missing},
	})
}

func TestExitRefusesAnEndBeforeTheTaskEnds(t *testing.T) {
	const thread, word = "100/102: exit 3", `task 102 of process 100 ended with status 3: this ` +
		`was reported at `
	readAt := func(at time.Duration) func(*sketch) {
		return func(s *sketch) { s.read(thread, at) }
	}
	testRule(t, "exit", launched, []variant{
		{"its task makes another after it", readAt(24), word + "24ns, and task 102 made task 103"},
		{"long before the kernel's record, in its last stop", readAt(26), ""},
		{"long after", readAt(900), ""},
		{"at a time that is not known", func(*sketch) {}, ""},
		{"without the kernel's times", func(s *sketch) {
			s.withoutAccount()
			s.read(thread, 24)
		}, ""},
		{
			"its process makes a task after its end", func(s *sketch) { s.read("100: end 0", 24) },
			`process 100 ended with status 0: this was reported at 24ns, and task 102 made task ` +
				`103 at 25ns`,
		},
	})

	const alive = ", and /proc showed task 102 alive (state S (sleeping)) at 28ns"
	seen := func(task Task) func(*sketch) {
		return func(s *sketch) {
			s.read(thread, 26)
			task.TID, task.PID = 102, cmp.Or(task.PID, 100)
			s.Looks = []Look{{When: AtOverdue, At: 28, Tasks: []Task{task}}}
		}
	}
	const used = 0x400040 // PF_RANDOMIZE, PF_FORKNOEXEC
	testRule(t, "exit", launched, []variant{
		{
			"/proc shows it alive", seen(Task{State: "S (sleeping)", Flags: used}),
			word + "26ns" + alive,
		},
		{"/proc shows it alive, without an account", func(s *sketch) {
			seen(Task{State: "S (sleeping)", Flags: used})(s)
			s.withoutAccount()
		}, alive},
		{"/proc shows one of two tasks that had the id, without an account", func(s *sketch) {
			s.withoutAccount()
			s.Ledger[1].TID = 102
			s.say("100: clone 101", "100: clone 102\n100/102: exit 0")
			s.say("100/101: exit 0\n", "")
			s.read("100/102: exit 0", 26)
			live := Task{TID: 102, PID: 100, State: "S (sleeping)", Flags: used}
			s.Looks = []Look{{When: AtOverdue, At: 28, Tasks: []Task{live}}}
		}, ""},
		{"/proc showed it alive before", func(s *sketch) {
			seen(Task{State: "S (sleeping)", Flags: used})(s)
			s.Looks[0].At = 26
		}, ""},
		{"in its last stop", seen(Task{State: "t (tracing stop)", Flags: used | Dying}), ""},
		{"exiting", seen(Task{State: "R (running)", Flags: used | Exiting}), ""},
		{"a zombie", seen(Task{State: "Z (zombie)", Flags: used}), ""},
		{"killed", seen(Task{State: "R (running)", Flags: used, Killed: true}), ""},
		{"a look that knows no flags", seen(Task{State: "S (sleeping)"}), ""},
		{"another program's task", seen(Task{State: "S (sleeping)", Flags: used, PID: 7}), ""},
		{"a kernel that does not show the last stop", func(s *sketch) {
			seen(Task{State: "t (tracing stop)", Flags: used})(s)
			s.Kernel = "5.15.0"
		}, ""},
	})
	// 101 executes and is 100 from then on: that 101 has ended may be told, and not that 100 has.
	testRule(t, "exit", executed, []variant{
		{"the former id of the task that executes", func(s *sketch) {
			s.say("100: exec from 101", "100/101: exit ?\n100: exec from 101")
			s.say("100: exit 3\n", "")
			s.read("100/101: exit ?", 31)
		}, ""},
		{
			"the process, before the exec", func(s *sketch) { s.read("100: end 3", 31) },
			`process 100 ended with status 3: this was reported at 31ns, and task 100 made task ` +
				`103 at 40ns`,
		},
		{"the leader, which executes after it", func(s *sketch) {
			s.kernelDid("31 100: exit ?", "31 100/101: exit ?")
			s.Ledger[3].Creator = 0
			s.wants = "main/2: exit 0"
			s.say("100: exec from 101", "100/101: exit ?\n100: exec")
			s.say("100: clone 103\n", "")
			s.kernelDid("40 100: clone 103\n", "")
			s.kernelDid("50 100/103: exit ?\n", "")
			s.say("100/103: exit 4\n", "")
			s.Ledger = s.Ledger[:4]
			s.read("100: exit 0", 31)
		}, `task 100 ended with status 0: this was reported at 31ns, and process 100 executed a ` +
			`program at 32ns`},
		{"the old leader, which execs nothing", func(s *sketch) { s.read("100: exit 0", 28) }, ""},
	})
}

func TestAnEndIsOfAProcess(t *testing.T) {
	testRule(t, "sound", launched, []variant{
		{"that of a thread", func(s *sketch) {
			s.say("100/103: exit 0", "100/103: exit 0\n100/103: end 0")
		}, `reported: process 103 ended with status 0; the program had no process 103`},
		{"told without a tid", func(s *sketch) { s.say("100: end 0", "100/0: end 0") }, ""},
	})
}

// Without an account tasks may have come and gone before an attach to a program at work. What is
// told is judged nevertheless.
func TestExitJudgesWhatIsToldWhereTasksMayHaveBeenMissed(t *testing.T) {
	unsure := func(change func(*sketch)) string {
		s := attached()
		s.withoutAccount()
		s.Mode, s.Detach = fixtures.AttachDuring, notAsked
		s.declare("main: clone main/1..4, exit 0", "main: clone main/1..2, exit 0")
		s.declare("main/2: exit 0\nmain/4: exit 0\nmain/3: clone main/3/1, exit 3",
			"main/2: clone main/2/1, exit 3")
		s.declare("main/3/1: exit 0", "main/2/1: exit 0")
		change(s)
		got := s.ruled(t, "exit")
		return string(got.Verdict) + " " + got.Reason
	}
	assert.Equal(t, unsure(func(*sketch) {}), "UNTESTED "+noWitness)
	assert.Equal(t, unsure(func(s *sketch) { // an id of two tasks: either may be told
		s.Ledger[3].TID = 101
		s.say("100/102: clone 103\n		100/103: exit 0\n", "")
		s.say("100/101: exit 0", "100/101: exit 4")
	}), "UNTESTED "+noWitness)
	assert.Equal(t, unsure(func(s *sketch) { s.say("100/101: exit 0", "100/101: exit 4") }),
		"FAIL task 101 (main/1): the kernel says status 0, the debugger said 4")
}

func withChild(s *sketch) {
	s.kernelDid("30 100/103: exit ?", `
		26 100: fork 110
		27 110: clone 111
		28 110/111: exit ?
		29 110: exit ?
		30 100/103: exit ?`)
	s.declare("main: clone main/1..2, exit 0", `
		main: clone main/1..2, fork main/3, exit 0
		main/3: clone main/3/1, exit 3
		main/3/1: exit 0`)
	s.Ledger = append(s.Ledger,
		Announcement{State: Born, TID: 110, PID: 110, Creator: 0},
		Announcement{State: Born, TID: 111, PID: 110, Creator: 4})
	s.say("100/103: exit 0", `
		100: fork 110
		110: clone 111
		110/111: exit 0
		110: exit 3
		110: end 3
		100/103: exit 0`)
}

func TestExitKnowsTheStatusesThatAWaitGives(t *testing.T) {
	good := func() *sketch {
		s := launched()
		withChild(s)
		return s
	}
	says := func(from, to string) func(*sketch) { return func(s *sketch) { s.say(from, to) } }
	testRule(t, "exit", good, []variant{
		{
			"its process's, of a thread of another process",
			says("110/111: exit 0", "110/111: exit 3"), "",
		},
		{
			"neither its own nor its process's", says("110/111: exit 0", "110/111: exit 4"),
			"task 111 (main/3/1): the kernel says status 0, the debugger said 4",
		},
		{
			"its process's, which goes on",
			says("110/111: exit 0", "110/111: exit 3\n110: signal SIGHUP"),
			"task 111 (main/3/1): the kernel says status 0, the debugger said 3",
		},
		{
			"of a leader that ended before its process",
			func(s *sketch) {
				s.declare("main/3: clone main/3/1, exit 3", "main/3: clone main/3/1, exit 7, end 3")
			}, "",
		},
	})
}

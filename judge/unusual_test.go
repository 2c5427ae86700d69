package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// Unusual words and runs, and what the rules make of them.

func TestTheFirstTasksBirthIsNoOnesFault(t *testing.T) {
	told := func(s *sketch) { s.say("100: attach", "100/101: clone 100") }
	for _, rule := range []string{"sound", "parent"} {
		testRule(t, rule, attached, []variant{{"told as a birth", told, ""}})
	}
}

func TestUnusualWordsOfEnds(t *testing.T) {
	const says3 = "task 102 (main/2): the kernel says status 3, the debugger said "
	atTheEnd := func(also string) func(*sketch) { // 102 with its process's status
		return func(s *sketch) {
			s.say("100/102: exit 3\n", "")
			s.say("100: exit 0", "100/102: exit 0\n"+also+"\n100: exit 0")
		}
	}
	testRule(t, "exit", launched, []variant{
		{"a status that would be the process's, which has not ended", func(s *sketch) {
			hung(s)
			s.kernelDid("60 100: exit ?", "")
			s.say("100/102: exit 3\n", "")
			s.say("100: exit 0\n\t\t\t100: end 0", "100/102: exit 9")
		}, says3 + "9"},
		{"the process's status for a leader that ended before with another", func(s *sketch) {
			s.declare("main: clone main/1..2, exit 0", "main: clone main/1..2, exit 7, end 0")
		}, ""}, // a leader can be waited for only when its process has ended
		{
			"the process's status, and a task that never was goes on",
			atTheEnd("100/999: signal SIGHUP"), "",
		},
		{"the process's status, and another process goes on", func(s *sketch) {
			s.kernelDid("50 100/102: exit ?", "44 100: fork 200\n50 100/102: exit ?")
			atTheEnd("100: fork 200")(s)
			s.say("100: fork 200\n", "")
			s.say("100/102: exit 0", "100: fork 200\n100/102: exit 0\n200: signal SIGHUP")
		}, ""},
		{"the end of a thread is no process's", func(s *sketch) {
			s.say("100: end 0", "100/102: end 5\n100: end 0")
		}, ""},
		{"nor is that of another process", func(s *sketch) {
			s.say("100: end 0", "200/0: end 5\n100: end 0")
		}, ""},
		{"a wrong end, without statuses", func(s *sketch) {
			s.withhold(Statuses)
			s.say("100: end 0", "100: end 5")
		}, ""},
		{"a task that never was ends after its process", func(s *sketch) {
			s.say("100: end 0", "100: end 0\n100/999: exit 0")
		}, `task 999 of process 100 ended with status 0: this was reported after the end of ` +
			`process 100`},
		{"one of a process that never was", func(s *sketch) {
			s.say("100: end 0", "100: clone 999\n999: end 0\n100: end 0")
		}, ""},
		{"that of a thread, before it ends", func(s *sketch) { // which sound accuses
			s.say("100/101: exit 0", "100/102: end 0\n100/101: exit 0")
			s.read("100/102: end 0", 24)
		}, ""},
		{"its process's, before it ends, without a tid", func(s *sketch) {
			s.say("100: end 0", "100/0: end 0")
			s.read("100/0: end 0", 24)
		}, "process 100 ended with status 0: this was reported at 24ns, and task 102"},
		{"one that a standstill shows alive afterwards", func(s *sketch) {
			s.read("100/102: exit 3", 26)
			live := Task{TID: 102, PID: 100, State: "S (sleeping)", Flags: 0x400040}
			s.Standstills = []Standstill{{Stood: Look{At: 28, Tasks: []Task{live}}}}
		}, "and /proc showed task 102 alive (state S (sleeping)) at 28ns"},
		{"one of another process does", func(s *sketch) {
			s.say("100: end 0", "100: end 0\n200/999: exit 0")
		}, ""},
	})
}

func TestEndsOfTwoTasksThatNeverWereAreNoRepetition(t *testing.T) {
	testRule(t, "once", launched, []variant{
		{"", func(s *sketch) {
			s.say("100/103: exit 0", "100/103: exit 0\n100/998: exit 0\n100/999: exit 0")
		}, ""},
	})
}

func TestWhatIsThereToJudge(t *testing.T) {
	executesAlone := func(s *sketch) {
		s.kernel, s.said = "2 100: exec\n9 100: exec", "100: ready\n100: exec"
		s.Ledger = []Announcement{slot(100, UnknownCreator), became(0)}
	}
	endsUnseen := func(s *sketch) {
		s.kernel, s.said, s.Ledger = "2 100: exec", "100: end 0", s.Ledger[:1]
	}
	says := func(only string) func(*sketch) { return func(s *sketch) { s.said = only } }
	for _, c := range []struct {
		name   string
		good   func() *sketch
		change func(*sketch)
		rule   string
		want   Verdict
	}{
		{"an exec", launched, executesAlone, "complete", Pass},
		{"only the process's end", launched, endsUnseen, "exit", Pass},
		{"only an exec, and how often", executed, says("100: exec from 101"), "once", Pass},
		{"only a vforkdone", vforked, says("100: vforkdone"), "once", Pass},
		{"only a signal of the ledger's", signalled, says("100/101: signal SIGUSR1"), "once", Pass},
		{"a signal to a program of one task", launched, func(s *sketch) {
			s.kernel, s.said = "2 100: exec", "100: signal SIGUSR1"
			s.Ledger = s.Ledger[:1]
			s.Ledger[0].Sent, s.Ledger[0].Handled = 1, 1
		}, "complete", Pass},
		{"only a list", stoppedOnce, says(""), "sound", Pass},
		{"only a signal", launched, func(s *sketch) {
			s.said = "100: signal SIGUSR1"
		}, "once", Untested},
		{"stops, and neither births nor lists", stoppedOnce, func(s *sketch) {
			s.withhold(Births, Threads)
		}, "complete", Unsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.good()
			c.change(s)
			got := s.ruled(t, c.rule)
			assert.Equal(t, got.Verdict, c.want, got.Reason)
		})
	}
}

func TestOnlyMainsOwnStateExcusesItsAbsence(t *testing.T) {
	testRule(t, "complete", attached, []variant{
		{"another task is a zombie", func(s *sketch) {
			s.before[1].State = "Z (zombie)"
			s.say("100: attach\n", "")
		}, "task 100 (main) lived at the attach and was not listed"},
		{"by the ledger alone", func(s *sketch) {
			s.withoutAccount()
			s.Mode, s.Detach, s.Attach = fixtures.AttachBefore, notAsked, took(6, 8)
			s.say("100: attach\n", "")
			s.say("100/102: clone 103", "100: clone 102\n100/102: clone 103")
		}, "task 100 (main) lived at the attach and was not listed"},
		{"a process from before the attach executes", func(s *sketch) {
			withOthers(s)
			s.kernelDid("30 200: fork 201", "29 200: exec\n30 200: fork 201")
		}, ""},
	})
}

func TestStandstillsOfUnusualTasks(t *testing.T) {
	born := func(attach Interval) func(*sketch) {
		return func(s *sketch) {
			bornUntraced(s) // 102, at 20
			s.Mode, s.Attach = fixtures.AttachBefore, attach
			s.unlist(102)
		}
	}
	testRule(t, "snapshot", stoppedOnce, []variant{
		{"born untraced before the attach", born(took(21, 22)), "task 102 (main/2) was not listed"},
		{"and when it was asked for", born(took(20, 22)), ""},
		{"and the ledger has no times", func(s *sketch) {
			born(took(21, 22))(s)
			s.withoutAccount()
		}, ""},
		{"it ends while the list is made", func(s *sketch) {
			s.unlist(102)
			s.stop().After.Tasks[2].State = "Z (zombie)"
		}, ""},
		{"it is dead while it is listed", func(s *sketch) {
			both(2, func(k *Task) { k.State = "X (dead)" })(s)
			s.unlist(102)
		}, ""},
		{"it was born while the list was made, without the kernel's account", func(s *sketch) {
			s.withoutAccount()
			s.list(103)
			s.stop().After.Tasks = append(s.stop().After.Tasks, Task{
				TID: 103, PID: 100, State: "t (tracing stop)", Tracer: 7,
			})
		}, ""},
		{"all are on their way out, and listed", func(s *sketch) {
			for i := range s.stop().Stood.Tasks {
				both(i, func(k *Task) { k.Flags = Exiting })(s)
			}
		}, ""},
		{"it was born after the list was made", func(s *sketch) {
			s.list(103)
			s.stop().During = took(22, 24)
		}, "task 103 (main/2/1) was listed at checkpoint 1, and the program has no such task then"},
		{"it was born when the list was made", func(s *sketch) {
			s.list(103)
			s.stop().During = took(22, 25)
		}, ""},
		{"it ended while the list was made, without the kernel's account", func(s *sketch) {
			s.withoutAccount()
			s.goneAfter()
		}, ""},
	})
	testRule(t, "stopped", stoppedOnce, []variant{
		{"all tasks run on", func(s *sketch) {
			for i := range s.stop().Stood.Tasks {
				both(i, func(k *Task) { k.State, k.Tracer = "R (running)", 0 })(s)
			}
		}, "task 100 (main) ran on at checkpoint 1: state R (running)"},
	})
}

func TestUnusualEndsOfRuns(t *testing.T) {
	testRule(t, "released", attached, []variant{
		{"a thread among others has ended, and is traced", func(s *sketch) {
			s.released = []Task{
				{TID: 100, PID: 100, State: "S (sleeping)"},
				{TID: 101, PID: 100, State: "Z (zombie)", Tracer: 77},
			}
		}, "task 101 (main/1) is still traced"},
		{"of two processes one has just ended", func(s *sketch) {
			s.released = []Task{
				{TID: 100, PID: 100, State: "S (sleeping)"},
				{TID: 200, PID: 200, State: "Z (zombie)", Tracer: 77},
			}
		}, ""},
	})
	testRule(t, "transparent", launched, []variant{
		{"it did not end, and its status is not known", func(s *sketch) {
			hung(s)
			s.Program.Status = event.Exited(9)
		}, ""},
	})
}

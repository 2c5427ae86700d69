package judge

import (
	"testing"

	"gotest.tools/v3/assert"
)

// execDeclared has the head of the launched program state that no task executes.
func execDeclared(s *sketch) { s.declare("main: clone", "*: at most 0 exec\nmain: clone") }

func TestAnExecThatNeverWasIsUnsound(t *testing.T) {
	invent := func(s *sketch) { s.say("100/103: exit 0", "100: exec\n100/103: exit 0") }
	const never = `reported: process 100 executed a program; process 100 executed no program`
	testRule(t, "sound", launched, []variant{
		{"by the kernel's account", invent, never},
		{"by the head", func(s *sketch) {
			execDeclared(s)
			s.withoutAccount()
			invent(s)
		}, never},
		{"nothing says so", func(s *sketch) {
			s.withoutAccount()
			s.say("100/103: exit 0", "100: exec from 101\n100/103: exit 0")
		}, ""},
	})
	testRule(t, "once", launched, []variant{{"which sound accuses", invent, ""}})
	testRule(t, "sound", attached, []variant{
		{"of a process that executed before the attach", func(s *sketch) {
			s.kernelDid("10 100: clone 101", "7 100: exec\n10 100: clone 101")
			s.Ledger = []Announcement{
				slot(100, UnknownCreator), became(0), slot(101, 1), slot(102, 1), slot(103, 3),
			}
			s.declare("main: clone", "main: exec, clone")
			s.say("100: ready", "100: ready\n100: exec")
		}, never},
		{"at an attach, of an exec before it", func(s *sketch) {
			s.say("100: ready", "100: ready\n100: exec")
		}, never},
	})
}

// besides has the connector beside perf, with its record of an exec at another time.
func (s *sketch) besides(exec, later string) {
	perf := s.kernel
	s.connected()
	replace(&s.conn, exec, later)
	s.kernel = perf
}

// The kernel's account has the exec at 7, and its PTRACE_EVENT_EXEC may come after the attach.
func TestADebuggerMayBeToldOfAnExecUnderWayAtItsAttach(t *testing.T) {
	underWay := func() *sketch {
		s := attached()
		s.kernelDid("10 100: clone 101", "7 100: exec\n13 100: clone 101")
		s.Ledger = []Announcement{
			slot(100, UnknownCreator), became(0), slot(101, 1), slot(102, 1), slot(103, 3),
		}
		s.declare("main: clone", "main: exec, clone")
		s.before, s.released = s.before[:1], s.released[:1]
		return s
	}
	tell := func(s *sketch) { s.say("100: attach", "100: attach\n100: exec") }
	told := func() *sketch {
		s := underWay()
		tell(s)
		return s
	}
	for name, s := range map[string]*sketch{"told": told(), "not told": underWay()} {
		t.Run(name, func(t *testing.T) {
			for _, r := range s.opened(t).Rulings() {
				assert.Check(t, r.Verdict == Pass || r.Verdict == Unsupported, "%v", r)
			}
		})
	}
	testRule(t, "once", told, []variant{
		{"told twice", tell, "process 100: 1 exec, 2 reported"},
		{"told twice, after another", func(s *sketch) {
			s.kernelDid("7 100: exec", "6 100: exec\n7 100: exec")
			s.Ledger = []Announcement{
				slot(100, UnknownCreator), became(0), became(1), slot(101, 2), slot(102, 2),
				slot(103, 4),
			}
			s.declare("main: exec", "main: exec, exec")
			tell(s)
		}, "process 100: 1 exec, 2 reported"},
	})
	testRule(t, "sound", underWay, []variant{
		{"but the connector beside perf has it before the attach", func(s *sketch) {
			s.besides("7 100: exec", "8 100: exec")
			tell(s)
		}, "process 100 executed no program"},
		{"and an exec of another process is told, and one of its own early", func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", `
				27 100: fork 200
				28 200: exec
				29 200: exit ?
				32 100/101: exit ?
				33 100/102: exit ?
				41 100: exec`)
			s.kernelDid("50 100/102: exit ?\n", "")
			s.wants = "main/2: exit 0"
			s.say("100/101: exit 0", "100: fork 200\n200: exec\n100: exec")
			s.read("100: exec", 40)
		}, "this was reported at 40ns, and process 100 executed at 41ns"},
		{"and the connector beside perf has it after the attach began", func(s *sketch) {
			s.besides("7 100: exec", "13 100: exec")
			tell(s)
		}, ""},
		{"but by that account it was over", func(s *sketch) {
			s.connected()
			tell(s)
		}, "process 100 executed no program"},
	})
}

// The kernel's account has the exec at 42, and its PTRACE_EVENT_EXEC may come after the detach.
func TestADebuggerNeedNotKnowOfAnExecUnderWayAtItsDetach(t *testing.T) {
	underWay := func() *sketch {
		s := attached()
		s.kernelDid("55 100: clone 105", "30 100: fork 106\n42 106: exec\n54 106: exit ?\n"+
			"55 100: clone 105")
		s.declare("clone main/1..4", "clone main/1..3, fork main/4, clone main/5")
		s.declare("main/4: exit 0", "main/4: exec, exit 0\nmain/5: exit 0")
		s.say("100/103: exit 0", "100: fork 106\n100/103: exit 0")
		return s
	}
	testRule(t, "complete", underWay, []variant{
		{"a task was made since", func(s *sketch) {
			s.kernelDid("42 106: exec", "38 106: exec\n40 106: clone 107")
			s.declare("main/4: exec, ", "main/4: exec, clone main/4/1, ")
			s.say("100: fork 106", "100: fork 106\n106: clone 107")
		}, "process 106: 1 exec, 0 reported"},
		{"it executed again", func(s *sketch) {
			s.kernelDid("42 106: exec", "38 106: exec\n42 106: exec")
			s.declare("main/4: exec, ", "main/4: exec, exec, ")
		}, "process 106: 1 exec, 0 reported"},
		{"the connector has it before the detach", func(s *sketch) {
			s.besides("42 106: exec", "43 106: exec")
		}, "process 106: 1 exec, 0 reported"},
		{"the connector has it after the detach", func(s *sketch) {
			s.besides("42 106: exec", "47 106: exec")
		}, ""},
		{"another process made a task since", func(s *sketch) {
			s.kernelDid("42 106: exec", "42 106: exec\n43 100: clone 107")
			s.declare("clone main/5", "clone main/5..6")
			s.say("100: fork 106", "100: fork 106\n100: clone 107")
		}, ""},
		{"it was killed", func(s *sketch) {
			s.kernelDid("42 106: exec\n54 106: exit ?", "38 106: exec\n40 106: killed SIGKILL")
			s.declare("main/4: exec, exit 0", "main/4: exec, killed SIGKILL")
			s.say("100: fork 106", "100: fork 106\n106: killed SIGKILL")
		}, ""},
		{"it ended", func(s *sketch) {
			s.kernelDid("42 106: exec\n54 106: exit ?", "38 106: exec\n40 106: exit ?")
			s.say("100: fork 106", "100: fork 106\n106: exit 0")
		}, "process 106: 1 exec, 0 reported"},
	})
	killed := func() *sketch {
		s := vforked()
		s.kernelDid("20 200: exit ?", "15 200: exec\n20 200: killed SIGKILL")
		s.declare("main/1..2: exit 3", "main/1: exec, killed SIGKILL\nmain/2: exit 3")
		s.say("200: exit 3", "200: exec\n200: killed SIGKILL")
		s.say("200: end 3", "200: end SIGKILL")
		return s
	}
	testRule(t, "complete", killed, []variant{
		{
			"it was killed, and there was no detach", func(s *sketch) { s.say("200: exec\n", "") },
			"process 200: 1 exec, 0 reported",
		},
	})
}

func TestAnExecIsOfTheTaskThatExecuted(t *testing.T) {
	twice := func(s *sketch) {
		secondExec(s)
		s.Ledger = append(s.Ledger, became(3))
		s.declare("exec, clone main/1/1, exit 3", "exec, clone main/1/1, exec, exit 3")
	}
	testRule(t, "sound", executed, []variant{
		{
			"another task", func(s *sketch) { s.say("exec from 101", "exec from 102") },
			`reported: process 100 executed a program by its task 102; it was task 101 that ` +
				`executed`,
		},
		{"another task, by the ledger", func(s *sketch) {
			s.withoutAccount()
			s.say("exec from 101", "exec from 100")
		}, `reported: process 100 executed a program; it was task 101 that executed`},
		{"the task, by the ledger", func(s *sketch) { s.withoutAccount() }, ""},
		{"a task that is not told", func(s *sketch) { s.say("exec from 101", "exec") }, ""},
		{"two tasks in turn", func(s *sketch) {
			twice(s)
			s.say("100/103: exit 4", "100/103: exit 4\n100: exec from 100")
		}, ""},
		{"two tasks, the other way round", func(s *sketch) {
			twice(s)
			s.say("exec from 101", "exec from 100")
			s.say("100/103: exit 4", "100/103: exit 4\n100: exec from 101")
		}, "it was task 101 that executed"},
		{"one of two that are not told both", func(s *sketch) {
			twice(s)
			s.say("exec from 101", "exec from 100")
		}, ""},
		{
			"before it executed", func(s *sketch) { s.read("100: exec from 101", 31) },
			`process 100 executed a program by its task 101: this was reported at 31ns, and ` +
				`process 100 executed at 32ns`,
		},
		{"long after", func(s *sketch) { s.read("100: exec from 101", 900) }, ""},
		{"once more, which the rule once accuses", func(s *sketch) {
			s.say("exec from 101", "exec from 101\n100: exec from 101")
		}, ""},
	})
}

func TestAnExecIsToldOnce(t *testing.T) {
	again := func(s *sketch) {
		s.say("100: exec from 101", "100: exec from 101\n100: exec from 101")
	}
	const more = "process 100: 1 exec, 2 reported"
	testRule(t, "once", executed, []variant{
		{"by the kernel's account", again, more},
		{"by the head", func(s *sketch) {
			s.withoutAccount()
			s.wants = "*: at most 1 exec" + s.wants
			again(s)
		}, more},
		{"by a debugger that tells no births", func(s *sketch) {
			s.withhold(Births)
			again(s)
		}, more},
		{"the head leaves it open", func(s *sketch) {
			s.withoutAccount()
			again(s)
		}, ""},
		{"each of two", func(s *sketch) {
			secondExec(s)
			s.Ledger = append(s.Ledger, became(3))
			s.declare("exec, clone main/1/1, exit 3", "exec, clone main/1/1, exec, exit 3")
			s.say("100/103: exit 4", "100/103: exit 4\n100: exec from 100")
		}, ""},
		{"one of two", func(s *sketch) {
			secondExec(s)
			s.Ledger = append(s.Ledger, became(3))
			s.declare("exec, clone main/1/1, exit 3", "exec, clone main/1/1, exec, exit 3")
		}, ""},
	})
}

func TestAnExecThatAnnouncedItselfIsDueWithoutAnAccount(t *testing.T) {
	testRule(t, "complete", executed, []variant{
		{"told", func(s *sketch) { s.withoutAccount() }, ""},
		{"left out", func(s *sketch) {
			s.withoutAccount()
			s.say("100: exec from 101\n", "")
		}, "process 100: 1 exec, 0 reported"},
		{"by a debugger that tells no execs", func(s *sketch) {
			s.withoutAccount()
			s.withhold(Execs)
			s.say("100: exec from 101\n", "")
		}, ""},
	})
}

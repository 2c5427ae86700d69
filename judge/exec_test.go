package judge

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// executed is a program whose first thread executes another: it takes main's id over, and makes a
// thread.
func executed() *sketch {
	s := launched()
	s.kernel = `
		2 100: exec
		10 100: clone 101
		20 100: clone 102
		30 100/102: exit ?
		31 100: exit ?
		32 100: exec
		40 100: clone 103
		50 100/103: exit ?
		60 100: exit ?`
	s.wants = `
		main: clone main/1..2, exit 0
		main/1: exec, clone main/1/1, exit 3
		main/1/1: exit 4
		main/2: exit 0`
	s.Ledger = []Announcement{
		slot(100, UnknownCreator), slot(101, 0), slot(102, 0), became(1), slot(103, 3),
	}
	s.said = `
		100: ready
		100: clone 101
		100: clone 102
		100/102: exit 0
		100: exit 0
		100: exec from 101
		100: clone 103
		100/103: exit 4
		100: exit 3
		100: end 3`
	s.Control.Status, s.Program.Status = event.Exited(3), event.Exited(3)
	s.Control.Lines, s.Program.Lines = nil, nil
	return s
}

const executedForm = "main: clone main/1, clone main/2, exit ?\n" +
	"main/1: exec, clone main/1/1, exit ?\n" +
	"main/1/1: exit ?\n" +
	"main/2: exit ?"

// secondExec has the process execute once more, before its end.
func secondExec(s *sketch) {
	s.kernelDid("50 100/103: exit ?", "50 100/103: exit ?\n55 100: exec")
}

func TestTheTruthFollowsTheTaskThatExecutes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string
	}{
		{"a thread", func(*sketch) {}, executedForm},
		{"main had ended before", func(s *sketch) {
			s.kernelDid("31 100: exit ?", "")
			s.kernelDid("30 100/102: exit ?", "25 100: exit ?\n30 100/102: exit ?")
		}, executedForm},
		{"main itself", func(s *sketch) {
			s.kernelDid("31 100: exit ?", "31 100/101: exit ?")
			s.Ledger[3].Creator = 0
		}, "main: clone main/1, clone main/2, exec, clone main/3, exit ?\n" +
			"main/1: exit ?\nmain/2: exit ?\nmain/3: exit ?"},
		{"and its thread after it", func(s *sketch) {
			s.kernelDid("50 100/103: exit ?", "50 100: exit ?\n55 100: exec")
			s.Ledger = append(s.Ledger, became(4))
		}, "main: clone main/1, clone main/2, exit ?\nmain/1: exec, clone main/1/1, exit ?\n" +
			"main/1/1: exec, exit ?\nmain/2: exit ?"},
		{"and again by itself", func(s *sketch) {
			secondExec(s)
			s.Ledger = append(s.Ledger, became(3))
		}, strings.Replace(executedForm, "main/1/1, exit", "main/1/1, exec, exit", 1)},
		{
			"by the ledger alone", func(s *sketch) { s.withoutAccount() },
			strings.NewReplacer(", exit ?", "", " exit ?", "").Replace(executedForm),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := executed()
			c.change(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			assert.Equal(t, truth.family.Form().String(), c.want)
			assert.NilError(t, truth.asAnnounced(s.Ledger))
		})
	}
}

func TestTheExecutingTaskHasTheLeadersIdAndEndsAsItsProcess(t *testing.T) {
	s := executed()
	s.declare("main/1: exec, clone main/1/1, exit 3", "main/1: exec, clone main/1/1")
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	type end struct {
		Path   event.Path
		Died   int
		Status string
	}
	got := map[event.TID][]end{}
	for tid, lives := range truth.byTID {
		for _, l := range lives {
			got[tid] = append(got[tid], end{l.Path, int(l.died), l.status.String()})
		}
	}
	want := map[event.TID][]end{
		100: {{"main", 31, "0"}, {"main/1", 60, "3"}}, 101: {{"main/1", 60, "3"}},
		102: {{"main/2", 30, "0"}}, 103: {{"main/1/1", 50, "4"}},
	}
	assert.Assert(t, cmp.Diff(want, got) == "", cmp.Diff(want, got))
	assert.Equal(t, truth.leader().Path, event.Path("main/1"))
	assert.Equal(t, truth.name(100), "task 100 (main/1)")
}

func TestImpossibleExecsAndAccountsOfThemThatDifferAreOurFault(t *testing.T) {
	const impossible = `impossible event "100: exec": the task main has ended`
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string
	}{
		{
			"two tasks lived on", func(s *sketch) { s.kernelDid("30 100/102: exit ?", "") },
			impossible,
		},
		{"no task lived on", func(s *sketch) {
			s.kernelDid("30 100/102: exit ?", "30 100/102: exit ?\n30 100/101: exit ?")
		}, impossible},
		{
			"another task executed", func(s *sketch) { s.Ledger[3].Creator = 2 },
			"task 100 announced itself in slot 3 as task 102 after an exec, " +
				"and the kernel told of no exec there",
		},
		{
			"once more", func(s *sketch) { s.Ledger = append(s.Ledger, became(3)) },
			"task 100 announced itself in slot 5 as task 100 after an exec",
		},
		{"a child from before the exec", func(s *sketch) {
			s.kernelDid("31 100: exit ?", "31 100/101: exit ?")
			s.Ledger[3].Creator = 0
			s.Ledger[4].TID = 102
			s.Ledger[2] = torn
		}, "task 102 announced itself in slot 4, and the kernel told of no such task there"},
		{
			"a child of the task that had the id before",
			func(s *sketch) { s.Ledger[4].Creator = 0 },
			"task 103 announced itself as a child of task 100, and the kernel has it as main/1/1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := executed()
			c.change(s)
			assert.ErrorContains(t, Open(s.evidence(t)).Fault(), c.want)
		})
	}
}

func TestTheWitnessedExecsAreComparedWithTheDeclared(t *testing.T) {
	for _, c := range []struct {
		wants string
		same  bool
	}{
		{"main/1: exec, clone main/1/1, exit 3", true},
		{"main/1: clone main/1/1, exec, exit 3", false},
		{"main/1: exec, exec, clone main/1/1, exit 3", false},
		{"main/1..2: at least 1 exec, at most 1 exec", true},
		{"*: at most 0 exec", false},
	} {
		s := executed()
		s.wants = c.wants
		truth, err := s.newTruth(t)
		assert.NilError(t, err)
		diff := truth.asDeclared(s.expected(t))
		assert.Equal(t, diff == "", c.same, "%s: %s", c.wants, diff)
	}
}

// Whatever a debugger says of an exec, its words of the leader's id are about another task from
// then on.
func TestWordsAfterAnExecAreAboutTheTaskThatExecuted(t *testing.T) {
	const form = "main: clone main/1, clone main/2, exit 0\n" +
		"main/1: exec, clone main/1/1, exit 3\nmain/1/1: exit 4\nmain/2: exit 0"
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string
	}{
		{"it names the former id", func(*sketch) {}, form},
		{"it does not", func(s *sketch) { s.say("exec from 101", "exec") }, form},
		{"it tells of it under the former id", func(s *sketch) {
			s.say("100: exec from 101", "100/101: exec")
		}, form},
		{"by the ledger alone", func(s *sketch) { s.withoutAccount() }, form},
		{
			"it says nothing", func(s *sketch) { s.say("100: exec from 101", "") },
			"main: clone main/1, clone main/2, exit 0, clone main/1/1, exit 3\n" +
				"main/1:\nmain/1/1: exit 4\nmain/2: exit 0",
		},
		{"another executes in turn", func(s *sketch) {
			s.kernelDid("50 100/103: exit ?", "50 100: exit ?\n55 100: exec")
			s.say("100/103: exit 4", "100: exit 3\n100: exec")
			s.say("100: exit 3\n\t\t100: end 3", "100: exit 4\n\t\t100: end 4")
		}, strings.Replace(form, "main/1/1: ", "main/1/1: exec, ", 1)},
		{"it says it twice", func(s *sketch) {
			s.say("100: clone 103", "100: exec\n100: clone 103")
		}, strings.Replace(form, "exec,", "exec, exec,", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := executed()
			c.change(s)
			assert.Equal(t, s.opened(t).Form().String(), c.want)
		})
	}
}

func TestRulesOverAnExec(t *testing.T) {
	withoutFormer := func(s *sketch) { s.say("exec from 101", "exec") }
	endsFirst := func(s *sketch) {
		s.say("100: exec from 101", "100/101: exit 0\n100: exec from 101")
	}
	testRule(t, "order", executed, []variant{
		{
			"before the birth of the task that executes",
			func(s *sketch) {
				s.say("100: clone 101\n", "")
				s.say("100: exec from 101", "100: exec from 101\n100: clone 101")
			},
			`process 100 executed a program by its task 101: this was reported before the birth ` +
				`of task 100`,
		},
		{"without the former id", withoutFormer, ""},
		{"main's end after the exec", func(s *sketch) {
			s.say("100: exit 0", "")
			s.say("100: exec from 101", "100: exec from 101\n100: exit 0")
		}, `task 100 created thread 103: this was reported after the death of task 100 (main/1)`},
		{
			"an end of the task that executes", endsFirst,
			`process 100 executed a program by its task 101: this was reported after the death ` +
				`of task 100 (main/1)`,
		},
	})
	testRule(t, "once", executed, []variant{
		{"an end of the task that executes", endsFirst, `task 100 ended with status 3: this was ` +
			`reported before`},
		{"a birth after a second exec", func(s *sketch) {
			secondExec(s)
			s.say("100/103: exit 4", "100/103: exit 4\n100: exec\n100: attach")
		}, `task 100 was attached to: this was reported before`},
		{"main's end twice", func(s *sketch) {
			s.say("100: exit 0", "100: exit 0\n100: exit 0")
		}, `task 100 ended with status 0: this was reported before`},
	})
	testRule(t, "exit", executed, []variant{
		{"without the former id", withoutFormer, ""},
		{
			"no end of main", func(s *sketch) { s.say("100: exit 0", "") },
			"task 100 (main) ended, and its end was not reported",
		},
		{
			"no end of the task that executed", func(s *sketch) { s.say("100: exit 3", "") },
			"task 100 (main/1) ended, and its end was not reported",
		},
		{
			"the process's status for main's",
			func(s *sketch) { s.say("100: exit 0", "100: exit 3") },
			"task 100 (main): the kernel says status 0, the debugger said 3",
		},
	})
	testRule(t, "complete", executed, []variant{
		{
			"no exec", func(s *sketch) { s.say("100: exec from 101\n", "") },
			"process 100: 1 exec, 0 reported",
		},
		{"no exec of a debugger that tells none", func(s *sketch) {
			s.say("100: exec from 101\n", "")
			s.withhold(Execs)
		}, ""},
		{"the second", secondExec, "process 100: 2 execs, 1 reported"},
		{"one while it let go", func(s *sketch) {
			secondExec(s)
			s.Detach = took(54, 56)
		}, ""},
		{"without the former id", withoutFormer, ""},
	})
	testRule(t, "sound", executed, []variant{
		{
			"a former id that no task had",
			func(s *sketch) { s.say("exec from 101", "exec from 999") },
			"the kernel created no task 999 for this program",
		},
	})
	testRule(t, "parent", executed, []variant{
		{
			"its child under the former id",
			func(s *sketch) { s.say("100: clone 103", "100/101: clone 103") },
			"was created by task 100 (main/1)",
		},
	})
}

// A debugger that attaches after an exec meets the executing task under the leader's id, and never
// hears of the tasks before.
func TestWordsAfterAnAttachAreAboutTheTasksThatLiveThen(t *testing.T) {
	s := executed()
	s.Mode, s.Attach = fixtures.AttachBefore, took(35, 38)
	s.kernelDid("50 100/103: exit ?", "41 100: clone 101\n42 100/101: exit ?\n"+
		"43 100: clone 102\n44 100/102: exit ?\n50 100: exit ?\n55 100: exec")
	s.said = `
		100: attach
		100: ready
		100: clone 103
		100: clone 101
		100/101: exit 0
		100: clone 102
		100/102: exit 0
		100: exit 3
		100: exec
		100: exit 4
		100: end 4`
	assert.Equal(t, s.opened(t).Form().String(),
		"main/1: clone main/1/1, clone main/1/2, clone main/1/3, exit 3\n"+
			"main/1/1: exec, exit 4\nmain/1/2: exit 0\nmain/1/3: exit 0")
	for _, rule := range []string{"complete", "once", "order"} {
		got := s.ruled(t, rule)
		assert.Equal(t, got.Verdict, Pass, "%s: %s", rule, got.Reason)
	}
	s.say("100/101: exit 0", "100/101: exit 0\n100/101: exit 0")
	assert.Equal(t, s.ruled(t, "once").Verdict, Fail)
}

// A debugger that lists an id after the exec by which its task got it within the attach has listed
// that task.
func TestAnIDThatIsTakenOverInsideTheAttachIsListed(t *testing.T) {
	late := func() *sketch {
		s := executed()
		s.Mode, s.Attach = fixtures.AttachDuring, took(28, 36)
		s.before = []Task{{TID: 100, PID: 100}, {TID: 101, PID: 100}, {TID: 102, PID: 100}}
		s.said = `
			100: attach
			100: ready
			100: clone 103
			100/103: exit 4
			100: exit 3
			100: end 3`
		return s
	}
	for _, rule := range []string{"complete", "once", "order", "exit"} {
		testRule(t, rule, late, nil)
	}
}

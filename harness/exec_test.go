package harness

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// executed is a program whose first thread executes another: it takes over main's id, and makes a thread.
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
	s.ledger = announced{
		{tid: 100, pid: 100, creator: -1},
		{tid: 101, pid: 100},
		{tid: 102, pid: 100},
		{tid: 100, pid: 100, creator: 1, exec: true},
		{tid: 103, pid: 100, creator: 3},
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
	s.control.status, s.outcome.status = event.Exited(3), event.Exited(3)
	s.control.lines, s.outcome.lines = nil, nil
	return s
}

const executedForm = "main: clone main/1, clone main/2, exit ?\n" +
	"main/1: exec, clone main/1/1, exit ?\n" +
	"main/1/1: exit ?\n" +
	"main/2: exit ?"

func TestTruthFollowsWhoExecutes(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*sketch)
		want  string
	}{
		{"off main", func(*sketch) {}, executedForm},
		{"main was gone before", func(s *sketch) {
			s.kernelDid("31 100: exit ?", "")
			s.kernelDid("30 100/102: exit ?", "25 100: exit ?\n30 100/102: exit ?")
		}, executedForm},
		{"main itself", func(s *sketch) {
			s.kernelDid("31 100: exit ?", "31 100/101: exit ?")
			s.ledger[3].creator = 0
		}, "main: clone main/1, clone main/2, exec, clone main/3, exit ?\nmain/1: exit ?\nmain/2: exit ?\nmain/3: exit ?"},
		{"and its thread after it", func(s *sketch) {
			s.kernelDid("50 100/103: exit ?", "50 100: exit ?\n55 100: exec")
			s.ledger = append(s.ledger, announcement{tid: 100, pid: 100, creator: 4, exec: true})
		}, "main: clone main/1, clone main/2, exit ?\nmain/1: exec, clone main/1/1, exit ?\nmain/1/1: exec, exit ?\nmain/2: exit ?"},
		{"and again by itself", func(s *sketch) {
			s.kernelDid("50 100/103: exit ?", "50 100/103: exit ?\n55 100: exec")
			s.ledger = append(s.ledger, announcement{tid: 100, pid: 100, creator: 3, exec: true})
		}, strings.Replace(executedForm, "main/1/1, exit", "main/1/1, exec, exit", 1)},
		{"by the ledger alone", func(s *sketch) { s.withoutWitness() }, strings.ReplaceAll(strings.ReplaceAll(executedForm, ", exit ?", ""), " exit ?", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := executed()
			c.spoil(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			assert.Equal(t, truth.family.Form().String(), c.want)
			assert.NilError(t, truth.asAnnounced(s.ledger))
		})
	}
}

func TestWhoExecutesHasTheLeadersIdAndEndsAsItsProcess(t *testing.T) {
	s := executed()
	s.replace(&s.wants, "main/1: exec, clone main/1/1, exit 3", "main/1: exec, clone main/1/1")
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

func TestExecsThatCannotBeOrDiffer(t *testing.T) {
	s := executed()
	s.kernelDid("30 100/102: exit ?", "")
	_, err := s.newTruth(t)
	assert.ErrorContains(t, err, `impossible event "100: exec": the task main has ended`) // two lived on
	s = executed()
	s.kernelDid("30 100/102: exit ?", "30 100/102: exit ?\n30 100/101: exit ?")
	_, err = s.newTruth(t)
	assert.ErrorContains(t, err, `impossible event "100: exec": the task main has ended`) // nobody did

	for _, c := range []struct {
		name  string
		spoil func(*sketch)
		want  string
	}{
		{"who executed is another", func(s *sketch) { s.ledger[3].creator = 2 }, "task 100 announced itself in slot 3 as task 102 after an exec, and the kernel did not tell of it there"},
		{"once more", func(s *sketch) {
			s.ledger = append(s.ledger, announcement{tid: 100, pid: 100, creator: 3, exec: true})
		}, "task 100 announced itself in slot 5 as task 100 after an exec"},
		{"a child from before the exec", func(s *sketch) {
			s.kernelDid("31 100: exit ?", "31 100/101: exit ?")
			s.ledger[3].creator = 0
			s.ledger[4].tid = 102
			s.ledger[2] = torn
		}, "task 102 announced itself in slot 4, and the kernel did not tell of it there"},
		{"a child of who was there before", func(s *sketch) { s.ledger[4].creator = 0 }, "task 103 announced itself as a child of task 100, and the kernel has it as main/1/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := executed()
			c.spoil(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			assert.ErrorContains(t, truth.asAnnounced(s.ledger), c.want)
		})
	}
}

func TestTheWitnessedExecsAreHeldAgainstTheDeclared(t *testing.T) {
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

// Whatever a debugger says of an exec, its words of the leader's id are of another task from then on.
func TestWordsAfterAnExecAreOfWhoExecuted(t *testing.T) {
	const form = "main: clone main/1, clone main/2, exit 0\nmain/1: exec, clone main/1/1, exit 3\nmain/1/1: exit 4\nmain/2: exit 0"
	for _, c := range []struct {
		name  string
		spoil func(*sketch)
		want  string
	}{
		{"it names the former id", func(*sketch) {}, form},
		{"it does not", func(s *sketch) { s.say("exec from 101", "exec") }, form},
		{"it tells of it under the former id", func(s *sketch) { s.say("100: exec from 101", "100/101: exec") }, form},
		{"by the ledger alone", func(s *sketch) { s.withoutWitness() }, form},
		{
			"it says nothing", func(s *sketch) { s.say("100: exec from 101", "") },
			"main: clone main/1, clone main/2, exit 0, clone main/1/1, exit 3\nmain/1:\nmain/1/1: exit 4\nmain/2: exit 0",
		},
		{
			"another executes in turn", func(s *sketch) {
				s.kernelDid("50 100/103: exit ?", "50 100: exit ?\n55 100: exec")
				s.say("100/103: exit 4", "100: exit 3\n100: exec")
				s.say("100: exit 3\n\t\t100: end 3", "100: exit 4\n\t\t100: end 4")
			},
			strings.Replace(form, "main/1/1: ", "main/1/1: exec, ", 1),
		},
		{
			"it says it twice", func(s *sketch) { s.say("100: clone 103", "100: exec\n100: clone 103") },
			strings.Replace(form, "exec,", "exec, exec,", 1),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := executed()
			c.spoil(s)
			got := s.joined(t).form().String()
			assert.Equal(t, got, c.want)
		})
	}
}

func TestRulesOverAnExec(t *testing.T) {
	testRule(t, "order", executed, []broken{
		{"without the former id", func(s *sketch) { s.say("exec from 101", "exec") }, ""},
		{"main's end after the exec", func(s *sketch) {
			s.say("100: exit 0", "")
			s.say("100: exec from 101", "100: exec from 101\n100: exit 0")
		}, `"100: clone 103" came after the death of task 100 (main/1)`},
		{"an end of who executes", func(s *sketch) { s.say("100: exec from 101", "100/101: exit 0\n100: exec from 101") }, `"100: exec from 101" came after the death of task 100 (main/1)`},
	})
	testRule(t, "once", executed, []broken{
		{"an end of who executes", func(s *sketch) { s.say("100: exec from 101", "100/101: exit 0\n100: exec from 101") }, `"100: exit 3" was told before`},
		{"a birth after a second exec", func(s *sketch) {
			s.kernelDid("50 100/103: exit ?", "50 100/103: exit ?\n55 100: exec")
			s.say("100/103: exit 4", "100/103: exit 4\n100: exec\n100: attach")
		}, `"100: attach" was told before`},
		{"main's end twice", func(s *sketch) { s.say("100: exit 0", "100: exit 0\n100: exit 0") }, `"100: exit 0" was told before`},
	})
	testRule(t, "exit", executed, []broken{
		{"without the former id", func(s *sketch) { s.say("exec from 101", "exec") }, ""},
		{"no end of main", func(s *sketch) { s.say("100: exit 0", "") }, "task 100 (main) ended and it was not reported"},
		{"no end of who executed", func(s *sketch) { s.say("100: exit 3", "") }, "task 100 (main/1) ended and it was not reported"},
		{"the process's status for main's", func(s *sketch) { s.say("100: exit 0", "100: exit 3") }, "task 100 (main) ended with 0, reported was 3"},
	})
	testRule(t, "complete", executed, []broken{
		{"no exec", func(s *sketch) { s.say("100: exec from 101\n", "") }, "process 100 executed a program 1 times, and that was reported 0 times"},
		{"no exec of a debugger that tells none", func(s *sketch) {
			s.say("100: exec from 101\n", "")
			s.can = slices.DeleteFunc(slices.Clone(s.can), func(a Ability) bool { return a == Execs })
		}, ""},
		{"the second", func(s *sketch) { s.kernelDid("50 100/103: exit ?", "50 100/103: exit ?\n55 100: exec") }, "process 100 executed a program 2 times, and that was reported 1 times"},
		{"one while it let go", func(s *sketch) {
			s.kernelDid("50 100/103: exit ?", "50 100/103: exit ?\n55 100: exec")
			s.detached = interval{54, 56}
		}, ""},
		{"without the former id", func(s *sketch) { s.say("exec from 101", "exec") }, ""},
	})
	testRule(t, "sound", executed, []broken{
		{"a former id that nobody had", func(s *sketch) { s.say("exec from 101", "exec from 999") }, "the program had no task 999"},
	})
	testRule(t, "parent", executed, []broken{
		{"its child under the former id", func(s *sketch) { s.say("100: clone 103", "100/101: clone 103") }, "which task 100 (main/1) created"},
	})
}

// Who attaches after an exec meets who executed under the leader's id, and never hears of those before.
func TestWordsAfterAnAttachAreOfWhoLivesThen(t *testing.T) {
	s := executed()
	s.mode = fixtures.AttachBefore
	s.evidence.attached = interval{35, 38}
	s.kernelDid("50 100/103: exit ?", "41 100: clone 101\n42 100/101: exit ?\n43 100: clone 102\n44 100/102: exit ?\n50 100: exit ?\n55 100: exec")
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
	assert.Equal(t, s.joined(t).form().String(),
		"main/1: clone main/1/1, clone main/1/2, clone main/1/3, exit 3\nmain/1/1: exec, exit 4\nmain/1/2: exit 0\nmain/1/3: exit 0")
	for _, rule := range []string{"complete", "once", "order"} {
		verdict, detail := s.judged(t, rule)
		assert.Equal(t, verdict, Pass, "%s: %s", rule, detail)
	}
	s.say("100/101: exit 0", "100/101: exit 0\n100/101: exit 0")
	verdict, _ := s.judged(t, "once")
	assert.Equal(t, verdict, Fail)
}

// Who lists an id after the exec by which its task got it within the attach has listed that task.
func TestAnIDThatIsTakenOverInsideTheAttachIsListed(t *testing.T) {
	late := func() *sketch {
		s := executed()
		s.mode, s.evidence.attached = fixtures.AttachDuring, interval{28, 36}
		s.before = []procTask{{tid: 100, pid: 100}, {tid: 101, pid: 100}, {tid: 102, pid: 100}}
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

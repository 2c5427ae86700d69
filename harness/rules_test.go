package harness

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

func TestCompleteAccusesOfAMissedBirth(t *testing.T) {
	testRule(t, "complete", launched, []broken{
		{"a thread's birth", func(s *sketch) { s.say("100/102: clone 103\n", "") }, "task 103 (main/2/1), born of main/2, was not reported"},
		{"a birth of main's", func(s *sketch) { s.say("100: clone 101\n", "") }, "task 101 (main/1), born of main, was not reported"},
		{"the second life of a tid", reuse(""), "task 101 (main/3), born of main, was not reported"},
		{"both lives of a tid are told", reuse("100: clone 101"), ""},
		{"another task in its place", func(s *sketch) { s.say("clone 103", "clone 999") }, "task 103 (main/2/1)"},
	})
}

// reuse has the tid 101 used again, of which the debugger says what is given.
func reuse(told string) func(*sketch) {
	return func(s *sketch) {
		s.kernelDid("50 100/102: exit ?", "45 100: clone 101\n47 100/101: exit ?\n50 100/102: exit ?")
		s.replace(&s.wants, "main/1..2, exit 0", "main/1..3, exit 0")
		s.replace(&s.wants, "main/1: exit 0", "main/1: exit 0\nmain/3: exit 4")
		s.say("100/102: exit 3", told+"\n100/101: exit 4\n100/102: exit 3")
	}
}

func TestCompleteKnowsThatAttachAndDetachAreIntervals(t *testing.T) {
	testRule(t, "complete", attached, []broken{
		{"a task at the attach", func(s *sketch) { s.say("100/101: attach\n", "") }, "task 101 (main/1) lived at the attach and was not listed"},
		{"main at the attach", func(s *sketch) { s.say("100: attach\n", "") }, "task 100 (main) lived at the attach and was not listed"},
		{"one born inside the attach is told of", func(s *sketch) { s.say("100/102: attach", "100: clone 102") }, ""},
		{"one born inside the attach that lives on", func(s *sketch) { s.say("100/102: attach\n", "") }, "task 102 (main/3), born of main, was not reported"},
		{"one that is gone inside it", func(s *sketch) { s.kernelDid("17 100/104: exit ?", "21 100/104: exit ?") }, ""},
		{"one that is gone just after it", func(s *sketch) { s.kernelDid("17 100/104: exit ?", "23 100/104: exit ?") }, "task 104 (main/2), born of main, was not reported"},
		{"one dead inside the attach is listed", func(s *sketch) { s.say("100: ready", "100/104: attach\n100: ready") }, ""},
		{"one that dies inside the attach is not", func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", "")
			s.kernelDid("20 100: clone 102", "20 100: clone 102\n21 100/101: exit ?")
			s.say("100/101: attach\n", "")
		}, ""},
		{"a birth after the attach", func(s *sketch) { s.say("100/102: clone 103\n", "") }, "task 103 (main/3/1), born of main/3, was not reported"},
		{"one born after the detach is told of", func(s *sketch) { s.say("100/101: exit 0", "100/101: exit 0\n100: clone 105") }, ""},
		{"one born before the detach", func(s *sketch) { s.detached = interval{57, 58} }, "task 105 (main/4), born of main, was not reported"},
	})
}

// withOthers has the program make a process, 200, before the attach, which makes 201 after it.
func withOthers(s *sketch) {
	s.kernelDid("10 100: clone 101", "6 100: fork 200\n10 100: clone 101")
	s.kernelDid("25 100/102: clone 103", "25 100/102: clone 103\n30 200: fork 201\n31 201: exit ?\n32 200: exit ?")
	s.before = append(s.before, procTask{tid: 200, pid: 200})
	for i := range s.before[:2] {
		s.before[i].pid = 100
	}
}

func TestWhoAttachesHasNeitherOtherProcessesNorAZombie(t *testing.T) {
	zombie := func(s *sketch) {
		s.before[0].state = "Z (zombie)"
		s.say("100: attach\n", "")
	}
	whole := func(s *sketch) { s.detached = interval{} }
	testRule(t, "complete", attached, []broken{
		{"processes made before the attach, and theirs", withOthers, ""},
		{"but those made after it", func(s *sketch) {
			withOthers(s)
			s.before = s.before[:2]
		}, "task 200 (main/1) lived at the attach and was not listed"},
		{"a process born inside the attach, and its thread", func(s *sketch) {
			s.kernelDid("25 100/102: clone 103", "21 100: fork 200\n24 200: clone 201\n25 100/102: clone 103\n30 200/201: exit ?\n31 200: exit ?")
		}, ""},
		{"but those that it says are born", func(s *sketch) {
			s.kernelDid("25 100/102: clone 103", "21 100: fork 200\n24 200: clone 201\n25 100/102: clone 103\n30 200/201: exit ?\n31 200: exit ?")
			s.say("100: ready", "100: fork 200\n100: ready")
		}, "task 201 (main/4/1), born of main/4, was not reported"},
		{"a leader that is a zombie", zombie, ""},
	})
	testRule(t, "exit", attached, []broken{
		{"processes made before the attach, and theirs", withOthers, ""},
		{"but those made after it", func(s *sketch) {
			withOthers(s)
			s.before = s.before[:2]
		}, "task 201 (main/1/1) ended and it was not reported"},
		{"the process's end", func(s *sketch) {
			whole(s)
			s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 3\n100/105: exit 0\n100: exit 0")
		}, "process 100 ended and it was not reported"},
		{"of which nobody tells who has not its leader", func(s *sketch) {
			whole(s)
			zombie(s)
			s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 3\n100/105: exit 0")
		}, ""},
	})
}

// untraced has main/2 be born with CLONE_UNTRACED: no tracer is told of it, nor of what it makes.
func untraced(s *sketch) {
	s.replace(&s.wants, "main: clone main/1..2, exit 0", "main: clone main/1, clone main/2 untraced, exit 0")
	s.say("100: clone 102\n", "")
	s.say("100/102: clone 103\n", "")
	s.say("100/103: exit 0\n", "")
	s.say("100/102: exit 3\n", "")
}

func TestADebuggerNeedNotKnowUntracedTasks(t *testing.T) {
	silent := func() *sketch { s := launched(); untraced(s); return s }
	for _, rule := range []string{"complete", "sound", "once", "order", "exit"} {
		testRule(t, rule, silent, []broken{
			{"it may know them", func(s *sketch) {
				s.say("100: clone 101", "100: clone 101\n100/102: attach\n100/102: clone 103")
				s.say("100: exit 0", "100/102: exit 3\n100/103: exit 0\n100: exit 0")
			}, ""},
			{"without a witness", func(s *sketch) { s.withoutWitness() }, ""},
		})
	}
	testRule(t, "complete", silent, []broken{
		{"another's birth", func(s *sketch) { s.say("100: clone 101\n", "") }, "task 101 (main/1), born of main, was not reported"},
		{"at an attach it is found", func(s *sketch) {
			s.mode = fixtures.AttachBefore
			s.say("100: ready", "100: attach\n100/101: attach\n100: ready")
			s.say("100: clone 101\n", "")
			s.evidence.attached = interval{27, 28}
		}, "task 102 (main/2) lived at the attach and was not listed"},
		{"the ledger has no times: it may have come after the attach", func(s *sketch) {
			s.withoutWitness()
			s.mode = fixtures.AttachBefore
			s.say("100: ready", "100: attach\n100: ready")
			s.evidence.attached = interval{3, 4}
		}, ""},
	})
	testRule(t, "exit", silent, []broken{
		{"a wrong status", func(s *sketch) { s.say("100: exit 0", "100/102: exit 4\n100: exit 0") }, "task 102 (main/2) ended with 3, reported was 4"},
	})
}

func TestSoundAccusesOfTasksThatNeverWere(t *testing.T) {
	testRule(t, "sound", launched, []broken{
		{"a birth", func(s *sketch) { s.say("clone 103", "clone 999") }, `"100/102: clone 999": the program had no task 999`},
		{"a birth of nobody", func(s *sketch) { s.say("clone 103", "clone 0") }, `"100/102: clone 0": the program had no task 0`},
		{"a creator", func(s *sketch) { s.say("100/102: clone 103", "100/998: clone 103") }, "the program had no task 998"},
		{"a thread as a process", func(s *sketch) { s.say("clone 103", "fork 103") }, `"100/102: fork 103": a clone is a thread's birth, a fork or vfork a process's, and it was a clone`},
		{"a death", func(s *sketch) { s.say("100/103: exit 0", "100/997: exit 0") }, "the program had no task 997"},
		{"a former tid", func(s *sketch) { s.say("100: exit 0", "100: exec from 996\n100: exit 0") }, "the program had no task 996"},
		{"a task at the attach", func(s *sketch) { s.say("100: ready", "100/995: attach") }, "the program had no task 995"},
		{"a birth after the cut", func(s *sketch) { s.cut = 22 }, "the program had no task 103"},
		{"a creator that is not named", func(s *sketch) { s.say("100/102: clone 103", "100/0: clone 103") }, ""},
	})
}

func TestOnceAccusesOfWhatWasToldTwice(t *testing.T) {
	testRule(t, "once", launched, []broken{
		{"a birth", func(s *sketch) { s.say("100: clone 102", "100: clone 102\n100: clone 102") }, `"100: clone 102" was told before`},
		{"a birth, of another creator", func(s *sketch) { s.say("100/103: exit 0", "100: clone 103\n100/103: exit 0") }, `"100: clone 103" was told before`},
		{"a birth and a listing", func(s *sketch) { s.say("100: clone 102", "100: clone 102\n100/102: attach") }, `"100/102: attach" was told before`},
		{"the listing of what it launched", func(s *sketch) { s.say("100: ready", "100: attach") }, `"100: attach" was told before`},
		{"a death", func(s *sketch) { s.say("100/103: exit 0", "100/103: exit 0\n100/103: exit 0") }, `"100/103: exit 0" was told before`},
		{"a reused tid has two lives", reuse("100: clone 101"), ""},
		{"a reused tid has not three", func(s *sketch) {
			reuse("100: clone 101")(s)
			s.say("100: exit 0", "100: clone 101\n100: exit 0")
		}, `"100: clone 101" was told before`},
	})
	testRule(t, "once", attached, []broken{
		{"a listing", func(s *sketch) { s.say("100/101: attach", "100/101: attach\n100/101: attach") }, `"100/101: attach" was told before`},
	})
}

func TestParentAccusesOfAWrongCreator(t *testing.T) {
	testRule(t, "parent", launched, []broken{
		{"another task", func(s *sketch) { s.say("100/102: clone 103", "100: clone 103") }, `"100: clone 103": it is main/2/1, which task 102 (main/2) created`},
		{"nobody", func(s *sketch) { s.say("100/102: clone 103", "100/0: clone 103") }, "which task 102 (main/2) created"},
		{"a tid that never was", func(s *sketch) { s.say("100/102: clone 103", "100/999: clone 103") }, "which task 102 (main/2) created"},
		{"of a task that never was", func(s *sketch) { s.say("clone 103", "clone 999") }, ""},
	})
	testRule(t, "parent", launched, []broken{
		{"a tid's second life, where its first came and went before the attach", func(s *sketch) {
			s.withoutWitness()
			s.evidence.attached = interval{12, 22}
			s.mode = fixtures.AttachDuring
			s.ledger[3].tid = 101
			s.say("100/102: clone 103", "100/102: clone 101")
			s.say("100: clone 101\n", "")
		}, ""},
	})
}

func TestOrderAccusesOfWordsBeforeABirthOrAfterADeath(t *testing.T) {
	testRule(t, "order", launched, []broken{
		{"a death before its birth", func(s *sketch) {
			s.say("100/103: exit 0\n", "")
			s.say("100/102: clone 103", "100/103: exit 0\n100/102: clone 103")
		}, `"100/103: exit 0" came before the birth of task 103 (main/2/1)`},
		{"a birth by who was not born", func(s *sketch) {
			s.say("100/102: clone 103\n", "")
			s.say("100: clone 102", "100/102: clone 103\n100: clone 102")
		}, `"100/102: clone 103" came before the birth of task 102 (main/2)`},
		{
			"a signal before its birth", func(s *sketch) { s.say("100: clone 101", "100/101: signal SIGUSR1\n100: clone 101") },
			`"100/101: signal SIGUSR1" came before the birth of task 101 (main/1)`,
		},
		{"a birth by the dead", func(s *sketch) {
			s.say("100/102: clone 103\n", "")
			s.say("100/102: exit 3", "100/102: exit 3\n100/102: clone 103")
		}, `"100/102: clone 103" came after the death of task 102 (main/2)`},
		{
			"a signal to the dead", func(s *sketch) { s.say("100: exit 0", "100/103: signal SIGUSR1\n100: exit 0") },
			`"100/103: signal SIGUSR1" came after the death of task 103 (main/2/1)`,
		},
		{"a birth that is never told is complete's", func(s *sketch) { s.say("100/102: clone 103\n", "") }, ""},
		{"a second death is once's", func(s *sketch) { s.say("100/103: exit 0", "100/103: exit 0\n100/103: exit 0") }, ""},
		{"a reused tid lives again", reuse("100: clone 101"), ""},
		{"a process ends after its leader", func(s *sketch) {
			s.say("100: exit 0\n", "")
			s.say("100/103: exit 0", "100: exit 0\n100/103: exit 0")
		}, ""},
	})
}

func TestREADMEHasTheRules(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	assert.NilError(t, err)
	for _, r := range Rules {
		row := fmt.Sprintf("| %s | %s", r.Name, r.Sentence)
		assert.Check(t, strings.Contains(string(readme), row), "README has no row %q", row)
	}
}

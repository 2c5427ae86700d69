package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
)

// A report between two right ones is the one too many, and not the later life's.
func TestAReportBetweenTwoLivesOfATIDIsTheRepeatedOne(t *testing.T) {
	threefold := func() *sketch {
		s := launched()
		reuse("100/102: clone 101\n100: clone 101")(s)
		return s
	}
	for _, rule := range []string{"complete", "parent"} {
		testRule(t, rule, threefold, nil)
	}
	testRule(t, "once", launched, []variant{
		{
			"", reuse("100/102: clone 101\n100: clone 101"),
			`task 102 of process 100 created thread 101: this was reported before`,
		},
	})
}

// A debugger that launched the program may say that it is ready after births.
func TestBirthsBeforeALaunchIsReadyAreBirths(t *testing.T) {
	late := func() *sketch {
		s := launched()
		reuse("100: clone 101")(s)
		s.say("100: ready\n", "")
		s.say("100: exit 0", "100: ready\n100: exit 0")
		return s
	}
	for _, rule := range []string{"complete", "once", "parent", "order", "exit"} {
		testRule(t, rule, late, nil)
	}
}

// Without the kernel's account a life of a tid may have ended before the attach: a report that does
// not fit the second life is then a repeated one.
func TestALifeThatMayHaveBeenMissedIsNotDue(t *testing.T) {
	unsure := func(second string) func(*sketch) {
		return func(s *sketch) {
			s.withoutAccount()
			s.Mode, s.Attach = fixtures.AttachDuring, took(12, 22)
			s.Ledger[3].TID = 101
			s.say("100/102: clone 103", second)
		}
	}
	testRule(t, "once", launched, []variant{
		{"the second life's creator", unsure("100/102: clone 101"), ""},
		{
			"the first life's creator", unsure("100: clone 101"),
			`task 100 created thread 101: this was reported before`,
		},
	})
}

// An attach may list the task that executes under both of its ids, and the leader before it.
func TestAnAttachThatMeetsAnExecListsBothIDs(t *testing.T) {
	met := func() *sketch {
		s := executed()
		s.Mode, s.Attach = fixtures.AttachDuring, took(28, 36)
		s.said = `
			100: attach
			100/101: attach
			100/102: attach
			100/102: exit 0
			100: exit 0
			100: exec from 101
			100: ready
			100: clone 103
			100/103: exit 4
			100: exit 3
			100: end 3`
		return s
	}
	for _, rule := range []string{"complete", "once", "parent", "order", "exit"} {
		testRule(t, rule, met, nil)
	}
}

// An attach that did not complete in time may have listed a task under the id that it took over.
func TestAnAttachThatHangsListsATaskByTheIDThatItTookOver(t *testing.T) {
	testRule(t, "once", func() *sketch {
		s := executed()
		hung(s)
		s.kernelDid("60 100: exit ?", "")
		s.Mode, s.Attach = fixtures.AttachBefore, Interval{State: Asked, Asked: 35}
		s.said = "100: attach"
		return s
	}, []variant{
		{"twice", func(s *sketch) { s.said = "100: attach\n100: attach" }, "was reported before"},
	})
}

// The id of a task that executed before the attach, or as it was asked for, is another's from then
// on.
func TestTheFormerIDOfATaskThatExecutedIsFree(t *testing.T) {
	freed := func(attach Interval) func() *sketch {
		return func() *sketch {
			s := executed()
			s.Mode, s.Attach = fixtures.AttachBefore, attach
			s.kernelDid("40 100: clone 103",
				"40 100: clone 103\n41 100: clone 101\n42 100/101: exit ?")
			s.declare("main/1: exec, clone main/1/1, exit 3\n\t\tmain/1/1: exit 4",
				"main/1: exec, clone main/1/1..2, exit 3\nmain/1/1: exit 4\nmain/1/2: exit 0")
			s.said = `
				100: attach
				100: ready
				100: clone 103
				100: clone 101
				100/101: exit 0
				100/103: exit 4
				100: exit 3
				100: end 3`
			return s
		}
	}
	usedBefore := func() *sketch {
		s := freed(took(35, 38))()
		s.kernelDid("10 100: clone 101", "6 100: clone 101\n8 100/101: exit ?\n10 100: clone 101")
		s.wants = `
			main: clone main/1..3, exit 0
			main/1: exit 0
			main/2: exec, clone main/2/1..2, exit 3
			main/2/1: exit 4
			main/2/2: exit 0
			main/3: exit 0`
		s.Ledger = []Announcement{
			slot(100, UnknownCreator), slot(101, 0), slot(101, 0), slot(102, 0), became(2),
			slot(103, 4),
		}
		return s
	}
	for _, rule := range []string{"complete", "once", "parent", "order", "exit"} {
		testRule(t, rule, freed(took(35, 38)), nil)
		testRule(t, rule, freed(took(32, 38)), nil)
		testRule(t, rule, usedBefore, nil)
	}
}

// A task of a process that was made before the attach is not due, and a later one with its id is.
func TestAnIDOfAnotherProcesssTaskIsUsedAgain(t *testing.T) {
	testRule(t, "complete", func() *sketch {
		s := attached()
		withOthers(s)
		s.kernelDid("30 200: fork 201\n31 201: exit ?",
			"30 200: clone 201\n31 200/201: exit ?\n33 100: clone 201\n34 100/201: exit ?")
		s.say("100/101: exit 0", "100/0: clone 201\n100/101: exit 0")
		return s
	}, nil)
}

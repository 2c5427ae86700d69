package judge

import (
	"testing"

	"gotest.tools/v3/assert"
)

// Which life a debugger's words are about, where a tid was used more than once.

func TestALifeBeforeTheAttachIsNotTheOneReported(t *testing.T) {
	before := func(s *sketch) {
		s.declare("main: clone main/1..4, exit 0", "main: clone main/1..5, exit 0")
		s.declare("main/2: exit 0\nmain/4: exit 0\nmain/3: clone main/3/1, exit 3",
			"main/2..3: exit 0\nmain/5: exit 0\nmain/4: clone main/4/1, exit 3")
		s.declare("main/3/1: exit 0", "main/4/1: exit 0")
		s.kernelDid("10 100: clone 101", "6 100: clone 103\n8 100/103: exit ?\n10 100: clone 101")
	}
	dying := func(s *sketch) { // the kernel has told its end, and it can still be attached to
		before(s)
		s.say("100: ready", "100/103: attach\n100/103: exit 0\n100: ready")
	}
	// Of a life before the attach and one inside it, the second is likelier to have been found.
	twice := func(s *sketch) {
		before(s)
		s.declare("main: clone main/1..5, exit 0", "main: clone main/1..6, exit 0")
		s.declare(
			"main/2..3: exit 0\nmain/5: exit 0\nmain/4: clone main/4/1, exit 3",
			"main/2: exit 0\nmain/3: exit 7\nmain/4: exit 0\nmain/6: exit 0\n"+
				"main/5: clone main/5/1, exit 3",
		)
		s.declare("main/4/1: exit 0", "main/5/1: exit 0")
		s.kernelDid("15 100: clone 104", "13 100: clone 103\n14 100/103: exit ?\n15 100: clone 104")
		s.say("100: ready", "100/103: attach\n100/103: exit 7\n100: ready")
	}
	for _, rule := range []string{"complete", "once", "parent", "order", "exit"} {
		testRule(t, rule, attached, []variant{
			{"a tid that was used before", before, ""},
			{"a task that was about to end", dying, ""},
			{"a tid that was used before and inside", twice, ""},
		})
	}
}

func TestALifeInsideTheAttachIsNotTheOneReportedLater(t *testing.T) {
	const both = "100: clone 104\n100/104: exit 0\n100/102: clone 103\n"
	again := func(told string) func(*sketch) {
		return func(s *sketch) { // 104 was used inside the attach, and is used again after it
			s.kernelDid("25 100/102: clone 103",
				"25 100/102: clone 103\n26 100/102: clone 104\n28 100/104: exit ?")
			s.declare("main/3: clone main/3/1, exit 3", "main/3: clone main/3/1..2, exit 3")
			s.declare("main/3/1: exit 0", "main/3/1: exit 0\nmain/3/2: exit 5")
			s.say("100/102: clone 103", told)
		}
	}
	for _, rule := range []string{"complete", "once", "parent", "order", "exit"} {
		testRule(t, rule, attached, []variant{
			{
				"the first is not told",
				again("100/102: clone 103\n100/102: clone 104\n100/104: exit 5"),
				"",
			},
			{"both are told", again(both + "100/102: clone 104\n100/104: exit 5"), ""},
		})
	}
	const missed = "task 104 (main/3/2), created by main/3, was not reported"
	testRule(t, "once", attached, []variant{
		{"both are told without creators", again("100/0: clone 104\n100/104: exit 0\n" +
			"100/0: clone 103\n100/0: clone 104\n100/104: exit 5"), ""},
		{"both are told, and one again", again(both +
			"100/102: clone 104\n100/102: clone 104\n100/104: exit 5"), "was reported before"},
	})
	testRule(t, "complete", attached, []variant{
		{"the second is not told, and the first was listed", func(s *sketch) {
			again("100/102: clone 103")(s)
			s.say("100/102: attach", "100/104: attach\n100/104: exit 0\n100/102: attach")
		}, missed},
		{"the second is not told", again(both), missed},
	})
	testRule(t, "parent", attached, []variant{
		{"both are told, and the second with another creator", again(both +
			"100: clone 104\n100/104: exit 5"), "main/3/2 was created by task 102 (main/3)"},
	})
}

func TestALifeInsideTheAttachWithAnotherCreatorIsNotReportedTwice(t *testing.T) {
	tell := func(creator string) func(*sketch) {
		return func(s *sketch) {
			s.say("100/102: attach",
				"100/"+creator+": clone 104\n100/104: exit 0\n100/102: attach")
		}
	}
	testRule(t, "once", attached, []variant{
		{"no creator is named", tell("0"), ""},
		{"a wrong creator is named", tell("101"), ""},
	})
	testRule(t, "parent", attached, []variant{
		{"a wrong creator is named", tell("101"), "main/2 was created by task 100 (main)"},
	})
}

// An id is a thread's, then a process's, then a thread's again, all of them inside the attach. The
// debugger need not know each.
func TestALifeOfAnotherKindIsNotTheOneReported(t *testing.T) {
	inside := func(told string) func() *sketch {
		return func() *sketch {
			s := attached()
			s.kernelDid("15 100: clone 104\n17 100/104: exit ?", `
				13 100: clone 104
				14 100/104: exit ?
				15 100: fork 104
				16 104: exit ?
				17 100: clone 104
				18 100/104: exit ?`)
			s.declare("main: clone main/1..4, exit 0",
				"main: clone main/1..2, fork main/3, clone main/4..6, exit 0")
			s.declare("main/2: exit 0\nmain/4: exit 0\nmain/3: clone main/3/1, exit 3",
				"main/2: exit 4\nmain/3: exit 5\nmain/4: exit 6\nmain/5: clone main/5/1, exit 3\n"+
					"main/6: exit 0")
			s.declare("main/3/1: exit 0", "main/5/1: exit 0")
			s.Control.Lines = []string{"process: main, thread: main/5/1", "done"}
			s.say("100/102: attach", told+"\n100/102: attach")
			return s
		}
	}
	for _, told := range []string{
		"100: clone 104\n100/104: exit 4",
		"100: fork 104\n104: exit 5\n104: end 5",
		"100/0: fork 104\n104: exit 5\n104: end 5\n100/0: clone 104\n100/104: exit 6",
		"100: clone 104\n100/104: exit 4\n100: fork 104\n104: exit 5\n104: end 5",
		"100: clone 104\n100/104: exit 4\n100: fork 104\n104: exit 5\n104: end 5\n" +
			"100: clone 104\n100/104: exit 6",
		"104: attach\n104: exit 5\n104: end 5",
	} {
		for _, rule := range []string{"complete", "sound", "once", "order", "exit"} {
			got := inside(told)().ruled(t, rule)
			assert.Check(t, got.Verdict == Pass, "%q: %s: %s", told, rule, got.Reason)
		}
	}
	lie := inside("100: fork 104\n100/104: exit 4\n100: fork 104\n100: fork 104")
	assert.Equal(t, lie().ruled(t, "sound").Verdict, Fail)
}

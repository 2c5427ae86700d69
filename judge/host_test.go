package judge

import (
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// hosted is a sketch in which the program's host has two threads before the fixture begins, one of
// which makes another later.
func hosted(s *sketch) *sketch {
	s.kernelDid("2 100: exec", "2 100: exec\n3 100: clone 91\n4 100/91: clone 92")
	s.kernelDid("20 100: clone 102", "11 100/92: clone 93\n20 100: clone 102")
	s.Program.Gate = 8
	s.Ledger = append(s.Ledger, hostSlot(91), hostSlot(92))
	s.say("100: ready", "100: ready\n100: clone 91\n100/91: clone 92\n100/92: clone 93")
	return s
}

func TestAHostsTasksAreNotCounted(t *testing.T) {
	s := hosted(launched())
	s.kernelDid("60 100: exit ?",
		"59 100/91: exit ?\n59 100/92: exit ?\n59 100/93: exit ?\n60 100: exit ?")
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.form().String(), launchedForm)
	assert.Equal(t, truth.asDeclared(s.expected(t)), "")
	assert.NilError(t, truth.asAnnounced(s.Ledger))
	for tid, want := range map[event.TID]event.Path{
		91: "@1", 92: "@2", 93: "@3", 102: "main/2", 103: "main/2/1",
	} {
		assert.Equal(t, truth.path(tid), want)
	}
	assert.Equal(t, truth.byTID[93][0].Creator, truth.byTID[92][0].Life)
	whole := truth.family.Form().String()
	for _, line := range []string{"@1: clone @2, exit ?", "@2: clone @3, exit ?", "@3: exit ?"} {
		assert.Assert(t, strings.Contains(whole, line), "got %s, want %s in it", whole, line)
	}
}

// A task that executes another program has the threads of a new host. The first of them may have an
// id that was used before.
func TestAHostThatIsExecutedAgainHasNewThreads(t *testing.T) {
	s := hosted(executed())
	s.kernelDid("30 100/102: exit ?",
		"30 100/102: exit ?\n30 100/91: exit ?\n30 100/92: exit ?\n30 100/93: exit ?")
	s.kernelDid("32 100: exec", "32 100: exec\n33 100: clone 92\n33 100: clone 94")
	s.Ledger = append(s.Ledger, hostSlot(92), hostSlot(94))
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.form().String(), executedForm)
	assert.NilError(t, truth.asAnnounced(s.Ledger))
	assert.Equal(t, truth.path(92), event.Path("@4"))
}

// A thread of unknown creator is the host's: the fixture's own tasks say which task made them.
func TestAThreadOfUnknownBirthIsTheHosts(t *testing.T) {
	s := hosted(launched())
	s.connected()
	replace(&s.conn, "20 100/0: clone 102", "19 100/0: clone 94\n20 100/0: clone 102")
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.byTID[94][0].host, true)
	assert.Equal(t, truth.isComplete(), true)
	assert.Equal(t, truth.path(102), event.Path("main/2"))
}

// The rules are those for any task.
func TestADebuggerIsHeldToAHostsTasksToo(t *testing.T) {
	s := hosted(launched())
	for _, rule := range []string{"complete", "sound", "once", "parent", "order"} {
		got := s.ruled(t, rule)
		assert.Equal(t, got.Verdict, Pass, "%s: %s", rule, got.Reason)
	}
	testRule(t, "complete", func() *sketch { return hosted(launched()) }, []variant{
		{
			"a thread of the host's", func(s *sketch) { s.say("100/92: clone 93", "") },
			"task 93 (@3), created by @2, was not reported",
		},
	})
	testRule(t, "parent", func() *sketch { return hosted(launched()) }, []variant{
		{
			"another has made it", func(s *sketch) { s.say("100/92: clone 93", "100: clone 93") },
			"@3 was created by task 92 (@2)",
		},
	})
}

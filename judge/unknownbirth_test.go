package judge

import (
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// A thread that announced nothing has a creator that no account names, unless its process had no
// other task.
func TestAThreadOfUnknownBirth(t *testing.T) {
	unknown := func() *sketch {
		s := connected(launched)()
		replace(&s.conn, "25 100/0: clone 103", "22 100/0: clone 104\n25 100/0: clone 103")
		replace(&s.conn, "40 100/101: exit 0", "33 100/104: exit 0\n40 100/101: exit 0")
		s.say("100/102: clone 103", "100/101: clone 104\n100/102: clone 103")
		s.say("100/101: exit 0", "100/104: exit 0\n100/101: exit 0")
		return s
	}
	for _, r := range unknown().opened(t).Rulings() {
		assert.Check(t, r.Verdict == Pass, "%v", r)
	}
	truth, err := unknown().newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.path(104), event.Path("@1"))
	assert.Equal(t, truth.path(103), event.Path("main/2/1"))
	testRule(t, "complete", unknown, []variant{
		{
			"it is left out", func(s *sketch) { s.say("100/101: clone 104", "") },
			"task 104 (@1), created by a task of its process, was not reported",
		},
	})
	alone := connected(launched)()
	alone.Ledger = alone.Ledger[:1]
	truth, err = alone.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.path(101), event.Path("main/1"))
	assert.Equal(t, truth.path(102), event.Path("@1"))
}

func TestAThreadOfUnknownBirthIsAThread(t *testing.T) {
	unknown := func() *sketch {
		s := connected(launched)()
		s.Ledger = s.Ledger[:1] // 102 and 103 are unknown
		s.Control.Lines, s.Program.Lines = nil, nil
		return s
	}
	testRule(t, "sound", unknown, []variant{
		{"it is told as a process", func(s *sketch) {
			s.say("100: clone 102", "100: fork 102")
		}, "it was a clone"},
	})
	testRule(t, "transparent", unknown, []variant{
		{"lines that no path tells apart are compared", func(s *sketch) {
			s.Control.Exact, s.Program.Lines = false, []string{"thread: 102"}
		}, `the program printed "thread: 102" (thread: other)`},
	})
}

// Which of two tasks with one id announced itself is not known: then neither is its creator.
func TestAnAnnouncementOfUnknownBirthIsNoFault(t *testing.T) {
	s := connected(launched)()
	replace(&s.conn, "50 100/102: exit 3", "45 100/102: exit 3\n46 100/0: clone 102\n"+
		"50 100/102: exit 0")
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.lives[2].Path, event.Path("@1"))
	assert.NilError(t, truth.asAnnounced(s.Ledger))
	// Main may not be the creator of the second either.
	replace(&s.conn, "46 100/0", "44 100/0: clone 104\n46 100/0")
	truth, err = s.newTruth(t)
	assert.NilError(t, err)
	assert.NilError(t, truth.asAnnounced(s.Ledger))
}

// Two tasks of one id that came and went inside the attach may both be told, with creators that no
// other account names.
func TestTwoTasksOfUnknownBirthAreNoRepetition(t *testing.T) {
	testRule(t, "once", connected(attached), []variant{
		{"", func(s *sketch) {
			replace(&s.conn, "17 100/104: exit 0",
				"16 100/104: exit 0\n17 100/0: clone 104\n18 100/104: exit 0")
			s.Ledger = s.Ledger[:1]
			const told = "100: clone 104\n100/104: exit 0\n"
			s.say("100/102: attach", told+told+"100/102: attach")
		}, ""},
	})
}

// The creator of a thread may stand since its birth. Without a word on it that may be any task of
// its process.
func TestABirthByAnUnknownTaskJustBeforeTheDetach(t *testing.T) {
	const missing = "task 103 (@3), created by a task of its process, was not reported"
	good := func() *sketch {
		s := connected(attached)()
		replace(&s.conn, "30 100/103: exit 0", "50 100/103: exit 0")
		s.Ledger = s.Ledger[:1]
		s.say("100/103: exit 0", "")
		s.held = []Task{{TID: 100, PID: 100, State: "S (sleeping)"}}
		return s
	}
	untold := func(tracer event.TID) func(*sketch) {
		return func(s *sketch) {
			s.say("100/102: clone 103", "")
			s.spread(10e6)
			s.Attach, s.Detach = took(120e6, 220e6), took(450e6, 480e6)
			s.Account.Cut = time.Minute
			s.held[0].Tracer = tracer
			if tracer != 0 {
				s.held[0].State = "t (tracing stop)"
			}
		}
	}
	testRule(t, "complete", good, []variant{
		{"none stands", untold(0), missing},
		{"one stands", untold(9), ""},
		{"one of another process stands", func(s *sketch) {
			untold(9)(s)
			s.held[0].TID, s.held[0].PID = 300, 300
		}, missing},
		{"one stands, and some task has made another since", func(s *sketch) {
			replace(&s.conn, "40 100/101: exit 0", "35 100/0: clone 106\n40 100/101: exit 0")
			s.say("100/102: clone 103", "100/102: clone 103\n100/102: clone 106")
			untold(9)(s)
		}, ""},
	})
}

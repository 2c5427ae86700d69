package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// The ledger and the kernel's account are two accounts of one run: where they differ, neither is
// believed.
func TestAccountsThatDifferAreFound(t *testing.T) {
	// A task 103 that 101 makes ends before that of 102 is born.
	overtaking := func(first, second int) func(*sketch) {
		return func(s *sketch) {
			s.kernelDid("40 100/101: exit ?",
				"35 100/101: clone 103\n37 100/103: exit ?\n40 100/101: exit ?")
			s.Ledger = append(s.Ledger[:3], slot(103, 1), slot(103, 2))
			s.Ledger[3].Came, s.Ledger[4].Came = first, second
		}
	}
	const notThere = ", and the kernel told of no such task there"
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string // empty where they agree
	}{
		{"they agree", func(*sketch) {}, ""},
		{
			"a reused tid, whose tasks did not come in that order", overtaking(1, 2),
			"task 103 announced itself in slot 4 after a task with its id that was born later",
		},
		{"a torn slot", func(s *sketch) { s.Ledger[3] = torn }, ""},
		{"an unknown creator", func(s *sketch) { s.Ledger[3].Creator = UnknownCreator }, ""},
		{"a reused tid, twice announced", func(s *sketch) {
			reuse("")(s)
			s.Ledger = append(s.Ledger, slot(101, 0))
		}, ""},
		{"a reused tid, whose slots were claimed in the other order", overtaking(2, 1), ""},
		{
			"a task that the kernel does not have", func(s *sketch) { s.Ledger[3].TID = 999 },
			"task 999 announced itself in slot 3" + notThere,
		},
		{
			"a task that came twice", func(s *sketch) { s.Ledger = append(s.Ledger, s.Ledger[3]) },
			"task 103 announced itself in slot 4" + notThere,
		},
		{
			"a wrong creator", func(s *sketch) { s.Ledger[3].Creator = 1 },
			"task 103 announced itself as a child of task 101, and the kernel has it as main/2/1",
		},
		{
			"a wrong order", func(s *sketch) { s.Ledger[1].TID, s.Ledger[2].TID = 102, 101 },
			"task 101 announced itself in slot 2" + notThere,
		},
		{
			"a child of a torn slot", func(s *sketch) { s.Ledger[2] = torn },
			"task 103 announced itself as a child of task 0",
		},
		{
			"a creator beyond the ledger", func(s *sketch) { s.Ledger[3].Creator = 77 },
			"task 103 announced itself in slot 3 as a child of slot 77, which comes later",
		},
		{
			"its own creator", func(s *sketch) { s.Ledger[3].Creator = 3 },
			"task 103 announced itself in slot 3 as a child of slot 3, which comes later",
		},
		{"without the kernel's there is one account", func(s *sketch) {
			s.withoutAccount()
			s.Ledger[3].Creator = UnknownCreator
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.change(s)
			err := Open(s.evidence(t)).Fault()
			if c.want == "" {
				assert.NilError(t, err)
			} else {
				assert.ErrorContains(t, err, c.want)
			}
		})
	}
}

func TestTheDeclaredIsComparedWithTheWitnessed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sketch)
		same   bool
	}{
		{"as declared", func(*sketch) {}, true},
		{"statuses are not witnessed", func(s *sketch) { s.declare("exit 3", "exit 4") }, true},
		{"a task is missing", func(s *sketch) {
			s.kernelDid("25 100/102: clone 103", "")
			s.kernelDid("30 100/103: exit ?", "")
		}, false},
		{"a task more", func(s *sketch) {
			s.kernelDid("60 100: exit ?", "55 100: clone 104\n60 100: exit ?")
		}, false},
		{"a death is missing", func(s *sketch) { s.kernelDid("30 100/103: exit ?", "") }, false},
		{"deaths are not announced", func(s *sketch) { s.withoutAccount() }, true},
		{"a task is missing in the ledger", func(s *sketch) {
			s.withoutAccount()
			s.Ledger = s.Ledger[:3]
		}, false},
		{"bounds that hold", func(s *sketch) {
			s.wants = "*: at least 3 clone *, at least 4 exit 0\nmain: exit 0"
		}, true},
		{"bounds that do not", func(s *sketch) {
			s.wants = "*: at least 4 clone *\nmain: exit 0"
		}, false},
		{"bounds over tasks that the ledger does not have", func(s *sketch) {
			s.withoutAccount()
			for i := range s.Ledger[1:] {
				s.Ledger[1+i].Creator = UnknownCreator
			}
			s.wants = "*: at least 3 clone *, at least 4 exit 0\nmain: exit 0"
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.change(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			diff := truth.asDeclared(s.expected(t))
			assert.Equal(t, diff == "", c.same, diff)
		})
	}
}

// A control run whose accounts agree says what the fixture does alone.
func TestAControlIsWhatTheProgramDidAlone(t *testing.T) {
	for _, c := range []struct {
		name                string
		change              func(*sketch)
		hosted, unannounced bool
		exact               bool
		want                string // of the error
	}{
		{name: "as declared", change: func(*sketch) {}, exact: true},
		{name: "by the ledger alone", change: func(s *sketch) { s.withoutAccount() }, exact: true},
		{name: "hosted", change: func(*sketch) {}, hosted: true, exact: true},
		{
			name: "hosted, by the ledger alone", hosted: true,
			change: func(s *sketch) { s.withoutAccount() },
		},
		{name: "bounds", change: func(s *sketch) {
			s.wants = "*: at least 3 clone *, at least 4 exit 0\nmain: exit 0"
		}},
		{name: "other births", change: func(s *sketch) {
			s.kernelDid("60 100: exit ?", "55 100: clone 104\n60 100: exit ?")
		}, want: "the kernel does not do what its head declares (-declared +witnessed):"},
		{name: "other births by the ledger", change: func(s *sketch) {
			s.withoutAccount()
			s.Ledger = s.Ledger[:3]
		}, want: "the kernel does not do what its head declares (-declared +announced):"},
		{
			name: "a hang", change: hung,
			want: "it did not end in time: timeout: the program's end did not come in 1s\ntask 100",
		},
		{name: "another status of a task", change: func(s *sketch) {
			s.besides("40 100/101: exit 0", "40 100/101: exit 9")
		}, want: "(-declared +witnessed):\n- main/1: exit 0\n+ main/1: exit 9"},
		{name: "another end", change: func(s *sketch) {
			s.Program.Status = event.Exited(4)
		}, want: "it ended with 4, and its head declares 0"},
		{name: "a task that did not announce itself", change: func(s *sketch) {
			s.Ledger[3] = torn
		}, want: "task 103 (main/2/1) did not announce itself"},
		{
			name:   "a task of a hosted fixture that did not announce itself",
			hosted: true, exact: true, change: func(s *sketch) { s.Ledger[3] = torn },
		},
		{
			name: "a task that cannot announce itself", unannounced: true, exact: true,
			change: func(s *sketch) { s.Ledger[3] = torn },
		},
		{name: "accounts that differ", change: func(s *sketch) {
			s.Ledger[3].TID = 999
		}, want: "task 999 announced itself in slot 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.change(s)
			got, err := ControlOf(s.evidence(t), c.hosted, c.unannounced)
			if c.want != "" {
				assert.ErrorContains(t, err, c.want)
				return
			}
			assert.NilError(t, err)
			assert.Equal(t, got.Exact, c.exact)
			assert.Equal(t, got.Status, event.Exited(0))
			thread := map[bool]string{true: "main/2/1", false: "other"}[c.exact]
			assert.DeepEqual(t, got.Lines, []string{"done", "process: main, thread: " + thread})
		})
	}
}

// The reference tracer's run confirms what the other accounts say if it breaks no rule.
func TestTheReferencesRunConfirmsStatusesIfItBreaksNoRule(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string // of the error
	}{
		{"it breaks none", func(*sketch) {}, ""},
		{
			"a hang", hung, "the reference tracer's run did not end in time: timeout: " +
				"the program's end did not come in 1s\ntask 100",
		},
		{
			"a wrong status", func(s *sketch) { s.say("exit 3", "exit 4") },
			"the reference tracer breaks the rule exit: task 102 (main/2): the kernel says",
		},
		{
			"our fault", func(s *sketch) { s.Ledger[3].TID = 999 },
			"task 999 announced itself in slot 3, and the kernel told of no such task there",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.change(s)
			got, err := Open(s.evidence(t)).Confirmed()
			if c.want != "" {
				assert.ErrorContains(t, err, c.want)
				return
			}
			assert.NilError(t, err)
			assert.DeepEqual(t, got, map[event.Path]event.Status{
				"main": event.Exited(0), "main/1": event.Exited(0), "main/2": event.Exited(3),
				"main/2/1": event.Exited(0),
			})
		})
	}
}

package judge

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// connected makes a sketch of a run for which the connector is the only account.
func connected(good func() *sketch) func() *sketch {
	return func() *sketch {
		s := good()
		s.connected()
		return s
	}
}

// whole are the good runs by the connector, with every task in the ledger: so its truth is perf's.
var whole = map[string]func() *sketch{
	"launched": connected(launched), "stopped once": connected(stoppedOnce),
	"attached": func() *sketch {
		s := connected(attached)()
		s.Ledger = []Announcement{
			slot(100, UnknownCreator), slot(101, 0), slot(104, 0), slot(102, 0), slot(103, 3),
			slot(105, 0),
		}
		return s
	},
	"executed": func() *sketch {
		s := connected(executed)()
		replace(&s.conn, "30 100/102: exit 3", "30 100/102: exit 0")
		replace(&s.conn, "50 100/103: exit 0", "50 100/103: exit 4")
		replace(&s.conn, "60 100: exit 0", "60 100: exit 3")
		return s
	},
}

var byPerf = map[string]func() *sketch{
	"launched": launched, "stopped once": stoppedOnce, "attached": attached, "executed": executed,
}

// spread multiplies the times of the kernel's account.
func (s *sketch) spread(by int) {
	var b strings.Builder
	for line := range strings.Lines(s.conn) {
		if at, e, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			n, _ := strconv.Atoi(at)
			fmt.Fprintf(&b, "%d %s\n", n*by, e)
		}
	}
	s.conn = b.String()
}

func TestTheConnectorAloneSufficesForAllRules(t *testing.T) {
	for name, good := range whole {
		want := map[string]Verdict{}
		for _, r := range byPerf[name]().opened(t).Rulings() {
			want[r.Rule] = r.Verdict
		}
		for _, r := range good().opened(t).Rulings() {
			assert.Check(t, r.Verdict == want[r.Rule], "%s: %v, by perf %s", name, r, want[r.Rule])
		}
	}
}

func TestTheTruthIsTheSameByConnectorAndByPerf(t *testing.T) {
	for name, good := range whole {
		perf, err := byPerf[name]().newTruth(t)
		assert.NilError(t, err)
		connector, err := good().newTruth(t)
		assert.NilError(t, err)
		assert.Equal(t, len(connector.lives), len(perf.lives))
		for i, l := range connector.lives {
			of := perf.lives[i]
			assert.Equal(t, l.Path, of.Path, name)
			assert.Equal(t, l.Maker, of.Maker, name)
			assert.Equal(t, [2]time.Duration{l.born, l.died}, [2]time.Duration{of.born, of.died})
		}
	}
}

// The ledger has no times: without the connector these rules could not be judged.
func TestDeathsAreJudgedByTheConnectorAlone(t *testing.T) {
	none := attached()
	none.withoutAccount()
	none.Control.Exact = false
	assert.Equal(t, none.ruled(t, "exit").Verdict, Untested)
	good := connected(launched)
	testRule(t, "exit", good, []variant{
		{
			"an end is left out", func(s *sketch) { s.say("100/101: exit 0", "") },
			"task 101 (main/1) ended, and its end was not reported",
		},
		{
			"a wrong status", func(s *sketch) { s.say("100/102: exit 3", "100/102: exit 4") },
			"task 102 (main/2): the kernel says status 3, the debugger said 4",
		},
		{"a wrong status, of which the head says nothing", func(s *sketch) {
			s.declare("main/2: clone main/2/1, exit 3", "main/2: clone main/2/1")
			s.say("100/102: exit 3", "100/102: exit 4")
		}, "task 102 (main/2): the kernel says status 3, the debugger said 4"},
	})
	testRule(t, "complete", good, []variant{
		{
			"a birth is left out", func(s *sketch) { s.say("100: clone 101", "") },
			"task 101 (main/1), created by main, was not reported",
		},
	})
}

func TestTheConnectorAddsStatusesToPerf(t *testing.T) {
	both := func() *sketch {
		s, c := launched(), launched()
		c.connected()
		s.conn = c.conn
		s.declare("main/2: clone main/2/1, exit 3", "main/2: clone main/2/1")
		return s
	}
	wrong := func(s *sketch) { s.say("100/102: exit 3", "100/102: exit 4") }
	testRule(t, "exit", both, []variant{
		{
			"the head says nothing", wrong,
			"task 102 (main/2): the kernel says status 3, the debugger said 4",
		},
		{"without the connector no status is known", func(s *sketch) { wrong(s); s.conn = "" }, ""},
		{"the two have not the same number of ends", func(s *sketch) {
			wrong(s)
			replace(&s.conn, "50 100/102: exit 3", "50 100/102: exit 3\n51 100/102: exit 7")
		}, ""},
	})
	testRule(t, "transparent", both, []variant{
		{"a task ends otherwise than is declared", func(s *sketch) {
			replace(&s.conn, "40 100/101: exit 0", "40 100/101: exit 9")
		}, "- main/1: exit 0\n+ main/1: exit 9"},
	})
}

// The connector tells an end later than it was: a task that it has die just after the attach may
// have been gone before.
func TestAnEndThatTheConnectorTellsLateAccusesNoAttach(t *testing.T) {
	const missed = "(main/1) lived at the attach and was not listed"
	unlisted := func() *sketch {
		s := connected(attached)()
		s.say("100/101: attach", "")
		s.say("100/101: exit 0", "")
		return s
	}
	r := unlisted().ruled(t, "complete")
	assert.Equal(t, r.Verdict, Pass, r.Reason)
	for name, change := range map[string]func(*sketch){
		"it lives long after": func(s *sketch) {
			s.spread(10e6)
			s.Attach, s.Detach = took(120e6, 220e6), took(450e6, 480e6)
			s.Account.Cut = time.Minute
		},
		"a look shows it": func(s *sketch) {
			seen := Task{TID: 101, PID: 100, State: "S"}
			s.Looks = []Look{{When: AtKill, At: 23, Tasks: []Task{seen}}}
		},
		"a standstill shows it": func(s *sketch) {
			seen := Task{TID: 101, PID: 100, State: "S"}
			s.Standstills = []Standstill{{Stood: Look{At: 23, Tasks: []Task{seen}}}}
		},
		"it makes a task": func(s *sketch) {
			s.Ledger = []Announcement{
				slot(100, UnknownCreator), slot(101, 0), slot(102, 0), slot(103, 1),
			}
		},
		"it executes a program": func(s *sketch) {
			s.conn = `
				2 100: exec
				10 100/0: clone 101
				20 100/0: clone 102
				23 100/102: exit 3
				24 100: exit 0
				25 100: exec
				60 100: exit 0`
			s.Ledger = []Announcement{
				slot(100, UnknownCreator), slot(101, 0), slot(102, 0), became(1),
			}
		},
		"a tracer attaches to it": func(s *sketch) {
			s.Account.Tracings = []Tracing{{PID: 100, TID: 101, Tracer: 1, At: 23}}
		},
	} {
		s := unlisted()
		change(s)
		r := s.ruled(t, "complete")
		assert.Check(t, r.Verdict == Fail && strings.Contains(r.Reason, missed), "%s: %v", name, r)
	}
	for name, look := range map[string]Look{
		"too early":  {When: AtKill, At: 21, Tasks: []Task{{TID: 101, PID: 100, State: "S"}}},
		"on its way": {When: AtKill, At: 23, Tasks: []Task{{TID: 101, PID: 100, Flags: Exiting}}},
		"a zombie":   {When: AtKill, At: 23, Tasks: []Task{{TID: 101, PID: 100, State: "Z"}}},
		"another's":  {When: AtKill, At: 23, Tasks: []Task{{TID: 101, PID: 99, State: "S"}}},
		"too late":   {When: AtKill, At: 40, Tasks: []Task{{TID: 101, PID: 100, State: "S"}}},
		"of no task": {When: AtKill, At: 23, Tasks: []Task{{TID: 999, PID: 100, State: "S"}}},
	} {
		s := unlisted()
		s.Looks = []Look{look}
		r := s.ruled(t, "complete")
		assert.Check(t, r.Verdict == Pass, "%s: %v", name, r)
	}
}

// The connector names the parent of a process that was made with CLONE_PARENT.
func TestTheLedgerSaysWhoMadeAProcess(t *testing.T) {
	s := connected(launched)()
	s.Ledger = append(s.Ledger, Announcement{State: Born, TID: 200, PID: 200, Creator: 0},
		Announcement{State: Born, TID: 201, PID: 201, Creator: 4})
	replace(&s.conn, "60 100: exit 0",
		"52 100: fork 200\n53 100: fork 201\n54 201: exit 0\n55 200: exit 0\n60 100: exit 0")
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.NilError(t, truth.asAnnounced(s.Ledger))
	assert.Equal(t, truth.path(201), event.Path("main/3/1"))
}

// The connector may tell an end when the run is over.
func TestAnEndThatIsToldAfterTheRunIsPartOfIt(t *testing.T) {
	s := whole["launched"]()
	s.Account.Cut = 45 // 102 and 100 end later
	s.Ledger = append(s.Ledger, Announcement{State: Born, TID: 200, PID: 200, Creator: 0})
	replace(&s.conn, "40 100/101", "35 100: fork 200\n40 100/101")
	s.conn += "\n70 200: exit 0\n71 100/0: clone 105"
	s.declare("main: clone main/1..2", "main: clone main/1..2, fork main/3")
	s.wants += "\nmain/3: exit 0"
	s.say("100/101: exit 0", "100: fork 200\n100/101: exit 0")
	for _, r := range s.opened(t).Rulings() { // also that the end of 200 was not reported
		assert.Check(t, r.Verdict == Pass, "%v", r)
	}
	replace(&s.conn, "70 200: exit 0", "70 200: killed SIGKILL")
	replace(&s.wants, "main/3: exit 0", "")
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	for _, l := range truth.lives {
		assert.Equal(t, l.Ended, l.TID != 200, "%s", l.Path)
	}
	assert.Equal(t, truth.root().died, s.Account.Cut)
	s.Program.State = Begun
	truth, err = s.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.lives[2].died, never)
	assert.Equal(t, truth.lives[2].Ended, false)
}

// The leader's end may be told under the id of the thread that executes.
func TestALeadersEndIsToldUnderTheOtherID(t *testing.T) {
	s := whole["executed"]()
	replace(&s.conn, "31 100: exit 0", "31 100/101: exit 0")
	for _, r := range s.opened(t).Rulings() {
		assert.Check(t, r.Verdict == Pass || r.Verdict == Unsupported, "%v", r)
	}
}

// The connector tells an exec when the task goes on from its stop there: a debugger knew it before.
func TestAnExecThatTheConnectorTellsLateAccusesNoDebugger(t *testing.T) {
	const word = "100: exec from 101"
	byPerf := executed()
	byPerf.read(word, 31)
	r := byPerf.ruled(t, "sound")
	assert.Assert(t, strings.Contains(r.Reason, "process 100 executed at 32ns"), r.Reason)
	testRule(t, "sound", whole["executed"], []variant{
		{"it is told at its stop", func(s *sketch) { s.read(word, 31) }, ""},
	})
	const due = "process 100: 1 exec, 0 reported"
	soon := func() *sketch {
		s := attached()
		s.kernelDid("40 100/101: exit ?", "30 100: exec\n40 100/101: exit ?")
		replace(&s.kernel, "30 100/103: exit ?", "29 100/103: exit ?")
		return s
	}
	r = soon().ruled(t, "complete")
	assert.Assert(t, strings.Contains(r.Reason, due), r.Reason)
	r = connected(soon)().ruled(t, "complete")
	assert.Check(t, !strings.Contains(r.Reason, due), r.Reason)
	late := connected(soon)()
	late.spread(100e6)
	late.Attach, late.Detach = took(1200e6, 2200e6), took(4500e6, 4800e6)
	late.Account.Cut = time.Minute
	r = late.ruled(t, "complete")
	assert.Check(t, strings.Contains(r.Reason, due), r.Reason)
}

func TestABirthThatTheConnectorTellsIsDueHoweverSoonItsTaskEnds(t *testing.T) {
	testRule(t, "complete", connected(attached), []variant{
		{"", func(s *sketch) {
			s.say("100/102: clone 103\n", "")
			s.say("100/103: exit 0\n", "")
		}, "task 103 (main/2/1), created by main/2, was not reported"},
	})
}

// forked is the good run where main also makes the process 200, which makes the thread 201, by
// perf and the connector. The head says nothing of their ends.
func forked() *sketch {
	s := launched()
	s.kernelDid("60 100: exit ?", `51 100: fork 200
		52 200: clone 201
		53 200/201: exit ?
		54 200: exit ?
		60 100: exit ?`)
	c := *s
	c.connected()
	s.conn = strings.ReplaceAll(c.conn, "200: exit 0", "200: exit 4")
	replace(&s.conn, "200/201: exit 0", "200/201: exit 4")
	s.Ledger = append(s.Ledger, Announcement{State: Born, TID: 200, PID: 200, Creator: 0})
	s.declare("main: clone main/1..2, exit 0", "main: clone main/1..2, fork main/3, exit 0")
	s.say("100: exit 0", "100: fork 200\n200: clone 201\n200/201: exit 4\n200: exit 4\n"+
		"200: end 4\n100: exit 0")
	return s
}

func TestTheConnectorHasTheEndsOfOtherProcesses(t *testing.T) {
	wrong := func(s *sketch) { s.say("200: end 4", "200: end 5") }
	testRule(t, "exit", forked, []variant{
		{"another", wrong, "process 200: the kernel says status 4, the debugger said 5"},
		{"the kernel's, where the head declares another", func(s *sketch) {
			s.declare("fork main/3, exit 0", "fork main/3, exit 0\nmain/3: clone main/3/1, exit 0")
		}, ""},
		{"the head's, where the kernel's is another", func(s *sketch) {
			s.declare("fork main/3, exit 0", "fork main/3, exit 0\nmain/3: clone main/3/1, exit 0")
			s.say("200: end 4", "200: end 0")
		}, "process 200: the kernel says status 4, the debugger said 0"},
		{"without the connector no status is known", func(s *sketch) { wrong(s); s.conn = "" }, ""},
		{"a task of it may have ended all of it meanwhile", func(s *sketch) {
			wrong(s)
			replace(&s.conn, "200/201: exit 4", "200/201: exit 5")
			s.say("200/201: exit 4", "200/201: exit 5")
		}, ""},
		{"a task of it may have ended all of it when the run was over", func(s *sketch) {
			wrong(s)
			s.kernel = ""
			replace(&s.conn, "53 200/201: exit 4", "")
			s.conn += "\n1001 200/201: exit 5"
			s.say("200/201: exit 4", "200/201: exit 5")
		}, ""},
	})
}

// Before Linux 6.15 the end of a program that a debugger launched is its debugger's to know, and
// the connector's.
func TestTheConnectorHasTheEndOfAProgramOfAnothersLaunch(t *testing.T) {
	old := func() *sketch {
		s := forked()
		s.Program.Status = event.Unknown
		s.declare("fork main/3, exit 0", "fork main/3")
		return s
	}
	ends := func(s *sketch) { replace(&s.conn, "60 100: exit 0", "1000 100: exit 7") }
	lives := func(s *sketch) {
		ends(s)
		s.spread(1e6) // 102, which ended with 3, did so long before
		s.kernel, s.Account.Cut = "", 10*time.Second
		s.Ledger = append(s.Ledger, Announcement{State: Born, TID: 201, PID: 200, Creator: 4})
		s.Program.Gate = 5e6
	}
	testRule(t, "transparent", old, []variant{
		{"it is another", lives, "the program ended with 7, and without a debugger it ends with 0"},
		{"it lives on", func(s *sketch) { lives(s); s.Program.State = Begun }, ""},
	})
}

// The ledger's word on a creator is not the connector's.
func TestAnAnnouncementByAnotherTaskIsAFaultBesideTheConnectorToo(t *testing.T) {
	s := connected(launched)()
	s.Ledger[1].Creator = 2 // 102, when main alone can have made it
	s.Ledger[1], s.Ledger[2] = s.Ledger[2], s.Ledger[1]
	s.Ledger[2].Creator, s.Ledger[3].Creator = 1, 1
	assert.ErrorContains(t, Open(s.evidence(t)).Fault(),
		"task 101 announced itself as a child of task 102, and the kernel has it as main/1")
}

package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// broke has the debugger fail in a step, and tell no more than this.
func broke(s *sketch, said string) {
	s.Progress = Progress{
		State: Failed, Step: "the debugger's stop", By: ByDebugger, Reason: "it crashed",
	}
	s.said = said
}

// A debugger that failed is held to what it cannot have been about to tell.
func TestAFailureHidesNoTaskThatWasMissedBefore(t *testing.T) {
	const missed = ", was not reported"
	until := func(said string) func(*sketch) { return func(s *sketch) { broke(s, said) } }
	testRule(t, "complete", launched, []variant{
		{"all was told", until("100: clone 101\n100: clone 102"), ""},
		{"the next was about to be", until("100: clone 101"), ""},
		{
			"its death was told", until("100: clone 101\n100/102: exit 3"),
			"task 102 (main/2), created by main" + missed,
		},
		{
			"its child's birth was", until("100: clone 101\n100/102: clone 103"),
			"task 102 (main/2), created by main" + missed,
		},
		{"its child's birth was, without a creator", func(s *sketch) {
			broke(s, "100: clone 101\n100/102: clone 103")
			s.withhold(Creators)
			s.say("100/102: clone 103", "0: clone 103")
		}, "task 102 (main/2), created by main" + missed},
		{"it was over before another birth", func(s *sketch) {
			s.kernelDid("30 100/103: exit ?", "21 100/103: exit ?")
			s.kernelDid("25 100/102: clone 103", "20 100/102: clone 103")
			s.kernelDid("40 100/101: exit ?", "35 100: clone 104\n40 100/101: exit ?")
			broke(s, "100: clone 101\n100: clone 102\n100: clone 104")
		}, "task 103 (main/2/1), created by main/2" + missed},
		{
			"the end of the process was told", until("100: clone 101\n100: end 0"),
			"task 103 (main/2/1), created by main/2" + missed,
		},
		{
			"it was, and then a task's", until("100: clone 101\n100: end 0\n100/101: exit 0"),
			"task 103 (main/2/1), created by main/2" + missed,
		},
		{"the debugger had told all, and did not end", func(s *sketch) {
			s.said = "100: clone 101\n100: clone 102"
			s.End = End{Unending, "it lives on"}
		}, "task 103 (main/2/1), created by main/2" + missed},
	})
	stood := func() *sketch {
		s := stoppedOnce()
		s.stop().Stood.At = 28
		return s
	}
	testRule(t, "complete", stood, []variant{
		{
			"it stood at a stop", until("100: clone 101"),
			"task 102 (main/2), created by main" + missed,
		},
		{"it did not live yet", func(s *sketch) {
			s.stop().Stood.At = 15
			broke(s, "100: clone 101")
		}, ""},
	})
	testRule(t, "complete", attached, []variant{
		{"its child was listed", func(s *sketch) {
			broke(s, "100: attach\n100/101: attach\n100: ready\n100/103: attach")
		}, ""},
	})
	s := launched()
	broke(s, "")
	assert.Equal(t, s.ruled(t, "complete").Verdict, Untested)
}

// What an attach finds is due when it is complete, and not by what earlier attaches found.
func TestAnAttachThatFailsOwesNothingYet(t *testing.T) {
	again := func(lasting Interval) *sketch {
		s := attached()
		s.Mode, s.Attach, s.Detach = fixtures.AttachAgain, lasting, notAsked
		s.offer(Stop, Threads)
		s.Standstills = stoppedOnce().Standstills
		s.stop().Stood.At, s.stop().Where = 11, "at attach 1"
		broke(s, "100: attach\n100/102: clone 103\n100/103: exit 0")
		return s
	}
	for _, lasting := range []Interval{notAsked, {State: Asked, Asked: 12}} {
		got := again(lasting).ruled(t, "complete")
		assert.Equal(t, got.Verdict, Untested, got.Reason)
	}
	got := again(took(12, 22)).ruled(t, "complete")
	assert.Equal(t, got.Verdict, Fail)
	assert.Equal(t, got.Reason, "task 102 (main/3), created by main, was not reported")
}

func TestAFailureLeavesDeathsAndExecsUnjudgedThatWereNotDueYet(t *testing.T) {
	const births = "100: clone 101\n100: clone 102\n100/102: clone 103\n"
	until := func(said string) func(*sketch) { return func(s *sketch) { broke(s, births+said) } }
	testRule(t, "exit", launched, []variant{
		{"one was told", until("100/102: exit 3"), ""},
		{"with a wrong status", until("100/102: exit 4"), "status 3, the debugger said 4"},
		{"the process is over", until("100: end 0"), "task 102 (main/2) ended"},
	})
	testRule(t, "complete", executed, []variant{
		{"an exec may come", func(s *sketch) { broke(s, "100: clone 101") }, ""},
		{"the process is over", func(s *sketch) {
			broke(s, "100: clone 101\n100: end 0")
		}, "exec, 0 reported"},
	})
}

// Each attach of many is held to what it says, and evidence from before they were kept to the last.
func TestEachAttachOfManyIsJudged(t *testing.T) {
	again := func() *sketch {
		s := attached()
		s.Mode = fixtures.AttachAgain
		for range 3 {
			trace, err := event.ParseTrace("100: attach\n100/101: attach\n100: ready")
			assert.NilError(t, err)
			var words Words
			for _, e := range trace {
				words = append(words, Word{Event: e})
			}
			s.Rounds = append(s.Rounds, Round{Words: words, End: End{State: Ended}})
		}
		return s
	}
	testRule(t, "sound", again, []variant{
		{
			"one names a task that never was", func(s *sketch) { s.Rounds[1].Words[1].TID = 999 },
			`reported at attach 2: task 999 of process 100 was attached to; the kernel created ` +
				`no task 999`,
		},
		{"none was kept", func(s *sketch) { s.Rounds = nil }, ""},
	})
	testRule(t, "session", again, []variant{
		{
			"one ends in disorder",
			func(s *sketch) { s.Rounds[2].End = End{EndFailed, "it crashed"} },
			"the debugger failed: its end at attach 3: it crashed",
		},
		{"none was kept", func(s *sketch) { s.Rounds = nil }, ""},
	})
	s := again()
	s.Rounds[2].End = End{EndFailed, "it crashed"}
	broke(s, s.said)
	assert.Equal(t, len(s.ruled(t, "session").Violations), 1, "it failed once")
}

// A pass says by what it was judged, and by which account of what was true.
func TestAPassSaysHow(t *testing.T) {
	const perf, ledger = "; accounts: perf and the ledger", "; account: the ledger alone"
	listed := stoppedOnce()
	listed.Debugger.Abilities, listed.said = Abilities{Stop, Threads}, "100: ready"
	refused := alone()
	refused.Progress, refused.Program.Alone = Progress{State: Done}, false
	refused.Attach = Interval{State: Refused, Asked: 12, Reason: "it is traced"}
	unwitnessed := launched()
	unwitnessed.withoutAccount()
	for _, c := range []struct {
		s          *sketch
		rule, want string
	}{
		{launched(), "complete", "by births and attaches" + perf},
		{unwitnessed, "complete", "by births and attaches" + ledger},
		{listed, "complete", "by its lists of threads, since it tells no births"},
		{orphaned(), "complete", "by /proc, when it was killed"},
		{stoppedOnce(), "snapshot", "by lists, against /proc"},
		{launched(), "session", "by its answers and its end"},
		{
			refused, "session",
			"it refused, since another tracer has a part of the program: it is traced",
		},
	} {
		got := c.s.ruled(t, c.rule)
		assert.Check(t, got.Verdict == Pass && got.Reason == c.want, "%s: %v", c.rule, got)
	}
	const byTruth = "complete sound once parent order exit transparent"
	for _, r := range launched().opened(t).Rulings() {
		assert.Check(t, r.Reason != "", "%s says nothing", r.Rule)
		namesAccounts := slices.Contains(strings.Fields(byTruth), r.Rule)
		assert.Check(t, strings.HasSuffix(r.Reason, perf) == namesAccounts, "%v", r)
	}
}

// Without the kernel's account a task that was held at its birth has not announced itself.
func TestAFailureWithoutAnAccountLeavesSoundUnjudged(t *testing.T) {
	s := launched()
	s.withoutAccount()
	broke(s, "100: clone 999")
	assert.Equal(t, s.ruled(t, "sound").Verdict, Untested)
	s = launched()
	broke(s, "100: clone 999")
	assert.Equal(t, s.ruled(t, "sound").Verdict, Fail)
}

func TestTheWorstOfSeveralRunsStands(t *testing.T) {
	for _, c := range []struct {
		tally  Tally
		worst  Verdict
		others string
	}{
		{nil, "", ""},
		{Tally{Pass: 3, Fail: 0}, Pass, ""},
		{Tally{Pass: 1, Untested: 99}, Pass, "99 UNTESTED"},
		{Tally{Pass: 9, Unsupported: 1}, Pass, "1 UNSUPPORTED"},
		{
			Tally{Fail: 1, Pass: 2, Unsupported: 3, Unresolved: 4},
			Fail,
			"3 UNSUPPORTED, 2 PASS, 4 UNRESOLVED",
		},
	} {
		assert.Equal(t, c.tally.Worst(), c.worst)
		assert.Equal(t, c.tally.Others(), c.others)
	}
}

func TestAControlAllowsTheModesWhoseCheckpointsItCameTo(t *testing.T) {
	for _, c := range []struct {
		mode         fixtures.Mode
		reached, led int
		want         string
	}{
		{fixtures.Launch, 0, 0, ""},
		{
			fixtures.Killed, 1, 1, "the mode killed needs checkpoint 2, and without a debugger " +
				"the program came no further than 1",
		},
		{fixtures.Killed, 2, 1, ""},
		{
			fixtures.Stepped, 2, 1, "the mode stepped needs main at checkpoint 2, and without a " +
				"debugger it ended on the way",
		},
		{fixtures.Stepped, 2, 2, ""},
	} {
		err := Control{Reached: c.reached, Led: c.led}.Allows(c.mode)
		if c.want == "" {
			assert.NilError(t, err)
		} else {
			assert.Error(t, err, c.want)
		}
	}
}

package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// vforked is a program whose first process makes another by vfork(2), and then one by fork(2).
func vforked() *sketch {
	s := launched()
	s.kernel = `
		2 100: exec
		10 100: fork 200
		20 200: exit ?
		30 100: fork 201
		40 201: exit ?
		60 100: exit ?`
	s.wants = `
		main: vfork main/1, vforkdone, fork main/2, exit 0
		main/1..2: exit 3`
	process := func(pid event.TID) Announcement {
		return Announcement{State: Born, TID: pid, PID: pid, Creator: 0}
	}
	s.Ledger = []Announcement{slot(100, UnknownCreator), process(200), process(201)}
	s.said = `
		100: ready
		100: vfork 200
		200: exit 3
		200: end 3
		100: vforkdone
		100: fork 201
		201: exit 3
		201: end 3
		100: exit 0
		100: end 0`
	s.Control.Lines, s.Program.Lines = nil, nil
	return s
}

func TestAVforkIsNoForkAndAForkNoVfork(t *testing.T) {
	asFork := func(s *sketch) { s.say("vfork 200", "fork 200") }
	asVfork := func(s *sketch) { s.say("fork 201", "vfork 201") }
	testRule(t, "sound", vforked, []variant{
		{"a vfork as a fork", asFork, `reported: task 100 created process 200; it was a vfork`},
		{"a vfork as a fork, by a debugger that does not tell them apart", func(s *sketch) {
			s.withhold(Vforks)
			asFork(s)
		}, ""},
		{"a fork as a vfork", asVfork, `reported: task 100 created process 201 by vfork; it was ` +
			`a fork`},
		{"a fork as a vfork, whatever is offered", func(s *sketch) {
			s.withhold(Vforks)
			asVfork(s)
		}, `reported: task 100 created process 201 by vfork; it was a fork`},
		{"without an account", func(s *sketch) {
			s.withoutAccount()
			asFork(s)
		}, "it was a vfork"},
		{"a head that leaves it open", func(s *sketch) {
			s.declare("vfork main/1, vforkdone, fork main/2, ", "")
			asFork(s)
			asVfork(s)
		}, ""},
		{
			"a vfork as a thread", func(s *sketch) { s.say("vfork 200", "clone 200") },
			`reported: task 100 created thread 200; it was a fork`,
		},
	})
}

func inventVforkDone(s *sketch) { s.say("200: exit 3", "200: vforkdone\n200: exit 3") }

func TestTheEndOfAVforkIsToldOnce(t *testing.T) {
	testRule(t, "complete", vforked, []variant{
		{
			"left out", func(s *sketch) { s.say("100: vforkdone\n", "") },
			"task 100 (main): 1 vforks came to their end, 0 reported (vforkdone)",
		},
		{"left out by a debugger that does not tell it", func(s *sketch) {
			s.withhold(Vforks)
			s.say("100: vforkdone\n", "")
		}, ""},
		{"the head leaves it open", func(s *sketch) {
			s.declare(" vforkdone,", "")
			s.say("100: vforkdone\n", "")
		}, ""},
		{"the head states that of the first of two", func(s *sketch) {
			s.declare("fork main/2, exit 0", "vfork main/2, exit 0")
			s.say("fork 201", "vfork 201")
		}, ""},
		{"left out, of a child that was listed", func(s *sketch) {
			s.say("100: vforkdone\n", "")
			s.say("100: vfork 200", "200: attach")
		}, ""},
		{"left out once it was let go", func(s *sketch) {
			s.say("100: vforkdone\n", "")
			s.Detach = took(50, 51)
		}, ""},
		{"left out where its program lives on", func(s *sketch) {
			s.say("100: vforkdone\n", "")
			s.Program.State = Begun
		}, ""},
		{"left out where a step timed out", func(s *sketch) {
			s.say("100: vforkdone\n", "")
			s.Progress = Progress{State: TimedOut, Step: "its end", By: ByDebugger}
		}, ""},
		{"left out by a debugger that crashed at its end", func(s *sketch) {
			s.say("100: vforkdone\n", "")
			s.fail("it crashed")
		}, ""},
	})
	testRule(t, "once", vforked, []variant{
		{
			"twice", func(s *sketch) {
				s.say("100: vforkdone\n", "100: vforkdone\n100: vforkdone\n")
			},
			"task 100 (main): 1 vforks, the end of one was reported 2 times",
		},
		{"twice, and the head states the vfork alone", func(s *sketch) {
			s.declare(" vforkdone,", "")
			s.say("100: vforkdone\n", "100: vforkdone\n100: vforkdone\n")
		}, "task 100 (main): 1 vforks, the end of one was reported 2 times"},
		{"by a task that made no process, which sound accuses", inventVforkDone, ""},
	})
	early := func(s *sketch) {
		s.say("100: vforkdone\n", "")
		s.say("100: vfork 200", "100: vforkdone\n100: vfork 200")
	}
	testRule(t, "order", vforked, []variant{
		{"before its vfork", early, `task 100 went on after its vfork: this was reported before ` +
			`the vfork that it ends`},
		{"before its vfork, by a creator that is not told", func(s *sketch) {
			early(s)
			s.say("100: vfork 200", "100/0: vfork 200")
		}, ""},
		{"before the second of two vforks", func(s *sketch) {
			s.declare("fork main/2, exit 0", "vfork main/2, vforkdone, exit 0")
			s.say("fork 201", "vfork 201")
			s.say("201: end 3", "201: end 3\n100: vforkdone")
		}, ""},
		{"twice, which once accuses", func(s *sketch) {
			s.say("100: vforkdone\n", "100: vforkdone\n100: vforkdone\n")
		}, ""},
	})
	const never = `reported: task 200 went on after its vfork; task 200 (main/1) made no ` +
		`process by vfork`
	testRule(t, "sound", vforked, []variant{
		{"that never was", inventVforkDone, never},
		{"that never was, of a debugger that offers none", func(s *sketch) {
			s.withhold(Vforks)
			inventVforkDone(s)
		}, never},
		{"of a task that never was", func(s *sketch) {
			s.say("200: exit 3", "999: vforkdone\n200: exit 3")
		}, "the kernel created no task 999"},
		{"of a task that forks", func(s *sketch) {
			s.declare("vfork main/1, vforkdone", "fork main/1")
			s.say("vfork 200", "fork 200")
		}, `reported: task 100 went on after its vfork; task 100 (main) made no process by vfork`},
	})
}

// signalled is the launched program, in which 101 sends itself a signal and 102 gets two.
func signalled() *sketch {
	s := launched()
	s.Ledger[1].Sent, s.Ledger[1].Handled = 1, 1
	s.Ledger[2].Sent, s.Ledger[2].Handled = 2, 2
	s.say("100/103: exit 0", `100/101: signal SIGUSR1
		100/102: signal SIGUSR1
		100/102: signal SIGRTMIN
		100/103: exit 0`)
	return s
}

func TestSignalsAreThoseThatTheLedgerCounts(t *testing.T) {
	const first = "100/101: signal SIGUSR1\n"
	testRule(t, "complete", signalled, []variant{
		{
			"left out", func(s *sketch) { s.say(first, "") },
			"task 101 (main/1): 1 signal delivered, 0 reported",
		},
		{"told of another task", func(s *sketch) {
			s.say(first, "100/103: signal SIGUSR1\n")
		}, "task 101 (main/1): 1 signal delivered, 0 reported"},
		{"left out by a debugger that tells none", func(s *sketch) {
			s.withhold(Signals)
			s.say(first, "")
		}, ""},
		{"sent and not delivered", func(s *sketch) { // which transparent accuses
			s.Ledger[1].Handled = 0
			s.say(first, "")
		}, ""},
		{"sent and not delivered, where the head states it", func(s *sketch) {
			s.declare("main/1: exit 0", "main/1: signal SIGUSR1, exit 0")
			s.Ledger[1].Handled = 0
			s.say(first, "")
		}, ""},
		{"left out where it was let go", func(s *sketch) {
			s.say(first, "")
			s.Detach = took(900, 901)
		}, ""},
		{"left out at an attach that may have come after it", func(s *sketch) {
			s.Mode, s.Attach = fixtures.AttachDuring, took(1, 2)
			s.say("100: ready", "100: attach\n100: ready")
			s.say(first, "")
		}, ""},
	})
	testRule(t, "sound", signalled, []variant{
		{
			"of a task that got none", func(s *sketch) {
				s.say(first, first+"100/103: signal SIGUSR1\n")
			},
			`reported: task 103 of process 100 got SIGUSR1; no signal was sent to task 103 ` +
				`(main/2/1)`,
		},
		{"of a task that is not named, beside a task that never came", func(s *sketch) {
			s.Ledger = append(s.Ledger, torn)
			s.say(first, first+"100/0: signal SIGUSR1\n")
		}, ""},
		{"of a task of unknown birth, by the ledger alone", func(s *sketch) {
			s.withoutAccount()
			s.Ledger = append(s.Ledger, slot(104, UnknownCreator))
			s.Ledger[4].Sent, s.Ledger[4].Handled = 1, 1
			s.before = []Task{{TID: 104, PID: 100}}
			s.say(first, first+"100/104: signal SIGUSR1\n")
		}, ""},
		{"a child's end, which no task sends", func(s *sketch) {
			s.say(first, first+"100/103: signal SIGCHLD\n")
		}, ""},
		{"a runtime's own, beside those that the head states", func(s *sketch) {
			s.declare("main/1: exit 0", "main/1: signal SIGUSR1, exit 0")
			s.say(first, first+"100/101: signal SIGURG\n")
		}, ""},
		{"another signal than the head's", func(s *sketch) {
			s.declare("main/1: exit 0", "main/1: signal SIGUSR2, exit 0")
		}, `reported: task 101 of process 100 got SIGUSR1; its head says "main/1: signal ` +
			`SIGUSR2, exit 0"`},
		{"the head's signal", func(s *sketch) {
			s.declare("main/1: exit 0", "main/1: signal SIGUSR1, exit 0")
		}, ""},
	})
	testRule(t, "once", signalled, []variant{
		{
			"told twice", func(s *sketch) { s.say(first, first+first) },
			"task 101 (main/1): 1 signal sent, 2 reported",
		},
		{"sent, and not handled yet", func(s *sketch) { s.Ledger[1].Handled = 0 }, ""},
		{"told twice at an attach", func(s *sketch) {
			s.Mode, s.Attach = fixtures.AttachDuring, took(22, 30)
			s.say("100: ready", "100: attach\n100: ready")
			s.say(first, first+first)
			s.read("100/101: signal SIGUSR1", 30)
		}, ""},
		{"told twice after an attach", func(s *sketch) {
			s.Mode, s.Attach = fixtures.AttachDuring, took(22, 30)
			s.say("100: ready", "100: attach\n100: ready")
			s.say(first, first+first)
			s.read("100/101: signal SIGUSR1", 31)
		}, "task 101 (main/1): 1 signal sent, 2 reported"},
		{"of a task that got none, which sound accuses", func(s *sketch) {
			s.say(first, first+"100/103: signal SIGUSR1\n")
		}, ""},
	})
}

func TestSignalsAreThoseOfTheHeadIfTheLedgerCountsNone(t *testing.T) {
	head := func(s *sketch) { s.declare("main/1: exit 0", "main/1: signal SIGSEGV, exit 0") }
	told := func(s *sketch) { s.say("100/103: exit 0", "100/101: signal SIGSEGV\n100/103: exit 0") }
	testRule(t, "complete", launched, []variant{
		{"left out", head, "task 101 (main/1): 1 signal delivered, 0 reported"},
		{"left out, of an id that two tasks had", func(s *sketch) {
			reuse("100: clone 101")(s)
			head(s)
		}, ""},
		{"told", func(s *sketch) {
			head(s)
			told(s)
		}, ""},
	})
	testRule(t, "sound", launched, []variant{
		{"and a head that leaves them open", told, ""},
	})
}

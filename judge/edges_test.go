package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
)

// What happens at the very time at which an interval begins or is complete. Where it is not known
// which came first, the debugger is not accused.

func TestAnAttachsEdgesAreNotHeldAgainstTheDebugger(t *testing.T) {
	const notListed = "lived at the attach and was not listed"
	endsAtTheEnd := func(s *sketch) { s.kernelDid("17 100/104: exit ?", "22 100/104: exit ?") }
	// A process that main makes at some time, and of which the debugger says nothing.
	forked := func(at string) func(*sketch) {
		return func(s *sketch) {
			s.kernelDid("15 100: clone 104", at+" 100: fork 200\n15 100: clone 104")
			s.kernelDid("40 100/101: exit ?", "31 200: exit ?\n40 100/101: exit ?")
		}
	}
	testRule(t, "complete", attached, []variant{
		{"a task ends when it is complete", endsAtTheEnd, ""},
		{"a task is born when it is asked for", func(s *sketch) {
			s.Attach = took(10, 22)
			s.say("100/101: attach\n", "")
		}, "task 101 (main/1) " + notListed},
		{"a process is", forked("12"), ""},
		{"a process is inside it", forked("13"), ""},
		{"a process is when it is complete", func(s *sketch) {
			s.kernelDid("25 100/102: clone 103", "22 100: fork 200\n25 100/102: clone 103")
			s.kernelDid("40 100/101: exit ?", "31 200: exit ?\n40 100/101: exit ?")
		}, "task 200 (main/4), created by main, was not reported"},
	})
	testRule(t, "exit", attached, []variant{
		{"a task ends when it is complete", endsAtTheEnd, ""},
		{"another's id was free again when it was asked for", func(s *sketch) {
			s.wants = `
				main: clone main/1..6, exit 0
				main/1..2: exit 0
				main/3: exit 7
				main/4: exit 0
				main/5: clone main/5/1, exit 3
				main/5/1: exit 0
				main/6: exit 0`
			s.kernelDid("10 100: clone 101", "6 100: clone 103\n10 100: clone 101\n"+
				"12 100/103: exit ?\n13 100: clone 103\n14 100/103: exit ?")
			s.say("100: ready", "100/103: attach\n100/103: exit 7\n100: ready")
		}, ""},
	})
	untraced := func() *sketch {
		s := launched()
		bornUntraced(s)
		s.Mode, s.Attach = fixtures.AttachBefore, took(20, 28)
		s.say("100: ready", "100: attach\n100/101: attach\n100: ready")
		s.say("100: clone 101\n", "")
		return s
	}
	testRule(t, "complete", untraced, nil)
}

func TestADetachsEdgesAreNotHeldAgainstTheDebugger(t *testing.T) {
	testRule(t, "complete", attached, []variant{
		{"a task is born when it is asked for", func(s *sketch) {
			s.kernelDid("55 100: clone 105\n", "")
			s.kernelDid("50 100/102: exit ?", "45 100: clone 105\n50 100/102: exit ?")
		}, ""},
	})
	testRule(t, "exit", attached, []variant{
		{"a task ends when it is asked for", func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", "45 100/101: exit ?")
			s.say("100/101: exit 0", "")
		}, ""},
	})
	testRule(t, "complete", executed, []variant{
		{"a task executes when it is asked for", func(s *sketch) {
			secondExec(s)
			s.Detach = took(55, 56)
		}, ""},
		{"a task executes before", func(s *sketch) {
			secondExec(s)
			s.Detach = took(56, 57)
		}, "process 100: 2 execs, 1 reported"},
	})
}

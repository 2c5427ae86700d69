package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
)

func TestADeathBeforeTheDetachIsDueOnceTheTaskIsReaped(t *testing.T) {
	const missing = "task 101 (main/1) ended, and its end was not reported"
	shows := func(state string, tracer event.TID) func(*sketch) {
		return func(s *sketch) {
			s.say("100/101: exit 0", "")
			s.held = []Task{{TID: 100, State: "S (sleeping)"}}
			if state != "" {
				s.held = append(s.held, Task{TID: 101, State: state, Tracer: tracer})
			}
		}
	}
	testRule(t, "exit", attached, []variant{
		{"it is not there any more", shows("", 0), missing},
		{"it is a zombie that waits for the tracer", shows("Z (zombie)", 9), ""},
		{"it is one that waits for its parent", shows("Z (zombie)", 0), missing},
		{"it is on its way out", shows("R (running)", 9), ""},
		{"it is on its way out, and has no tracer any more", shows("R (running)", 0), ""},
		{"it ended after the look", func(s *sketch) {
			shows("", 0)(s)
			s.kernelDid("40 100/101: exit ?", "44 100/101: exit ?")
		}, ""},
	})
}

func TestABirthBeforeTheDetachIsDueOnceItsTasksGoOn(t *testing.T) {
	const missing = "task 103 (main/3/1), created by main/3, was not reported"
	shows := func(newborn, creator string) func(*sketch) {
		return func(s *sketch) {
			s.kernelDid("30 100/103: exit ?", "50 100/103: exit ?")
			s.say("100/102: clone 103\n		100/103: exit 0", "")
			s.held = []Task{
				{TID: 100, State: "S (sleeping)", Tracer: 9},
				{TID: 102, State: creator, Tracer: 9},
				{TID: 103, State: newborn, Tracer: 9},
			}
		}
	}
	const runs, stands = "S (sleeping)", "t (tracing stop)"
	testRule(t, "complete", attached, []variant{
		{"both go on", shows(runs, runs), missing},
		{"the newborn stands", shows(stands, runs), ""},
		{"its creator stands", shows(runs, stands), ""},
		{"its creator stands, and has made another since", func(s *sketch) {
			shows(runs, stands)(s)
			s.kernelDid("40 100/101: exit ?", "35 100/102: clone 104\n40 100/101: exit ?")
		}, missing},
		{"its creator stands, and another task has made one since", func(s *sketch) {
			shows(runs, stands)(s)
			s.kernelDid("40 100/101: exit ?", "35 100: clone 104\n40 100/101: exit ?")
			s.say("100/101: exit 0", "100: clone 104\n100/101: exit 0")
		}, ""},
		{"its creator stands, and makes another after the look", func(s *sketch) {
			shows(runs, stands)(s)
			s.kernelDid("50 100/103: exit ?", "44 100/102: clone 104\n50 100/103: exit ?")
		}, ""},
		{"it was born after the look", func(s *sketch) {
			shows(runs, runs)(s)
			s.kernelDid("25 100/102: clone 103", "44 100/102: clone 103")
		}, ""},
		{"the newborn is stopped, and not traced", func(s *sketch) {
			shows(runs, runs)(s)
			s.held[2] = Task{TID: 103, State: "T (stopped)"}
		}, missing},
	})
}

func TestAnExecBeforeTheDetachIsDueOnceItsTaskGoesOn(t *testing.T) {
	shows := func(state string) func(*sketch) {
		return func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", "40 100/101: exit ?\n41 100: exec")
			s.held = []Task{{TID: 100, State: state, Tracer: 9}}
		}
	}
	testRule(t, "complete", attached, []variant{
		{"it goes on", shows("S (sleeping)"), "process 100: 1 exec, 0 reported"},
		{"it stands", shows("t (tracing stop)"), ""},
		{"the connector has it after the detach", func(s *sketch) {
			shows("S (sleeping)")(s)
			s.besides("41 100: exec", "47 100: exec")
		}, ""},
	})
}

package harness

import "testing"

func TestExitAccusesOfDeathsAndTheirStatuses(t *testing.T) {
	testRule(t, "exit", launched, []broken{
		{"a thread's death is missing", func(s *sketch) { s.say("100/103: exit 0\n", "") }, "task 103 (main/2/1) ended and it was not reported"},
		{"main's death is missing", func(s *sketch) { s.say("100: exit 0\n", "") }, "task 100 (main) ended and it was not reported"},
		{"a thread's status", func(s *sketch) { s.say("100/102: exit 3", "100/102: exit 4") }, "task 102 (main/2) ended with 3, reported was 4"},
		{"a signal for a status", func(s *sketch) { s.say("100/102: exit 3", "100/102: killed SIGKILL") }, "task 102 (main/2) ended with 3, reported was SIGKILL"},
		{"the process's status, where the thread was waited for when that ended", func(s *sketch) {
			s.say("100/102: exit 3\n", "")
			s.say("100: exit 0", "100/102: exit 0\n100: exit 0")
		}, ""},
		{"the process's status, and the process goes on", func(s *sketch) {
			s.say("100/102: exit 3", "100/102: exit 0\n100: signal SIGHUP")
		}, "task 102 (main/2) ended with 3, reported was 0"},
		{"a status that it does not know", func(s *sketch) { s.say("100/102: exit 3", "100/102: exit ?") }, ""},
		{"the process's status", func(s *sketch) { s.say("100: end 0", "100: end 5") }, "process 100 ended with 0, reported was 5"},
		{"the process's end, told without a tid", func(s *sketch) { s.say("100: end 0", "100/0: end 0") }, ""},
		{"a death after the process's end, told without a pid", func(s *sketch) { s.say("100: exit 0\n			100: end 0", "100: end 0\n0/100: exit 0") }, `"0/100: exit 0" came after the end of process 100`},
		{"the process's end is missing", func(s *sketch) { s.say("100: end 0", "") }, "process 100 ended and it was not reported"},
		{"a death after the process's end", func(s *sketch) {
			s.say("100/102: exit 3\n", "")
			s.say("100: end 0", "100: end 0\n100/102: exit 3")
		}, `"100/102: exit 3" came after the end of process 100`},
		{"a second end", func(s *sketch) { s.say("100: end 0", "100: end 0\n100: end 0") }, `"100: end 0" came after the end of process 100`},
		{"only the first death of two counts", func(s *sketch) { s.say("100/103: exit 0", "100/103: exit 0\n100/103: exit 1") }, ""},
		{"the second life's death is missing", func(s *sketch) {
			reuse("100: clone 101")(s)
			s.say("100/101: exit 4\n", "")
		}, "task 101 (main/3) ended and it was not reported"},
		{"one that the end of the run killed", func(s *sketch) {
			s.kernelDid("30 100/103: exit ?", "2000 100/103: exit ?")
			s.kernelDid("60 100: exit ?", "60 100: exit ?\n2000 100/999: exit ?")
			s.say("100/103: exit 0\n", "")
		}, ""},
	})
}

func TestExitJudgesNoDeathAfterTheDetach(t *testing.T) {
	testRule(t, "exit", attached, []broken{
		{"a death before it", func(s *sketch) { s.say("100/101: exit 0", "") }, "task 101 (main/1) ended and it was not reported"},
		{"that of one born inside the attach, just after it", func(s *sketch) { s.kernelDid("17 100/104: exit ?", "23 100/104: exit ?") }, "task 104 (main/2) ended and it was not reported"},
		{"a death after it is told", func(s *sketch) { s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 3") }, ""},
		{"with a wrong status", func(s *sketch) { s.say("100/101: exit 0", "100/101: exit 0\n100/102: exit 4") }, "task 102 (main/3) ended with 3, reported was 4"},
	})
}

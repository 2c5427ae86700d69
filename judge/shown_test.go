package judge

import (
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// What people are shown of a run.

func TestTheDebuggersFormHasTheTasksThatItTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string
	}{
		{"all", func(*sketch) {}, "main: clone main/1, clone main/2, exit 0\nmain/1: exit 0\n" +
			"main/2: clone main/2/1, exit 3\nmain/2/1: exit 0"},
		{"an attach alone", func(s *sketch) { s.said = "100/101: attach" }, "main/1:"},
		{"a task that never was", func(s *sketch) {
			s.said = "100: clone 999\n100/999: exit 1"
		}, "unknown 999: exit 1\nmain: clone unknown 999"},
		{"a process's end that differs from its leader's", func(s *sketch) {
			s.said = "100: exit 0\n100: end 3"
		}, "main: exit 0, end 3"},
		{"a process's end that is its leader's", func(s *sketch) {
			s.said = "100: exit 0\n100: end 0"
		}, "main: exit 0"},
		{"only an end", func(s *sketch) { s.said = "100: end 0" }, "main: end 0"},
	} {
		s := launched()
		c.change(s)
		got := s.opened(t).Form().String()
		assert.Check(t, got == c.want, "%s: got %s, want %s", c.name, got, c.want)
	}
}

func TestTheTasksMadeAndTold(t *testing.T) {
	s := launched()
	s.say("100: clone 102\n", "")
	s.say("100/102: clone 103", "100: clone 999")
	s.say("100: ready", "100: ready\n100/101: attach")
	made, told := s.opened(t).TIDs()
	assert.DeepEqual(t, made, map[event.TID]bool{100: true, 101: true, 102: true, 103: true})
	assert.DeepEqual(t, told, map[event.TID]bool{100: true, 101: true, 999: true})
	line, _ := s.opened(t).Expected().Line("main/2/1")
	assert.Equal(t, line.String(), "main/2/1: exit 0")
}

func TestWordsAndTruthAreShownWithBirthPaths(t *testing.T) {
	s := launched()
	s.said = "100: clone 101\n100/101: exit 3\n100: clone 999"
	s.kernel = "2 100: exec\n1000 100: clone 101\n2000 100/101: exit ?"
	s.Account.Cut = time.Second
	s.Ledger = s.Ledger[:2]
	assert.Equal(t, s.opened(t).ShowWords(),
		`{"kind":"clone","pid":100,"tid":100,"child":101,"path":"main","child_path":"main/1"}
{"kind":"exit","pid":100,"tid":101,"status":3,"path":"main/1"}
{"kind":"clone","pid":100,"tid":100,"child":999,"path":"main"}
`)
	assert.Equal(t, s.opened(t).ShowTruth(), `main: clone main/1
main/1: exit ?

main: task 100 of process 100, born at 0.000000 s, lived on, status 0
main/1: task 101 of process 100, born at 0.000001 s, ended at 0.000002 s, status 0
`)
}

func TestARunIsShownAsData(t *testing.T) {
	c := vforked().opened(t)
	assert.Equal(t, c.HasTimes(), true)
	lives := c.Lives()
	assert.Equal(t, len(lives), 3)
	assert.Equal(t, lives[1].Path, event.Path("main/1"))
	assert.Equal(t, lives[1].Kind, event.VFork, "the kernel's account has it as a fork")
	assert.Equal(t, lives[2].Kind, event.Fork)
	assert.Equal(t, lives[1].Born, 10*time.Nanosecond)
	assert.Equal(t, lives[1].Died, 20*time.Nanosecond)
	assert.Equal(t, lives[1].Status, event.Exited(3))

	s := launched()
	s.kernelDid("60 100: exit ?", "")
	hung(s)
	assert.Assert(t, s.opened(t).Lives()[0].Died < 0, "it lived on")
	s = launched()
	s.withoutAccount()
	assert.Equal(t, s.opened(t).HasTimes(), false)
	s = launched()
	hung(s)
	s.Ledger = nil
	never := s.opened(t)
	assert.Equal(t, never.HasTimes(), false)
	assert.Equal(t, len(never.Lives())+len(never.Execs()), 0)
	assert.Assert(t, never.Told()[1].Self == nil)
}

func TestExecsAreShownInTheOrderOfTheirTimes(t *testing.T) {
	s := vforked()
	s.kernelDid("20 200: exit ?", "15 200: exec\n20 200: exit ?\n25 100: exec")
	var got []string
	for _, x := range s.opened(t).Execs() {
		got = append(got, x.At.String()+" "+x.String())
	}
	assert.DeepEqual(t, got, []string{"15ns 200: exec", "25ns 100: exec"})
}

func TestWordsAreShownWithTheirTasks(t *testing.T) {
	s := launched()
	s.say("100: clone 102", "100: clone 101\n100/999: clone 102")
	told := s.opened(t).Told()
	assert.Equal(t, len(told), len(s.evidence(t).Words))
	first, again, unknown := told[1], told[2], told[3]
	assert.Equal(t, first.Self.Path, event.Path("main"))
	assert.Equal(t, first.Child.Path, event.Path("main/1"))
	assert.Equal(t, first.Sentence, "task 100 created thread 101")
	assert.Equal(t, first.Again, false)
	assert.Equal(t, again.Again, true)
	assert.Assert(t, unknown.Self == nil)
	assert.Equal(t, unknown.Child.Path, event.Path("main/2"))
}

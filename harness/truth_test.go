package harness

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

const good = "main: clone main/1, clone main/2, exit ?\n" +
	"main/1: exit ?\n" +
	"main/2: clone main/2/1, exit ?\n" +
	"main/2/1: exit ?"

// What is not the program's is not in its truth.
func TestTruthIsTheProgramsOwn(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*sketch)
		want  string
	}{
		{"the program alone", func(*sketch) {}, good},
		{"its birth and the keeper's tasks", func(s *sketch) {
			s.kernelDid("2 100: exec", "1 90: fork 100\n1 90: fork 99\n1 99: exit ?\n2 100: exec")
		}, good},
		{"what ran in its place before", func(s *sketch) {
			s.kernelDid("2 100: exec", "1 90: fork 100\n1 100: exec\n1 100: clone 98\n1 100/98: exit ?\n2 100: exec")
		}, good},
		{"a program that was not executed", func(s *sketch) { s.kernelDid("2 100: exec", "2 90: fork 100") }, good},
		{"a debugger's own tasks", func(s *sketch) {
			s.kernelDid("10 100: clone 101", "8 90: fork 200\n8 200: exec\n9 200: clone 201\n10 100: clone 101\n11 200/201: exit ?")
		}, good},
		{"an exec before the gate, seen late", func(s *sketch) { s.kernelDid("2 100: exec", "2 100: exec\n3 90: exec") }, good},
		{
			"an exec after the gate is its own", func(s *sketch) { s.kernelDid("10 100: clone 101", "9 100: exec\n10 100: clone 101") },
			strings.Replace(good, "main: ", "main: exec, ", 1),
		},
		{"what came after the cut", func(s *sketch) { s.cut = 45 }, strings.Replace(strings.Replace(good,
			"main/2: clone main/2/1, exit ?", "main/2: clone main/2/1", 1), "clone main/2, exit ?", "clone main/2", 1)},
		{"who had its id before, and was not executed", func(s *sketch) {
			s.kernelDid("2 100: exec", "1 90: fork 100\n1 100: clone 98\n1 100/98: exit ?\n1 100: exit ?\n2 90: fork 100")
		}, good},
		{"the id that the keeper's child had before", func(s *sketch) {
			s.kernelDid("2 100: exec", "1 90: fork 101\n1 101: exit ?\n2 100: exec")
		}, good},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.spoil(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			assert.Equal(t, truth.family.Form().String(), c.want)
			assert.NilError(t, truth.asAnnounced(s.ledger))
		})
	}
}

func TestTruthKnowsTheLivesOfAReusedTID(t *testing.T) {
	s := launched()
	reuse("100: clone 101")(s)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	type span struct {
		Path       event.Path
		Born, Died int
		Status     string
	}
	var got []span
	for _, l := range truth.byTID[101] {
		got = append(got, span{l.Path, int(l.born), int(l.died), l.status.String()})
	}
	want := []span{{"main/1", 10, 40, "0"}, {"main/3", 45, 47, "4"}}
	assert.Assert(t, cmp.Diff(want, got) == "", cmp.Diff(want, got))
	assert.Equal(t, truth.name(101), "task 101 (main/3)")
	assert.Equal(t, truth.name(999), "task 999")
}

// A long run makes more tasks than there are ids, and the ledger tells of no ends.
func TestAReusedTIDIsAnotherLifeWhereNobodyWitnessedTheEnd(t *testing.T) {
	for _, ended := range []bool{true, false} {
		s := launched()
		s.withoutWitness()
		s.ledger[3].tid = 101
		s.outcome.ended = ended
		died := never // for all that is known
		if ended {
			died = s.cut
		}
		truth, err := s.newTruth(t)
		assert.NilError(t, err)
		var got []event.Path
		for _, l := range truth.byTID[101] {
			got = append(got, l.Path)
			assert.Equal(t, l.died, died, "%s", l.Path)
		}
		assert.DeepEqual(t, got, []event.Path{"main/1", "main/2/1"})
		assert.Equal(t, truth.asDeclared(s.expected(t)), "")
	}
}

func TestStatusesAreTheDeclaredAndTheProcessesOwn(t *testing.T) {
	s := launched()
	s.replace(&s.wants, "main: clone main/1..2, exit 0", "main: clone main/1..2")
	s.replace(&s.wants, "main/1: exit 0", "")
	s.outcome.status = event.Exited(9)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	got := map[event.Path]string{}
	for _, l := range truth.lives {
		got[l.Path] = l.status.String()
	}
	want := map[event.Path]string{"main": "9", "main/1": "?", "main/2": "3", "main/2/1": "0"}
	assert.Assert(t, cmp.Diff(want, got) == "", cmp.Diff(want, got))
}

func TestAnAccountThatCannotBeIsAnError(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*sketch)
		want  string
	}{
		{"nobody announced himself", func(s *sketch) { s.ledger = nil }, "the program did not announce itself"},
		{"main is torn", func(s *sketch) { s.ledger[0].tid = 0 }, "the program did not announce itself"},
		{
			"a birth of the living", func(s *sketch) { s.kernelDid("25 100/102: clone 103", "25 100/102: clone 101") },
			`the witness's account: impossible event "100/102: clone 101": the task main/1 has the tid 101 and lives`,
		},
		{
			"a second end", func(s *sketch) { s.kernelDid("60 100: exit ?", "60 100: exit ?\n61 100: exit ?") },
			`impossible event "100: exit ?": the task main has ended`,
		},
		{
			"a ledger in which a task has main's tid", func(s *sketch) { s.withoutWitness(); s.ledger[3].tid = 100 },
			"task 100 announced itself as a thread, and has its process's id",
		},
		{
			"a ledger in which a task's creator had another's id by then", func(s *sketch) { *s = *executed(); s.withoutWitness(); s.ledger[4].creator = 0 },
			"task 103 announced itself in slot 4 as main/3, and was main/1/1 by the execs before",
		},
		{
			"a ledger in which a task executes that an exec ended", func(s *sketch) {
				*s = *executed()
				s.withoutWitness()
				s.ledger = append(s.ledger, announcement{tid: 100, pid: 100, creator: 2, exec: true})
			},
			"task 100 announced itself in slot 5 as main/2, and who is said to have made it was gone",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.spoil(s)
			_, err := s.newTruth(t)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestLabelsStandForIds(t *testing.T) {
	truth, err := launched().newTruth(t)
	assert.NilError(t, err)
	for _, c := range []struct {
		line  string
		exact bool
		want  string
	}{
		{"process: 100, thread: 103", true, "process: main, thread: main/2/1"},
		{"process: 100, thread: 103", false, "process: main, thread: other"},
		{"process: 100, thread: 100", false, "process: main, thread: main"},
		{"thread: 999, SIGUSR1: 100", true, "thread: nobody, SIGUSR1: 100"},
		{"thread: 1000", true, "thread: nobody"},
		{"a thread of 100", true, "a thread of 100"},
		{"subprocess: 100", true, "subprocess: 100"},
		{"thread: 100: 100", true, "thread: main: 100"},
		{"", true, ""},
	} {
		assert.DeepEqual(t, labelLines([]string{c.line}, truth, c.exact), []string{c.want})
	}
}

func TestALineIsOfWhoOwesIt(t *testing.T) {
	s := launched()
	reuse("100: clone 101")(s)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	for owed, want := range map[string]string{"thread: main/3": "thread: main/3", "thread: main/1": "thread: main/1", "thread: main/2": "thread: main/3"} {
		assert.Equal(t, labelOwed("thread: 101", truth, true, map[string]int{owed: 1}), want)
	}
}

func TestALineThatComesAgainIsOfTheNextLife(t *testing.T) {
	s := launched()
	reuse("100: clone 101")(s)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	got := labelLines([]string{"thread: 101", "thread: 102", "thread: 101", "thread: 101"}, truth, true)
	assert.DeepEqual(t, got, []string{"thread: main/1", "thread: main/2", "thread: main/3", "thread: main/3"})
}

package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

const launchedForm = "main: clone main/1, clone main/2, exit ?\n" +
	"main/1: exit ?\n" +
	"main/2: clone main/2/1, exit ?\n" +
	"main/2/1: exit ?"

func TestTheTruthHasTheProgramsTasksAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string
	}{
		{"the program alone", func(*sketch) {}, launchedForm},
		{"its birth and the keeper's tasks", func(s *sketch) {
			s.kernelDid("2 100: exec", "1 90: fork 100\n1 90: fork 99\n1 99: exit ?\n2 100: exec")
		}, launchedForm},
		{"what ran in its place before", func(s *sketch) {
			s.kernelDid("2 100: exec",
				"1 90: fork 100\n1 100: exec\n1 100: clone 98\n1 100/98: exit ?\n2 100: exec")
		}, launchedForm},
		{"a program that was not executed", func(s *sketch) {
			s.kernelDid("2 100: exec", "2 90: fork 100")
		}, launchedForm},
		{"a debugger's own tasks", func(s *sketch) {
			s.kernelDid("10 100: clone 101", "8 90: fork 200\n8 200: exec\n9 200: clone 201\n"+
				"10 100: clone 101\n11 200/201: exit ?")
		}, launchedForm},
		{"an exec before the gate, recorded late", func(s *sketch) {
			s.kernelDid("2 100: exec", "2 100: exec\n3 90: exec")
		}, launchedForm},
		{"an exec after the gate is its own", func(s *sketch) {
			s.kernelDid("10 100: clone 101", "9 100: exec\n10 100: clone 101")
		}, strings.Replace(launchedForm, "main: ", "main: exec, ", 1)},
		{"what came after the cut", func(s *sketch) {
			s.Account.Cut = 45
		}, strings.NewReplacer("main/2: clone main/2/1, exit ?", "main/2: clone main/2/1",
			"clone main/2, exit ?", "clone main/2").Replace(launchedForm)},
		{"a task that had its id before, and was not executed", func(s *sketch) {
			s.kernelDid("2 100: exec",
				"1 90: fork 100\n1 100: clone 98\n1 100/98: exit ?\n1 100: exit ?\n2 90: fork 100")
		}, launchedForm},
		{"an id that the keeper's child had before", func(s *sketch) {
			s.kernelDid("2 100: exec", "1 90: fork 101\n1 101: exit ?\n2 100: exec")
		}, launchedForm},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.change(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			assert.Equal(t, truth.family.Form().String(), c.want)
			assert.NilError(t, truth.asAnnounced(s.Ledger))
		})
	}
}

func TestTheTruthHasTheLivesOfAReusedTID(t *testing.T) {
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
func TestAReusedTIDIsAnotherLifeByTheLedgerAlone(t *testing.T) {
	cut := launched().Account.Cut
	for state, died := range map[ProgramState]time.Duration{Over: cut, Begun: never} {
		s := launched()
		s.withoutAccount()
		s.Ledger[3].TID = 101
		s.Program.State = state
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

func TestStatusesAreTheDeclaredOnesAndTheProcesssOwn(t *testing.T) {
	s := launched()
	s.declare("main: clone main/1..2, exit 0", "main: clone main/1..2")
	s.declare("main/1: exit 0", "")
	s.Program.Status = event.Exited(9)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	got := map[event.Path]string{}
	for _, l := range truth.lives {
		got[l.Path] = l.status.String()
	}
	want := map[event.Path]string{"main": "9", "main/1": "?", "main/2": "3", "main/2/1": "0"}
	assert.Assert(t, cmp.Diff(want, got) == "", cmp.Diff(want, got))
}

func TestAnImpossibleAccountIsOurFault(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   string
	}{
		{"an empty ledger", func(s *sketch) {
			s.Ledger = nil
		}, "the program did not announce itself"},
		{"main's slot is torn", func(s *sketch) {
			s.Ledger[0].State = Claimed
		}, "the program did not announce itself"},
		{"a birth of a task that lives", func(s *sketch) {
			s.kernelDid("25 100/102: clone 103", "25 100/102: clone 101")
		}, `the witness's account: impossible event "100/102: clone 101": ` +
			"the task main/1 has the tid 101 and lives"},
		{"a second end", func(s *sketch) {
			s.kernelDid("60 100: exit ?", "60 100: exit ?\n61 100: exit ?")
		}, `impossible event "100: exit ?": the task main has ended`},
		{"a ledger in which a task has main's tid", func(s *sketch) {
			s.withoutAccount()
			s.Ledger[3].TID = 100
		}, "task 100 announced itself as a thread, but has its process's id"},
		{"a ledger in which a task's creator had another's id by then", func(s *sketch) {
			*s = *executed()
			s.withoutAccount()
			s.Ledger[4].Creator = 0
		}, "task 103 announced itself in slot 4 as main/3, " +
			"but by the execs before it was main/1/1"},
		{"a ledger in which a task executes that an exec ended", func(s *sketch) {
			*s = *executed()
			s.withoutAccount()
			s.Ledger = append(s.Ledger, became(2))
		}, "task 100 announced itself in slot 5 as main/2, but its creator had ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.change(s)
			opened := Open(s.evidence(t))
			assert.ErrorContains(t, opened.Fault(), c.want)
			for _, r := range opened.Rulings() {
				assert.Equal(t, r.Verdict, Unresolved)
				assert.Equal(t, r.Reason, opened.Fault().Error())
			}
		})
	}
}

func TestEvidenceThatCannotBeExpandedIsOurFault(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sketch)
		want   string
	}{
		"a kernel without a version": {func(s *sketch) { s.Kernel = "unknown" }, "unknown"},
		"a parameter without a value": {func(s *sketch) {
			s.declare("main/1..2", "main/1..n")
		}, `"n" has no value`},
	} {
		t.Run(name, func(t *testing.T) {
			s := launched()
			c.change(s)
			assert.ErrorContains(t, Open(s.evidence(t)).Fault(), c.want)
		})
	}
}

func TestAnIDIsHeldByTheTaskThatHadItThen(t *testing.T) {
	s := launched()
	reuse("100: clone 101")(s)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.Assert(t, truth.holder(101, 9) == nil)
	assert.Equal(t, truth.holder(101, 10).Path, event.Path("main/1"))
	assert.Equal(t, truth.holder(101, 46).Path, event.Path("main/3"))

	truth, err = twiceExecuted().newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.holder(100, 3), truth.root(), "its own exec does not give it the id")
	assert.Equal(t, truth.processes[2].pid, event.TID(300))
	assert.Equal(t, truth.processes[2].leader.told, event.Exited(9), "the task that executed leads")

	s = launched()
	s.withoutAccount()
	s.Ledger[3].TID = 101
	truth, err = s.newTruth(t)
	assert.NilError(t, err)
	assert.Assert(t, truth.holder(101, 46) == nil)
	assert.Equal(t, truth.holder(102, 0).Path, event.Path("main/2"))
}

// The last stop of a task is shown as such from Linux 5.16 on.
func TestATaskLivesForSureIfItsKernelShowsItsLastStop(t *testing.T) {
	live := Task{State: "S (sleeping)", Flags: 0x400040}
	for kernel, want := range map[[2]int]bool{
		{4, 19}: false, {5, 15}: false, {5, 16}: true, {6, 1}: true,
	} {
		assert.Equal(t, live.Lives(kernel), want, "%v", kernel)
	}
}

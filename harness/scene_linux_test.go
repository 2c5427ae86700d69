package harness

import (
	"slices"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
	"gotest.tools/v3/assert"
)

// processesOf are the processes of a look's tasks.
func processesOf(tasks []judge.Task) (pids []event.TID) {
	for _, t := range tasks {
		if !slices.Contains(pids, t.PID) {
			pids = append(pids, t.PID)
		}
	}
	return pids
}

// A process whose parent is gone, and that announced nothing, has the program's ledger.
func TestAnOrphanThatIsSilentIsTheProgramsOwn(t *testing.T) {
	f, err := fixtures.Load("testdata/orphan_in_fork.c")
	assert.NilError(t, err)
	s := newStage(t, f, fixtures.Launch)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	all := procfs.Children(event.TID(s.keeper.PID()))
	assert.Equal(t, len(all), 2, "main, and the orphan")
	slices.Sort(all)
	assert.DeepEqual(t, processesOf(s.scene().Tasks()), all)
}

// Of the other processes below the keeper, those are the program's that a debugger traces.
func TestAProcessThatIsTracedIsTheProgramsOwn(t *testing.T) {
	s := newStage(t, fixtureNamed(t, "attach_idle"), fixtures.AttachBefore)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	main := event.TID(s.process.PID)
	other, err := s.keeper.Start(Spec{Argv: []string{"sleep", "100"}})
	assert.NilError(t, err)
	assert.NilError(t, other.Release())
	assert.DeepEqual(t, processesOf(s.scene().Tasks()), []event.TID{main})
	traced, err := tracer.Attach(other.PID, tracer.Options{})
	assert.NilError(t, err)
	want := []event.TID{main, event.TID(other.PID)}
	slices.Sort(want)
	assert.DeepEqual(t, processesOf(s.scene().Tasks()), want)
	assert.NilError(t, traced.Detach())
}

// What a program is sent after the look at it when the time is over is not judged.
func TestSignalsAfterTheTimeIsOverDoNotCount(t *testing.T) {
	s := newStage(t, fixtureNamed(t, "attach_idle"), fixtures.AttachBefore)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	const sentAt, handledAt = 16, 20
	poke(t, s.ledger, 0, sentAt, 2)
	poke(t, s.ledger, 0, handledAt, 1)
	s.lookOverdue()
	poke(t, s.ledger, 0, sentAt, 9)
	assert.NilError(t, s.gather())
	assert.Equal(t, s.evidence.Ledger[0].Sent, 2)
	assert.Equal(t, s.evidence.Ledger[0].Handled, 1)
	assert.Assert(t, testproc.Gone(s.process.PID))
}

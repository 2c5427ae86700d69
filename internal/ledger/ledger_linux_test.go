package ledger

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/fixtures/fixture"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { testproc.Main(m, nil) }

func newLedger(t testing.TB) *Ledger {
	t.Helper()
	testproc.Alarm(t, 20*time.Second)
	l, err := New()
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, l.Close()) })
	return l
}

// reach is what a program does at a checkpoint, but that it does not park.
func (l *Ledger) reach(checkpoint uint32) {
	l.shared.Reached.Store(checkpoint + 1)
	fixture.FutexWake(&l.shared.Reached)
}

func TestAwaitReturnsAtTheCheckpoint(t *testing.T) {
	l := newLedger(t)
	for checkpoint := range uint32(3) {
		came := make(chan error)
		go func() { came <- l.Await(t.Context(), checkpoint) }()
		select {
		case err := <-came:
			t.Fatalf("checkpoint %d was not reached, and Await returned %v", checkpoint, err)
		case <-time.After(5 * time.Millisecond): // sleep: what must not come
		}
		assert.Assert(t, !l.HasReached(checkpoint))
		l.reach(checkpoint)
		assert.NilError(t, <-came)
		assert.NilError(t, l.Await(t.Context(), checkpoint), "a checkpoint that was passed")
		assert.Assert(t, l.HasReached(checkpoint))
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	l := newLedger(t)
	why := errors.New("it is late")
	ctx, cancel := context.WithCancelCause(t.Context())
	came := make(chan error)
	go func() { came <- l.Await(ctx, 1) }()
	l.reach(0)
	cancel(why)
	err := <-came
	assert.ErrorIs(t, err, why)
	assert.Error(t, err, "await checkpoint 1 of the program: it is late")
	assert.ErrorIs(t, l.Await(ctx, 1), why, "giving up is no checkpoint")
	assert.Assert(t, !l.HasReached(1))
	// What was given up can be awaited again.
	go func() { came <- l.Await(t.Context(), 1) }()
	l.reach(1)
	assert.NilError(t, <-came)
}

// The memory is gone once a ledger is closed: nothing may touch it then.
func TestACancelledAwaitLeavesTheLedgerAlone(t *testing.T) {
	for range 200 {
		l, err := New()
		assert.NilError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.ErrorIs(t, l.Await(ctx, 0), context.Canceled)
		assert.NilError(t, l.Close())
	}
}

// write writes what a task announces to a slot.
func write(s *fixture.Slot, a judge.Announcement) {
	if a.State == judge.Executed {
		s.Exec.Store(1)
	}
	s.TID.Store(uint32(a.TID))
	s.PID.Store(uint32(a.PID))
	s.Creator.Store(uint32(a.Creator + 1))
	s.Sent.Store(uint32(a.Sent))
	s.Handled.Store(uint32(a.Handled))
	s.Came.Store(uint32(a.Came))
}

func TestALedgerIsReadAsItWasWritten(t *testing.T) {
	l := newLedger(t)
	own := []judge.Announcement{
		{State: judge.Born, TID: 7, PID: 7, Creator: judge.UnknownCreator},
		{State: judge.Claimed, Creator: 0},
		{State: judge.Born, TID: 9, PID: 7, Creator: 0, Sent: 3, Handled: 2, Came: 1},
		{State: judge.Executed, TID: 7, PID: 7, Creator: 2},
	}
	hosts := []judge.Announcement{
		{State: judge.Host, TID: 8, PID: 7, Creator: judge.UnknownCreator},
		{State: judge.Claimed, Creator: judge.UnknownCreator},
	}
	l.shared.Claimed.Store(uint32(len(own)))
	l.shared.Hosts.Store(uint32(len(hosts)))
	slots := &l.shared.Slots
	for i, a := range own {
		if a.State == judge.Claimed {
			slots[i].Creator.Store(1)
			continue
		}
		write(&slots[i], a)
	}
	write(&slots[len(slots)-1], hosts[0])
	got, err := l.Read()
	assert.NilError(t, err)
	assert.DeepEqual(t, got, append(own, hosts...))
}

func TestMoreTasksThanSlotsIsAnError(t *testing.T) {
	l := newLedger(t)
	const capacity = 1 << 16
	l.shared.Claimed.Store(capacity)
	_, err := l.Read()
	assert.NilError(t, err)
	l.shared.Claimed.Store(capacity + 1)
	_, err = l.Read()
	assert.Error(t, err, "the program claimed 65537 slots of its ledger's 65536")
	l.shared.Claimed.Store(capacity)
	l.shared.Hosts.Store(1)
	_, err = l.Read()
	assert.Error(t, err, "the program claimed 65537 slots of its ledger's 65536")
}

// buildNamed builds a fixture of the catalogue.
func buildNamed(t *testing.T, name string) (fixtures.Fixture, string) {
	t.Helper()
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	i := slices.IndexFunc(all, func(f fixtures.Fixture) bool { return f.Name == name })
	assert.Assert(t, i >= 0, "there is no fixture %s", name)
	source, err := build.Fixture(all[i])
	assert.NilError(t, err)
	program, err := build.Program(t.Context(), source)
	assert.NilError(t, err)
	return all[i], program
}

// A fixture keeps within a ledger that is smaller than it needs, and lives on.
func TestAFixtureDoesNotWriteBeyondItsLedger(t *testing.T) {
	for _, name := range []string{"fork", "signal_one_thread"} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t)
			l.shared.Capacity.Store(3)
			l.LetPass(AllOpen)
			f, program := buildNamed(t, name)
			cmd := exec.Command(program, f.Values()...)
			cmd.Env = append(os.Environ(), "TIDCHECK_LEDGER="+l.Path())
			out, err := cmd.CombinedOutput()
			assert.NilError(t, err, string(out))
			assert.Assert(t, l.shared.Claimed.Load() > 3)
			assert.Equal(t, l.shared.Slots[3].TID.Load(), uint32(0))
		})
	}
}

// What a program of each language writes is read as what it did.
func TestFixturesOfBothLanguagesAnnounceThemselves(t *testing.T) {
	for _, name := range []string{"fork", "locked"} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t)
			l.LetPass(AllOpen)
			f, program := buildNamed(t, name)
			cmd := exec.Command(program, f.Values()...)
			cmd.Env = append(os.Environ(), "TIDCHECK_LEDGER="+l.Path())
			out, err := cmd.CombinedOutput()
			assert.NilError(t, err, string(out))
			all, err := l.Read()
			assert.NilError(t, err)
			assert.Assert(t, len(all) > 1, "%+v", all)
			assert.Assert(t, l.HasReached(0))
			for i, a := range all {
				assert.Equal(t, a.State, judge.Born, "slot %d: %+v", i, a)
				assert.Equal(t, a.PID, event.TID(cmd.Process.Pid))
				assert.Equal(t, a.TID == a.PID, i == 0)
			}
		})
	}
}

func TestAProcessThatMapsTheLedgerIsKnown(t *testing.T) {
	one, other := newLedger(t), newLedger(t)
	assert.Assert(t, one.MappedBy(event.TID(os.Getpid())))
	assert.Assert(t, !one.MappedBy(event.TID(os.Getppid())))
	child := exec.Command("sleep", "100") // it has the files of its parent open, and maps none
	assert.NilError(t, child.Start())
	defer child.Wait()
	defer child.Process.Kill()
	assert.Assert(t, !other.MappedBy(event.TID(child.Process.Pid)))
}

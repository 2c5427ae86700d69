package harness

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
)

func someLedger(t testing.TB) *ledger {
	t.Helper()
	alarm(t, 20*time.Second)
	l, err := newLedger()
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, l.close()) })
	return l
}

// reach is what a program does at a checkpoint, but that it does not park.
func (l *ledger) reach(checkpoint uint32) {
	l.head.reached.Store(checkpoint + 1)
	wake(&l.head.reached)
}

func TestAwaitReturnsAtTheCheckpoint(t *testing.T) {
	l := someLedger(t)
	for checkpoint := range uint32(3) {
		came := make(chan error)
		go func() { came <- l.await(t.Context(), checkpoint) }()
		select {
		case err := <-came:
			t.Fatalf("checkpoint %d was not reached, and await returned %v", checkpoint, err)
		case <-time.After(5 * time.Millisecond): // sleep: what must not come
		}
		l.reach(checkpoint)
		assert.NilError(t, <-came)
		assert.NilError(t, l.await(t.Context(), checkpoint), "a checkpoint that was passed")
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	l := someLedger(t)
	why := errors.New("it is late")
	ctx, cancel := context.WithCancelCause(t.Context())
	came := make(chan error)
	go func() { came <- l.await(ctx, 1) }()
	l.reach(0)
	cancel(why)
	err := <-came
	assert.ErrorIs(t, err, why)
	assert.Error(t, err, "await checkpoint 1 of the program: it is late")
	assert.ErrorIs(t, l.await(ctx, 1), why, "giving up is no checkpoint")
	// What was given up can be awaited again.
	go func() { came <- l.await(t.Context(), 1) }()
	l.reach(1)
	assert.NilError(t, <-came)
}

// The memory is gone once a ledger is closed: nobody may touch it then.
func TestACancelledAwaitLeavesTheLedgerAlone(t *testing.T) {
	for range 200 {
		l, err := newLedger()
		assert.NilError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.ErrorIs(t, l.await(ctx, 0), context.Canceled)
		assert.NilError(t, l.close())
	}
}

func TestALedgerIsReadAsItWasWritten(t *testing.T) {
	l := someLedger(t)
	l.head.claimed.Store(4)
	for i, a := range []announcement{{tid: 7, pid: 7, creator: -1}, {}, {tid: 9, pid: 7, creator: 0, sent: 3, handled: 2, came: 1}, {tid: 7, pid: 7, creator: 2, exec: true}} {
		s := &l.slots[i]
		if a.exec {
			s.exec.Store(1)
		}
		s.tid.Store(uint32(a.tid))
		s.pid.Store(uint32(a.pid))
		s.creator.Store(uint32(a.creator + 1))
		s.sent.Store(uint32(a.sent))
		s.handled.Store(uint32(a.handled))
		s.came.Store(uint32(a.came))
	}
	got, err := l.read()
	assert.NilError(t, err)
	want := announced{{tid: 7, pid: 7, creator: -1}, {creator: 0}, {tid: 9, pid: 7, creator: 0, sent: 3, handled: 2, came: 1}, {tid: 7, pid: 7, creator: 2, exec: true}}
	diff := cmp.Diff(want, got, cmp.AllowUnexported(announcement{}))
	assert.Assert(t, diff == "", "(-want +got):\n%s", diff)
}

func TestMoreTasksThanSlotsIsAnError(t *testing.T) {
	l := someLedger(t)
	l.head.claimed.Store(ledgerCapacity)
	_, err := l.read()
	assert.NilError(t, err)
	l.head.claimed.Store(ledgerCapacity + 1)
	_, err = l.read()
	assert.Error(t, err, "the program claimed 65537 slots of its ledger's 65536")
}

// A fixture keeps within a ledger that is smaller than it needs, and lives on.
func TestAFixtureDoesNotWriteBeyondItsLedger(t *testing.T) {
	for _, name := range []string{"fork", "signal_one_thread"} {
		t.Run(name, func(t *testing.T) {
			l := someLedger(t)
			l.head.capacity.Store(3)
			l.letPass(allOpen)
			f := fixtureNamed(t, name)
			source, err := fixtureSource(f)
			assert.NilError(t, err)
			program, err := Build(t.Context(), source)
			assert.NilError(t, err)
			cmd := exec.Command(program, f.Values()...)
			cmd.Env = append(os.Environ(), "TIDCHECK_LEDGER="+sharedPath(l.file))
			out, err := cmd.CombinedOutput()
			assert.NilError(t, err, string(out))
			assert.Assert(t, l.head.claimed.Load() > 3)
			assert.Equal(t, l.slots[3].tid.Load(), uint32(0))
		})
	}
}

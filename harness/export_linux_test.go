package harness

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/witness"
)

// Role is the environment's variable that has the test binary do something else.
const Role = role

// RunWithin runs one scenario as [Test] does, with a limit of its own.
func RunWithin(t testing.TB, d Debugger, s Scenario, limit time.Duration) []Result {
	t.Helper()
	c, err := controls.of(t.Context(), s.Fixture, nil, limitOf(s.Fixture))
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	e, err := run(t.Context(), d, s, c, setting{limit: limit})
	return s.verdicts(d.Name(), time.Since(begin), e, err)
}

// Patience is how long beyond its limit a run with a debugger that hangs may take.
const Patience = grace + endPatience

// RefuseWitness has the kernel refuse its account until the test's end.
func RefuseWitness(t testing.TB, why error) {
	replaceWitness(t, func(int) (account, error) { return nil, why })
}

// LoseRecords has every account lose a record.
func LoseRecords(t testing.TB) {
	replaceWitness(t, func(pid int) (account, error) {
		w, err := witness.Open(pid)
		return lossy{w}, err
	})
}

// HideTask has every account hide the second thread that the program makes.
func HideTask(t testing.TB) {
	replaceWitness(t, func(pid int) (account, error) {
		w, err := witness.Open(pid)
		return hiding{w}, err
	})
}

type hiding struct{ *witness.Witness }

func (h hiding) Close() ([]witness.Record, error) {
	records, err := h.Witness.Close()
	var threads []event.TID
	for _, r := range records {
		if r.Kind == event.Clone {
			threads = append(threads, r.Child)
		}
	}
	return slices.DeleteFunc(records, func(r witness.Record) bool {
		return len(threads) > 1 && (r.Child == threads[1] || r.TID == threads[1])
	}), err
}

type lossy struct{ *witness.Witness }

func (l lossy) Close() ([]witness.Record, error) {
	records, err := l.Witness.Close()
	if err == nil {
		err = &witness.LostError{N: 1}
	}
	return records, err
}

// AnnounceWrongly has the third thread of each program say that the second made it.
func AnnounceWrongly(t testing.TB) {
	changeThird(t, func(a *announcement) { a.creator = 2 })
}

// SilenceTask has the third thread of each program say nothing.
func SilenceTask(t testing.TB) {
	changeThird(t, func(a *announcement) { *a = announcement{creator: a.creator} })
}

// InventTask has the third thread of each program be another that the kernel knows nothing of.
func InventTask(t testing.TB) {
	changeThird(t, func(a *announcement) { a.tid = 1 })
}

func changeThird(t testing.TB, change func(*announcement)) {
	real := readLedger
	readLedger = func(l *ledger) (announced, error) {
		all, err := real(l)
		if len(all) > 3 {
			change(&all[3])
		}
		return all, err
	}
	t.Cleanup(func() { readLedger = real })
}

// ReadLedgerLate has the ledger of a program that goes on be read when two more of its tasks have claimed a slot.
func ReadLedgerLate(t testing.TB) {
	real := readLedger
	readLedger = func(l *ledger) (announced, error) {
		begin := time.Now()
		for some := l.head.claimed.Load(); l.head.claimed.Load() < some+2; {
			if time.Since(begin) > Limit {
				t.Error("the program makes no more tasks")
				break
			}
			runtime.Gosched()
		}
		return real(l)
	}
	t.Cleanup(func() { readLedger = real })
}

// replaceWitness makes the control runs anew. Such a test cannot be parallel.
func replaceWitness(t testing.TB, open func(int) (account, error)) {
	real := openWitness
	openWitness = open
	t.Cleanup(func() { openWitness = real })
	ForgetControls(t)
}

// ForgetControls has the control runs be made anew until the test's end. Such a test cannot be parallel.
func ForgetControls(t testing.TB) {
	t.Setenv("TIDCHECK_SERIAL", "1") // refuses t.Parallel
	made := controls.runs
	controls.runs = make(map[string]func(context.Context) (*control, error))
	t.Cleanup(func() { controls.runs = made })
}

// Rules are those that a scenario is judged by.
func (s Scenario) Rules() []Rule { return s.rules() }

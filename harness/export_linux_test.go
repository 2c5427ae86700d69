package harness

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/accounts"
	"github.com/tidcheck/tidcheck/internal/ledger"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/transcript"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
)

// Limit is that of most runs.
const Limit = limits.Run

// RunWithin runs one scenario as [Test] does, with a limit of its own.
func RunWithin(t testing.TB, d Debugger, s Scenario, limit time.Duration) []Result {
	t.Helper()
	skipWhatIsLacking(t, s.Fixture)
	c, err := controlOf(t.Context(), s.Fixture, nil, settingOf(s.Fixture))
	if err != nil {
		t.Fatal(err)
	}
	e := newEvidence(s)
	e.Debugger.Name, e.Control = d.Name(), c
	begin := time.Now()
	_, err = perform(t.Context(), d, s, setting{limit: limit}, e)
	e.Took = time.Since(begin)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		e.Progress = judge.Progress{State: judge.NotSupplied, Reason: err.Error()}
	case err != nil:
		e.Progress = judge.Progress{State: judge.OurFault, Reason: err.Error()}
	}
	return Results(e)
}

// IsWitnessed tells whether the kernel gives its account of programs here, by perf.
var IsWitnessed = sync.OnceValue(func() bool {
	from, _ := witnessHere(context.Background())
	return strings.HasPrefix(from, string(judge.Perf))
})

// NeedWitness skips a test where the kernel refuses its account by perf.
func NeedWitness(t testing.TB) {
	t.Helper()
	if !IsWitnessed() {
		from, refused := witnessHere(t.Context())
		t.Skip("the kernel gives no account by perf here: ", from, refused)
	}
}

// RulesOf names the rules that a scenario is judged by.
func RulesOf(s Scenario) (names []string) {
	for _, r := range Results(newEvidence(s)) {
		names = append(names, r.Rule)
	}
	return names
}

// Longest is how long a run with a debugger that hangs may take, on a machine that is as busy as it
// may be.
func Longest(limit time.Duration) time.Duration {
	return limits.Most*(limit+limits.End) + limits.Grace
}

// Transcribed is a target whose debugger's words are noted, and returns what was noted.
func Transcribed() (Target, func() string) {
	log := transcript.New()
	return Target{log: log}, func() string { return log.Content() }
}

// RefuseWitness has the kernel refuse its account until the test's end.
func RefuseWitness(t testing.TB, why error) {
	replaceWitness(t, func(int) (accounts.Perf, error) { return nil, why })
}

// LoseRecords has every account lose a record.
func LoseRecords(t testing.TB) {
	replaceWitness(t, func(pid int) (accounts.Perf, error) {
		w, err := witness.Open(pid)
		return lossy{w}, err
	})
}

// RefuseConnector has the kernel refuse its account by the proc connector until the test's end.
func RefuseConnector(t testing.TB) {
	replaceConnector(t, func(int) (accounts.Connector, error) {
		return nil, errors.New("no connector")
	})
}

// ConnectorAlone has the kernel refuse perf's account until the test's end. It skips the test where
// there is no other.
func ConnectorAlone(t testing.TB) {
	c, err := witness.Connect(os.Getpid())
	if err != nil {
		t.Skip("the kernel has no proc connector for us: ", err)
	}
	c.Close()
	connector := openers.Connector
	replaceWitness(t, func(int) (accounts.Perf, error) { return nil, errors.New("perf is off") })
	replaceConnector(t, connector)
}

// LoseNotices has every account by the proc connector lose two notices.
func LoseNotices(t testing.TB) {
	replaceConnector(t, func(int) (accounts.Connector, error) { return losing{}, nil })
}

type losing struct{}

func (losing) Close() ([]witness.Record, []witness.Tracing, error) {
	return nil, nil, &witness.LostError{N: 2, Connector: true}
}

// replaceConnector is replaceWitness for the proc connector, and leaves perf as it is.
func replaceConnector(t testing.TB, open func(int) (accounts.Connector, error)) {
	real := openers.Connector
	openers.Connector = open
	t.Cleanup(func() { openers.Connector = real })
	ForgetControls(t)
}

// HideTask has every account hide the second thread that the program makes.
func HideTask(t testing.TB) {
	replaceWitness(t, func(pid int) (accounts.Perf, error) {
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
	changeThird(t, func(a *judge.Announcement) { a.Creator = 2 })
}

// SilenceTask has the third thread of each program say nothing.
func SilenceTask(t testing.TB) {
	changeThird(t, func(a *judge.Announcement) {
		*a = judge.Announcement{State: judge.Claimed, Creator: a.Creator}
	})
}

// InventTask has the third thread of each program be another that the kernel knows nothing of.
func InventTask(t testing.TB) {
	changeThird(t, func(a *judge.Announcement) { a.TID = 1 })
}

func changeThird(t testing.TB, change func(*judge.Announcement)) {
	real := readLedger
	replaceLedger(t, func(l *ledger.Ledger) ([]judge.Announcement, error) {
		all, err := real(l)
		if len(all) > 3 {
			change(&all[3])
		}
		return all, err
	})
}

// replaceLedger has ledgers be read so until the test's end.
func replaceLedger(t testing.TB, read func(*ledger.Ledger) ([]judge.Announcement, error)) {
	real := readLedger
	readLedger = read
	t.Cleanup(func() { readLedger = real })
}

// ReadLedgerLate has the ledger of a program that goes on be read when some more of its tasks have
// claimed a slot.
func ReadLedgerLate(t testing.TB, more int) {
	real := readLedger
	replaceLedger(t, func(l *ledger.Ledger) ([]judge.Announcement, error) {
		begin := time.Now()
		before, err := real(l)
		all := before
		for err == nil && len(all) < len(before)+more {
			if time.Since(begin) > Limit {
				t.Error("the program makes no more tasks")
				break
			}
			runtime.Gosched()
			all, err = real(l)
		}
		return all, err
	})
}

// replaceWitness replaces the kernel's accounts until the test's end by one of perf's, and has the
// control runs be made again.
func replaceWitness(t testing.TB, open func(int) (accounts.Perf, error)) {
	real := openers.Perf
	openers.Perf = open
	t.Cleanup(func() { openers.Perf = real })
	RefuseConnector(t)
}

// countRuns counts the runs that begin until the test's end.
func countRuns(t testing.TB) func() int {
	var mu sync.Mutex
	n, real := 0, openers.Perf
	replaceWitness(t, func(pid int) (accounts.Perf, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return real(pid)
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// ForgetControls has the control runs be made again until the test's end. Such a test cannot be
// parallel.
func ForgetControls(t testing.TB) {
	t.Setenv("TIDCHECK_SERIAL", "1") // refuses t.Parallel
	controls.Clear()
	t.Cleanup(controls.Clear)
}

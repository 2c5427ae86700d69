package harness

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/accounts"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/ledger"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
	"gotest.tools/v3/assert"
)

func TestAProgramThatDoesNotComeToItsGate(t *testing.T) {
	const early = "the program ended before its gate, with "
	for _, c := range []struct{ name, text, want string }{
		{"it crashes", "kill -SEGV $$", early + "SIGSEGV"},
		{"it complains", "echo no ledger >&2; exit 99", early + "99: no ledger"},
		{"it ends", "exit 99", early + "99"},
		{"it hangs", "exec sleep 100", "the time is over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, fixtureNamed(t, "fork"), fixtures.Launch)
			s.program = script(t, c.text)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errOverdue)
			defer cancel()
			if c.name != "it hangs" {
				ctx = t.Context()
			}
			assert.Error(t, s.startProgram(ctx), "await checkpoint 0 of the program: "+c.want)
			pid := s.process.PID
			assert.NilError(t, s.close())
			assert.Assert(t, testproc.Gone(pid))
		})
	}
}

// poke writes a word of a slot of a ledger, or of its head. The layout is that of
// cfixtures/fixture.h.
func poke(t *testing.T, l *ledger.Ledger, slot int, at int64, value uint32) {
	t.Helper()
	const slotsAt, slotSize = 64, 32
	if slot != head {
		at += slotsAt + int64(slot)*slotSize
	}
	file, err := os.OpenFile(l.Path(), os.O_RDWR, 0)
	assert.NilError(t, err)
	defer file.Close()
	_, err = file.WriteAt(binary.NativeEndian.AppendUint32(nil, value), at)
	assert.NilError(t, err)
}

// head stands for the head of a ledger.
const head = -1

// addSlot claims a slot of a ledger for a process that has not announced itself.
func addSlot(t *testing.T, l *ledger.Ledger, pid int) {
	t.Helper()
	const claimedAt, pidAt = 4, 4
	all, err := l.Read()
	assert.NilError(t, err)
	n := len(all)
	poke(t, l, n, pidAt, uint32(pid))
	poke(t, l, head, claimedAt, uint32(n+1))
	all, err = l.Read()
	assert.NilError(t, err)
	assert.Equal(t, all[n].PID, event.TID(pid))
}

func TestAPidThatWasUsedAgainIsNoProcessOfTheProgram(t *testing.T) {
	s := newStage(t, fixtureNamed(t, "attach_idle"), fixtures.AttachBefore)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	addSlot(t, s.ledger, os.Getpid())
	pids := make(map[event.TID]bool)
	for _, task := range s.scene().Tasks() {
		pids[task.PID] = true
	}
	assert.DeepEqual(t, pids, map[event.TID]bool{event.TID(s.process.PID): true})
}

func wants(t testing.TB, line string) []event.Want {
	t.Helper()
	w, err := event.ParseWant(line)
	assert.NilError(t, err)
	return []event.Want{w}
}

// A program whose debugger left it to itself goes on making threads while its run is looked at.
func TestABirthWhileTheLedgerIsReadIsNoContradiction(t *testing.T) {
	ReadLedgerLate(t, 20)
	s := newStage(t, fixtureNamed(t, "attach_churn"), fixtures.AttachDuring)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	assert.NilError(t, s.passTo(t.Context(), 1))
	assert.NilError(t, s.gather())
	assert.NilError(t, judge.Open(s.evidence).Fault())
}

func TestAControlRunThatIsNotAsDeclaredIsOurFault(t *testing.T) {
	quick := setting{limit: 200 * time.Millisecond}
	for _, c := range []struct {
		name   string
		change func(*fixtures.Fixture)
		how    setting
		want   string
	}{
		{"a thread more", func(f *fixtures.Fixture) {
			f.Params[0].Quick = "9"
			f.Wants = fixtureNamed(t, "thread_nested").Wants
		}, within5s, "has no value"},
		{
			"other births",
			func(f *fixtures.Fixture) { f.Wants = wants(t, "main: clone main/1..n+1, exit 0") },
			within5s, "the kernel does not do what its head declares (-declared +",
		},
		{
			"another end", func(f *fixtures.Fixture) { f.Wants = wants(t, "main: exit 4") },
			within5s, "it ended with 0, and its head declares 4",
		},
		{
			"it refuses what it is given", func(f *fixtures.Fixture) { f.Params[3].Quick = "x" },
			within5s,
			"the program ended before its gate, with 99: linger=x: not a time from 0 to an hour",
		},
		{
			"it does not end", func(f *fixtures.Fixture) { f.Params[3].Quick = "100s" },
			quick,
			"it did not end in time: timeout: the program's end did not come in 200ms\ntask ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			testproc.Alarm(t, 20*time.Second)
			f := fixtureNamed(t, "fork")
			f.Params = slices.Clone(f.Params)
			assert.Equal(t, f.Params[3].Name, "linger")
			c.change(&f)
			_, err := runControl(t.Context(), f, c.how)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestEveryFixtureIsAsDeclared(t *testing.T) {
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	read := readLedger
	replaceLedger(t, func(l *ledger.Ledger) ([]judge.Announcement, error) {
		tasks, err := read(l)
		places := make(map[int]bool)
		for i, a := range tasks {
			own := a.State != judge.Claimed && a.State != judge.Host
			if own && (a.Came == 0 || places[a.Came]) {
				err = fmt.Errorf("the task of slot %d came as number %d", i, a.Came)
			}
			places[a.Came] = true
		}
		return tasks, err
	})
	open := openers.Perf
	var refused error
	replaceWitness(t, func(pid int) (accounts.Perf, error) {
		w, err := open(pid)
		refused = errors.Join(refused, err)
		return w, err
	})
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			testproc.Alarm(t, 60*time.Second)
			skipWhatIsLacking(t, f)
			if f.Set == fixtures.Long && os.Getenv("TIDCHECK_SOAK") == "" {
				t.Skip("it takes long: set TIDCHECK_SOAK")
			}
			_, err := runControl(t.Context(), f, settingOf(f))
			assert.NilError(t, err)
			assert.NilError(t, refused)
		})
	}
}

// needing is a fixture that needs something.
func needing(t testing.TB, need string) fixtures.Need {
	t.Helper()
	f, err := fixtures.ParseHead("cfixtures/idle.c",
		"/*\n * Does nothing.\n *\n * want: main: exit 0\n * needs: "+need+"\n */\n")
	assert.NilError(t, err)
	return f.Needs[0]
}

func TestNeedsThatThisMachineLacks(t *testing.T) {
	assert.NilError(t, lacking(needing(t, "linux>=2.6")))
	assert.ErrorContains(t, lacking(needing(t, "linux<2.6")),
		"this machine lacks linux<2.6: its kernel is ")
	err := lacking(fixtures.Need{Text: "cap_unknown", Capability: 63})
	assert.Error(t, err, "this machine lacks cap_unknown")
}

// A word that a head may use and no try knows would make its fixture UNTESTED everywhere.
func TestEachProbeOfAHeadCanBeTried(t *testing.T) {
	for _, word := range fixtures.Probes {
		err := lacking(needing(t, word))
		assert.Check(t, !errors.Is(err, errors.ErrUnsupported), "%s: %v", word, err)
		assert.Check(t, err == nil || errors.Is(err, build.ErrMissing), "%s: %v", word, err)
	}
}

func TestTheWitnessMayBeWhatAMachineLacks(t *testing.T) {
	need := needing(t, "witness")
	replaceWitness(t, func(int) (accounts.Perf, error) { return nil, errors.New("perf is off") })
	assert.Error(t, lacking(need),
		"this machine lacks witness: none, the ledger and /proc alone: perf is off; no connector")
	replaceWitness(t, func(int) (accounts.Perf, error) { return told{}, nil })
	assert.NilError(t, lacking(need))
}

// told is an account that is at hand.
type told []witness.Record

func (a told) Close() ([]witness.Record, error) { return a, nil }

// A debugger that had timed out is judged by that, even if it has to be killed.
func TestTheEndOfADebuggerIsRecorded(t *testing.T) {
	unending, crashed := unendingError{limits.End}, errors.New("it crashed")
	for _, c := range []struct {
		name    string
		before  judge.ProgressState
		err     error
		want    judge.End
		failure error
	}{
		{"it ends", judge.Done, nil, judge.End{State: judge.Ended}, nil},
		{
			"it crashes", judge.Done, crashed,
			judge.End{State: judge.EndFailed, Reason: "it crashed"},
			crashed,
		},
		{
			"it is killed", judge.Done, unending,
			judge.End{State: judge.Unending, Reason: "the debugger did not end within 5s"},
			unending,
		},
		{
			"it timed out and is killed", judge.TimedOut, unending,
			judge.End{State: judge.Unending, Reason: "the debugger did not end within 5s"},
			nil,
		},
		{
			"it timed out and crashes", judge.TimedOut, crashed,
			judge.End{State: judge.EndFailed, Reason: "it crashed"},
			crashed,
		},
	} {
		s := &stage{evidence: &judge.Evidence{Progress: judge.Progress{State: c.before}}}
		got := s.recordEnd(c.err)
		assert.Equal(t, got, c.failure, c.name)
		assert.Equal(t, s.evidence.End, c.want, c.name)
	}
}

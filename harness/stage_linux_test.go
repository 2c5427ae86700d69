package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/witness"
	"gotest.tools/v3/assert"
)

func fixtureNamed(t testing.TB, name string) fixtures.Fixture {
	t.Helper()
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no fixture is called %s", name)
	return fixtures.Fixture{}
}

func TestAProgramThatDoesNotComeToItsGate(t *testing.T) {
	alarm(t, 20*time.Second)
	for _, c := range []struct{ name, text, want string }{
		{"it crashes", "kill -SEGV $$", "await checkpoint 0 of the program: the program ended before its gate, with SIGSEGV"},
		{"it complains", "echo no ledger >&2; exit 99", "await checkpoint 0 of the program: the program ended before its gate, with 99: no ledger"},
		{"it ends", "exit 99", "await checkpoint 0 of the program: the program ended before its gate, with 99"},
		{"it hangs", "exec sleep 100", "await checkpoint 0 of the program: the time is over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := setStage(t.Context(), fixtureNamed(t, "fork"), fixtures.Launch)
			assert.NilError(t, err)
			s.program = script(t, c.text)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errOverdue)
			defer cancel()
			if c.name != "it hangs" {
				ctx = t.Context()
			}
			assert.Error(t, s.startProgram(ctx), c.want)
			pid := s.process.PID
			assert.NilError(t, s.close())
			assert.Assert(t, gone(pid))
		})
	}
}

func TestAPidUsedAgainIsNoProcessOfTheProgram(t *testing.T) {
	alarm(t, 20*time.Second)
	s, err := setStage(t.Context(), fixtureNamed(t, "attach_idle"), fixtures.AttachBefore)
	assert.NilError(t, err)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	stranger := s.ledger.head.claimed.Add(1) - 1
	s.ledger.slots[stranger].pid.Store(uint32(os.Getpid()))
	pids := make(map[event.TID]bool)
	for _, task := range s.procTasks() {
		pids[task.pid] = true
	}
	assert.DeepEqual(t, pids, map[event.TID]bool{event.TID(s.process.PID): true})
}

func wants(t testing.TB, line string) []event.Want {
	t.Helper()
	w, err := event.ParseWant(line)
	assert.NilError(t, err)
	return []event.Want{w}
}

// A program that its debugger left to itself goes on making threads while its run is looked at.
func TestWhoIsBornWhileTheLedgerIsReadIsNoContradiction(t *testing.T) {
	alarm(t, 20*time.Second)
	real := readLedger
	readLedger = func(l *ledger) (announced, error) {
		for claimed := l.head.claimed.Load(); l.head.claimed.Load() < claimed+20; {
			runtime.Gosched()
		}
		return real(l)
	}
	defer func() { readLedger = real }()
	s, err := setStage(t.Context(), fixtureNamed(t, "attach_churn"), fixtures.AttachDuring)
	assert.NilError(t, err)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	assert.NilError(t, s.passTo1(t.Context()))
	assert.NilError(t, s.gather(&control{}))
}

func TestAControlRunThatIsNotAsDeclaredIsOurFault(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*fixtures.Fixture)
		limit time.Duration
		want  string
	}{
		{"a thread more", func(f *fixtures.Fixture) { f.Params[0].Quick = "9"; f.Wants = fixtureNamed(t, "thread_nested").Wants }, Limit, "has no value"},
		{"other births", func(f *fixtures.Fixture) { f.Wants = wants(t, "main: clone main/1..n+1, exit 0") }, Limit, "the kernel does not do what its head declares (-declared +witnessed):"},
		{"another end", func(f *fixtures.Fixture) { f.Wants = wants(t, "main: exit 4") }, Limit, "it ended with 0, and its head declares 4"},
		{"it refuses what it is given", func(f *fixtures.Fixture) { f.Params[3].Quick = "x" }, Limit, "the program ended before its gate, with 99: linger=x: not a time from 0 to an hour"},
		{"it does not end", func(f *fixtures.Fixture) { f.Params[3].Quick = "100s" }, 200 * time.Millisecond, "the program's end: the time is over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			alarm(t, 20*time.Second)
			f := fixtureNamed(t, "fork")
			f.Params = append([]fixtures.Param(nil), f.Params...)
			assert.Equal(t, f.Params[3].Name, "linger")
			c.spoil(&f)
			_, err := runControl(t.Context(), f, c.limit)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestEveryFixtureIsAsDeclared(t *testing.T) {
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	read := readLedger
	readLedger = func(l *ledger) (announced, error) {
		tasks, err := read(l)
		places := make(map[int]bool)
		for i, a := range tasks {
			if a.tid != 0 && !a.host && (a.came == 0 || places[a.came]) {
				err = fmt.Errorf("who announced itself in slot %d came as number %d", i, a.came)
			}
			places[a.came] = true
		}
		return tasks, err
	}
	defer func() { readLedger = read }()
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			alarm(t, 60*time.Second)
			for _, need := range f.Needs {
				if err := lacking(need); err != nil {
					t.Skip(err)
				}
			}
			if f.Set == fixtures.Long && os.Getenv("TIDCHECK_SOAK") == "" {
				t.Skip("it takes long: set TIDCHECK_SOAK")
			}
			c, err := runControl(t.Context(), f, limitOf(f))
			assert.NilError(t, err)
			assert.NilError(t, c.refusal)
		})
	}
}

func TestNeedsThatThisMachineLacks(t *testing.T) {
	for text, want := range map[string]string{"linux>=2.6": "", "linux<2.6": "this machine lacks linux<2.6: its kernel is "} {
		f, err := fixtures.ParseHead("cfixtures/idle.c", "/*\n * Does nothing.\n *\n * want: main: exit 0\n * needs: "+text+"\n */\n")
		assert.NilError(t, err)
		if err := lacking(f.Needs[0]); want == "" {
			assert.NilError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
	err := lacking(fixtures.Need{Text: "cap_of_nobody", Capability: 63})
	assert.Error(t, err, "this machine lacks cap_of_nobody")
}

func TestTheWitnessMayBeWhatAMachineLacks(t *testing.T) {
	f, err := fixtures.ParseHead("cfixtures/idle.c", "/*\n * Does nothing.\n *\n * want: main: exit 0\n * needs: witness\n */\n")
	assert.NilError(t, err)
	replaceWitness(t, func(int) (account, error) { return nil, errors.New("perf is off") })
	assert.Error(t, lacking(f.Needs[0]), "this machine lacks witness: none, the ledger and /proc alone: perf is off")
	replaceWitness(t, func(int) (account, error) { return told{}, nil })
	assert.NilError(t, lacking(f.Needs[0]))
}

// told is an account that is at hand.
type told []witness.Record

func (a told) Close() ([]witness.Record, error) { return a, nil }

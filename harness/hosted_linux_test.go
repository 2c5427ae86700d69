package harness

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/accounts"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func hostedFixture(t *testing.T, name string) fixtures.Fixture {
	t.Helper()
	f, err := asBuiltFor(subject{Debugger: goDebugger{}}, fixtureNamed(t, name))
	assert.NilError(t, err)
	return f
}

// A goDebugger debugs Go programs alone. It never starts.
type goDebugger struct{}

func (goDebugger) Name() string                            { return "goes" }
func (goDebugger) Version(context.Context) (string, error) { return "1", nil }
func (goDebugger) Host() fixtures.Language                 { return fixtures.Go }
func (goDebugger) Start(context.Context, Target) (Session, error) {
	return nil, errors.New("it was started")
}

func TestAFixtureLivesAsDeclaredInAHost(t *testing.T) {
	for name := range strings.FieldsSeq("fork exec_repeated signal_mask thread_storm exit_code") {
		t.Run(name, func(t *testing.T) {
			testproc.Alarm(t, 60*time.Second)
			f := hostedFixture(t, name)
			assert.Assert(t, f.Hosted)
			own, err := runControl(t.Context(), fixtureNamed(t, name), within5s)
			assert.NilError(t, err)
			c, err := runControl(t.Context(), f, within5s)
			assert.NilError(t, err)
			assert.Equal(t, c.Exact, IsWitnessed())
			assert.Equal(t, c.Status, own.Status)
			assert.Equal(t, len(c.Lines), len(own.Lines))
		})
	}
}

// The ledger alone does not have all of a host's tasks.
func TestAHostWithoutTheKernelsAccountIsNotExact(t *testing.T) {
	testproc.Alarm(t, 60*time.Second)
	replaceWitness(t, func(int) (accounts.Perf, error) { return nil, errors.New("perf is off") })
	for name, hosts := range map[string]bool{"fork": true, "locked": false} {
		f := hostedFixture(t, name)
		assert.Equal(t, f.Hosted, hosts)
		c, err := runControl(t.Context(), f, within5s)
		assert.NilError(t, err)
		assert.Assert(t, !c.Exact)
	}
}

// signals is a mask of signals in a task's status file.
func signals(t *testing.T, tid event.TID, field string) uint64 {
	t.Helper()
	mask, err := strconv.ParseUint(procfs.Status(tid)[field], 16, 64)
	assert.NilError(t, err)
	return mask
}

func TestAHostAnnouncesItsThreads(t *testing.T) {
	s := newStage(t, hostedFixture(t, "attach_idle"), fixtures.AttachBefore)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	all, err := s.ledger.Read()
	assert.NilError(t, err)
	root, hosts := all[0], 0
	assert.Equal(t, root.TID, event.TID(s.process.PID))
	for _, a := range all[1:] {
		if a.State != judge.Host {
			continue
		}
		hosts++
		assert.Equal(t, a.PID, root.PID)
		assert.Assert(t, a.TID != root.TID)
		blocked := signals(t, a.TID, "SigBlk")
		for _, sig := range []syscall.Signal{
			syscall.SIGCHLD, syscall.SIGPROF, syscall.SIGUSR1, syscall.SIGTERM,
		} {
			assert.Assert(t, blocked>>(sig-1)&1 == 1, "%v comes to a host's thread", sig)
		}
	}
	assert.Assert(t, hosts > 0)
}

func TestAHostedFixtureFindsSignalsAsItsOwnProgramDoes(t *testing.T) {
	// Signals 32 and 33, for which libc has a handler once there are threads.
	const libcs = 1<<31 | 1<<32
	found := func(f fixtures.Fixture) map[string]uint64 {
		s := newStage(t, f, fixtures.AttachBefore)
		defer s.close()
		assert.NilError(t, s.startProgram(t.Context()))
		main := event.TID(s.process.PID)
		return map[string]uint64{
			"blocked": signals(t, main, "SigBlk"), "ignored": signals(t, main, "SigIgn"),
			"caught": signals(t, main, "SigCgt") &^ libcs,
		}
	}
	assert.DeepEqual(t, found(hostedFixture(t, "fork")), found(fixtureNamed(t, "fork")))
}

func TestAFixtureThatMustBeAloneIsNotHosted(t *testing.T) {
	o := Options{Match: regexp.MustCompile("^exit_leader_first/launch$")}
	report, err := RunAll(t.Context(), []Debugger{Rename(goDebugger{}, "renamed")}, o,
		func([]Result) {})
	assert.NilError(t, err)
	assert.Assert(t, len(report.Results) > 0)
	for _, r := range report.Results {
		assert.Equal(t, r.Verdict, judge.Unsupported)
		assert.Equal(t, r.Detail, "the debugger debugs Go programs alone, "+
			"and none can host this one: its process ends with the last of its threads, "+
			"and a host's would live on: unsupported operation")
	}
}

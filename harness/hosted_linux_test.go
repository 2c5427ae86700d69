package harness

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

func hostedFixture(t *testing.T, name string) fixtures.Fixture {
	t.Helper()
	f, err := asBuiltFor(goDebugger{}, fixtureNamed(t, name))
	assert.NilError(t, err)
	return f
}

// A goDebugger debugs Go programs alone; it is not made to start.
type goDebugger struct{}

func (goDebugger) Name() string                            { return "goes" }
func (goDebugger) Version(context.Context) (string, error) { return "1", nil }
func (goDebugger) Host() fixtures.Language                 { return fixtures.Go }
func (goDebugger) Start(context.Context, Target) (Session, error) {
	return nil, errors.New("it was started")
}

func TestAFixtureLivesAsDeclaredInAHost(t *testing.T) {
	for _, name := range []string{"fork", "exec_repeated", "signal_mask", "thread_storm", "exit_code"} {
		t.Run(name, func(t *testing.T) {
			alarm(t, 60*time.Second)
			f := hostedFixture(t, name)
			assert.Assert(t, f.Hosted)
			own, err := runControl(t.Context(), fixtureNamed(t, name), Limit)
			assert.NilError(t, err)
			c, err := runControl(t.Context(), f, Limit)
			assert.NilError(t, err)
			assert.Assert(t, c.exact)
			assert.Equal(t, c.outcome.status, own.outcome.status)
			assert.Equal(t, len(c.outcome.lines), len(own.outcome.lines))
		})
	}
}

// The ledger alone does not have all of a host's tasks.
func TestAHostWithoutAWitness(t *testing.T) {
	alarm(t, 60*time.Second)
	replaceWitness(t, func(int) (account, error) { return nil, errors.New("perf is off") })
	for name, hosts := range map[string]bool{"fork": true, "locked": false} {
		f := hostedFixture(t, name)
		assert.Equal(t, f.Hosted, hosts)
		c, err := runControl(t.Context(), f, Limit)
		assert.NilError(t, err)
		assert.Assert(t, !c.exact)
	}
}

func TestAHostAnnouncesItsThreads(t *testing.T) {
	alarm(t, 60*time.Second)
	s, err := setStage(t.Context(), hostedFixture(t, "attach_idle"), fixtures.AttachBefore)
	assert.NilError(t, err)
	defer s.close()
	assert.NilError(t, s.startProgram(t.Context()))
	all, err := s.ledger.read()
	assert.NilError(t, err)
	assert.Equal(t, all.root().tid, event.TID(s.process.PID))
	hosts := 0
	for _, a := range all[1:] {
		if a.host {
			hosts++
			assert.Equal(t, a.pid, all.root().pid)
			assert.Assert(t, a.tid != all.root().tid)
			blocked := mask(statusFields(taskDir(a.pid, a.tid))["SigBlk"])
			for _, sig := range []syscall.Signal{syscall.SIGCHLD, syscall.SIGPROF, syscall.SIGUSR1, syscall.SIGTERM} {
				assert.Assert(t, blocked>>(sig-1)&1 == 1, "%v comes to a host's thread", sig)
			}
		}
	}
	assert.Assert(t, hosts > 0)
}

func TestAHostedFixtureFindsSignalsAsItsOwnProgramDoes(t *testing.T) {
	alarm(t, 60*time.Second)
	const libcs = 1<<31 | 1<<32 // signals 32 and 33, for which libc has a handler once there are threads
	found := func(f fixtures.Fixture) map[string]uint64 {
		s, err := setStage(t.Context(), f, fixtures.AttachBefore)
		assert.NilError(t, err)
		defer s.close()
		assert.NilError(t, s.startProgram(t.Context()))
		fields := statusFields(fmt.Sprintf("/proc/%d", s.process.PID))
		return map[string]uint64{"blocked": mask(fields["SigBlk"]), "ignored": mask(fields["SigIgn"]), "caught": mask(fields["SigCgt"]) &^ libcs}
	}
	assert.DeepEqual(t, found(hostedFixture(t, "fork")), found(fixtureNamed(t, "fork")))
}

func TestAFixtureThatMustBeAloneIsNotHosted(t *testing.T) {
	report, err := RunAll(t.Context(), []Debugger{Rename(goDebugger{}, "renamed")}, Options{Match: regexp.MustCompile("^exit_leader_first/launch$")}, func([]Result) {})
	assert.NilError(t, err)
	assert.Assert(t, len(report.Results) > 0)
	for _, r := range report.Results {
		assert.Equal(t, r.Verdict, NotOffered)
		assert.Equal(t, r.Detail, "the debugger debugs Go programs alone, and none can host this one: its process ends with the last of its threads, and a host's would live on")
	}
}

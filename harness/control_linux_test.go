package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/ledger"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// with is a fixture with another value of its first parameter.
func with(f fixtures.Fixture, value string) fixtures.Fixture {
	f.Params = slices.Clone(f.Params)
	f.Params[0].Quick = value
	return f
}

func TestTheControlRunIsThatOfTheParameters(t *testing.T) {
	testproc.Alarm(t, 60*time.Second)
	runs := countRuns(t)
	f := fixtureNamed(t, "fork")
	for range 2 {
		for value, lines := range map[string]int{"3": 1 + 3, "5": 1 + 5} {
			c, err := controlOf(t.Context(), with(f, value), nil, within5s)
			assert.NilError(t, err)
			assert.Equal(t, len(c.Lines), lines, "n=%s: %q", value, c.Lines)
		}
	}
	assert.Equal(t, runs(), 2, "each is run once")
}

func TestAControlRunThatFailsIsMadeAgain(t *testing.T) {
	testproc.Alarm(t, 60*time.Second)
	runs := countRuns(t)
	f := fixtureNamed(t, "fork")
	real, fails := readLedger, true
	replaceLedger(t, func(l *ledger.Ledger) ([]judge.Announcement, error) {
		if fails {
			return nil, errors.New("it cannot be read")
		}
		return real(l)
	})
	for range 2 {
		_, err := controlOf(t.Context(), f, nil, within5s)
		assert.ErrorContains(t, err, "it cannot be read")
	}
	fails = false
	for range 2 {
		c, err := controlOf(t.Context(), f, nil, within5s)
		assert.NilError(t, err)
		assert.Assert(t, c.Exact)
	}
	assert.Equal(t, runs(), 3, "two fail, and the third is kept")
}

func TestAControlRunThatIsCancelledIsMadeAgain(t *testing.T) {
	testproc.Alarm(t, 60*time.Second)
	ForgetControls(t)
	f := fixtureNamed(t, "fork")
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	_, err := controlOf(ctx, f, nil, within5s)
	assert.ErrorIs(t, err, enough)
	_, err = controlOf(t.Context(), f, nil, within5s)
	assert.NilError(t, err)
}

func TestCallersOfOneControlRunShareIt(t *testing.T) {
	testproc.Alarm(t, 60*time.Second)
	runs := countRuns(t)
	f := fixtureNamed(t, "fork")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := controlOf(t.Context(), f, nil, within5s)
			assert.Check(t, err)
		})
	}
	group.Wait()
	assert.Equal(t, runs(), 1)
}

// A control has the program's own status, which that of a program under a debugger is compared
// with.
func TestAControlHasTheProgramsStatus(t *testing.T) {
	testproc.Alarm(t, 60*time.Second)
	for _, name := range []string{"fork", "exit_code"} {
		f := fixtureNamed(t, name)
		c, err := runControl(t.Context(), f, within5s)
		assert.NilError(t, err)
		assert.Assert(t, c.Status.Code() >= 0, "%s ends with %s", name, c.Status)
	}
}

// Where a program does not come by itself to where a mode's steps wait for it, no debugger can be
// judged by that mode. The other modes are as ever.
func TestAModeIsRefusedWhoseCheckpointIsNeverReached(t *testing.T) {
	testproc.Alarm(t, 60*time.Second)
	const further = "needs checkpoint %d, " +
		"and without a debugger the program came no further than %d"
	for _, c := range []struct {
		name, mode, want string
	}{
		{"no_checkpoint", "attach_during", fmt.Sprintf(further, 1, 0)},
		{"no_checkpoint", "detach_during", fmt.Sprintf(further, 1, 0)},
		{"no_checkpoint", "stops", ""},
		{"ends_stepped", "stepped", fmt.Sprintf(further, 2, 1)},
		{"ends_stepped", "attach_during", ""},
		{
			"leader_ends_stepped", "stepped",
			"needs main at checkpoint 2, and without a debugger it ended on the way",
		},
		{"leader_ends_stepped", "killed", ""},
	} {
		f, err := fixtures.Load("testdata/" + c.name + ".c")
		assert.NilError(t, err)
		made, err := controlOf(t.Context(), f, nil, within5s)
		assert.NilError(t, err)
		if err := made.Allows(fixtures.Mode(c.mode)); c.want != "" {
			assert.ErrorContains(t, err, c.want, "%s/%s", c.name, c.mode)
		} else {
			assert.NilError(t, err)
		}
		e := attempt(t.Context(), newSubject(t.Context(), absent{}),
			Scenario{f, fixtures.Mode(c.mode)}, Options{}, nil)
		if c.want != "" {
			assert.Equal(t, e.Progress.State, judge.OurFault)
			assert.Assert(t, strings.Contains(e.Progress.Reason, c.want), e.Progress.Reason)
		}
	}
}

// An absent debugger does not offer to start.
type absent struct{}

func (absent) Name() string                            { return "absent" }
func (absent) Version(context.Context) (string, error) { return "1", nil }
func (absent) Start(context.Context, Target) (Session, error) {
	return nil, errors.ErrUnsupported
}

// A program that another task lets through its gate while main executes is refused, not by luck.
func TestAFixtureThatExecutesBeforeItsGateIsRefused(t *testing.T) {
	t.Parallel()
	testproc.Alarm(t, 60*time.Second)
	f, err := fixtures.Load("testdata/exec_before_gate.c")
	assert.NilError(t, err)
	for range 2 {
		_, err = runControl(t.Context(), f, within5s)
		assert.ErrorContains(t, err, "executed a program before it was let through the gate: "+
			"the task that executes must come to the gate first")
	}
}

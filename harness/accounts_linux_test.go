package harness_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// Truth has four sources. If one of them differs from the rest, no debugger is judged.
func TestAccountsThatDifferProveNothing(t *testing.T) {
	declares := func(want string) func(testing.TB, *harness.Options) {
		return func(t testing.TB, o *harness.Options) {
			catalogue, err := fixtures.Catalogue()
			assert.NilError(t, err)
			i := slices.IndexFunc(catalogue,
				func(f fixtures.Fixture) bool { return f.Name == "fork" })
			own := catalogue[i]
			own.Wants = nil
			for _, line := range []string{"main: clone main/1..10, exit 0", want} {
				w, err := event.ParseWant(line)
				assert.NilError(t, err)
				own.Wants = append(own.Wants, w)
			}
			o.Fixtures = []fixtures.Fixture{own}
		}
	}
	for _, c := range []struct {
		name   string
		change func(testing.TB, *harness.Options)
		want   string
	}{
		{
			"declared: a thread makes another", declares("main/1..10: clone ./1, exit 0"),
			"the kernel does not do what its head declares (-declared +witnessed):",
		},
		{
			"declared: a status, as the tracer has it",
			func(t testing.TB, o *harness.Options) {
				harness.RefuseConnector(t)
				declares("main/1..10: exit 1")(t, o)
			},
			"the reference tracer breaks the rule exit: task",
		},
		{
			"declared: a status, as the kernel has it",
			func(t testing.TB, o *harness.Options) {
				harness.ConnectorAlone(t)
				declares("main/1..10: exit 1")(t, o)
			},
			"(-declared +witnessed):\n- main/1: exit 1\n+ main/1: exit 0",
		},
		{
			"connected: notices are lost",
			func(t testing.TB, _ *harness.Options) {
				harness.ConnectorAlone(t)
				harness.LoseNotices(t)
			},
			"2 records of the whole machine were lost",
		},
		{
			"announced: a creator",
			func(t testing.TB, _ *harness.Options) { harness.AnnounceWrongly(t) },
			"announced itself as a child of task",
		},
		{
			"announced: a task is silent",
			func(t testing.TB, _ *harness.Options) { harness.SilenceTask(t) },
			"(main/3) did not announce itself",
		},
		{
			"announced: a task is invented",
			func(t testing.TB, _ *harness.Options) { harness.InventTask(t) },
			"task 1 announced itself in slot 3, and the kernel told of no such task there",
		},
		{
			"witnessed: records are lost",
			func(t testing.TB, _ *harness.Options) { harness.LoseRecords(t) },
			"1 records were lost",
		},
		{
			"witnessed: a task is hidden",
			func(t testing.TB, _ *harness.Options) { harness.HideTask(t) },
			"announced itself in slot 2, and the kernel told of no such task there",
		},
		{"traced: a birth is missed", func(_ testing.TB, o *harness.Options) {
			o.Reference = liar{change: func(l event.Trace) event.Trace {
				i := nth(l, event.Clone, 3)
				return slices.Delete(l, i, i+1)
			}}
		}, "the reference tracer breaks the rule complete: task"},
		{"traced: a status is another", func(_ testing.TB, o *harness.Options) {
			o.Reference = liar{change: func(l event.Trace) event.Trace {
				l[nth(l, event.Exit, 3)].Status = event.Exited(5)
				return l
			}}
		}, "the reference tracer breaks the rule exit: task"},
		{
			"traced: its time is over",
			func(_ testing.TB, o *harness.Options) { o.Reference, o.TimeScale = holder{}, 0.3 },
			"the reference tracer's run did not end in time: proven hung after 900ms without a " +
				"change: the program's start did not come\ntask ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.HasPrefix(c.want, "the reference tracer") {
				harness.NeedWitness(t) // it is the kernel that tells
			}
			harness.ForgetControls(t)
			o := harness.Options{
				Match: regexp.MustCompile("^fork/launch$"), Reference: reference.Debugger{},
			}
			c.change(t, &o)
			report := runAll(t, o, reference.Debugger{})
			assert.Assert(t, len(report.Results) > 0)
			for _, r := range report.Results {
				assert.Equal(t, r.Verdict, judge.Unresolved)
				assert.Assert(t, strings.Contains(r.Detail, c.want), r.Detail)
			}
		})
	}
}

// A holder lets no program go on.
type holder struct{ reference.Debugger }

func (d holder) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s, err := d.Debugger.Start(ctx, target)
	return holding{s}, err
}

type holding struct{ harness.Session }

func (holding) Resume(context.Context) error { return nil }

// If the kernel refuses its account, the debugger is judged by the program's own.
func TestAWitnessThatIsRefusedIsNamedAndTheRunGoesOn(t *testing.T) {
	why := fmt.Errorf("kernel.perf_event_paranoid is 4: %w", fs.ErrPermission)
	harness.RefuseWitness(t, why)
	report := runAll(t, harness.Options{}, reference.Debugger{})
	assert.Equal(t, report.Machine.Witness,
		"none, the ledger and /proc alone: kernel.perf_event_paranoid is 4: permission denied; "+
			"no connector")
	passed := map[string]int{}
	for _, r := range report.Results {
		switch r.Verdict {
		case judge.Pass:
			passed[r.Rule]++
		case judge.Untested:
		default:
			t.Errorf("%s/%s %s: %s %s", r.Scenario, r.Mode, r.Rule, r.Verdict, r.Detail)
		}
	}
	for _, rule := range judge.Rules {
		assert.Assert(t, passed[rule.Name] > 0, "%s was judged nowhere: %v", rule.Name, passed)
	}
}

// What the connector loses beside perf is noted, and the run is judged by perf.
func TestALossOfTheConnectorBesidePerfIsNoted(t *testing.T) {
	harness.LoseNotices(t)
	o := harness.Options{Match: regexp.MustCompile("^fork/launch$"), Keep: t.TempDir()}
	for _, r := range runAll(t, o, reference.Debugger{}).Results {
		assert.Equal(t, r.Verdict, judge.Pass, r.Detail)
		assert.Equal(t, r.Witness, judge.Perf)
		file, err := os.Open(filepath.Join(r.Kept, "evidence.json"))
		assert.NilError(t, err)
		e, err := judge.Decode(file)
		assert.NilError(t, errors.Join(err, file.Close()))
		assert.Equal(t, e.Account.Reason, "proc connector: 2 records of the whole machine were "+
			"lost: the proc connector's socket was full (see net.core.rmem_max)")
	}
}

// Without perf the connector has the times and deaths that the ledger has not.
func TestRunsAreJudgedByTheConnectorAlone(t *testing.T) {
	harness.ConnectorAlone(t)
	o := harness.Options{Match: regexp.MustCompile(
		"^(fork|exec_from_thread|process_clone_parent|thread_tid_reuse|locked|thread_nested)/")}
	judged := map[string]bool{}
	report := runAll(t, o, reference.Debugger{})
	assert.Equal(t, report.Machine.Witness, "connector")
	for _, r := range report.Results {
		if r.Verdict == judge.Unresolved && strings.Contains(r.Detail, "were lost") {
			t.Logf("%s/%s %s: %s", r.Scenario, r.Mode, r.Rule, r.Detail)
			continue
		}
		if os.Getuid() != 0 && r.Detail == "this machine lacks cap_sys_admin" {
			continue
		}
		assert.Check(t, r.Verdict == judge.Pass, "%s/%s %s: %s %s", r.Scenario, r.Mode, r.Rule,
			r.Verdict, r.Detail)
		assert.Check(t, r.Witness == judge.Connector)
		judged[string(r.Mode)+" "+r.Rule] = true
	}
	for _, rule := range []string{"exit", "complete", "order"} { // UNTESTED by the ledger alone
		assert.Check(t, judged["attach_during "+rule], rule)
	}
	silent := func(l event.Trace) event.Trace { // it leaves out an end
		i := nth(l, event.Exit, 3)
		return slices.Delete(l, i, i+1)
	}
	_, details := outcomes(harness.RunWithin(t, liar{change: silent}, scenario(t, "fork/launch"),
		harness.Limit))
	assert.Assert(t, strings.Contains(details["exit"], "its end was not reported"), "%v", details)
}

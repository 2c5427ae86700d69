//go:build amd64 || arm64

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
)

func TestScripts(t *testing.T) {
	program(t, "threads") // without a compiler there is no fixture to run either
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{marker, "PROGRAMS", "TIDCHECK_CACHE", "GOCACHE", "GORACE"} {
				env.Setenv(name, os.Getenv(name))
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "kthread" {
				return statusField(2, "Kthread") == "1", nil
			}
			return false, fmt.Errorf("there is no condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":  status,
			"refused": refused,
			"within":  limited,
			"threads": threads,
			"listing": listing,
			"report":  results,
		},
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(240 * time.Second),
	})
}

// status N COMMAND ARG… runs a command, whose exit status must be N.
func status(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status: got %d, want %s", got, args[0])
	}
}

// refused COMMAND ARG… runs a command, which must end with 2, one line on standard error and no output.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	status(ts, neg, append([]string{"2"}, args...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("it printed %q", out)
	}
	if said := ts.ReadFile("stderr"); strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") {
		ts.Fatalf("standard error: got %q, want one line", said)
	}
}

// within TIME STATUS COMMAND ARG… is status for a command that must not take long.
func limited(ts *testscript.TestScript, neg bool, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	begin := time.Now()
	status(ts, neg, args[1:])
	if took := time.Since(begin); took > limit {
		ts.Fatalf("it took %v, want at most %v", took, limit)
	}
}

// threads FILE N holds a trace, as text or as JSON lines, to what a program does that makes N threads
// one after the other: N births, of tids that nobody has, N+1 exits and one end.
func threads(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var trace event.Trace
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		line = strings.TrimSuffix(line, "\n")
		parse := event.ParseText
		if strings.HasPrefix(line, "{") {
			parse = func(s string) (event.Labelled, error) { return event.ParseJSON([]byte(s)) }
		} else if strings.Contains(line, " ended; ") {
			continue // the summary of a text
		}
		l, err := parse(line)
		ts.Check(err)
		trace = append(trace, l.Event)
	}
	count := make(map[event.Kind]int)
	for _, e := range trace {
		count[e.Kind]++
	}
	family, err := event.NewFamily(trace) // refuses the birth of a living tid, and whatever else cannot be
	ts.Check(err)
	for _, life := range family.Lives() {
		if !life.Ended {
			ts.Fatalf("task %d (%s) did not end", life.TID, life.Path)
		}
	}
	if count[event.Ready] != 1 || count[event.Clone] != n || count[event.Exit] != n+1 || count[event.End] != 1 {
		ts.Fatalf("got %v, want 1 ready, %d clone, %d exit, 1 end", count, n, n+1)
	}
}

// unmarshal reads a JSON file that has only the fields of v.
func unmarshal(ts *testscript.TestScript, file string, v any) {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	decoder.DisallowUnknownFields()
	ts.Check(decoder.Decode(v))
}

// listing FILE holds the output of list --json to its shape.
func listing(ts *testscript.TestScript, _ bool, args []string) {
	var raw []map[string]any
	unmarshal(ts, args[0], &raw)
	var list []listed
	unmarshal(ts, args[0], &list)
	if len(list) == 0 {
		ts.Fatalf("the list is empty")
	}
	for i, l := range list {
		for _, field := range []string{"scenario", "mode", "sentence", "params", "needs", "source"} {
			if raw[i][field] == nil {
				ts.Fatalf("entry %d has no %s", i, field)
			}
		}
		if l.Scenario == "" || l.Mode == "" || !strings.HasSuffix(l.Sentence, ".") || l.Source == "" {
			ts.Fatalf("entry %d is %+v", i, l)
		}
	}
}

// report FILE DEBUGGER VERDICT RULE… holds a report of run --json to its shape, and the verdicts of these
// rules to that one. It must have the quick set at least.
func results(ts *testscript.TestScript, _ bool, args []string) {
	var raw map[string]any
	var report harness.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &raw))
	unmarshal(ts, args[0], &report)
	for _, field := range []string{"suite", "machine", "debuggers", "results"} {
		if raw[field] == nil {
			ts.Fatalf("the report has no %s", field)
		}
	}
	m := report.Machine
	if report.Suite != tidcheck.Version || m.Kernel == "" || m.Arch == "" || m.Witness == "" {
		ts.Fatalf("suite and machine: %+v", report)
	}
	if len(report.Debuggers) != 1 || report.Debuggers[0].Name != args[1] || report.Debuggers[0].Version == "" {
		ts.Fatalf("debuggers: %+v", report.Debuggers)
	}
	judged := make(map[string]bool)
	for _, r := range report.Results {
		id := r.Scenario + "/" + string(r.Mode)
		judged[id] = true
		if !slices.Contains(args[3:], r.Rule) || string(r.Verdict) == args[2] || nothingToJudge(r) {
			continue
		}
		ts.Fatalf("%s %s: got %q, want %s: %s", id, r.Rule, r.Verdict, args[2], r.Detail)
	}
	chosen, err := harness.Options{Quick: true}.Scenarios()
	ts.Check(err)
	for _, s := range chosen {
		if !judged[s.String()] {
			ts.Fatalf("the report has no %s", s)
		}
	}
}

// nothingToJudge tells where a rule cannot be judged, since the debugger takes no requests, or refuses a program
// of which another has a part.
func nothingToJudge(r harness.Result) bool {
	takes := map[fixtures.Mode]bool{fixtures.Stops: true, fixtures.Stepped: true, fixtures.Killed: true, fixtures.AttachAgain: true}
	if r.Verdict == harness.Untested && r.Scenario == "attach_one_taken" {
		return r.Detail == "it refused to attach"
	}
	return r.Verdict == harness.NotOffered && takes[r.Mode] && r.Debugger != "reference"
}

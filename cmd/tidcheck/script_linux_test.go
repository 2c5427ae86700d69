//go:build amd64 || arm64

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

func TestScripts(t *testing.T) {
	program(t, "threads") // skips without a compiler, which the fixtures need too
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for _, v := range []string{marker, "PROGRAMS", "TIDCHECK_CACHE", "GOCACHE", "GORACE"} {
				env.Setenv(v, os.Getenv(v))
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "kthread":
				return statusField(2, "Kthread") == "1", nil
			case "perf":
				return hasPerf(), nil
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

// refused COMMAND ARG… runs a command. It must end with 2, one line of error and no output.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	status(ts, neg, append([]string{"2"}, args...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("it printed %q", out)
	}
	said := ts.ReadFile("stderr")
	if strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") {
		ts.Fatalf("standard error: got %q, want one line", said)
	}
}

// within TIME STATUS COMMAND ARG… is like status, and fails if the command takes longer.
func limited(ts *testscript.TestScript, neg bool, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	begin := time.Now()
	status(ts, neg, args[1:])
	if took := time.Since(begin); took > limit {
		ts.Fatalf("it took %v, want at most %v", took, limit)
	}
}

// threads FILE N checks a trace, as text or JSON lines, of a program that makes N threads one after
// the other: there must be N births, with tids that no living task has, N+1 exits and one end.
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
	family, err := event.NewFamily(trace) // refuses what is impossible
	ts.Check(err)
	for _, life := range family.Lives() {
		if !life.Ended {
			ts.Fatalf("task %d (%s) did not end", life.TID, life.Path)
		}
	}
	for kind, want := range map[event.Kind]int{
		event.Ready: 1, event.Clone: n, event.Exit: n + 1, event.End: 1,
	} {
		if count[kind] != want {
			ts.Fatalf("%v: got %d, want %d", kind, count[kind], want)
		}
	}
}

// unmarshal reads a JSON file. It must have no fields but those of v.
func unmarshal(ts *testscript.TestScript, file string, v any) {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	decoder.DisallowUnknownFields()
	ts.Check(decoder.Decode(v))
}

// listing FILE checks the form of the output of list --json.
func listing(ts *testscript.TestScript, _ bool, args []string) {
	var raw []map[string]any
	unmarshal(ts, args[0], &raw)
	var list []listed
	unmarshal(ts, args[0], &list)
	if len(list) == 0 {
		ts.Fatalf("the list is empty")
	}
	for i, l := range list {
		for _, field := range []string{
			"scenario", "mode", "sentence", "params", "needs", "source",
		} {
			if raw[i][field] == nil {
				ts.Fatalf("entry %d has no %s", i, field)
			}
		}
		if slices.Contains([]string{l.Scenario, string(l.Mode), l.Source}, "") ||
			!strings.HasSuffix(l.Sentence, ".") {
			ts.Fatalf("entry %d is %+v", i, l)
		}
	}
}

// report FILE DEBUGGER VERDICT RULE… checks the form of a report of run --json, and that these
// rules have this verdict. The report must have at least the quick set.
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
	d := report.Debuggers
	if len(d) != 1 || d[0].Name != args[1] || d[0].Version == "" {
		ts.Fatalf("debuggers: %+v", d)
	}
	judged := make(map[string]bool)
	for _, r := range report.Results {
		id := r.Scenario + "/" + string(r.Mode)
		judged[id] = true
		if slices.Contains(args[3:], r.Rule) && string(r.Verdict) != args[2] && !nothingToJudge(r) {
			ts.Fatalf("%s %s: got %q, want %s: %s", id, r.Rule, r.Verdict, args[2], r.Detail)
		}
	}
	chosen, err := harness.Options{Quick: true}.Scenarios()
	ts.Check(err)
	for _, s := range chosen {
		if !judged[s.String()] {
			ts.Fatalf("the report has no %s", s)
		}
	}
}

// hasPerf tells whether the kernel gives its account by perf events here.
var hasPerf = sync.OnceValue(func() bool {
	return strings.HasPrefix(harness.ThisMachine(context.Background()).Witness, "perf")
})

// nothingToJudge reports whether a rule cannot be judged because the debugger takes no requests,
// because it refuses a program of which another tracer has a part, because no death was certainly
// due before the detach, because this machine lacks what the program needs, or because perf events
// are refused here.
func nothingToJudge(r harness.Result) bool {
	requests := []fixtures.Mode{
		fixtures.Stops, fixtures.Stepped, fixtures.Killed, fixtures.AttachAgain,
	}
	if r.Verdict == judge.Untested && !hasPerf() &&
		(r.Detail == "without the kernel's account not every task is known" ||
			r.Detail == "there was nothing to judge") {
		return true
	}
	if r.Verdict == judge.Untested && strings.HasPrefix(r.Detail, "this machine lacks ") {
		return true // internal/probe has tried it, and names what forbids it
	}
	if r.Verdict == judge.Untested && r.Scenario == "attach_one_taken" {
		return r.Detail == "it refused to attach"
	}
	if r.Verdict == judge.Untested && r.Mode == fixtures.DetachDuring && r.Rule == "exit" {
		return r.Detail == "there was nothing to judge"
	}
	return r.Verdict == judge.Unsupported && slices.Contains(requests, r.Mode) &&
		r.Debugger != "reference"
}

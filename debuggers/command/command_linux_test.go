package command_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/command"
	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/findings"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, nil)
}

// run runs one scenario.
func run(t *testing.T, d harness.Debugger, scenario string) ([]harness.Result, error) {
	o := harness.Options{Match: regexp.MustCompile("^" + scenario + "$")}
	report, err := harness.RunAll(t.Context(), []harness.Debugger{d}, o, func([]harness.Result) {})
	if err != nil {
		return nil, err
	}
	return report.Results, nil
}

// fake is a debugger that is a shell script.
func fake(t *testing.T, text string) command.Debugger {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fake")
	assert.NilError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return command.Debugger{Argv: []string{name}}
}

// start starts a fake debugger, shows its session to f, and ends it.
func start(t *testing.T, text string, f func(ctx context.Context, s harness.Session, err error)) {
	t.Helper()
	adaptertest.WithTarget(t, "fork/launch", harness.Options{}, func(target harness.Target) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s, err := fake(t, text).Start(ctx, target)
		f(ctx, s, err)
		if s != nil {
			s.End() // what it says was looked at
		}
	})
}

func TestAbilitiesAreThoseOfTheHello(t *testing.T) {
	for _, c := range []struct {
		hello string
		want  judge.Abilities
	}{
		{``, append(slices.Clone(judge.AllFields), judge.Detach)},
		{
			`{"kind":"hello","name":"mydbg","version":"1.2","fields":["births","deaths"],"reque` +
				`sts":["threads","resume","step","stop"]}`,
			judge.Abilities{
				judge.Births, judge.Deaths, judge.Detach, judge.Stop, judge.Threads,
				judge.Step,
			},
		},
		{`{"kind":"hello"}`, append(slices.Clone(judge.AllFields), judge.Detach)},
		{`{"kind":"hello","fields":[]}`, judge.Abilities{judge.Detach}},
	} {
		start(t, "echo '"+c.hello+"'; echo '{\"kind\":\"ready\"}'; exec sleep 100",
			func(_ context.Context, s harness.Session, err error) {
				assert.NilError(t, err)
				assert.DeepEqual(t, s.Can(), c.want)
			})
	}
}

func TestArgumentsSayWhatToDo(t *testing.T) {
	const say = `echo "$1 $2" > ` + "%s" + `; echo '{"kind":"ready"}'`
	for scenario, want := range map[string]string{
		"fork/launch": "launch --", "fork/attach_before": "attach ",
	} {
		note := filepath.Join(t.TempDir(), "note")
		adaptertest.WithTarget(t, scenario, harness.Options{}, func(target harness.Target) {
			s, err := fake(t, fmt.Sprintf(say, note)).Start(t.Context(), target)
			assert.NilError(t, err)
			assert.NilError(t, s.Wait(t.Context()))
			assert.NilError(t, s.End())
			if target.PID != 0 {
				want += fmt.Sprint(target.PID)
			}
		})
		got, err := os.ReadFile(note)
		assert.NilError(t, err)
		assert.Equal(t, string(got), want+"\n")
	}
}

func TestAHelloOfUnknownWordsIsRefused(t *testing.T) {
	for hello, want := range map[string]string{
		`{"kind":"hello","fields":["birth"]}`: `line 1 of its output: hello: "birth" is no ` +
			`field (they are [births creators deaths statuses execs signals vforks])`,
		`{"kind":"hello","requests":["resumes"]}`: `line 1 of its output: hello: "resumes" is ` +
			`no request (they are [stop resume threads detach step])`,
		`{"kind":"hello","requests":["stop"]}`: "line 1 of its output: hello: a debugger " +
			"that takes the request stop takes resume too",
	} {
		start(t, "echo '"+hello+"'; exec sleep 100",
			func(_ context.Context, _ harness.Session, err error) { assert.Error(t, err, want) })
	}
}

func TestWordsAreEvents(t *testing.T) {
	start(t, `cat <<END
debugger 1.0
{"kind":"ready","pid":7,"tid":7}

{"kind":"clone","pid":7,"tid":7,"child":8}
 {"kind":"exit","tid":9}
[1]
{"kind":"exit","pid":7,"tid":8,"signal":"SIGKILL","more":[1]}
END`, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.NilError(t, s.Wait(ctx))
		var got []string
		for _, e := range s.Words().Trace() {
			got = append(got, e.String())
		}
		assert.DeepEqual(
			t, got, []string{"7: ready", "7: clone 8", "0/9: exit ?", "7/8: killed SIGKILL"})
		assert.NilError(t, s.End())
		assert.Equal(t, s.Words().Trace()[0].Kind, event.Ready)
	})
}

const greet = `echo '{"kind":"hello","fields":["births"],"requests":["resume","detach"]}'
	echo '{"kind":"ready"}'
	ask() {
		read -r line
		[ "$line" = "{\"id\":$1,\"request\":\"$2\"}" ] || { echo "asked $line" >&2; exit 3; }
	}
	`

// A debugger may be asked just before it ends, or may go on without reading its requests.
func TestADebuggerThatTakesNoRequest(t *testing.T) {
	const deaf = "exec <&-; " + greet
	// sleep: so that it is asked before it ends
	start(t, deaf+"sleep 0.1; echo it is tired >&2; exit 3",
		func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.Error(t, s.Resume(ctx), "request resume: it ended with 3: it is tired")
		})
	for _, life := range []string{"exec sleep 100", "exec >&-; exec sleep 100"} {
		start(t, deaf+life, func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.ErrorIs(t, s.Resume(ctx), syscall.EPIPE)
		})
	}
}

func TestRequestsAreAnswered(t *testing.T) {
	const text = greet + `ask 1 resume; echo '{"kind":"reply","id":1}'
		ask 2 detach; echo '{"kind":"reply","id":2,"error":"not now"}'
		ask 3 detach; echo '{"kind":"reply","id":3}'; read -r line`
	start(t, text, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.NilError(t, s.Resume(ctx))
		assert.Error(t, s.Detach(ctx), "request detach: not now")
		assert.NilError(t, s.Detach(ctx))
		assert.NilError(t, s.End())
	})
}

func TestThreadsAreThoseOfTheReply(t *testing.T) {
	const text = `echo '{"kind":"hello","requests":["stop","threads","resume"]}'
		echo '{"kind":"ready"}'
		read -r line; echo '{"kind":"reply","id":1}'
		read -r line; echo '{"kind":"reply","id":2,"threads":[7,8]}'
		read -r line; echo '{"kind":"reply","id":3}'; read -r line`
	start(t, text, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.NilError(t, s.Stop(ctx))
		for _, want := range [][]event.TID{{7, 8}, nil} {
			got, err := s.Threads(ctx)
			assert.NilError(t, err)
			assert.DeepEqual(t, got, want)
		}
	})
	start(t, greet+`read -r line`, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.ErrorIs(t, s.Stop(ctx), errors.ErrUnsupported)
		_, err = s.Threads(ctx)
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	})
}

func TestAStepNamesItsThread(t *testing.T) {
	const text = `echo '{"kind":"hello","requests":["step"]}'; echo '{"kind":"ready"}'
		read -r line
		[ "$line" = '{"id":1,"request":"step","thread":7}' ] || { echo "asked $line" >&2; exit 3; }
		echo '{"kind":"reply","id":1}'
		read -r line; echo '{"kind":"reply","id":2,"error":"it has ended"}'; read -r line`
	start(t, text, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.NilError(t, s.Step(ctx, 7))
		assert.Error(t, s.Step(ctx, 7), "request step: it has ended")
	})
}

// A known failure is one of a version, which is known only after the debugger was started.
func TestTheVersionIsThatOfTheHello(t *testing.T) {
	d := fake(
		t,
		`echo '{"kind":"hello","version":"1.2","fields":["births"]}'; echo `+
			`'{"kind":"ready"}'; shift 2; "$@"`)
	known := findings.List{{Title: "it tells no birth", Failures: []findings.Failure{{
		Debugger: "command", Configurations: []string{"command"}, Version: "1.2",
		Scenarios: []string{"fork/launch"}, Rules: []string{"complete"}, Always: true,
	}}}}
	o := harness.Options{Match: regexp.MustCompile("^fork/launch$"), Expect: known.Expect}
	report, err := harness.RunAll(t.Context(), []harness.Debugger{d}, o, func([]harness.Result) {})
	assert.NilError(t, err)
	assert.Equal(t, report.Debuggers[0].Version, "1.2")
	i := slices.IndexFunc(
		report.Results, func(r harness.Result) bool { return r.Rule == "complete" })
	assert.Equal(t, report.Results[i].Verdict, judge.KFail, report.Results[i].Detail)
}

func TestRequestsThatGetNoAnswer(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{
			"it ends", `ask 1 resume; echo first >&2; echo 'cannot resume' >&2; exit 5`,
			"request resume: it ended with 5: cannot resume",
		},
		{
			"it answers another", `ask 1 resume; echo '{"kind":"reply","id":2}'; exec sleep 100`,
			"line 3 of its output: reply: request 2 was not asked",
		},
		{
			"it answers no object",
			`ask 1 resume; echo '{"kind":"reply","id":"1"}'; exec sleep 100`,
			"line 3 of its output: reply: json: ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			start(t, greet+c.text, func(ctx context.Context, s harness.Session, err error) {
				assert.NilError(t, err)
				short, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				begin := time.Now()
				assert.ErrorContains(t, s.Resume(short), c.want)
				assert.Assert(t, time.Since(begin) < 4*time.Second, "it is known at once")
			})
		})
	}
	start(t, greet+`exec sleep 100`, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		assert.ErrorIs(t, s.Resume(short), context.DeadlineExceeded)
	})
}

func TestALineWithoutMeaningIsTheDebuggersFailure(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"no object", `{"kind":`, "line 2 of its output: unexpected end of JSON input"},
		{"no kind", `{"kind":"birth"}`, `line 2 of its output: event: "birth" is no kind of event`},
		{
			"no signal", `{"kind":"signal","tid":7}`,
			"line 2 of its output: signal event: it names no signal",
		},
		{
			"a bad hello", `{"kind":"hello","fields":"births"}`,
			"line 2 of its output: hello: json: ",
		},
		{
			"an answer to nothing", `{"kind":"reply","id":1}`,
			"line 2 of its output: reply: request 1 was not asked",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			start(t, "echo '{\"kind\":\"ready\"}'; echo '"+c.line+"'; exec sleep 100",
				func(ctx context.Context, s harness.Session, err error) {
					assert.NilError(t, err)
					assert.NilError(t, s.Wait(ctx))
					assert.ErrorContains(t, s.End(), c.want)
				})
			start(t, "echo hello; echo '"+c.line+"'; exec sleep 100",
				func(_ context.Context, s harness.Session, err error) {
					assert.ErrorContains(t, err, c.want)
				})
		})
	}
	start(t, `echo '{"kind":"ready"}'; head -c 1048600 /dev/zero | tr '\0' x; exec sleep 100`,
		func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.NilError(t, s.Wait(ctx))
			assert.Error(t, s.End(), "line 2 of its output is longer than 1048576 bytes")
		})
}

func TestADebuggerThatIsNeverReadySaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"echo 1 >&2; echo 'ptrace: not allowed' >&2; exit 3": "it ended with 3: " +
			"ptrace: not allowed",
		"kill -9 $$": "it ended with SIGKILL, and wrote nothing to standard error",
		"exit 0":     "it ended with 0, and wrote nothing to standard error",
	} {
		start(t, text,
			func(_ context.Context, _ harness.Session, err error) { assert.Error(t, err, want) })
	}
	adaptertest.WithTarget(t, "fork/launch", harness.Options{}, func(target harness.Target) {
		_, err := command.Debugger{Argv: []string{"/nowhere/dbg"}}.Start(t.Context(), target)
		assert.ErrorIs(t, err, os.ErrNotExist)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		s, err := fake(t, "exec sleep 100").Start(ctx, target)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NilError(t, s.End())
	})
}

func TestADebuggerWithoutRequestsIsToldToEnd(t *testing.T) {
	start(
		t,
		`trap 'echo "{\"kind\":\"vforkdone\",\"tid\":7}"; exit' TERM; echo `+
			`'{"kind":"ready"}'; while :; do sleep 0.01; done`,
		func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			assert.NilError(t, s.Resume(ctx))
			assert.NilError(t, s.Detach(ctx))
			assert.NilError(t, s.Wait(ctx))
			assert.Equal(t, len(s.Words().Trace()), 2)
		})
	start(t, `trap '' TERM; echo '{"kind":"ready"}'; while :; do sleep 0.01; done`,
		func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err)
			// The test expects that nothing comes.
			ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			assert.ErrorIs(t, s.Detach(ctx), context.DeadlineExceeded, "it does not listen")
		})
}

// A whole run: the program runs, and what the script says is judged.
func TestAScriptIsJudged(t *testing.T) {
	d := fake(
		t,
		`shift 2; "$@" & echo "{\"kind\":\"ready\",\"pid\":$!,\"tid\":$!}"; wait; echo `+
			`"{\"kind\":\"end\",\"pid\":$!,\"tid\":$!,\"status\":0}"`)
	want := map[string]judge.Verdict{
		"session": judge.Pass, "complete": judge.Fail, "exit": judge.Fail,
		"parent": judge.Untested, "once": judge.Untested,
		"sound": judge.Pass, "order": judge.Pass, "running": judge.Pass, "transparent": judge.Pass,
		"bounded": judge.Pass,
	}
	results, err := run(t, d, "fork/launch")
	assert.NilError(t, err)
	for _, r := range results {
		assert.Check(
			t, r.Verdict == want[r.Rule], "%s: got %s, want %s: %s", r.Rule, r.Verdict,
			want[r.Rule], r.Detail)
		if r.Rule == "complete" {
			assert.Equal(t, strings.Count(r.Detail, "created by main, was not reported"), 10)
		}
	}
	assert.Equal(t, d.Name(), "command")
	_, err = command.Debugger{}.Version(t.Context())
	assert.Error(t, err, "the command is empty")
}

// What a debugger says when it is told to let go is read, though it has ended by then.
func TestLastWordsAreHeard(t *testing.T) {
	const last = `trap 'seq -f "{\"kind\":\"clone\",\"pid\":7,\"tid\":7,\"child\":%.0f}" 1 900; ` +
		`exit' TERM; echo '{"kind":"ready"}'; while :; do sleep 0.01; done`
	start(t, last, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.NilError(t, s.Detach(ctx))
		assert.Equal(t, len(s.Words().Trace()), 901)
	})
}

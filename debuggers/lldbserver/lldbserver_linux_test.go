package lldbserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/probe"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func TestMain(m *testing.M) {
	switch append(os.Args, "")[1] {
	case "version":
		fmt.Println("lldb version 19.1.7")
		return
	case "gdbserver":
		fakeMain()
		return
	}
	testproc.Main(m, nil)
}

func TestQuickSet(t *testing.T) {
	adaptertest.QuickSet(t, harness.Options{TimeScale: 0.4}, Debugger{})
}

// The suite finds the defects of lldb-server that were found by hand.
func TestTheDefectsOfLldbServerAreSeen(t *testing.T) {
	adaptertest.NeedVersion(t, Debugger{}, "19.1.7")
	for _, defect := range []adaptertest.Defect{
		{
			"attach_leader_gone/attach_before", "session",
			"the debugger's start: .*it ended with SIGSEGV",
		},
		{"exec_from_thread/launch", "running", `\(main/1\) was left stopped`},
		{"thread_by_vfork_flag/launch", "sound", "created process [0-9]+ by vfork; it was a clone"},
		{"signal_mask/launch", "transparent", "SigIgn"},
		{
			"attach_signal_first/attach_before", "transparent",
			"1 signal sent, 0 handled: the debugger did not deliver it",
		},
		{"attach_signal_first/orphaned", "released", `\(main\) is stopped since: state T`},
		{"signal_own_stop/launch", "transparent", "it stood: 0"},
	} {
		adaptertest.Shows(t, Debugger{}, harness.Options{TimeScale: 0.3}, defect)
	}
}

// fakeMain is the test binary as a server that says the text of --fake= over its standard input and
// does no more. The text "nothing" is not said.
func fakeMain() {
	said, ends := "", false
	for _, arg := range os.Args {
		if text, ok := strings.CutPrefix(arg, "--fake="); ok {
			said, ends = strings.CutSuffix(text, "END")
		}
	}
	switch said {
	case "nothing":
	case "dead":
		fmt.Fprintln(os.Stderr, "it was the fake's last hour")
		os.Exit(3)
	default:
		fmt.Fprint(os.Stdin, said)
	}
	if ends {
		os.Stdin.Close()
	}
	time.Sleep(time.Hour) // sleep: it hangs
}

type faked struct {
	Debugger
	name string
}

func (f faked) Name() string { return f.name }

// Packets are tested in package remote; this is about the connection.
func TestAServerWithoutAConnectionIsAccused(t *testing.T) {
	self, err := os.Executable()
	assert.NilError(t, err)
	wants := map[string]string{
		"nothing": "bounded: proven hung after 1.2s without a change: the debugger's start did " +
			"not come",
		"dead": "session: the debugger failed: the debugger's start: ",
		"END":  `session: the debugger failed: the debugger's start: request "QStartNoAckMode": `,
		"hello": "session: the debugger failed: the debugger's start: " +
			`request "QStartNoAckMode": ` +
			`"hello" begins no packet`,
		"$OEND": `session: the debugger failed: the debugger's start: request "QStartNoAckMode": `,
		"$OK#9a$OK#9a$x#78": `session: the debugger failed: the debugger's start: request ` +
			`"QListThreadsInStopReply": it answers "x"`,
	}
	var all []harness.Debugger
	for said := range wants {
		all = append(all, faked{Debugger{Path: self, Args: []string{"--fake=" + said}}, said})
	}
	versioned := harness.Options{
		Match: regexp.MustCompile("^fork/attach_before$"), TimeScale: 0.4,
		Jobs: len(all),
	}
	report, err := harness.RunAll(t.Context(), all, versioned, func([]harness.Result) {})
	assert.NilError(t, err)
	for _, r := range report.Results {
		first, _, _ := strings.Cut(r.Detail, "\n")
		if rule, want, _ := strings.Cut(wants[r.Debugger], ": "); r.Rule == rule {
			assert.Check(
				t, r.Verdict == judge.Fail &&
					strings.HasPrefix(first, want), "%q: %s %q, want %q", r.Debugger, r.Verdict,
				first, want)
		}
	}
}

func (faked) Version(context.Context) (string, error) { return "1", nil }

// program is a shell script as lldb-server.
func program(t *testing.T, text string) Debugger {
	t.Helper()
	name := filepath.Join(t.TempDir(), "lldb-server")
	assert.NilError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return Debugger{Path: name}
}

func TestVersionSaysWhatIsMissing(t *testing.T) {
	version, err := program(t, "echo 'lldb version 19.1.7' >&2").Version(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, version, "19.1.7")
	_, err = program(t, "echo 'lldb 19'").Version(t.Context())
	assert.ErrorContains(t, err, "version prints no version of lldb-server: is it lldb-server?")
	_, err = Debugger{Path: "no such server"}.Version(t.Context())
	assert.ErrorContains(t, err, "executable file not found")
	t.Setenv("PATH", t.TempDir())
	_, err = Debugger{}.Version(t.Context())
	assert.ErrorContains(t, err, "find lldb-server (`make debuggers` installs it")
}

// Without a path the newest one is taken.
func TestTheNewestIsFound(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, name := range []string{"lldb-server-14", "lldb-server-19", "lldb-server"} {
		assert.NilError(t, os.WriteFile(dir+"/"+name, []byte("#!/bin/sh\n"), 0o755))
		found, err := Debugger{}.program().Find()
		assert.NilError(t, err)
		assert.Equal(t, found, dir+"/"+name)
	}
}

func TestTheCommandLine(t *testing.T) {
	d := Debugger{Args: []string{"--setsid"}}
	launched := harness.Target{Argv: []string{"/p", "n=1", "--x"}}
	attached := harness.Target{Argv: []string{"/p", "n=1"}, PID: 7}
	for version, want := range map[string][2]string{
		"11.0.1": {"--fd 0 localhost:0 -- /p n=1 --x", "--fd 0 --attach 7 localhost:0"},
		"14.0.6": {"fd://0 -- /p n=1 --x", "--attach 7 fd://0"},
		"":       {"fd://0 -- /p n=1 --x", "--attach 7 fd://0"},
	} {
		launch := strings.Join(d.args(version, launched), " ")
		assert.Check(t, is.Equal(launch, "gdbserver --setsid "+want[0]))
		attach := strings.Join(d.args(version, attached), " ")
		assert.Check(t, is.Equal(attach, "gdbserver --setsid "+want[1]))
	}
}

// A server attaches in the order of the tids, and main's is not the lowest where the kernel has
// begun to count anew. Then it waits for a thread that is frozen until it has come.
func TestFrozenTasksThawForAnAttachThatBeginsWithAThread(t *testing.T) {
	if err := probe.Try("freezer"); err != nil {
		t.Skip("there is no freezer: ", err)
	}
	o := harness.Options{}
	adaptertest.WithTarget(t, "attach_frozen_tasks/attach_before", o, func(at harness.Target) {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", at.PID))
		assert.NilError(t, err)
		tid, err := strconv.Atoi(tasks[len(tasks)-1].Name())
		assert.NilError(t, err)
		if tid == at.PID {
			tid, _ = strconv.Atoi(tasks[0].Name())
		}
		stopped := make(chan bool, 1)
		go func() {
			runtime.LockOSThread() // it ends with the goroutine, and so does its tracing
			var status unix.WaitStatus
			err := unix.PtraceAttach(tid)
			if err == nil {
				_, err = unix.Wait4(tid, &status, unix.WALL, nil)
			}
			stopped <- err == nil && status.Stopped() // and not killed with the run
		}()
		select {
		case thawed := <-stopped:
			assert.Check(t, thawed, "thread %d of %d is frozen, although it is traced", tid, at.PID)
		case <-t.Context().Done():
		}
	})
}

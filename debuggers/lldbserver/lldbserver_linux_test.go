package lldbserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "gdbserver" {
		fakeMain()
		return
	}
	adaptertest.Main(m)
}

func TestQuickSet(t *testing.T) {
	adaptertest.QuickSet(t, Known, harness.Options{TimeScale: 0.4}, Debugger{})
}

// What was found in lldb-server by hand is found by the suite too.
func TestTheDefectsOfLldbServerAreSeen(t *testing.T) {
	adaptertest.NeedVersion(t, Debugger{}, "19.1.7")
	for _, defect := range []adaptertest.Defect{
		{"attach_leader_gone/attach_before", "complete", "the debugger's start: it ended with SIGSEGV"},
		{"exec_from_thread/launch", "running", `\(main/1\) was left stopped`},
		{"thread_by_vfork_flag/launch", "sound", "vfork [0-9]+\": a clone is a thread's birth"},
		{"signal_mask/launch", "transparent", "SigIgn"},
		{"attach_signal_first/attach_before", "transparent", "was sent 1 signals and got 0: swallowed"},
		{"attach_signal_first/orphaned", "released", `\(main\) is stopped since: state T`},
		{"signal_own_stop/launch", "transparent", "it stood: 0"},
	} {
		adaptertest.Shows(t, Debugger{}, harness.Options{TimeScale: 0.3}, defect)
	}
}

// fakeMain is the test binary as a server that connects, says what --fake= is, and does no more; without, it does not
// even connect.
func fakeMain() {
	said, ends := "", false
	for _, arg := range os.Args {
		if text, ok := strings.CutPrefix(arg, "--fake="); ok {
			said, ends = strings.CutSuffix(text, "END")
		}
		if socket, ok := strings.CutPrefix(arg, "unix-connect://"); ok && said != "nothing" {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			fmt.Fprint(conn, said)
			if ends {
				conn.Close()
			}
		}
	}
	if said == "dead" {
		fmt.Fprintln(os.Stderr, "it was the fake's last hour")
		os.Exit(3)
	}
	time.Sleep(time.Hour) // sleep: it hangs
}

type faked struct {
	Debugger
	name string
}

func (f faked) Name() string { return f.name }

// How the packets are dealt with is the client's matter; these are the connection's.
func TestAServerWithoutAConnectionIsAccused(t *testing.T) {
	self, err := os.Executable()
	assert.NilError(t, err)
	wants := map[string]string{
		"nothing":           "bounded: the debugger's start did not come within 6s",
		"dead":              "complete: the debugger failed: the debugger's start: ", // before it was greeted, or then
		"END":               `complete: the debugger failed: the debugger's start: request "QStartNoAckMode": `,
		"hello":             `complete: the debugger failed: the debugger's start: request "QStartNoAckMode": "hello" begins no packet`,
		"$OEND":             `complete: the debugger failed: the debugger's start: request "QStartNoAckMode": `,
		"$OK#9a$OK#9a$x#78": `complete: the debugger failed: the debugger's start: request "QListThreadsInStopReply": it answers "x"`,
	}
	var all []harness.Debugger
	for said := range wants {
		all = append(all, faked{Debugger{Path: self, Args: []string{"--fake=" + said}}, said})
	}
	versioned := harness.Options{Match: regexp.MustCompile("^fork/attach_before$"), TimeScale: 0.4, Jobs: len(all)}
	report, err := harness.RunAll(t.Context(), all, versioned, func([]harness.Result) {})
	assert.NilError(t, err)
	for _, r := range report.Results {
		first, _, _ := strings.Cut(r.Detail, "\n")
		if rule, want, _ := strings.Cut(wants[r.Debugger], ": "); r.Rule == rule {
			assert.Check(t, r.Verdict == harness.Fail && strings.HasPrefix(first, want), "%q: %s %q, want %q", r.Debugger, r.Verdict, first, want)
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
	assert.Error(t, err, "its first line names no version of lldb: is it lldb-server?")
	_, err = Debugger{Path: "no such server"}.Version(t.Context())
	assert.ErrorContains(t, err, "executable file not found")
	t.Setenv("PATH", t.TempDir())
	_, err = Debugger{}.Version(t.Context())
	assert.ErrorContains(t, err, "find lldb-server (`make debuggers` installs it")
}

// Without a path it is the newest that is installed.
func TestTheNewestIsFound(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, name := range []string{"lldb-server-14", "lldb-server-19", "lldb-server"} {
		assert.NilError(t, os.WriteFile(dir+"/"+name, []byte("#!/bin/sh\n"), 0o755))
		found, err := Debugger{}.program()
		assert.NilError(t, err)
		assert.Equal(t, found, dir+"/"+name)
	}
}

func TestTheCommandLine(t *testing.T) {
	d := Debugger{Args: []string{"--setsid"}}
	launch := d.argv("ls", "/s", harness.Target{Argv: []string{"/p", "n=1", "--x"}})
	assert.Equal(t, strings.Join(launch, " "), "ls gdbserver --reverse-connect --setsid unix-connect:///s -- /p n=1 --x")
	attach := d.argv("ls", "/s", harness.Target{Argv: []string{"/p", "n=1"}, PID: 7})
	assert.Equal(t, strings.Join(attach, " "), "ls gdbserver --reverse-connect --setsid --attach 7 unix-connect:///s")
}

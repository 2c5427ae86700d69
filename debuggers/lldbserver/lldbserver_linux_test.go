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
	"github.com/tidcheck/tidcheck/judge"
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

// The suite finds the defects of lldb-server that were found by hand.
func TestTheDefectsOfLldbServerAreSeen(t *testing.T) {
	adaptertest.NeedVersion(t, Debugger{}, "19.1.7")
	for _, defect := range []adaptertest.Defect{
		{
			"attach_leader_gone/attach_before", "session",
			"the debugger's start: it ended with SIGSEGV",
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

// fakeMain is the test binary as a server that connects, says the text of --fake=, and does no
// more. For the text "nothing" it does not connect.
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

// Packets are tested in package remote; this is about the connection.
func TestAServerWithoutAConnectionIsAccused(t *testing.T) {
	self, err := os.Executable()
	assert.NilError(t, err)
	wants := map[string]string{
		"nothing": "bounded: proven hung after 1.2s without a change: the debugger's start did " +
			"not come",
		// before the greeting, or at it
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

// The path of a socket may have 107 bytes, and ours is in a folder that the user names.
func TestATemporaryFolderWithALongPathIsNotTheServersFault(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	assert.NilError(t, os.Mkdir(folder, 0o755))
	t.Setenv("TMPDIR", folder)
	d := faked{Debugger{Path: "/bin/true"}, "true"}
	got := adaptertest.Verdicts(t, "fork/launch", harness.Options{}, d)["true"]["session"]
	assert.Assert(t, strings.HasPrefix(got, "UNRESOLVED: ") &&
		strings.Contains(got, "listen for lldb-server: "), got)
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
	launch := d.args("/s", harness.Target{Argv: []string{"/p", "n=1", "--x"}})
	assert.Equal(
		t, strings.Join(launch, " "),
		"gdbserver --reverse-connect --setsid unix-connect:///s -- /p n=1 --x")
	attach := d.args("/s", harness.Target{Argv: []string{"/p", "n=1"}, PID: 7})
	assert.Equal(
		t, strings.Join(attach, " "),
		"gdbserver --reverse-connect --setsid --attach 7 unix-connect:///s")
}

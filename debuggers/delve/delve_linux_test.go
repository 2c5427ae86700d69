package delve

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"version", "exec", "attach"}, os.Args[1]) {
		fakeMain()
		return
	}
	testproc.Main(m, nil)
}

func TestQuickSet(t *testing.T) {
	adaptertest.QuickSet(t, harness.Options{},
		Debugger{}, Debugger{FollowExec: true}, Debugger{Breakpoint: true})
}

// The suite finds the defects of delve that were found by hand.
func TestTheDefectsOfDelveAreSeen(t *testing.T) {
	adaptertest.NeedVersion(t, Debugger{}, "1.27.2")
	for _, c := range []struct {
		debugger  Debugger
		scenarios string
		runs      int
		want      string
	}{
		{
			Debugger{},
			"attach_churn/attach_(before|during)", 3,
			"could not attach to new thread [0-9]+ no such process",
		},
		// A thread that delve has not attached to meets the breakpoint.
		{
			Debugger{Breakpoint: true},
			"attach_mid_birth/attach_before", 1,
			`the program ended with SIGTRAP, and without a debugger it ends with 0|task [0-9]+ ` +
				`\(main\): state Z \(zombie\)`,
		},
		{
			Debugger{},
			"attach_signal_first/attach_before", 1,
			`task [0-9]+ \(main/1\): 1 signal sent, 0 handled: the debugger did not deliver it`,
		},
		{
			Debugger{},
			"attach_signal_first/orphaned", 1,
			`task [0-9]+ \(main/1\) is stopped since: state T`,
		},
		{Debugger{}, "attach_stopped/attach_before", 1, `main went on: 1`},
		{
			Debugger{FollowExec: true},
			"exec_from_leader/launch", 1,
			"Command: wait err no child processes",
		},
		{
			Debugger{FollowExec: true},
			"exec_then_threads/stops", 1,
			"the debugger's stop did not come",
		},
	} {
		o := harness.Options{Repeat: c.runs, TimeScale: 0.5}
		adaptertest.Shows(
			t, c.debugger, o, adaptertest.Defect{Scenarios: c.scenarios, Want: c.want})
	}
}

func TestVersionSaysWhatIsMissing(t *testing.T) {
	_, err := Debugger{Path: "no such delve"}.Version(t.Context())
	assert.Error(
		t, err,
		"find dlv (`make debuggers` builds it): exec: \"no such delve\": executable file "+
			"not found in $PATH")
	_, err = Debugger{Path: "/bin/true"}.Version(t.Context())
	assert.Error(t, err, "/bin/true version prints no version of dlv: is it dlv?")
	_, err = Debugger{Path: "/bin/false"}.Version(t.Context())
	assert.Error(t, err, "/bin/false version: exit status 1")
	self, err := os.Executable()
	assert.NilError(t, err)
	version, err := Debugger{Path: self}.Version(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, version, "1.2.3")
}

// Without a path delve is found where the go command installs programs, and beside our own program,
// where make builds it.
func TestDelveIsFoundWhereGoInstallsIt(t *testing.T) {
	dir := t.TempDir()
	assert.NilError(t, os.WriteFile(dir+"/dlv", []byte("#!/bin/sh\n"), 0o755))
	t.Setenv("PATH", t.TempDir())
	t.Setenv("GOBIN", dir)
	program, err := Debugger{}.program().Find()
	assert.NilError(t, err)
	assert.Equal(t, program, dir+"/dlv")
	assert.NilError(t, os.Remove(dir+"/dlv"))
	_, err = Debugger{}.program().Find()
	assert.ErrorContains(t, err, "find dlv")
}

func TestTheCommandLine(t *testing.T) {
	const serve = " --headless --api-version=2 --listen=unix:/s --check-go-version=false " +
		"--allow-non-terminal-interactive=true"
	d := Debugger{Args: []string{"--log"}}
	launch := d.args("unix:/s", harness.Target{Argv: []string{"/p", "n=1", "--x"}})
	assert.Equal(t, strings.Join(launch, " "), "exec /p"+serve+" --log -- n=1 --x")
	attach := d.args("unix:/s", harness.Target{Argv: []string{"/p", "n=1"}, PID: 7})
	assert.Equal(t, strings.Join(attach, " "), "attach 7"+serve+" --log")
}

func TestDelveIsSilenced(t *testing.T) {
	dir := t.TempDir()
	assert.NilError(t, silence(dir))
	mode, err := os.ReadFile(dir + "/go/telemetry/mode")
	assert.NilError(t, err)
	assert.Equal(t, string(mode), "off")
	assert.ErrorContains(t, silence("/dev/null"), "turn telemetry off: ")
}

func TestConfigurationsHaveNamesOfTheirOwn(t *testing.T) {
	assert.Equal(t, Debugger{}.Name(), "delve")
	assert.Equal(t, Debugger{FollowExec: true}.Name(), "delve-followexec")
	assert.Equal(t, Debugger{Breakpoint: true}.Name(), "delve-breakpoint")
}

// Delve before 1.22 listens at no path, and says so.
func TestADelveThatKnowsNoPathsListensAtAPort(t *testing.T) {
	folder := t.TempDir()
	script := "#!/bin/sh\n[ \"$1\" = version ] && exec echo 'Version: 1.20.2'\n" +
		"echo \"$@\" >>" + folder + "/asked\n" +
		"echo \"couldn't start listener: listen tcp: lookup tcp//x: unknown port\"\nexit 1\n"
	program := filepath.Join(folder, "dlv")
	assert.NilError(t, os.WriteFile(program, []byte(script), 0o755))
	o := harness.Options{Match: regexp.MustCompile("^fork/launch$")}
	all := []harness.Debugger{Debugger{Path: program}}
	_, err := harness.RunAll(t.Context(), all, o, func([]harness.Result) {})
	assert.NilError(t, err)
	asked, err := os.ReadFile(filepath.Join(folder, "asked"))
	assert.NilError(t, err)
	want := regexp.MustCompile(`^exec .* --listen=unix:.*\nexec .* --listen=127\.0\.0\.1:0 .*\n$`)
	assert.Assert(t, want.Match(asked), "%s", asked)
}

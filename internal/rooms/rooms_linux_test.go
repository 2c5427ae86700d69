//go:build amd64 || arm64

package rooms

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// A process whose environment names a room becomes its arguments there.
func TestMain(m *testing.M) {
	if os.Getenv(variable) != "" {
		fmt.Fprintln(os.Stderr, Enter(os.Args[1:]))
		os.Exit(125)
	}
	// The command line's value is parsed later, and counts. In each room is waited more than done.
	flag.Set("test.parallel", fmt.Sprint(len(All())))
	os.Exit(m.Run())
}

// command is a command line in a room, for which it makes the folder.
func command(t *testing.T, r Room, env []string, argv ...string) *exec.Cmd {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tidcheck-room-") // t.TempDir is not for other users
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, os.RemoveAll(dir)) })
	assert.NilError(t, os.Chmod(dir, 0o755))
	for _, folder := range []string{"home", "tmp"} {
		name := filepath.Join(dir, folder)
		assert.NilError(t, os.Mkdir(name, 0o755))
		if r.User {
			assert.NilError(t, os.Chown(name, UserID, UserID))
		}
	}
	self, err := os.Executable()
	assert.NilError(t, err)
	cmd := Command(r, dir, []string{self}, env, argv...)
	cmd.Dir = "/"
	return cmd
}

// needRooms skips a test where no room can be built.
func needRooms(t *testing.T) {
	t.Helper()
	testproc.NeedRootMount(t)
	cmd := command(t, Room{Name: "root"}, []string{"PATH=" + os.Getenv("PATH")}, "true")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skip("rooms are built by root alone: ", err)
	}
	assert.NilError(t, err, string(out))
}

// tidcheck builds the command where every user may execute it. Its folder is for caches too.
func tidcheck(t *testing.T) (program string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tidcheck-rooms-")
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, os.RemoveAll(dir)) })
	assert.NilError(t, os.Chmod(dir, 0o755))
	for name, user := range map[string]int{"root": 0, "user": UserID} {
		assert.NilError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		assert.NilError(t, os.Chown(filepath.Join(dir, name), user, user))
	}
	program = filepath.Join(dir, "tidcheck")
	out, err := exec.Command("go", "build", "-o", program,
		"github.com/tidcheck/tidcheck/cmd/tidcheck").CombinedOutput()
	assert.NilError(t, err, string(out))
	return program
}

// The core of the suite has a scenario for each thing that a room may lack.
const core = "^(fork/attach_during|thread_nested/launch|exec_from_thread/launch|" +
	"attach_idle/attach_before|signal_one_thread/attach_before|attach_mid_birth/attach_before|" +
	"exit_pid_namespace/launch|thread_io_uring/launch|attach_frozen_tasks/attach_before)$"

// In each room the reference is right, what cannot be judged says why, and a wrong tracer is caught
// by the rule that catches it elsewhere.
func TestTheCoreIsRightInEachRoom(t *testing.T) {
	needRooms(t)
	program := tidcheck(t)
	allowed := readAllowed(t, "testdata/untested.txt")
	for _, r := range All() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			env := []string{"PATH=" + os.Getenv("PATH")}
			if !r.NoExec { // else it has to find a place of its own
				user, _, _ := strings.Cut(r.Name, "-")
				cache := filepath.Join(filepath.Dir(program), user)
				env = append(env, "TIDCHECK_CACHE="+cache)
			}
			allowed.hold(t, r, results(t, r, env, program, core, "reference"))
			missing := slices.Clone(caught)
			for _, one := range results(t, r, env, program, wrong, defects...) {
				if one.Verdict == judge.Fail {
					missing = slices.DeleteFunc(missing, func(c string) bool {
						return c == one.Debugger+" "+named(one)
					})
				}
			}
			assert.Check(t, len(missing) == 0, "not caught: %s", missing)
		})
	}
}

// results runs scenarios under a debugger in a room.
func results(
	t *testing.T, r Room, env []string, program, scenarios string,
	debuggers ...string,
) []harness.Result {
	t.Helper()
	argv := append([]string{program, "run", "--json", "-", "--run", scenarios}, debuggers...)
	cmd := command(t, r, env, argv...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.Run() // its status is 1 where something is caught
	assert.Equal(t, complaint.String(), "")
	var report harness.Report
	assert.NilError(t, json.Unmarshal(out.Bytes(), &report), out.String())
	return report.Results
}

// named is a result's SCENARIO/MODE/RULE.
func named(r harness.Result) string { return fmt.Sprintf("%s/%s/%s", r.Scenario, r.Mode, r.Rule) }

// Some tracers with a planted defect, and what each is caught by wherever it runs.
var (
	defects = []string{"defective:attaches-leader-only", "defective:swallows-signals"}
	caught  = []string{
		"defective:attaches-leader-only attach_idle/attach_before/complete",
		"defective:swallows-signals signal_one_thread/attach_before/transparent",
	}
)

const wrong = "^(attach_idle|signal_one_thread)/attach_before$"

// An allowance is a line of a list: in these rooms, what is named may be left out for this reason.
type allowance struct {
	rooms, what, why *regexp.Regexp
	line             string
	byKernel         bool // the kernel or its settings decide whether it is needed
}

type allowances []*allowance

// readAllowed reads a list: ROOMS WHAT REASON, regular expressions of which the first two match
// whole words and the last is the rest of the line. A question mark and a space come first where
// the kernel or its settings decide.
func readAllowed(t *testing.T, name string) (all allowances) {
	t.Helper()
	text, err := os.ReadFile(name)
	assert.NilError(t, err)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line, byKernel := strings.CutPrefix(line, "? ")
		words := strings.SplitN(line, " ", 3)
		assert.Equal(t, len(words), 3, line)
		all = append(all, &allowance{
			rooms: regexp.MustCompile("^(" + words[0] + ")$"),
			what:  regexp.MustCompile("^(" + words[1] + ")$"),
			why:   regexp.MustCompile(words[2]), line: line, byKernel: byKernel,
		})
	}
	return all
}

// hold sees that the reference is right in a room, and only what is allowed was not judged. A line
// that is for this room and not needed is an error too: the skip of what can be had here.
func (all allowances) hold(t *testing.T, r Room, results []harness.Result) {
	t.Helper()
	used := map[*allowance]bool{}
	for _, one := range results {
		switch one.Verdict {
		case judge.Pass:
		case judge.Untested:
			found := false
			for _, a := range all {
				if a.rooms.MatchString(r.Name) && a.what.MatchString(named(one)) &&
					a.why.MatchString(one.Detail) {
					used[a], found = true, true
				}
			}
			assert.Check(t, found, "%s: not in testdata/untested.txt for this room: %s",
				named(one), one.Detail)
		default:
			t.Errorf("%s: %s %s", named(one), one.Verdict, one.Detail)
		}
	}
	for _, a := range all {
		idle := a.rooms.MatchString(r.Name) && !used[a] && !a.byKernel
		assert.Check(t, !idle, "nothing is left out by %q", a.line)
	}
}

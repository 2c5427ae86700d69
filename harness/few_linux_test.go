package harness_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// fewIDs is how many ids there are in all in the namespace with few.
const fewIDs = 1500

// inside, in the environment, is set in that namespace.
const inside = "TIDCHECK_FEW_IDS"

// A program that makes more tasks than there are ids uses some twice, also within one attach.
func TestTheRulesAreKeptWhereIDsAreFew(t *testing.T) {
	if os.Getenv(inside) == "" {
		withFewIDs(t)
		return
	}
	assert.NilError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	assert.NilError(t, unix.Mount("proc", "/proc", "proc", 0, ""))
	assert.NilError(t, os.WriteFile("/proc/sys/kernel/pid_max", fmt.Append(nil, fewIDs), 0))
	t.Run("witnessed", func(t *testing.T) {
		keepsTheRules(t)
		misses := liar{change: func(l event.Trace) event.Trace {
			i := nth(l, event.Clone, 100)
			return slices.Delete(l, i, i+1)
		}}
		_, details := outcomes(harness.RunWithin(t, misses, scenario(t, "thread_storm/launch"),
			harness.Limit))
		assert.Assert(t, strings.Contains(details["complete"], "was not reported"), "%v", details)
	})
	t.Run("announced", func(t *testing.T) {
		harness.RefuseWitness(t, fs.ErrPermission)
		keepsTheRules(t)
	})
}

// withFewIDs runs the test once more, in a pid namespace of its own.
func withFewIDs(t *testing.T) {
	t.Parallel()
	testproc.NeedRootMount(t)
	var name unix.Utsname
	assert.NilError(t, unix.Uname(&name))
	release := unix.ByteSliceToString(name.Release[:])
	version, err := event.ParseKernel(release)
	assert.NilError(t, err)
	if version[0] < 6 || version[0] == 6 && version[1] < 14 {
		t.Skip("kernel.pid_max is all the machine's before Linux 6.14, and this is " + release)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	said, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) {
		t.Skip("a pid namespace takes CAP_SYS_ADMIN: ", err)
	}
	assert.NilError(t, err, "%s", said)
}

func keepsTheRules(t *testing.T) {
	late, err := fixtures.Load("testdata/late_birth.c")
	assert.NilError(t, err)
	late.Params[0].Quick = strconv.Itoa(fewIDs)
	catalogue, err := fixtures.Catalogue()
	assert.NilError(t, err)
	o := harness.Options{Fixtures: append(catalogue, late), Repeat: 3}
	o.Match = regexp.MustCompile("^(attach_churn|late_birth|thread_storm|thread_tid_reuse)/")
	report := runAll(t, o, reference.Debugger{})
	passed := map[string]bool{}
	for _, r := range report.Results {
		switch r.Verdict {
		case judge.Pass:
			passed[r.Scenario] = true
		case judge.Untested:
		default:
			t.Errorf("%s/%s %s: %s %s", r.Scenario, r.Mode, r.Rule, r.Verdict, r.Detail)
		}
	}
	for _, name := range []string{"attach_churn", "late_birth", "thread_storm"} {
		assert.Check(t, passed[name], "%s: %v", name, passed) // the fourth needs the witness
	}
}

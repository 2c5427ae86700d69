package harness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// role, in the environment, has the test binary do something in a process of its own.
const role = "TIDCHECK_HARNESS_ROLE"

var roles = map[string]func(){"build": buildMany, "keep": keepUntilKilled, "attach": attachUntilKilled}

// attachUntilKilled is a debugger that attaches to a process, says so, and does no more.
func attachUntilKilled() {
	pid, _ := strconv.Atoi(os.Getenv("PID"))
	if _, err := tracer.Attach(pid, tracer.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("attached")
	select {}
}

func TestMain(m *testing.M) {
	if play, ok := roles[os.Getenv(role)]; ok {
		play()
		os.Exit(0)
	}
	// What a keeper that was killed leaves comes to us, so that we can say that nothing is left.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	cache, err := os.MkdirTemp("", "harness-test-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Setenv("TIDCHECK_CACHE", cache)
	code := m.Run()
	os.RemoveAll(cache)
	if left := leftovers(); len(left) > 0 {
		fmt.Println("FAIL: left behind:", left)
		code = 1
	}
	os.Exit(code)
}

// leftovers are our children, and the programs that have a ledger of ours.
func leftovers() (left []string) {
	children, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range children {
		text, _ := os.ReadFile(name)
		for pid := range strings.FieldsSeq(string(text)) {
			left = append(left, "child "+pid+" "+firstLine("/proc/"+pid+"/comm"))
		}
	}
	ours := fmt.Appendf(nil, "TIDCHECK_LEDGER=/proc/%d/", os.Getpid())
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range environs {
		if text, _ := os.ReadFile(name); bytes.Contains(text, ours) {
			left = append(left, name)
		}
	}
	return left
}

// playing is the test binary in a role.
func playing(name string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	// The race detector would have each sleep for a second at its end.
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0", role+"="+name), env...)
	return cmd
}

// alarm fails a test that would hang, and shows where.
func alarm(t testing.TB, limit time.Duration) {
	timer := time.AfterFunc(limit, func() {
		debug.SetTraceback("all")
		panic(t.Name() + ": it hangs")
	})
	t.Cleanup(func() { timer.Stop() })
}

// someKeeper is a keeper that the test's end closes.
func someKeeper(t testing.TB) *keeper {
	t.Helper()
	alarm(t, 20*time.Second)
	return patientKeeper(t)
}

// patientKeeper is one for as long as the test takes.
func patientKeeper(t testing.TB) *keeper {
	t.Helper()
	program, err := keeperProgram(t.Context())
	assert.NilError(t, err)
	k, err := newKeeper(program)
	assert.NilError(t, err)
	t.Cleanup(func() {
		if k.cmd.ProcessState == nil {
			assert.Check(t, k.close())
		}
	})
	return k
}

// script is a shell script that a test writes.
func script(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "script")
	assert.NilError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return name
}

// gone tells whether a process is no more.
func gone(pid int) bool { return unix.Kill(pid, 0) == unix.ESRCH }

func atoi(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(s))
	assert.NilError(t, err)
	return n
}

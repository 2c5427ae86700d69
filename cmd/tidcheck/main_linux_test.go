//go:build amd64 || arm64

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
)

// marker is a variable in the environment of all processes that the tests start. Only the keepers
// have an empty environment.
const marker = "TIDCHECK_COMMAND_TEST"

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){
		"tidcheck":  main,
		"signalled": signalled,
		"leaving":   leaving,
	})
}

// A suite runs the package's tests, and then fails if they left a process behind.
type suite struct{ *testing.M }

func (s suite) Run() int {
	// The orphans of a killed command become our children, so we can tell whether any are left.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	os.Setenv(marker, strconv.Itoa(os.Getpid()))
	testproc.UseTempThatExecutes()
	programs, err := prepare()
	if err != nil {
		fmt.Println("FAIL:", err)
		return 1
	}
	defer os.RemoveAll(programs)
	code := s.M.Run()
	if left := leftovers(); left != "" {
		fmt.Println("FAIL: left behind:\n" + left)
		return 1
	}
	return code
}

// prepare builds the programs of testdata. It sets an environment in which all tests share the
// user's caches.
func prepare() (programs string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	preset := map[string]string{
		"TIDCHECK_CACHE": filepath.Join(cache, fmt.Sprintf("tidcheck-%d", os.Getuid())),
		"GOCACHE":        filepath.Join(cache, "go-build"),
		// A process of a -race build sleeps for a second at its end by default.
		"GORACE": "atexit_sleep_ms=10",
	}
	for name, value := range preset {
		if os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	if programs, err = os.MkdirTemp("", "tidcheck-command-test-"); err != nil {
		return "", err
	}
	if err := os.Chmod(programs, 0o755); err != nil { // for other users
		return programs, err
	}
	os.Setenv("PROGRAMS", programs)
	sources, err := filepath.Glob("testdata/*.c")
	for _, source := range sources {
		output := filepath.Join(programs, strings.TrimSuffix(filepath.Base(source), ".c"))
		cc := exec.Command("cc", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread",
			"-o", output, source)
		said, err := cc.CombinedOutput()
		if err != nil && !errors.Is(err, exec.ErrNotFound) { // without cc, program skips tests
			return programs, fmt.Errorf("cc %s: %w\n%s", source, err, said)
		}
	}
	return programs, err
}

// leftovers waits for a bounded time until all our descendants have ended. It kills and lists those
// that have not, and processes elsewhere that have our marker.
func leftovers() string {
	over := make(chan struct{})
	go func() {
		defer close(over)
		reapAll()
	}()
	ours := func(pid int) bool {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		mark := marker + "=" + strconv.Itoa(os.Getpid())
		return strings.Contains("\x00"+string(environ), "\x00"+mark+"\x00")
	}
	select {
	case <-over:
	case <-time.After(5 * time.Second):
		return endAll(func(pid int) bool { return ours(pid) || isChild(pid) })
	}
	return endAll(ours)
}

func isChild(pid int) bool { return statusField(pid, "PPid") == strconv.Itoa(os.Getpid()) }

// reapAll waits until this process has no children. A subreaper has no descendants then.
func reapAll() {
	for {
		if _, err := unix.Wait4(-1, nil, unix.WALL, nil); err == unix.ECHILD {
			return
		}
	}
}

// endAll kills the chosen processes and lists them, one a line. It never takes our own.
func endAll(chosen func(pid int) bool) string {
	var b strings.Builder
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is good
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if pid == os.Getpid() || !chosen(pid) {
			continue
		}
		argv, _ := os.ReadFile(dir + "/cmdline")
		fmt.Fprintf(&b, "process %d, child of %s, state %s, traced by %s: %q\n",
			pid, statusField(pid, "PPid"), statusField(pid, "State"),
			statusField(pid, "TracerPid"), argv)
		unix.Kill(pid, unix.SIGKILL)
	}
	return b.String()
}

// statusField is one field of /proc/TID/status; empty if there is no such task.
func statusField(tid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// program is the path of a program of testdata.
func program(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("PROGRAMS"), name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no C compiler: ", err)
	}
	return path
}

// within ends a test that hangs by a panic, which shows where it hangs.
func within(t *testing.T, limit time.Duration) {
	alarm := time.AfterFunc(limit, func() { panic(t.Name() + ": it hangs") })
	t.Cleanup(func() { alarm.Stop() })
}

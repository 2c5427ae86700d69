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
	"golang.org/x/sys/unix"
)

// marker, in the environment, is in all that the tests start, but for the keepers, which have none.
const marker = "TIDCHECK_COMMAND_TEST"

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){
		"tidcheck":  main,
		"signalled": signalled,
	})
}

// A suite is the package's tests, and looks afterwards whether they left something.
type suite struct{ *testing.M }

func (s suite) Run() int {
	// What a killed command leaves comes to us, so that we can say that nothing is left.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	os.Setenv(marker, strconv.Itoa(os.Getpid()))
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

// prepare builds the programs of testdata, and sets an environment in which all tests share
// the caches of who runs them.
func prepare() (programs string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	preset := map[string]string{
		"TIDCHECK_CACHE": filepath.Join(cache, fmt.Sprintf("tidcheck-%d", os.Getuid())),
		"GOCACHE":        filepath.Join(cache, "go-build"),
		"GORACE":         "atexit_sleep_ms=10", // else each process of a -race build rests for a second at its end
	}
	for name, value := range preset {
		if os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	if programs, err = os.MkdirTemp("", "tidcheck-command-test-"); err != nil {
		return "", err
	}
	os.Setenv("PROGRAMS", programs)
	sources, err := filepath.Glob("testdata/*.c")
	for _, source := range sources {
		output := filepath.Join(programs, strings.TrimSuffix(filepath.Base(source), ".c"))
		said, err := exec.Command("cc", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", output, source).CombinedOutput()
		if err != nil && !errors.Is(err, exec.ErrNotFound) { // without a compiler the tests that need one are skipped
			return programs, fmt.Errorf("cc %s: %w\n%s", source, err, said)
		}
	}
	return programs, err
}

// leftovers waits for a bounded time for the end of all that descends from us. It describes
// and ends what has not ended, or is no child of ours and has our marker.
func leftovers() string {
	over := make(chan struct{})
	go func() {
		defer close(over)
		reapAll()
	}()
	ours := func(pid int) bool {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		return strings.Contains("\x00"+string(environ), "\x00"+marker+"="+strconv.Itoa(os.Getpid())+"\x00")
	}
	select {
	case <-over:
	case <-time.After(5 * time.Second):
		return endAll(func(pid int) bool { return ours(pid) || statusField(pid, "PPid") == strconv.Itoa(os.Getpid()) })
	}
	return endAll(ours)
}

// reapAll waits until this process has no children. If it is a subreaper, nothing descends
// from it then.
func reapAll() {
	for {
		if _, err := unix.Wait4(-1, nil, unix.WALL, nil); err == unix.ECHILD {
			return
		}
	}
}

// endAll kills the processes that chosen tells to take, and lists them, a line each; never ourselves.
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
			pid, statusField(pid, "PPid"), statusField(pid, "State"), statusField(pid, "TracerPid"), argv)
		unix.Kill(pid, unix.SIGKILL)
	}
	return b.String()
}

// statusField is one field of /proc/TID/status, empty where there is no such task.
func statusField(tid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// program is a program of testdata.
func program(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("PROGRAMS"), name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no C compiler: ", err)
	}
	return path
}

// within fails a test that would hang, and shows where; nothing waits for it.
func within(t *testing.T, limit time.Duration) {
	alarm := time.AfterFunc(limit, func() { panic(t.Name() + ": it hangs") })
	t.Cleanup(func() { alarm.Stop() })
}

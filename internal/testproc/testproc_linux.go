// Package testproc is for the tests of packages that start processes. A test binary plays a role in
// a process of its own, and fails if its tests leave processes behind.
package testproc

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"golang.org/x/sys/unix"
)

// NeedRootMount skips a test that makes mounts of its own where / is no mount, as in a chroot: they
// cannot be kept from other mount namespaces there (mount(2): EINVAL).
func NeedRootMount(t testing.TB) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == "/" {
			return
		}
	}
	t.Skip("/ is no mount here, as in a chroot, by /proc/self/mountinfo")
}

// Role is the environment's variable that names the role which a test binary plays.
const Role = "TIDCHECK_TEST_ROLE"

// Main is for a TestMain. In a role the test binary does that and ends; else it runs its tests, as
// many at once as RunAll makes runs, and fails if something is left that they started.
func Main(m *testing.M, roles map[string]func()) {
	if play, ok := roles[os.Getenv(Role)]; ok {
		play()
		os.Exit(0)
	}
	UseTempThatExecutes()
	// What a killed keeper leaves becomes our child, so that we can say that nothing is left.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	// Once a day, and in a new home, the go command leaves a process for its counters, which would
	// become our child. In a child of such a process it does not (golang.org/x/telemetry).
	os.Setenv("GO_TELEMETRY_CHILD", "2")
	// Most of the time a test waits. The command line's value is parsed later, and counts.
	flag.Set("test.parallel", fmt.Sprint(4*runtime.NumCPU()))
	code := m.Run()
	if left := leftovers(); len(left) > 0 {
		fmt.Println("FAIL: left behind:", left)
		code = 1
	}
	os.Exit(code)
}

// UseTempThatExecutes sets TMPDIR to /var/tmp for our process where its folder is mounted noexec:
// tests build programs in temporary folders.
func UseTempThatExecutes() {
	var where unix.Statfs_t
	if unix.Statfs(os.TempDir(), &where) == nil && where.Flags&unix.ST_NOEXEC != 0 {
		os.Setenv("TMPDIR", "/var/tmp")
	}
}

// leftovers are our children, and the programs that have a ledger of ours. An orphan that has ended
// is not left behind: init would wait for it, but for us.
func leftovers() (left []string) {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil)
		if pid <= 0 && err != unix.EINTR {
			break
		}
	}
	for _, pid := range procfs.Descendants(event.TID(os.Getpid())) {
		left = append(left, fmt.Sprint("child ", pid, " ", procfs.Status(pid)["Name"]))
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

// Playing is the test binary in a role.
func Playing(role string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	// The race detector would have each sleep for a second at its end.
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0", Role+"="+role), env...)
	return cmd
}

// Alarm ends a test binary whose test would hang, and shows where it hangs.
func Alarm(t testing.TB, limit time.Duration) {
	timer := time.AfterFunc(limit, func() {
		debug.SetTraceback("all")
		panic(t.Name() + ": it hangs")
	})
	t.Cleanup(func() { timer.Stop() })
}

// Gone tells whether a process is no more.
func Gone(pid int) bool { return unix.Kill(pid, 0) == unix.ESRCH }

// OpenFiles is the number of this process's open files. The runtime opens some of its own, such as
// epoll's, when they are first needed.
func OpenFiles(t testing.TB) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

package witness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
)

// A test that changes what the tests after it have is a fault of its own: they would be skipped.
func TestMain(m *testing.M) {
	testproc.UseTempThatExecutes()
	before := granted()
	code := m.Run()
	if after := granted(); after != before && os.Getenv(userRole) == "" {
		fmt.Printf("FAIL: the tests had %q, and leave %q\n", before, after)
		code = 1
	}
	os.Exit(code)
}

// granted is what a test may take from this process: its calls and its locked memory.
func granted() string {
	var memory unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &memory)
	seccomp := procfs.Status(event.TID(os.Getpid()))["Seccomp"]
	return fmt.Sprintf("Seccomp %s, RLIMIT_MEMLOCK %v, %v", seccomp, memory, err)
}

// needPerf skips a test where something refuses perf_event_open for a process of our own.
func needPerf(t *testing.T) {
	t.Helper()
	k := startKeeper(t, "true")
	w, err := Open(int(k.pid))
	if err != nil {
		refused(t, err)
	}
	w.Close()
}

// refused skips a test where a filter or a strict setting explains the error of Open for a process
// of our own, or where other processes of our user may have its budget of locked memory. Without
// them nothing refuses it, and the test fails.
func refused(t *testing.T, err error) {
	t.Helper()
	status := procfs.Status(event.TID(os.Getpid()))
	capabilities, _ := strconv.ParseUint(status["CapEff"], 16, 64) // none if it cannot be read
	level, errSetting := strconv.Atoi(system.setting(paranoidFile))
	const perfmon = 1<<unix.CAP_PERFMON | 1<<unix.CAP_SYS_ADMIN
	isStrict := (errSetting != nil || level > 2) && capabilities&perfmon == 0
	isShort := strings.Contains(err.Error(), "RLIMIT_MEMLOCK") &&
		capabilities&(1<<unix.CAP_IPC_LOCK) == 0
	isExplained := status["Seccomp"] != "0" || isStrict || isShort
	if errors.Is(err, fs.ErrPermission) && isExplained {
		t.Skip("perf events are refused here: ", err)
	}
	t.Fatal(err)
}

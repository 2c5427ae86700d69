package witness

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// userRole is set in the process of an ordinary user that asUser starts.
const userRole = "TIDCHECK_WITNESS_USER"

// asUser runs the test again in a process of its own: as an ordinary user if this process is
// root's, else as its user. What the test sets there, a filter or a limit, ends with it. It is true
// in that process.
func asUser(t *testing.T) bool {
	t.Helper()
	if os.Getenv(userRole) != "" {
		return true
	}
	// Other users cannot enter go test's directory, so they get the binary as an open file.
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	const user = 64321 // a user without processes, whose budget of locked memory is untouched
	cmd := exec.Command("/proc/self/fd/3", "-test.v", "-test.count=1", "-test.run=^"+t.Name()+"$")
	cmd.ExtraFiles = []*os.File{exe}
	cmd.Env = append(os.Environ(), userRole+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		cmd.Env = append(cmd.Env, "TMPDIR=/tmp")
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, fs.ErrPermission):
		t.Skip("cannot become an ordinary user: ", err)
	case err != nil:
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("as an ordinary user:\n%s", out)
	}
	return false
}

func TestAnOrdinaryUsersThreadsAreWitnessed(t *testing.T) {
	if !asUser(t) {
		return
	}
	pid, births, records, err := witnessed(t, options{pages: 256}, system, "par", "4", "500")
	compare(t, programmed(pid, births), records, err)
}

func TestAnOrdinaryUserIsRefusedTheProcessesOfOthers(t *testing.T) {
	if !asUser(t) {
		return
	}
	w, err := Open(1)
	if w != nil || !errors.Is(err, fs.ErrPermission) ||
		!strings.Contains(err.Error(), "CAP_PERFMON") {
		t.Errorf("got error %v, want a refusal that names CAP_PERFMON", err)
	}
}

// The kernel ends the account of a task that executes a program which its user may not read.
func TestTheAccountEndsAtAProgramThatMayNotBeRead(t *testing.T) {
	if !asUser(t) {
		return
	}
	bin := family(t)
	if err := os.Chmod(bin, 0o111); err != nil {
		t.Fatal(err)
	}
	k := startKeeper(t, bin, "seq", "10")
	w, err := Open(int(k.pid))
	if err != nil {
		refused(t, err)
	}
	if births := k.run(t); len(births) != 10 {
		t.Errorf("the program says %d births, want 10", len(births))
	}
	records, err := w.Close()
	compare(t, programmed(k.pid, nil), records, err)
}

// Without RLIMIT_MEMLOCK a user has perf_event_mlock_kb for each CPU. The first account takes that
// in whole, and later ones are refused.
func TestAnOrdinaryUsersLockedMemoryIsLimited(t *testing.T) {
	if !asUser(t) {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	k := startKeeper(t, family(t), "seq", "100")
	first, err := open(int(k.pid), system, options{pages: 1 << 12})
	if err != nil {
		refused(t, err)
	}
	pages := len(first.rings[0].mem)/os.Getpagesize() - 1
	t.Logf("%d pages a ring", pages)
	if pages >= 1<<12 {
		t.Skipf("%d pages are not too much here: nothing is limited", pages)
	}
	var rest []*Witness
	for err == nil && len(rest) < 100 {
		var w *Witness
		if w, err = Open(int(k.pid)); err == nil {
			rest = append(rest, w)
		}
	}
	const want = "RLIMIT_MEMLOCK (it is 0 KiB)"
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), want) {
		t.Errorf("after %d more: got error %v, want one with %q", len(rest), err, want)
	}
	t.Logf("after %d more: %v", len(rest), err)
	births := k.run(t)
	for _, w := range append(rest, first) {
		records, err := w.Close()
		compare(t, programmed(k.pid, births), records, err)
	}
}

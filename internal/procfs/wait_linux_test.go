package procfs_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { testproc.Main(m, nil) }

// waiting starts testdata/waits.c in a group of its own, and returns its task once that waits.
func waiting(t *testing.T, program, how string) judge.Task {
	t.Helper()
	cmd := exec.Command(program, how)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	assert.NilError(t, cmd.Start())
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group: vfork's child too
		cmd.Wait()                                      // an error says that it was killed
		for {                                           // its child is ours now: we are a subreaper
			if _, err := syscall.Wait4(-cmd.Process.Pid, nil, 0, nil); err == syscall.ECHILD {
				return
			}
		}
	})
	pid := event.TID(cmd.Process.Pid)
	for begin := time.Now(); time.Since(begin) < 20*time.Second; {
		before, _ := procfs.ReadTask(pid, pid)
		time.Sleep(20 * time.Millisecond) // sleep: that it stays where it is is what is looked for
		now, _ := procfs.ReadTask(pid, pid)
		asleep := strings.HasPrefix(now.State, "S") || strings.HasPrefix(now.State, "D")
		if asleep && now == before {
			return now
		}
	}
	t.Fatalf("%s: it does not come to wait", how)
	return judge.Task{}
}

func TestWaitsWithoutATimeLimitAreTold(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "waits")
	out, err := exec.Command(cc, "-Wall", "-Wextra", "-Werror", "-o", program,
		"testdata/waits.c").CombinedOutput()
	assert.NilError(t, err, "%s", out)
	for how, want := range map[string]struct{ forever, timers, vforks bool }{
		"futex":         {forever: true},
		"futex, timed":  {},
		"poll":          {forever: true},
		"poll, timed":   {},
		"select":        {forever: true},
		"select, timed": {},
		"epoll":         {forever: true},
		"epoll, timed":  {},
		"pipe":          {forever: true},
		"pause":         {forever: true},
		"sleep":         {},
		"wait":          {forever: true},
		"vfork":         {forever: true, vforks: true},
		"clone3":        {forever: true, vforks: true},
		"timer":         {forever: true, timers: true},
		"timerfd":       {forever: true, timers: true},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			// It refuses no arguments by EINVAL, and a container's filter refuses it by ENOSYS.
			_, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
			if how == "clone3" && errno == syscall.ENOSYS {
				t.Skip("clone3: ", errno)
			}
			task := waiting(t, program, how)
			assert.Equal(t, procfs.WaitsForever(task), want.forever)
			assert.Equal(t, procfs.MayHaveTimers(task), want.timers)
			assert.Equal(t, procfs.IsVforkParent(task), want.vforks)
			_, _, counted := procfs.CPU(task)
			assert.Assert(t, counted)
		})
	}
}

func TestOfATaskThatIsGoneNothingIsKnown(t *testing.T) {
	gone := judge.Task{PID: 1 << 30, TID: 1 << 30}
	_, _, counted := procfs.CPU(gone)
	assert.Assert(t, !counted)
	assert.Assert(t, !procfs.WaitsForever(gone))
	assert.Assert(t, procfs.MayHaveTimers(gone))
}

//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// task4711 is process 4711's entry in /proc.
func task4711(stat, status string) map[string]string {
	return map[string]string{
		"/proc/4711/task/4711/stat": "4711 (a ) b) " + stat,
		"/proc/4711/status":         "Name:\ta ) b\n" + status,
	}
}

func TestWhatCanNeverBeAttachedTo(t *testing.T) {
	for _, c := range []struct {
		name  string
		pid   int
		files map[string]string
		want  string
	}{
		{"nothing", 4711, nil, "there is no such process: file does not exist"},
		{"no id", -1, nil, "a process id is positive"},
		{
			"ourselves", 4711, task4711("S 1 1 1 0 0 0", fmt.Sprintf("Tgid:\t%d\n", os.Getpid())),
			"it is the tracer's own process",
		},
		{
			"a thread", 4711, task4711("S 1 1 1 0 0 0", "Tgid:\t4700\n"),
			"it is a thread of process 4700: name that",
		},
		{
			"a kernel thread", 4711, task4711("S 2 0 0 0 -1 2129984", "Tgid:\t4711\n"),
			"it is a kernel thread, which cannot be traced",
		},
		{
			"a zombie", 4711, task4711("Z 4000 1 1 0 -1 4", "Tgid:\t4711\nPPid:\t4000\n"),
			"it is a zombie: it has ended, and its parent, process 4000, has not waited for it",
		},
		{"a program", 4711, task4711("S 1 1 1 0 -1 4194304", "Tgid:\t4711\n"), "<nil>"},
	} {
		k := newScript("")
		k.files = c.files
		if got := fmt.Sprint(checkProcess(k, c.pid)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestGoneIsWhatCannotRunAgain(t *testing.T) {
	k := newScript("")
	k.states = map[int]byte{10: 'S', 11: 't', 12: 'Z', 13: 'X'}
	for tid := range k.states {
		k.stopped[tid] = false
	}
	for tid, want := range map[int]bool{10: false, 11: false, 12: true, 13: true, 14: true} {
		if got := isGone(k, tid); got != want {
			t.Errorf("in state %c: gone %t, want %t", k.states[tid], got, want)
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	const yama, selinux = "/proc/sys/kernel/yama/ptrace_scope",
		"/sys/fs/selinux/booleans/deny_ptrace"
	const refused = "the kernel refuses it: CAP_SYS_PTRACE is missing, " +
		"or a security module or seccomp filter forbids ptrace"
	const setScope = "set kernel.yama.ptrace_scope to 0 (sysctl kernel.yama.ptrace_scope=0), " +
		"or give CAP_SYS_PTRACE"
	const eperm = ": ptrace(PTRACE_SEIZE): operation not permitted"
	for _, c := range []struct {
		name   string
		own    int
		status string
		more   map[string]string
		err    unix.Errno
		want   string
	}{
		{
			"traced", 1000, "Tgid:\t4711\nTracerPid:\t77\nUid:\t0\n",
			map[string]string{
				"/proc/77/status": "Name:\tgdb\nTgid:\t70\n",
				"/proc/70/comm":   "gdb\n", yama: "1\n",
			},
			unix.EPERM,
			"it is already traced, by process 70 (gdb)" + eperm,
		},
		{
			"a thread traced", 0, "Tgid:\t4700\nTracerPid:\t77\n",
			map[string]string{"/proc/77/status": "Name:\tgdb\nTgid:\t77\n"},
			unix.EPERM,
			"task 4711: it is already traced, by process 77 (unknown)" + eperm,
		},
		{
			"another's", 1000, "Tgid:\t4711\nTracerPid:\t0\nUid:\t33\t33\t33\t33\n", nil,
			unix.EPERM,
			"it belongs to uid 33: run as that user, or with CAP_SYS_PTRACE" + eperm,
		},
		{
			"root asks for another's", 0, "Tgid:\t4711\nUid:\t33\n", nil, unix.EPERM,
			refused + eperm,
		},
		{
			"yama 1", 1000, "Tgid:\t4711\nUid:\t1000\n",
			map[string]string{yama: "1\n"},
			unix.EPERM,
			"kernel.yama.ptrace_scope is 1: " + setScope + eperm,
		},
		{
			"yama 2", 1000, "Tgid:\t4711\nUid:\t1000\n",
			map[string]string{yama: "2\n"},
			unix.EPERM,
			"kernel.yama.ptrace_scope is 2: " + setScope + eperm,
		},
		{
			"yama 3", 0, "Tgid:\t4711\nUid:\t0\n",
			map[string]string{yama: "3\n"},
			unix.EPERM,
			"kernel.yama.ptrace_scope is 3: it forbids all tracing until the next boot" + eperm,
		},
		{
			"yama 0", 0, "Tgid:\t4711\nUid:\t0\n",
			map[string]string{yama: "0\n"},
			unix.EPERM,
			refused + eperm,
		},
		{
			"SELinux", 1000, "Tgid:\t4711\nUid:\t1000\n",
			map[string]string{selinux: "1 1"},
			unix.EACCES,
			"SELinux denies it: switch its boolean deny_ptrace off (setsebool deny_ptrace 0): " +
				"ptrace(PTRACE_SEIZE): permission denied",
		},
		{
			"no permission is asked for", 0, "Tgid:\t4711\n", nil, unix.ESRCH,
			"ptrace(PTRACE_SEIZE): no such process",
		},
	} {
		k := newScript("")
		k.files = task4711("S 1 1 1 0 0 0", c.status)
		k.files[fmt.Sprintf("/proc/%d/status", os.Getpid())] = fmt.Sprintf("Name:\tx\nUid:\t%d\n",
			c.own)
		for name, content := range c.more {
			k.files[name] = content
		}
		got := refusal(k, 4711, c.err)
		if got.Error() != c.want || !errors.Is(got, c.err) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// sealed is a kernel that refuses all tracing, as one with kernel.yama.ptrace_scope 3 does.
type sealed struct{ Kernel }

func (sealed) Seize(int, int) error { return unix.EPERM }

func (k sealed) ReadFile(name string) ([]byte, error) {
	if name == "/proc/sys/kernel/yama/ptrace_scope" {
		return []byte("3\n"), nil
	}
	return k.Kernel.ReadFile(name)
}

func TestARefusalOfAllTracingNamesItsSetting(t *testing.T) {
	_, err := Attach(os.Getppid(), Options{Kernel: func(k Kernel) Kernel { return sealed{k} }})
	if want := "kernel.yama.ptrace_scope is 3"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}

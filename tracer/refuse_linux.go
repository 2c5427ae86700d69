//go:build amd64 || arm64

package tracer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// checkProcess refuses what can never be attached to, with the reason.
func checkProcess(k Kernel, pid int) error {
	switch tgid := statusField(k, pid, "Tgid"); {
	case pid <= 0:
		return errors.New("a process id is positive")
	case tgid == 0:
		return fmt.Errorf("there is no such process: %w", fs.ErrNotExist)
	case tgid == os.Getpid():
		return errors.New("it is the tracer's own process")
	case tgid != pid:
		return fmt.Errorf("it is a thread of process %d: name that", tgid)
	case isKernelTask(k, pid):
		return errors.New("it is a kernel thread, which cannot be traced")
	}
	if !isGone(k, pid) {
		return nil
	}
	for range patientLooks { // an exec may be giving the id of a leader that has ended to another thread
		tids, _ := k.Tasks(pid) // an error leaves none, and then the leader alone decides
		if slices.ContainsFunc(append(tids, pid), func(tid int) bool { return !isGone(k, tid) }) {
			return nil
		}
	}
	return fmt.Errorf("it is a zombie: it has ended, and its parent, process %d, has not waited for it", statusField(k, pid, "PPid"))
}

// refusal explains why the kernel did not let us trace a task, by what /proc says.
func refusal(k Kernel, tid int, err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
		return err
	}
	if holder := statusField(k, tid, "TracerPid"); holder != 0 {
		process := statusField(k, holder, "Tgid")
		return fmt.Errorf("%sit is already traced, by process %d (%s): %w", whichTask(k, tid), process, comm(k, process), err)
	}
	own := statusField(k, os.Getpid(), "Uid")
	if owner := statusField(k, tid, "Uid"); owner != own && own != 0 {
		return fmt.Errorf("it belongs to uid %d: run as that user, or with CAP_SYS_PTRACE: %w", owner, err)
	}
	if scope := setting(k, "/proc/sys/kernel/yama/ptrace_scope"); scope > 0 {
		ask := "set kernel.yama.ptrace_scope to 0 (sysctl kernel.yama.ptrace_scope=0), or give CAP_SYS_PTRACE"
		if scope == 3 {
			ask = "it forbids all tracing until the next boot"
		}
		return fmt.Errorf("kernel.yama.ptrace_scope is %d: %s: %w", scope, ask, err)
	}
	if setting(k, "/sys/fs/selinux/booleans/deny_ptrace") > 0 {
		return fmt.Errorf("SELinux denies it: switch its boolean deny_ptrace off (setsebool deny_ptrace 0): %w", err)
	}
	return fmt.Errorf("%sthe kernel refuses it: CAP_SYS_PTRACE is missing, or a security module or seccomp filter forbids ptrace: %w", whichTask(k, tid), err)
}

// whichTask names a task that is not its process's leader.
func whichTask(k Kernel, tid int) string {
	if statusField(k, tid, "Tgid") == tid {
		return ""
	}
	return fmt.Sprintf("task %d: ", tid)
}

// setting is the first number in a file, or zero.
func setting(k Kernel, name string) int {
	content, err := k.ReadFile(name)
	words := strings.Fields(string(content))
	if err != nil || len(words) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(words[0])
	return n
}

// statusField is the first number of a line in /proc/TID/status, or zero.
func statusField(k Kernel, tid int, name string) int {
	n, _ := strconv.Atoi(statusWord(k, tid, name))
	return n
}

// statusWord is the first word of a line in /proc/TID/status, or empty.
func statusWord(k Kernel, tid int, name string) string {
	content, err := k.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return ""
	}
	_, rest, found := bytes.Cut(content, []byte("\n"+name+":"))
	words := strings.Fields(string(rest[:min(len(rest), 64)]))
	if !found || len(words) == 0 {
		return ""
	}
	return words[0]
}

// isPending tells whether a signal waits in a task's own queue.
func isPending(k Kernel, tid int, sig unix.Signal) bool {
	set, _ := strconv.ParseUint(statusWord(k, tid, "SigPnd"), 16, 64)
	return set&(1<<(sig-1)) != 0
}

// statFields are the fields of a task's stat from the third on; the second, in brackets, may hold
// anything. /proc/TID/stat is the whole process's for a leader, and walks all its threads.
func statFields(k Kernel, tid int) []string {
	id := strconv.Itoa(tid)
	content, err := k.ReadFile("/proc/" + id + "/task/" + id + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
}

// procState is a task's state letter in proc(5), or zero where there is no such task.
func procState(k Kernel, tid int) byte {
	if fields := statFields(k, tid); len(fields) > 0 {
		return fields[0][0]
	}
	return 0
}

func isGone(k Kernel, tid int) bool {
	state := procState(k, tid)
	return state == 0 || state == 'Z' || state == 'X'
}

// isKernelTask tells a task that the kernel made for itself or for io_uring by its flags
// (include/linux/sched.h); names prove nothing.
func isKernelTask(k Kernel, tid int) bool {
	const kthread, ioWorker, userWorker = 0x200000, 0x10, 0x4000
	fields := statFields(k, tid)
	if len(fields) < 7 {
		return false
	}
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags&(kthread|ioWorker|userWorker) != 0
}

func comm(k Kernel, pid int) string {
	content, err := k.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(content))
}

// Package procfs reads what /proc and pidfds tell of processes and their tasks.
package procfs

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
)

// Examine adds to a task where it sleeps, its system call, and the process that traces it.
func Examine(t *judge.Task) {
	dir := taskDir(t.PID, t.TID)
	t.Wchan = FirstLine(filepath.Join(dir, "wchan"))
	t.Syscall = FirstLine(filepath.Join(dir, "syscall"))
	if t.Tracer != 0 {
		fields := Status(t.Tracer)
		t.Holder = fmt.Sprintf("process %s (%s)", fields["Tgid"], fields["Name"])
	}
}

// TGID is the process of a task, zero if the task is gone.
func TGID(tid event.TID) event.TID { return number(Status(tid)["Tgid"]) }

func taskDir(pid, tid event.TID) string {
	return filepath.Join("/proc", pid.String(), "task", tid.String())
}

// Tasks lists a process's tasks by their ids. It is empty if the process is gone.
func Tasks(pid event.TID) []judge.Task {
	// the pattern is good
	dirs, _ := filepath.Glob(filepath.Join("/proc", pid.String(), "task", "*"))
	tasks := make([]judge.Task, 0, len(dirs))
	for _, dir := range dirs {
		if t, ok := ReadTask(pid, number(filepath.Base(dir))); ok {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, func(a, b judge.Task) int { return cmp.Compare(a.TID, b.TID) })
	return tasks
}

// ReadTask reads a task's status. It is false if there is no such task.
func ReadTask(pid, tid event.TID) (judge.Task, bool) {
	dir := taskDir(pid, tid)
	fields := readStatus(dir)
	if fields == nil {
		return judge.Task{}, false
	}
	own, shared := mask(fields["SigPnd"]), mask(fields["ShdPnd"])
	t := judge.Task{
		TID: tid, PID: pid, Motion: judge.SeenOnce,
		State:   fields["State"],
		Tracer:  number(fields["TracerPid"]),
		Killed:  own&sigkill != 0,
		Pending: own|shared != 0,
	}
	for _, name := range []string{"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"} {
		n, _ := strconv.ParseUint(fields[name], 10, 64)
		t.Switches += n
	}
	if !t.Held() && !t.Ended() {
		// one that stands is no worker of the kernel's, and not on its way out
		t.Flags = taskFlags(dir)
	}
	return t, true
}

// Children are the processes whose parent is a task of a process.
func Children(pid event.TID) []event.TID {
	// the pattern is good
	lists, _ := filepath.Glob(filepath.Join("/proc", pid.String(), "task", "[0-9]*", "children"))
	var all []event.TID
	for _, list := range lists {
		for child := range strings.FieldsSeq(FirstLine(list)) {
			if child := number(child); child != 0 {
				all = append(all, child)
			}
		}
	}
	return all
}

// Descendants are the processes that descend from one.
func Descendants(pid event.TID) []event.TID {
	all := Children(pid)
	for _, child := range slices.Clone(all) {
		all = append(all, Descendants(child)...)
	}
	return all
}

// Descends tells whether a process descends from another, or is it.
func Descends(pid, ancestor event.TID) bool {
	for pid != 0 && pid != ancestor {
		pid = number(Status(pid)["PPid"])
	}
	return pid != 0
}

// Status is a task's status file as proc(5) has it, nil if the task is gone.
func Status(tid event.TID) map[string]string {
	return readStatus(filepath.Join("/proc", tid.String()))
}

func readStatus(dir string) map[string]string {
	text, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return nil
	}
	fields := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// taskFlags are those in a task's stat file: the seventh field after the name, which may hold
// anything.
func taskFlags(dir string) uint64 {
	stat := FirstLine(filepath.Join(dir, "stat"))
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 7 {
		return 0
	}
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags
}

// sigkill is SIGKILL's bit in a mask of signals.
const sigkill = 1 << 8

func mask(s string) uint64 {
	n, _ := strconv.ParseUint(s, 16, 64) // zero for what is absent
	return n
}

func number(s string) event.TID {
	n, _ := strconv.Atoi(s) // zero for what is absent
	return event.TID(n)
}

// FirstLine is a file's first line, or "?" if it cannot be read.
func FirstLine(name string) string {
	text, err := os.ReadFile(name)
	line, _, _ := strings.Cut(string(text), "\n")
	if err != nil || line == "" {
		return "?"
	}
	return line
}

package harness

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
)

// A procTask is what /proc/PID/task/TID shows of a task.
type procTask struct {
	tid, pid event.TID
	state    string    // the letter and its meaning: "t (tracing stop)"
	flags    uint64    // PF_… of include/linux/sched.h
	tracer   event.TID // the thread that traces it, zero if none
	holder   string    // whose thread that is
	switches uint64    // how often it was taken off a CPU: who stands does not change it
	still    bool      // it was so a moment later, and had not run
	pending  bool      // a signal is on its way to it
	killed   bool      // that signal is SIGKILL: by kill(2), or since another of its process ends or executes all
	wchan    string    // where in the kernel it sleeps; empty if it was not asked for, like the next
	syscall  string    // the system call's number and arguments, then sp and pc
}

// held tells a task that stands in a tracing stop or a group stop.
func (t procTask) held() bool {
	return strings.HasPrefix(t.state, "t") || strings.HasPrefix(t.state, "T")
}

// ended tells a task that has ended, and waits for whom it may concern.
func (t procTask) ended() bool {
	return strings.HasPrefix(t.state, "Z") || strings.HasPrefix(t.state, "X")
}

// Flags of a task (include/linux/sched.h).
const (
	exiting    = 0x4    // PF_EXITING
	ioWorker   = 0x10   // PF_IO_WORKER
	userWorker = 0x4000 // PF_USER_WORKER
)

// stoppable tells a task that a debugger can stop and list: one that is neither on its way out nor of
// the kernel's own making.
func (t procTask) stoppable() bool {
	return !t.ended() && !t.killed && t.flags&(exiting|ioWorker|userWorker) == 0
}

func (t procTask) String() string {
	s := "state " + t.state
	if t.wchan != "" {
		s += fmt.Sprintf(", at %s, syscall %s", t.wchan, t.syscall)
	}
	switch {
	case t.holder != "":
		s += ", traced by " + t.holder
	case t.tracer != 0:
		s += fmt.Sprintf(", traced by thread %d", t.tracer)
	}
	return s
}

// examine adds what a report says of a task.
func (t *procTask) examine() {
	dir := taskDir(t.pid, t.tid)
	t.wchan, t.syscall = firstLine(filepath.Join(dir, "wchan")), firstLine(filepath.Join(dir, "syscall"))
	if t.tracer != 0 {
		fields := statusFields(filepath.Join("/proc", t.tracer.String()))
		t.holder = fmt.Sprintf("process %s (%s)", fields["Tgid"], fields["Name"])
	}
}

func taskDir(pid, tid event.TID) string {
	return filepath.Join("/proc", pid.String(), "task", tid.String())
}

// procTasks lists a process's tasks; it is empty where the process is gone.
func procTasks(pid event.TID) []procTask {
	dir, err := os.Open(filepath.Join("/proc", pid.String(), "task"))
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // an error: it has ended meanwhile
	tasks := make([]procTask, 0, len(names))
	for _, name := range names {
		if t, ok := readTask(pid, number(name)); ok {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, func(a, b procTask) int { return cmp.Compare(a.tid, b.tid) })
	return tasks
}

// readTask reads a task's status; it is not there if it ended while we looked.
func readTask(pid, tid event.TID) (procTask, bool) {
	dir := taskDir(pid, tid)
	text, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return procTask{}, false
	}
	t := procTask{tid: tid, pid: pid}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "State":
			t.state = value
		case "TracerPid":
			t.tracer = number(value)
		case "SigPnd":
			t.killed = mask(value)&sigkill != 0
			t.pending = t.pending || mask(value) != 0
		case "ShdPnd":
			t.pending = t.pending || mask(value) != 0
		case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
			n, _ := strconv.ParseUint(value, 10, 64)
			t.switches += n
		}
	}
	if !t.held() && !t.ended() {
		t.flags = taskFlags(dir) // who stands is no worker of the kernel's, and not on its way out
	}
	return t, true
}

// descendants are the processes that descend from one.
func descendants(pid event.TID) []event.TID {
	lists, _ := filepath.Glob(filepath.Join("/proc", pid.String(), "task", "[0-9]*", "children")) // the pattern is good
	var all []event.TID
	for _, list := range lists {
		for child := range strings.FieldsSeq(firstLine(list)) {
			if child := number(child); child != 0 {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// descends tells whether a process is below another one.
func descends(pid, ancestor event.TID) bool {
	for pid != 0 && pid != ancestor {
		pid = number(statusFields(filepath.Join("/proc", pid.String()))["PPid"])
	}
	return pid != 0
}

// statusFields is a task's status file as proc(5) has it, nil where the task is gone.
func statusFields(dir string) map[string]string {
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

// taskFlags are those in a task's stat file: the seventh field after the name, which may hold anything.
func taskFlags(dir string) uint64 {
	stat := firstLine(filepath.Join(dir, "stat"))
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

// firstLine is a file's first line, or "?" where it cannot be read.
func firstLine(name string) string {
	text, err := os.ReadFile(name)
	line, _, _ := strings.Cut(string(text), "\n")
	if err != nil || line == "" {
		return "?"
	}
	return line
}

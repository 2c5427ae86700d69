package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
)

// A procTask is what /proc/PID/task/TID shows of a task.
type procTask struct {
	tid, pid event.TID
	state    string    // the letter and its meaning: "t (tracing stop)"
	tracer   event.TID // the thread that traces it, zero if none
	holder   string    // whose thread that is
	still    bool      // it was the same a moment later
	pending  bool      // a signal is on its way to it
	wchan    string    // where in the kernel it sleeps
	syscall  string    // the system call's number and arguments, then sp and pc
}

// held tells a task that stands in a tracing stop or a group stop.
func (t procTask) held() bool {
	return strings.HasPrefix(t.state, "t") || strings.HasPrefix(t.state, "T")
}

func (t procTask) String() string {
	s := fmt.Sprintf("state %s, at %s, syscall %s", t.state, t.wchan, t.syscall)
	if t.tracer != 0 {
		s += ", traced by " + t.holder
	}
	return s
}

// holderOf names a tracing thread's process.
func holderOf(tracer event.TID) string {
	if tracer == 0 {
		return ""
	}
	fields := statusFields(filepath.Join("/proc", tracer.String()))
	return fmt.Sprintf("process %s (%s)", fields["Tgid"], fields["Name"])
}

// procTasks lists a process's tasks; it is empty where the process is gone.
func procTasks(pid event.TID) []procTask {
	dirs, _ := filepath.Glob(filepath.Join("/proc", pid.String(), "task", "[0-9]*")) // the pattern is good
	var tasks []procTask
	for _, dir := range dirs {
		fields := statusFields(dir)
		if fields == nil {
			continue // it ended while we looked
		}
		tracer := number(fields["TracerPid"])
		tasks = append(tasks, procTask{
			tid: number(fields["Pid"]), pid: pid, state: fields["State"], tracer: tracer, holder: holderOf(tracer),
			pending: strings.Trim(fields["SigPnd"]+fields["ShdPnd"], "0") != "",
			wchan:   firstLine(filepath.Join(dir, "wchan")), syscall: firstLine(filepath.Join(dir, "syscall")),
		})
	}
	return tasks
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

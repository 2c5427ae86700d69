//go:build amd64 || arm64

package tracer_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// helper, in the environment, has the test binary trace a program itself.
const helper = "TIDCHECK_TRACER_HELPER"

var (
	built   string // where the programs of testdata are
	missing error  // why they are not
)

func TestMain(m *testing.M) {
	if role := os.Getenv(helper); role != "" {
		traceUntilKilled(role)
	}
	// What a killed tracer leaves comes to us, so that we can say that nothing is left.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	var err error
	if built, err = os.MkdirTemp("", "tracer-test-"); err == nil {
		missing = build(built)
	}
	code := m.Run()
	os.RemoveAll(built)
	if left := children(); err != nil || len(left) > 0 {
		fmt.Println("FAIL: left behind:", left, err)
		code = 1
	}
	os.Exit(code)
}

func build(dir string) error {
	sources, err := filepath.Glob("testdata/*.c")
	for _, source := range sources {
		output := filepath.Join(dir, strings.TrimSuffix(filepath.Base(source), ".c"))
		said, err := exec.Command("cc", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", output, source).CombinedOutput()
		if err != nil {
			return fmt.Errorf("cc %s: %w\n%s", source, err, said)
		}
	}
	return err
}

// command is a program of testdata, in a process group of its own.
func command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	if missing != nil {
		if _, err := exec.LookPath("cc"); err != nil {
			t.Skip("no C compiler: ", err)
		}
		t.Fatal(missing)
	}
	cmd := exec.Command(filepath.Join(built, name), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// A patient is a program that says when it is ready, and ends with 23 at the end of its input.
type patient struct {
	*exec.Cmd
	input  io.WriteCloser
	pid    int // also once it has ended
	output *bufio.Reader
}

func prepare(t *testing.T, name string, args ...string) *patient {
	t.Helper()
	p := &patient{Cmd: command(t, name, args...)}
	input, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.input, p.output = input, bufio.NewReader(output)
	t.Cleanup(func() {
		input.Close()
		output.Close()
		if p.pid > 0 {
			unix.Kill(-p.pid, unix.SIGKILL)
			p.Wait()
			reapGroup(p.pid)
		}
	})
	return p
}

func start(t *testing.T, name string, args ...string) *patient {
	t.Helper()
	p := prepare(t, name, args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = p.Process.Pid
	p.ready(t)
	return p
}

func (p *patient) ready(t *testing.T) {
	t.Helper()
	if line, err := p.output.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the program says %q, %v", line, err)
	}
}

// finish has it run on to its end, and waits for all that it made: a fork may outlive it by a moment, and who stands for ever is
// a hang.
func (p *patient) finish(t *testing.T) {
	t.Helper()
	p.input.Close()
	p.Wait()
	if got := p.ProcessState.String(); got != "exit status 23" {
		t.Errorf("the program's end: got %s, want exit status 23", got)
	}
	reapGroup(p.pid)
}

// reapGroup waits for what is left of a process group.
func reapGroup(pgid int) {
	for {
		if _, err := unix.Wait4(-pgid, nil, unix.WALL, nil); err == unix.ECHILD {
			return
		}
	}
}

// A log is what a tracer told.
type log struct{ trace event.Trace }

func (l *log) options(how tracer.Options) tracer.Options {
	how.Events = func(e event.Event) { l.trace = append(l.trace, e) }
	return how
}

// form is the canonical form of all that was told.
func (l *log) form(t *testing.T) event.Form {
	t.Helper()
	family, err := event.NewFamily(l.trace)
	if err != nil {
		t.Error(err)
	}
	return family.Form()
}

// ways are those to start a program and to follow it.
var ways = []struct {
	name string
	how  tracer.Options
}{
	{"SEIZE", tracer.Options{}},
	{"TRACEME", tracer.Options{TraceMe: true}},
	{"syscalls", tracer.Options{Method: tracer.Syscalls}},
	{"syscalls by registers", tracer.Options{Method: tracer.Syscalls, Kernel: tracer.ByRegisters}},
	{"SIGCHLD", tracer.Options{Notify: tracer.SIGCHLD}},
	{"syscalls, TRACEME, SIGCHLD", tracer.Options{Method: tracer.Syscalls, TraceMe: true, Notify: tracer.SIGCHLD}},
}

// follow launches a program, traces it to its end and returns what was told of it.
func follow(t *testing.T, how tracer.Options, cmd *exec.Cmd) (*log, event.Status) {
	t.Helper()
	l := &log{}
	tr, err := tracer.Launch(cmd, l.options(how))
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Resume(); err != nil {
		t.Fatal(err)
	}
	status, err := tr.Wait()
	if err != nil {
		t.Error(err)
	}
	return l, status
}

// A proc is what proc(5) says of one task.
type proc struct {
	tid, tracer, ppid, pgrp int
	state                   byte
}

func readProc(tid int) (p proc, err error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/stat")
	if err != nil {
		return p, err
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return p, err
	}
	p.tid = tid
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	p.state = fields[0][0]
	p.ppid, _ = strconv.Atoi(string(fields[1]))
	p.pgrp, _ = strconv.Atoi(string(fields[2]))
	_, rest, _ := bytes.Cut(status, []byte("\nTracerPid:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	p.tracer, _ = strconv.Atoi(string(line))
	return p, nil
}

// await waits until a task is in a state; the test is within a time.
func await(t *testing.T, tid int, state byte) {
	t.Helper()
	for p, err := readProc(tid); p.state != state; p, err = readProc(tid) {
		if err != nil {
			t.Fatalf("task %d is to be in state %c: %v", tid, state, err)
		}
		runtime.Gosched()
	}
}

// procs are all tasks of the processes that chosen tells to take by their leaders. Those that end
// meanwhile are left out.
func procs(chosen func(leader proc) bool) (all []proc) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		pid, _ := strconv.Atoi(filepath.Base(process))
		if leader, err := readProc(pid); err != nil || !chosen(leader) {
			continue
		}
		tasks, _ := filepath.Glob(process + "/task/[0-9]*")
		for _, task := range tasks {
			tid, _ := strconv.Atoi(filepath.Base(task))
			if p, err := readProc(tid); err == nil {
				all = append(all, p)
			}
		}
	}
	return all
}

func children() []proc { return procs(func(p proc) bool { return p.ppid == os.Getpid() }) }

// wantReleased tells whether a group's tasks are neither traced nor stopped.
func wantReleased(t *testing.T, pgid int) {
	t.Helper()
	for _, p := range procs(func(p proc) bool { return p.pgrp == pgid }) {
		if p.tracer != 0 || p.state == 't' || p.state == 'T' {
			t.Errorf("task %d is left with TracerPid %d, in state %c", p.tid, p.tracer, p.state)
		}
	}
}

// wantGone tells whether nothing is left of a process group.
func wantGone(t *testing.T, pgid int) {
	t.Helper()
	for _, p := range procs(func(p proc) bool { return p.pgrp == pgid }) {
		if p.state != 'Z' {
			t.Errorf("task %d is left, in state %c", p.tid, p.state)
		}
	}
	reapGroup(pgid)
}

// often is how many times a test does what is looked for by repeating; make soak does it ten times more.
func often(n int) int {
	if os.Getenv("TIDCHECK_SOAK") != "" {
		return 10 * n
	}
	return n
}

// within fails a test that would hang, and shows where; nothing waits for it.
func within(t *testing.T, limit time.Duration) {
	alarm := time.AfterFunc(limit, func() {
		debug.SetTraceback("all")
		panic(t.Name() + ": it hangs")
	})
	t.Cleanup(func() { alarm.Stop() })
}

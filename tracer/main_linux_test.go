//go:build amd64 || arm64

package tracer_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// helper is an environment variable that gives the test binary a role: see traceUntilKilled.
const helper = "TIDCHECK_TRACER_HELPER"

// The programs of testdata are built when a test first asks for them.
var (
	built    string // where they are
	programs = struct {
		sync.Mutex
		errs map[string]error // why they are not, by their names
	}{errs: make(map[string]error)}
)

func TestMain(m *testing.M) {
	if role := os.Getenv(helper); role != "" {
		traceUntilKilled(role)
	}
	// What a killed tracer leaves becomes our child, so that we see whether anything is left.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	testproc.UseTempThatExecutes()
	var err error
	if built, err = os.MkdirTemp("", "tracer-test-"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(built)
	if left := children(); len(left) > 0 {
		fmt.Println("FAIL: left behind:", left)
		code = 1
	}
	os.Exit(code)
}

func build(source, output string) error {
	said, err := exec.Command("cc", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o",
		output, source).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cc %s: %w\n%s", source, err, said)
	}
	return nil
}

// pathOf is where a program of testdata stands once it is built.
func pathOf(t testing.TB, name string) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	path := filepath.Join(built, name)
	err, known := programs.errs[name]
	if !known {
		source := filepath.Join("testdata", name+".c")
		if _, missing := os.Stat(source); missing != nil {
			source = filepath.Join("testdata/bench", name+".c")
		}
		err = build(source, path)
		programs.errs[name] = err
	}
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no C compiler: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// command is a program of testdata, in a process group of its own.
func command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(pathOf(t, name), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// A program says when it is ready, and ends with 23 at the end of its input.
type program struct {
	*exec.Cmd
	input  io.WriteCloser
	pid    int // also once it has ended
	output *bufio.Reader
}

func prepare(t *testing.T, name string, args ...string) *program {
	t.Helper()
	p := &program{Cmd: command(t, name, args...)}
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

func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	p := prepare(t, name, args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = p.Process.Pid
	p.ready(t)
	return p
}

func (p *program) ready(t *testing.T) {
	t.Helper()
	if line, err := p.output.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the program says %q, %v", line, err)
	}
}

// finish has it run on to its end, and waits for all that it made: a fork may outlive it by a
// moment. A task that stays stopped is a hang.
func (p *program) finish(t *testing.T) {
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

// wrapped has a tracer work on a wrapped kernel.
func wrapped(wrap func(tracer.Kernel) tracer.Kernel) tracer.Options {
	return tracer.Options{Kernel: wrap}
}

// ways are how a program can be started and followed.
var ways = []struct {
	name string
	how  tracer.Options
}{
	{"SEIZE", tracer.Options{}},
	{"TRACEME", tracer.Options{TraceMe: true}},
	{"syscalls", tracer.Options{Method: tracer.Syscalls}},
	{"SIGCHLD", tracer.Options{Notify: tracer.SIGCHLD}},
	{"syscalls, TRACEME, SIGCHLD", tracer.Options{
		Method: tracer.Syscalls, TraceMe: true,
		Notify: tracer.SIGCHLD,
	}},
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

// await waits until a task is in a state. The limit is the test's own, by within.
func await(t *testing.T, tid int, state byte) {
	t.Helper()
	for p, err := readProc(tid); p.state != state; p, err = readProc(tid) {
		if err != nil {
			t.Fatalf("task %d is to be in state %c: %v", tid, state, err)
		}
		runtime.Gosched()
	}
}

// procs are all tasks of those processes whose leaders are chosen. Tasks that end meanwhile are
// left out.
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

// often is how many rounds a test takes that looks for rare failures: ten times as many with make
// soak.
func often(n int) int {
	if os.Getenv("TIDCHECK_SOAK") != "" {
		return 10 * n
	}
	return n
}

// within ends a test that hangs, and shows where it does.
func within(t *testing.T, limit time.Duration) {
	alarm := time.AfterFunc(limit, func() {
		debug.SetTraceback("all")
		panic(t.Name() + ": it hangs")
	})
	t.Cleanup(func() { alarm.Stop() })
}

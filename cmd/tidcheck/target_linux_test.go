//go:build amd64 || arm64

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A target is a program that prints when it is ready, and ends with 23 at the end of its input.
type target struct {
	*exec.Cmd
	input io.Closer
}

func start(t *testing.T, name string, args ...string) *target {
	t.Helper()
	p := &target{Cmd: exec.Command(program(t, name), args...)}
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.input = input
	t.Cleanup(func() {
		p.Process.Kill()
		p.Wait()
	})
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%s says %q, %v", name, line, err)
	}
	return p
}

// pid is the program's pid, as a word of a command line.
func (p *target) pid() string { return strconv.Itoa(p.Process.Pid) }

// finish lets it run to its end.
func (p *target) finish(t *testing.T) {
	t.Helper()
	p.input.Close()
	p.Wait()
	if got := p.ProcessState.String(); got != "exit status 23" {
		t.Errorf("the program's end: got %s, want exit status 23", got)
	}
}

// tasks are the tids of its living threads.
func (p *target) tasks(t *testing.T) map[int]bool {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("/proc", p.pid(), "task"))
	if err != nil {
		t.Fatal(err)
	}
	tids := make(map[int]bool)
	for _, e := range entries {
		tid, _ := strconv.Atoi(e.Name())
		tids[tid] = true
	}
	return tids
}

// wantReleased fails the test if a task of the program is traced or stopped.
func (p *target) wantReleased(t *testing.T) {
	t.Helper()
	for tid := range p.tasks(t) {
		tracer, state := statusField(tid, "TracerPid"), statusField(tid, "State")
		if state == "" {
			continue // it has ended meanwhile
		}
		if tracer != "0" || state[0] == 't' || state[0] == 'T' {
			t.Errorf("task %d is left with TracerPid %s, in state %s", tid, tracer, state)
		}
	}
}

// zombie makes a process that has ended and is not waited for.
func zombie(t *testing.T) (pid int) {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() })
	err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

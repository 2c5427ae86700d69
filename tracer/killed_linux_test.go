//go:build amd64 || arm64

package tracer_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// traceUntilKilled has the test binary be a tracer that is killed at its Nth event. Its role is
// "attach N PID", "launch N ARGV..." or "traceme N ARGV...".
func traceUntilKilled(role string) {
	words := strings.Fields(role)
	n, err := strconv.Atoi(words[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	opts := tracer.Options{TraceMe: words[0] == "traceme", Events: func(event.Event) {
		if n--; n < 0 {
			unix.Kill(os.Getpid(), unix.SIGKILL)
		}
	}}
	var tr *tracer.Tracer
	if words[0] == "attach" {
		pid, _ := strconv.Atoi(words[2])
		tr, err = tracer.Attach(pid, opts)
	} else {
		cmd := exec.Command(words[2], words[3:]...)
		cmd.Stdin, cmd.SysProcAttr = os.Stdin, &syscall.SysProcAttr{Setpgid: true}
		tr, err = tracer.Launch(cmd, opts)
	}
	if err == nil {
		fmt.Println(tr.PID())
		err = tr.Resume()
	}
	if err == nil {
		<-tr.Done()
	}
	fmt.Fprintln(os.Stderr, "the tracer was to be killed:", err)
	os.Exit(1)
}

// A tracerProcess is the test binary in such a role.
type tracerProcess struct {
	*exec.Cmd
	role   string
	traced int // the program, zero if the tracer ended before it had one
}

// startTracer returns when the program is traced, or the tracer is dead.
func startTracer(t *testing.T, input *os.File, role string) *tracerProcess {
	t.Helper()
	self := exec.Command("/proc/self/exe")
	self.Env = append(os.Environ(), helper+"="+role)
	self.Stdin, self.Stderr = input, os.Stderr
	self.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its waker's child is in it
	output, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(output).ReadString('\n')
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	return &tracerProcess{self, role, pid}
}

// wantKilled waits until the tracer and its waker's child are dead.
func (p *tracerProcess) wantKilled(t *testing.T) {
	t.Helper()
	p.Wait()
	reapGroup(p.Process.Pid)
	if status := p.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != unix.SIGKILL {
		t.Fatalf("%s: the tracer's end: %s", p.role, p.ProcessState)
	}
}

// killedTracer runs such a tracer until it is dead, and returns the program's id.
func killedTracer(t *testing.T, input *os.File, role string) (pid int) {
	t.Helper()
	p := startTracer(t, input, role)
	p.wantKilled(t)
	return p.traced
}

// wantKilledProgram waits for the end of a program whose tracer is dead, and of all that it made.
func wantKilledProgram(t *testing.T, pid int) {
	t.Helper()
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil ||
		status.Signal() != unix.SIGKILL {
		t.Errorf("the program's end: wait status %#x, %v, want SIGKILL", status, err)
	}
	reapGroup(pid)
}

// kills are the events of a storm at which a tracer is killed: every hundredth or so up to the
// 1500th, and with make soak every tenth.
func kills() (at []int) {
	const tenth, last = 10, 1500
	for n := 0; n < last; n += tenth * 100 / often(10) {
		at = append(at, n)
	}
	return at
}

func TestLaunchedProgramDiesWithItsTracer(t *testing.T) {
	within(t, 300*time.Second)
	program := command(t, "storm", "3", "3", "2", "2")
	input, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close() // its end would end the program
	defer input.Close()
	// Launch has one event; at that the program is not known yet.
	for _, n := range append([]int{1}, kills()[1:]...) {
		for _, way := range []string{"launch", "traceme"} {
			role := fmt.Sprint(way, " ", n, " ", strings.Join(program.Args, " "))
			if pid := killedTracer(t, input, role); pid == 0 {
				t.Errorf("%s: it started nothing", role)
			} else {
				wantKilledProgram(t, pid)
			}
		}
	}
}

func TestAttachedProgramOutlivesItsTracer(t *testing.T) {
	within(t, 300*time.Second)
	p := start(t, "storm", "3", "3", "2", "2")
	for _, n := range kills() {
		killedTracer(t, nil, fmt.Sprint("attach ", n, " ", p.pid))
		wantReleased(t, p.pid)
	}
	p.finish(t)
}

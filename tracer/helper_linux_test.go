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

// traceUntilKilled is the test binary as a tracer that is killed at its Nth event:
// "attach N PID", or "launch N ARGV..." and "traceme N ARGV...".
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

// killedTracer runs such a tracer until it is dead, and returns the program's id.
func killedTracer(t *testing.T, input *os.File, role string) (pid int) {
	t.Helper()
	self := exec.Command("/proc/self/exe")
	self.Env = append(os.Environ(), helper+"="+role)
	self.Stdin, self.Stderr = input, os.Stderr
	self.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its bell's child is in it
	output, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(output).ReadString('\n')
	self.Wait()
	reapGroup(self.Process.Pid)
	if status := self.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != unix.SIGKILL {
		t.Fatalf("%s: the tracer's end: %s", role, self.ProcessState)
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(line))
	return pid
}

func TestLaunchedProgramDiesWithItsTracer(t *testing.T) {
	within(t, 60*time.Second)
	program := command(t, "storm", "3", "3", "2", "2")
	input, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close() // its end would end the program
	defer input.Close()
	for n := 1; n < 300; n += 20 {
		for _, way := range []string{"launch", "traceme"} {
			role := fmt.Sprint(way, " ", n, " ", strings.Join(program.Args, " "))
			if pid := killedTracer(t, input, role); pid == 0 {
				t.Errorf("%s: it started nothing", role)
			} else {
				reapGroup(pid) // it waits until all have died
			}
		}
	}
}

func TestAttachedProgramOutlivesItsTracer(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "storm", "3", "3", "2", "2")
	for n := 0; n < 300; n += 10 {
		killedTracer(t, nil, fmt.Sprint("attach ", n, " ", p.pid))
		wantReleased(t, p.pid)
	}
	p.finish(t)
}

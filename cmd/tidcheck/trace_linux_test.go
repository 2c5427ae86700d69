//go:build amd64 || arm64

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A tracing is a running tidcheck trace --json, and the events that it has printed so far.
type tracing struct {
	*exec.Cmd
	output *bufio.Scanner
	stderr strings.Builder
	trace  event.Trace
}

func startTrace(t *testing.T, input *os.File, args ...string) *tracing {
	t.Helper()
	tr := &tracing{Cmd: exec.Command("tidcheck", append([]string{"trace", "--json"}, args...)...)}
	tr.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // away from the terminal's Ctrl-C
	tr.Stdin, tr.Stderr = input, &tr.stderr
	output, err := tr.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Start(); err != nil {
		t.Fatal(err)
	}
	tr.output = bufio.NewScanner(output)
	t.Cleanup(func() {
		tr.Process.Kill()
		tr.Wait()
	})
	return tr
}

// until reads lines up to the first for which enough returns true. Lines that are no JSON are the
// program's.
func (tr *tracing) until(t *testing.T, what string, enough func(line string, e event.Event) bool) {
	t.Helper()
	for tr.output.Scan() {
		line := tr.output.Text()
		l, err := event.ParseJSON([]byte(line))
		if err == nil {
			tr.trace = append(tr.trace, l.Event)
		}
		if enough(line, l.Event) {
			return
		}
	}
	t.Fatalf("the trace ended before %s: %v %s", what, tr.output.Err(), tr.stderr.String())
}

// finish reads to the end of the trace, and checks how its process ended.
func (tr *tracing) finish(t *testing.T, want string) {
	t.Helper()
	for tr.output.Scan() {
		if l, err := event.ParseJSON(tr.output.Bytes()); err == nil {
			tr.trace = append(tr.trace, l.Event)
		}
	}
	tr.Wait()
	if got := tr.ProcessState.String(); got != want || tr.stderr.Len() > 0 {
		t.Errorf("the tracer's end: got %s, want %s; it said %q", got, want, tr.stderr.String())
	}
}

func isReady(_ string, e event.Event) bool { return e.Kind == event.Ready }

// known are the tids that a trace has named as found or born.
func known(trace event.Trace) map[int]bool {
	tids := make(map[int]bool)
	for _, e := range trace {
		switch {
		case e.Kind == event.Attach:
			tids[int(e.TID)] = true
		case e.Kind == event.Clone:
			tids[int(e.Child)] = true
		}
	}
	return tids
}

func TestAttachListsEveryThreadAndDetachesFromAll(t *testing.T) {
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			within(t, 60*time.Second)
			p := start(t, "crowd", "500", "4")
			before := p.tasks(t)
			tr := startTrace(t, nil, "attach", p.pid())
			tr.until(t, "it was attached", isReady)
			listed := known(tr.trace)
			now := p.tasks(t)
			lived := 0
			for tid := range before {
				if !now[tid] {
					continue
				}
				lived++
				if !listed[tid] {
					t.Errorf("task %d lived throughout the attach and was not listed", tid)
				}
			}
			if lived < 505 {
				t.Errorf("%d threads lived throughout the attach, want 505 and more", lived)
			}
			births := 0
			enough := func(_ string, e event.Event) bool {
				delete(now, int(e.TID))
				if e.Kind == event.Clone {
					births++
					delete(now, int(e.Child))
				}
				for tid := range listed {
					delete(now, tid)
				}
				return births >= 1000 && len(now) == 0
			}
			tr.until(t, "a thousand births, and all that lived at the attach's end", enough)
			tr.Process.Signal(sig)
			tr.finish(t, "exit status 0")
			p.wantReleased(t)
			if _, err := event.NewFamily(tr.trace); err != nil {
				t.Error(err)
			}
			p.finish(t)
		})
	}
}

// launched traces a program of testdata, whose input stays open, until it is ready.
func launched(t *testing.T, name string, args ...string) *tracing {
	t.Helper()
	input, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	defer input.Close()
	tr := startTrace(t, input, append([]string{"launch", "--", program(t, name)}, args...)...)
	isReady := func(line string, _ event.Event) bool { return line == "ready" }
	tr.until(t, "the program was ready", isReady)
	return tr
}

func TestLaunchedProgramGetsTheTracersSignal(t *testing.T) {
	within(t, 60*time.Second)
	tr := launched(t, "waits", "term")
	tr.Process.Signal(unix.SIGTERM)
	tr.finish(t, "exit status 7")
	if got := fmt.Sprint(tr.trace[1:]); !strings.Contains(got, "signal SIGTERM") {
		t.Errorf("the trace is %s, want a signal SIGTERM in it", got)
	}
}

func TestSecondSignalEndsTracerAndLaunchedProgram(t *testing.T) {
	within(t, 60*time.Second)
	tr := launched(t, "waits", "deaf")
	tr.Process.Signal(unix.SIGTERM)
	isSignal := func(_ string, e event.Event) bool { return e.Kind == event.Signal }
	tr.until(t, "the program got the first signal", isSignal)
	tr.Process.Signal(unix.SIGTERM)
	tr.finish(t, "signal: terminated")
	wantKilled(t, tr)
}

// wantKilled waits for the program of a dead tracer, which has become our child.
func wantKilled(t *testing.T, tr *tracing) {
	t.Helper()
	var status unix.WaitStatus
	_, err := unix.Wait4(int(tr.trace[0].PID), &status, 0, nil)
	if err != nil || status.Signal() != unix.SIGKILL {
		t.Errorf("the launched program's end: got %v, status %#x, want SIGKILL", err, status)
	}
}

func TestTraceIntoAClosedPipe(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "3", "1")
	for _, args := range [][]string{{"--", program(t, "threads"), "20000"}, {"-p", p.pid()}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		tr := &tracing{Cmd: exec.Command("tidcheck", append([]string{"trace"}, args...)...)}
		tr.Stdout, tr.Stderr = w, &tr.stderr
		err = tr.Run()
		w.Close()
		if err == nil || err.Error() != "signal: broken pipe" || tr.stderr.Len() > 0 {
			t.Errorf("trace %s: got %v, want signal: broken pipe; it said %q",
				args, err, tr.stderr.String())
		}
	}
	p.wantReleased(t)
	p.finish(t)
}

func TestTraceRefusesWhatCannotBeAttachedTo(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "1", "0")
	tr := startTrace(t, nil, "-p", p.pid())
	tr.until(t, "it was attached", isReady)
	attach := func(pid string) []string { return []string{"tidcheck", "trace", "-p", pid} }
	traced := fmt.Sprintf("it is already traced, by process %d (tidcheck)", tr.Process.Pid)
	cases := []struct {
		name, want string
		argv       []string
	}{
		{"zombie", "it is a zombie", attach(fmt.Sprint(zombie(t)))},
		{"traced already", traced, attach(p.pid())},
		{"another user's", "it belongs to uid 0", asUser65534(t, attach(fmt.Sprint(os.Getpid())))},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.argv == nil {
				t.Skip("only root can become another user, with setpriv")
			}
			cmd := exec.Command(c.argv[0], c.argv[1:]...)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			cmd.Run()
			if got := cmd.ProcessState.String(); got != "exit status 2" || stdout.Len() > 0 {
				t.Errorf("got %s and %q, want exit status 2 and no output", got, stdout.String())
			}
			said := stderr.String()
			if !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("it said %q, want one line with %q", said, c.want)
			}
		})
	}
	tr.Process.Signal(unix.SIGTERM)
	tr.finish(t, "exit status 0")
	p.finish(t)
}

// asUser65534 is a command line that runs a copy of tidcheck as another user; nil if we may not.
func asUser65534(t *testing.T, argv []string) []string {
	t.Helper()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil || os.Getuid() != 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "tidcheck-other-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	copied := dir + "/tidcheck"
	if err := copyFile(copied, "/proc/self/exe"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	other := []string{setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", copied}
	return append(other, argv[1:]...)
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

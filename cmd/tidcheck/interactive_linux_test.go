//go:build amd64 || arm64

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A dialogue is a tidcheck trace -i, and its output since the last match.
type dialogue struct {
	*exec.Cmd
	said   string
	out    io.Reader
	in     io.WriteCloser
	slave  *os.File     // of its terminal; nil without one
	before unix.Termios // the terminal's modes before the start
}

func (d *dialogue) begin(t *testing.T) {
	t.Helper()
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Process.Kill()
		d.Wait()
	})
}

func interactive(args []string) *exec.Cmd {
	return exec.Command("tidcheck", append([]string{"trace", "-i"}, args...)...)
}

// throughPipes starts one whose input and output are pipes.
func throughPipes(t *testing.T, args ...string) *dialogue {
	t.Helper()
	d := &dialogue{Cmd: interactive(args)}
	d.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var err error
	if d.in, err = d.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if d.out, err = d.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	d.begin(t)
	return d
}

// atTerminal starts one at a pseudo-terminal, which is its controlling terminal.
func atTerminal(t *testing.T, args ...string) *dialogue {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	d := &dialogue{Cmd: interactive(args), in: master, out: master, slave: slave}
	d.Stdin, d.Stdout, d.Stderr = slave, slave, slave
	d.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	d.before = d.modes(t)
	d.begin(t)
	return d
}

func (d *dialogue) modes(t *testing.T) unix.Termios {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(d.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}

func (d *dialogue) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(d.in, keys); err != nil {
		t.Fatal(err)
	}
}

// hears reads up to the first match of a pattern. It returns the match and its groups.
func (d *dialogue) hears(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	chunk := make([]byte, 4096)
	for {
		if at := re.FindStringSubmatchIndex(d.said); at != nil {
			match := re.FindStringSubmatch(d.said)
			d.said = d.said[at[1]:]
			return match
		}
		n, err := d.out.Read(chunk)
		if d.said += string(chunk[:n]); err != nil {
			t.Fatalf("it ended (%v) before %q; it said %q", err, pattern, d.said)
		}
	}
}

func (d *dialogue) ends(t *testing.T, want string) {
	t.Helper()
	d.Wait()
	if got := d.ProcessState.String(); got != want {
		t.Errorf("its end: got %s, want %s; it said %q", got, want, d.said)
	}
}

const (
	ctrlC, ctrlD, ctrlZ, keyUp = "\x03", "\x04", "\x1a", "\x1b[A"
	atPrompt                   = `\(tidcheck\) $`
)

func TestPromptAtATerminal(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "3", "0")
	d := atTerminal(t, "-p", p.pid())
	d.hears(t, `attached to process \d+: 4 tasks found`)
	d.hears(t, atPrompt)
	if m := d.modes(t); m.Lflag&unix.ICANON != 0 || m.Oflag&unix.OPOST == 0 {
		t.Errorf("modes %+v: want ICANON off and OPOST on", m)
	}

	d.types(t, "threads\r")
	d.hears(t, `\* main +`+p.pid()+` .* stopped `)
	parked := d.hears(t, `@3 +(\d+) .* stopped .*\r\n`)[1]
	d.hears(t, atPrompt)
	d.types(t, "conn\x7ftinue\r")
	d.hears(t, `tinue\r+\n`+atPrompt)

	// An event does not damage the line that is being typed, and nor do Ctrl-Z and fg.
	d.types(t, "thr")
	d.hears(t, `thr$`)
	unix.Kill(p.Process.Pid, unix.SIGCHLD)
	d.hears(t, `signal SIGCHLD\r+\n\(tidcheck\) thr$`)
	d.types(t, ctrlZ)
	err := unix.Waitid(unix.P_PID, d.Process.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := d.modes(t); m.Lflag&unix.ICANON == 0 || m.Lflag&unix.ECHO == 0 {
		t.Error("Ctrl-Z does not put the terminal's modes back")
	}
	d.Process.Signal(unix.SIGCONT)
	d.hears(t, `\(tidcheck\) thr$`)
	d.types(t, "eads\r")
	d.hears(t, `@3 .* running `)
	d.hears(t, atPrompt)

	d.types(t, ctrlC)
	d.hears(t, `stopped: 4 tasks`)
	d.types(t, keyUp+"\r") // the history
	d.hears(t, `threads\r+\n`)
	d.hears(t, `@3 .* stopped .*\r\n`)
	d.hears(t, atPrompt)

	// The step restarts pause(2), which lasts; Ctrl-C ends the wait for it.
	d.types(t, "step "+parked+"\r")
	for statusField(number(parked), "State") != "S (sleeping)" {
		continue
	}
	d.types(t, ctrlC)
	d.hears(t, `interrupted\r+\n@3 `+parked+` is stopped at 0x[0-9a-f]+`)
	d.hears(t, atPrompt)
	d.types(t, ctrlD)
	d.hears(t, `detached from process `+p.pid())
	d.ends(t, "exit status 0")
	if after := d.modes(t); after != d.before {
		t.Errorf("modes before %+v, after %+v", d.before, after)
	}
	p.wantReleased(t)
	p.finish(t)
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func TestQuestionAtATerminal(t *testing.T) {
	within(t, 60*time.Second)
	d := atTerminal(t, "--follow", "ask", "--", program(t, "threads"), "2", "5")
	d.hears(t, atPrompt)
	d.types(t, "c\r")
	d.hears(t, `made main/1 \d+: follow`)
	d.hears(t, `p, c or b\? $`)
	d.types(t, "p\r")
	d.hears(t, `made main/2 \d+: follow`)
	d.hears(t, `p, c or b\? $`)
	d.types(t, "b\r")
	d.hears(t, `main/2 \d+/\d+: exit 0`)
	d.hears(t, `ended with status 5\r+\n$`)
	d.ends(t, "exit status 5")
}

func TestCtrlCIsForThePromptAlone(t *testing.T) {
	within(t, 60*time.Second)
	d := atTerminal(t, "--", "sleep", "1000")
	pid := number(d.hears(t, `process (\d+) is stopped at its start`)[1])
	d.hears(t, atPrompt)
	if group, err := unix.Getpgid(pid); err != nil || group != pid {
		t.Errorf("the program's process group: got %d, %v, want its own, %d", group, err, pid)
	}
	d.types(t, "wait\r")
	d.hears(t, `every task is stopped`)
	d.types(t, "c\r")
	d.hears(t, `c\r+\n\(tidcheck\) $`)
	d.types(t, ctrlC)
	d.hears(t, `stopped: 1 task\r`)
	d.types(t, "quit\r")
	d.hears(t, `main \d+: end SIGKILL\r+\n`)
	d.ends(t, "exit status 0")
}

func TestEndOfInputAnswersAQuestion(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "3", "4")
	d := throughPipes(t, "--follow", "ask", "-p", p.pid())
	d.hears(t, `attached to process \d+: \d+ tasks found`)
	d.types(t, "continue\n")
	d.hears(t, ` made @?\S+ \d+: follow the parent`)
	d.types(t, "quit\nb\n")
	d.hears(t, `"quit" is not an answer`)
	d.in.Close()
	d.hears(t, `detached from process `)
	d.ends(t, "exit status 0")
	p.wantReleased(t)
	p.finish(t)
}

// While a question is open, the tracer's thread sleeps. A signal must have its effect all the same.
func TestSignalsEndAQuestion(t *testing.T) {
	within(t, 60*time.Second)
	d := throughPipes(t, "--follow", "ask", "--", program(t, "threads"), "20000")
	d.types(t, "continue\n")
	d.hears(t, `made main/1 `)
	// It follows both and stops the program. Births on the way to the stop ask nothing.
	d.Process.Signal(unix.SIGINT)
	d.hears(t, `stopped: \d tasks?\n`)
	d.types(t, "continue\nwait\n")
	d.hears(t, `made main/\d+ `)
	d.Process.Signal(unix.SIGTERM)
	d.hears(t, `killed process \d+\n`)
	d.ends(t, "exit status 0")
}

func TestPromptKilled(t *testing.T) {
	within(t, 60*time.Second)
	d := throughPipes(t, "--", program(t, "waits"), "deaf")
	pid := number(d.hears(t, `process (\d+) is stopped at its start`)[1])
	d.Process.Kill()
	d.ends(t, "signal: killed")
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || status.Signal() != unix.SIGKILL {
		t.Errorf("the launched program's end: got %v, status %#x, want SIGKILL", err, status)
	}

	p := start(t, "crowd", "3", "1")
	d = throughPipes(t, "-p", p.pid())
	d.hears(t, `attached to process`)
	d.Process.Kill()
	d.ends(t, "signal: killed")
	p.wantReleased(t)
	p.finish(t)
}

func TestPromptWithManyThreads(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "500", "2")
	d := throughPipes(t, "-p", p.pid())
	d.types(t, "continue\nwait clone\nfollow parent\nstop\nthreads\nthread @400\n")
	stopped := number(d.hears(t, `stopped: (\d+) tasks\n`)[1])
	list := d.hears(t, `(?s)  path .*?\n@400 \d+ is stopped at`)[0]
	if listed := strings.Count(list, " stopped  "); stopped < 503 || listed != stopped {
		t.Errorf("%d stopped and %d listed so, want at least 503, and as many", stopped, listed)
	}
	d.types(t, "detach @7\nthread @7\nquit\n")
	d.hears(t, `detached from @7 \d+\nno task "@7" is traced`)
	d.hears(t, fmt.Sprintf(`detached from process %s\n`, p.pid()))
	d.ends(t, "exit status 0")
	p.wantReleased(t)
	p.finish(t)
}

func TestWaitNoticesAGroupStop(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "3", "0")
	d := throughPipes(t, "-p", p.pid())
	d.types(t, "continue\nwait exit\n")
	d.hears(t, `attached to process \d+: 4 tasks found`)
	unix.Kill(p.Process.Pid, unix.SIGSTOP)
	d.hears(t, `signal SIGSTOP\n`)
	d.hears(t, `every task is in a group stop: SIGCONT ends it\n`)
	d.types(t, "continue\nwait\n") // the group stop lasts
	d.hears(t, `every task is in a group stop: SIGCONT ends it\n`)
	d.types(t, "stop\nwait\n") // now the tasks are stopped for two reasons
	d.hears(t, `every task is in a group stop: SIGCONT ends it\n`)
	unix.Kill(p.Process.Pid, unix.SIGCONT)
	d.types(t, "continue\nwait signal\nquit\n")
	d.hears(t, `detached from process `)
	d.ends(t, "exit status 0")
	p.wantReleased(t)
	p.finish(t)
}

func TestPromptWithEachMethodAndNotify(t *testing.T) {
	for _, flags := range [][]string{
		{"--method", "syscalls"},
		{"--notify", "sigchld"},
		{"--method", "syscalls", "--notify", "sigchld"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			within(t, 60*time.Second)
			p := start(t, "crowd", "2", "1")
			d := throughPipes(t, append(flags, "-p", p.pid())...)
			d.types(t, "continue\nwait clone\nwait exit\nstop\nthreads\n")
			// A task that the attach found may end before another is born.
			said := d.hears(t, `(?s)^.*?\nstopped: (\d+) tasks\n`)
			stopped := said[1]
			if !strings.Contains(said[0], ": clone ") || !strings.Contains(said[0], ": exit 0\n") {
				t.Errorf("it said %q, want a birth and an end", said[0])
			}
			parked := d.hears(t, `@2 +(\d+) +\d+ +stopped +0x[0-9a-f]+ `)[1]
			if number(stopped) < 4 {
				t.Errorf("%s tasks are stopped, want 4 at least", stopped)
			}
			d.types(t, "follow ask\ncontinue\nwait\n")
			d.hears(t, ` made \S+ \d+: follow the parent`)
			d.Process.Signal(unix.SIGINT)
			d.hears(t, `stopped: \d+ tasks\n`)
			d.types(t, "detach "+parked+"\nquit\n")
			d.hears(t, `detached from @2 `)
			d.hears(t, `detached from process `)
			d.ends(t, "exit status 0")
			p.wantReleased(t)
			p.finish(t)
		})
	}
}

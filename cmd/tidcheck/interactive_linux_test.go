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

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A dialogue is a tidcheck trace -i, and what it has said since the last match.
type dialogue struct {
	*exec.Cmd
	said   string
	out    io.Reader
	in     io.WriteCloser
	slave  *os.File     // of a terminal; else nil
	before unix.Termios // its modes before tidcheck had it
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

// converse talks with it through pipes.
func converse(t *testing.T, args ...string) *dialogue {
	t.Helper()
	d := &dialogue{Cmd: exec.Command("tidcheck", append([]string{"trace", "-i"}, args...)...)}
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

// atTerminal talks with it through a pseudo-terminal, which is its controlling one.
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
	d := &dialogue{Cmd: exec.Command("tidcheck", append([]string{"trace", "-i"}, args...)...), in: master, out: master, slave: slave}
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

// hears reads up to the first match of a pattern, and returns that and its groups.
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
	d := atTerminal(t, "-p", p.name())
	d.hears(t, `attached to process \d+: 4 tasks found`)
	d.hears(t, atPrompt)
	if m := d.modes(t); m.Lflag&unix.ICANON != 0 || m.Oflag&unix.OPOST == 0 {
		t.Errorf("modes %+v: lines are to be edited, and output is to be processed", m)
	}

	d.types(t, "threads\r")
	d.hears(t, `\* main +`+p.name()+` .* stopped `)
	parked := d.hears(t, `@3 +(\d+) .* stopped .*\r\n`)[1]
	d.hears(t, atPrompt)
	d.types(t, "conn\x7ftinue\r")
	d.hears(t, `tinue\r+\n`+atPrompt)

	// An event leaves the line that is being typed whole, and Ctrl-Z and fg do.
	d.types(t, "thr")
	d.hears(t, `thr$`)
	unix.Kill(p.Process.Pid, unix.SIGCHLD)
	d.hears(t, `signal SIGCHLD\r+\n\(tidcheck\) thr$`)
	d.types(t, ctrlZ)
	if err := unix.Waitid(unix.P_PID, d.Process.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if m := d.modes(t); m.Lflag&unix.ICANON == 0 || m.Lflag&unix.ECHO == 0 {
		t.Error("the terminal's modes are not put back by Ctrl-Z")
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

	// pause is entered again by a step, and Ctrl-C ends that.
	d.types(t, "step "+parked+"\r")
	for statusField(number(parked), "State") != "S (sleeping)" {
		continue
	}
	d.types(t, ctrlC)
	d.hears(t, `interrupted\r+\n@3 `+parked+` stands at 0x[0-9a-f]+`)
	d.hears(t, atPrompt)
	d.types(t, ctrlD)
	d.hears(t, `let go of process `+p.name())
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
	pid := number(d.hears(t, `process (\d+) stands at its start`)[1])
	d.hears(t, atPrompt)
	if group, err := unix.Getpgid(pid); err != nil || group != pid {
		t.Errorf("the program's process group: got %d, %v, want its own, %d", group, err, pid)
	}
	d.types(t, "wait\r")
	d.hears(t, `every task stands`)
	d.types(t, "c\r")
	d.hears(t, `c\r+\n\(tidcheck\) $`)
	d.types(t, ctrlC)
	d.hears(t, `stopped: 1 task\r`)
	d.types(t, "quit\r")
	d.hears(t, `main \d+: end SIGKILL\r+\n`)
	d.ends(t, "exit status 0")
}

func TestAnEndWhileABirthAsks(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "3", "4")
	d := converse(t, "--follow", "ask", "-p", p.name())
	d.hears(t, `attached to process \d+: \d+ tasks found`)
	d.types(t, "continue\n")
	d.hears(t, ` made @?\S+ \d+: follow the parent`)
	d.types(t, "quit\nb\n")
	d.hears(t, `"quit" is no answer`)
	d.in.Close()
	d.hears(t, `let go of process `)
	d.ends(t, "exit status 0")
	p.wantReleased(t)
	p.finish(t)
}

// While a birth asks, the tracer's thread sleeps: an end must come through all the same.
func TestSignalsWhileABirthAsks(t *testing.T) {
	within(t, 60*time.Second)
	d := converse(t, "--follow", "ask", "--", program(t, "threads"), "20000")
	d.types(t, "continue\n")
	d.hears(t, `made main/1 `)
	d.Process.Signal(unix.SIGINT) // follows both, and stops the program; births on the way to that ask nothing
	d.hears(t, `stopped: \d tasks?\n`)
	d.types(t, "continue\nwait\n")
	d.hears(t, `made main/\d+ `)
	d.Process.Signal(unix.SIGTERM)
	d.hears(t, `killed process \d+\n`)
	d.ends(t, "exit status 0")
}

func TestPromptKilled(t *testing.T) {
	within(t, 60*time.Second)
	d := converse(t, "--", program(t, "waits"), "deaf")
	pid := number(d.hears(t, `process (\d+) stands at its start`)[1])
	d.Process.Kill()
	d.ends(t, "signal: killed")
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || status.Signal() != unix.SIGKILL {
		t.Errorf("the launched program's end: got %v, status %#x, want SIGKILL", err, status)
	}

	p := start(t, "crowd", "3", "1")
	d = converse(t, "-p", p.name())
	d.hears(t, `attached to process`)
	d.Process.Kill()
	d.ends(t, "signal: killed")
	p.wantReleased(t)
	p.finish(t)
}

func TestPromptWithManyThreads(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "500", "2")
	d := converse(t, "-p", p.name())
	d.types(t, "continue\nwait clone\nfollow parent\nstop\nthreads\nthread @400\n")
	stopped := number(d.hears(t, `stopped: (\d+) tasks\n`)[1])
	list := d.hears(t, `(?s)  path .*?\n@400 \d+ stands at`)[0]
	if listed := strings.Count(list, " stopped "); stopped < 503 || listed != stopped {
		t.Errorf("%d stopped and %d listed so, want at least 503, and as many", stopped, listed)
	}
	d.types(t, "detach @7\nthread @7\nquit\n")
	d.hears(t, `let go of @7 \d+\nno task "@7" is traced`)
	d.hears(t, fmt.Sprintf(`let go of process %s\n`, p.name()))
	d.ends(t, "exit status 0")
	p.wantReleased(t)
	p.finish(t)
}

func TestWaitNoticesAGroupStop(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "3", "0")
	d := converse(t, "-p", p.name())
	d.types(t, "continue\nwait exit\n")
	d.hears(t, `attached to process \d+: 4 tasks found`)
	unix.Kill(p.Process.Pid, unix.SIGSTOP)
	d.hears(t, `signal SIGSTOP\n`)
	d.hears(t, `every task is in a group stop: SIGCONT ends it\n`)
	d.types(t, "continue\nwait\n") // it is kept
	d.hears(t, `every task is in a group stop: SIGCONT ends it\n`)
	d.types(t, "stop\nwait\n") // stands for another reason too
	d.hears(t, `every task is in a group stop: SIGCONT ends it\n`)
	unix.Kill(p.Process.Pid, unix.SIGCONT)
	d.types(t, "continue\nwait signal\nquit\n")
	d.hears(t, `let go of process `)
	d.ends(t, "exit status 0")
	p.wantReleased(t)
	p.finish(t)
}

func TestPromptByBothMethodsAndNotices(t *testing.T) {
	for _, flags := range [][]string{{"--method", "syscalls"}, {"--notify", "sigchld"}, {"--method", "syscalls", "--notify", "sigchld"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			within(t, 60*time.Second)
			p := start(t, "crowd", "2", "1")
			d := converse(t, append(flags, "-p", p.name())...)
			d.types(t, "continue\nwait clone\nwait exit\nstop\nthreads\n")
			said := d.hears(t, `(?s)^.*?\nstopped: (\d+) tasks\n`) // one that was found may end before another is born
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
			d.hears(t, `let go of @2 `)
			d.hears(t, `let go of process `)
			d.ends(t, "exit status 0")
			p.wantReleased(t)
			p.finish(t)
		})
	}
}

// A broken console is one that panics.
type broken struct{}

func (broken) Write([]byte) (int, error) { panic("it cannot be written to") }

// Nobody but the tracer's thread can put a terminal's modes back when that panics.
func TestPanicOfTheSinkRestoresTheTerminal(t *testing.T) {
	restored := 0
	s := &session{
		console: &console{out: broken{}, restore: func() { restored++ }},
		seen:    make(map[event.Kind]int), questions: make(chan question),
	}
	close(s.questions) // to ask panics
	for i, call := range []func(){
		func() { s.event(event.Event{Kind: event.Ready, PID: 1, TID: 1}) },
		func() { s.choose(event.Event{Kind: event.Clone, TID: 1, Child: 2}) },
	} {
		func() {
			defer func() {
				if recover() == nil || restored != i+1 {
					t.Errorf("call %d: the modes were put back %d times; the panic is to go on, and they are to be put back", i, restored)
				}
			}()
			call()
		}()
	}
}

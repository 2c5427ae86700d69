package remote

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/internal/rsp"
)

// A fake is a server that stops its program by SIGSTOP, and lists what /proc shows. It tells of no
// births. It does all that it is asked for, but for one request, which it spoils.
type fake struct {
	pid     int
	nonStop bool
	queue   []string // stop replies that were not asked for yet
	request string   // what is spoiled: a request's beginning, "start", "interrupt" or "ended"
	how     string

	mu sync.Mutex // held while a packet is written
}

// fakeMain is the test binary as a server: --fake=REQUEST:HOW, then attach and a process, or
// launch and a program.
func fakeMain() {
	f := &fake{}
	f.request, f.how, _ = strings.Cut(strings.TrimPrefix(os.Args[1], "--fake="), "@")
	if os.Args[2] == "launch" {
		f.launch(os.Args[3:])
	} else {
		f.pid, _ = strconv.Atoi(os.Args[3])
		f.stop()
	}
	if f.request == "start" {
		f.spoil()
	}
	f.serve()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// launch starts a program that stops itself at its start.
func (f *fake) launch(argv []string) {
	cmd := exec.Command("sh", append([]string{"-c", `kill -STOP $$; exec "$0" "$@"`}, argv...)...)
	check(cmd.Start())
	f.pid = cmd.Process.Pid
	f.awaitStop()
	go func() {
		cmd.Wait() // the state says how it ended
		f.tell("ended", fmt.Sprintf("W%02x;process:%x", cmd.ProcessState.ExitCode(), f.pid))
	}()
}

// tell tells of a stop without being asked.
func (f *fake) tell(what, reply string) {
	if what == f.request {
		f.spoil()
		return
	}
	if f.nonStop {
		reply = "Stop:" + reply
	}
	f.say(reply, f.nonStop)
}

func (f *fake) say(data string, notice bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	packet := rsp.Append(nil, data)
	if notice {
		packet[0] = rsp.Notification
	}
	os.Stdout.Write(packet) // an error says that it is not read any more
}

// tasks lists the tasks of the program, and tells whether all stand.
func (f *fake) tasks() (tids []int, stand bool) {
	stand = true
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", f.pid)) // the pattern is good
	for _, file := range files {
		tid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		text, _ := os.ReadFile(file) // empty: it has just ended
		tids = append(tids, tid)
		stand = stand && strings.Contains(string(text), ") T ")
	}
	return tids, stand
}

func (f *fake) stop() {
	syscall.Kill(f.pid, syscall.SIGSTOP)
	f.awaitStop()
}

func (f *fake) awaitStop() {
	for {
		if _, stand := f.tasks(); stand {
			return
		}
		time.Sleep(time.Millisecond) // sleep: /proc tells of no change
	}
}

func (f *fake) serve() {
	var come []byte
	chunk := make([]byte, 4096)
	for {
		n, err := os.Stdin.Read(chunk)
		if err != nil {
			return
		}
		for come = append(come, chunk[:n]...); len(come) > 0; {
			if come[0] == 3 {
				come = come[1:]
				f.stop()
				f.tell("interrupt", f.at(2, f.pid))
				continue
			}
			frame, n, err := rsp.Next(come)
			check(err)
			if n == 0 {
				break
			}
			come = come[n:]
			if frame.Kind == rsp.Packet {
				f.do(string(frame.Data))
			}
		}
	}
}

func (f *fake) at(signal, tid int) string {
	return fmt.Sprintf("T%02xthread:p%x.%x;", signal, f.pid, tid)
}

func (f *fake) do(request string) {
	if f.request != "" && strings.HasPrefix(request, f.request) {
		f.spoil()
		return
	}
	name, _, _ := strings.Cut(request, ":")
	switch {
	case name == "vStopped" && len(f.queue) > 0:
		f.say(f.queue[0], false)
		f.queue = f.queue[1:]
	case name == "?":
		f.say(f.at(5, f.pid), false)
	case strings.HasPrefix(request, "qXfer:siginfo:"):
		f.say("", false)
	case name == "qXfer":
		f.say("l"+f.list(), false)
	case name == "qEcho":
		f.say(request, false)
	case name == "vCont;t":
		f.say("OK", false)
		f.stop()
		tids, _ := f.tasks()
		for _, tid := range tids[1:] {
			f.queue = append(f.queue, f.at(0, tid))
		}
		f.tell("interrupt", f.at(0, tids[0]))
	case strings.HasPrefix(name, "vCont"):
		syscall.Kill(f.pid, syscall.SIGCONT)
		if f.nonStop {
			f.say("OK", false)
		}
	case strings.HasPrefix(name, "D"):
		syscall.Kill(f.pid, syscall.SIGCONT)
		f.say("OK", false)
		os.Exit(0)
	default:
		f.nonStop = f.nonStop || name == "QNonStop"
		f.say("OK", false)
	}
}

func (f *fake) list() string {
	var b strings.Builder
	b.WriteString("<threads>")
	tids, _ := f.tasks()
	for _, tid := range tids {
		fmt.Fprintf(&b, `<thread id="p%x.%x"/>`, f.pid, tid)
	}
	return b.String() + "</threads>"
}

// spoil does what the fake does in place of one answer.
func (f *fake) spoil() {
	request := f.request
	f.request = ""
	switch f.how {
	case "hang":
		time.Sleep(time.Hour) // sleep: it hangs
	case "die":
		fmt.Fprintln(os.Stderr, "it was the fake's last hour")
		os.Exit(3)
	case "flood":
		for {
			f.say("O"+strings.Repeat("00", 4000), false)
		}
	case "notices":
		for {
			f.say("Stop:"+f.at(10, f.pid), true)
		}
	case "huge":
		for os.Stdout.WriteString("$"); ; {
			os.Stdout.WriteString(strings.Repeat("x", 4096))
		}
	}
	// Any other text is said: raw, or as a packet with the process for P.
	if raw, ok := strings.CutPrefix(f.how, "raw "); ok {
		os.Stdout.WriteString(raw)
		return
	}
	f.say(strings.ReplaceAll(f.how, "P", fmt.Sprintf("%x", f.pid)), request == "ended" && f.nonStop)
}

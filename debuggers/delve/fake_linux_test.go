package delve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// A fake is a delve that stops its program by SIGSTOP, and lists what /proc shows. It does all
// that it is asked for, but for one method, which it spoils.
type fake struct {
	pid    int
	over   chan int // the program's exit code, once
	method string   // what is spoiled; "start" is what comes before it listens
	how    string

	conn    net.Conn
	waiting *int // the id of the continue that was not answered
}

// fakeMain is the test binary as dlv: --fake=METHOD:HOW is among its arguments.
func fakeMain() {
	args := os.Args[1:]
	if args[0] == "version" {
		fmt.Println("Delve Debugger\nVersion: 1.2.3\nBuild: none")
		return
	}
	f := fake{over: make(chan int, 1)}
	socket := ""
	for i, arg := range args {
		if rest, ok := strings.CutPrefix(arg, "--fake="); ok {
			f.method, f.how, _ = strings.Cut(rest, ":")
		}
		if rest, ok := strings.CutPrefix(arg, "--listen=unix:"); ok {
			socket = rest
		}
		if arg == "--" {
			f.launch(args[1], args[i+1:])
		}
	}
	if f.method == "crash" {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if f.method == "refuse" {
		fmt.Fprintln(os.Stderr, "could not attach to pid 7: operation not permitted")
		os.Exit(1)
	}
	if args[0] == "attach" {
		f.pid, _ = strconv.Atoi(args[1])
		f.stop()
	}
	f.spoil("start", 0)
	l, err := net.Listen("unix", socket)
	check(err)
	fmt.Println("API server listening at: unix:" + socket)
	f.conn, err = l.Accept()
	check(err)
	f.serve()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// launch starts a program that stops itself at its start.
func (f *fake) launch(program string, args []string) {
	cmd := exec.Command(
		"sh", append([]string{"-c", `kill -STOP $$; exec "$0" "$@"`, program}, args...)...)
	check(cmd.Start())
	f.pid = cmd.Process.Pid
	f.awaitStop()
	go func() {
		cmd.Wait() // the state says how it ended
		f.over <- cmd.ProcessState.ExitCode()
	}()
}

// tasks lists the tasks of the program, and tells whether all stand.
func (f *fake) tasks() (tids []event.TID, stand bool) {
	stand = true
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", f.pid)) // the pattern is good
	for _, file := range files {
		tid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		text, _ := os.ReadFile(file) // empty: it has just ended
		tids = append(tids, event.TID(tid))
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

type request struct {
	ID     int               `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

func (f *fake) serve() {
	requests := make(chan request)
	go func() {
		defer close(requests)
		for lines := bufio.NewScanner(f.conn); lines.Scan(); {
			var r request
			check(json.Unmarshal(lines.Bytes(), &r))
			requests <- r
		}
	}()
	for {
		select {
		case code := <-f.over:
			if f.waiting != nil {
				f.answer("ended", *f.waiting,
					map[string]any{"State": map[string]any{
						"Pid": f.pid, "exited": true,
						"exitStatus": code,
					}})
			}
		case r, ok := <-requests:
			if !ok {
				return
			}
			f.do(r)
		}
	}
}

func (f *fake) do(r request) {
	method := strings.TrimPrefix(r.Method, "RPCServer.")
	if method == "Command" {
		var c command
		check(json.Unmarshal(r.Params[0], &c))
		method = c.Name
	}
	stopped := map[string]any{"State": map[string]any{"Pid": f.pid}}
	switch method {
	case "continue":
		f.spoil("continue", r.ID)
		f.waiting = &r.ID
		syscall.Kill(f.pid, syscall.SIGCONT)
		return
	case "halt":
		f.stop()
		f.answer("stopped", *f.waiting, stopped)
		f.waiting = nil
		f.answer("halt", r.ID, stopped)
	case "ListThreads":
		tids, _ := f.tasks()
		var threads []map[string]any
		for _, tid := range tids {
			threads = append(threads, map[string]any{"id": tid})
		}
		f.answer(method, r.ID, map[string]any{"Threads": threads})
	case "CreateBreakpoint":
		f.answer(method, r.ID, map[string]any{"Breakpoint": map[string]any{"id": 1, "addr": 4096}})
	case "Detach":
		syscall.Kill(f.pid, syscall.SIGCONT)
		f.answer(method, r.ID, struct{}{})
		os.Exit(0)
	default:
		f.answer(method, r.ID, struct{}{})
	}
}

func (f *fake) answer(method string, id int, result any) {
	f.spoil(method, id)
	text, err := json.Marshal(map[string]any{"id": id, "result": result, "error": nil})
	check(err)
	f.conn.Write(append(text, '\n'))
}

// spoil does what the fake does in place of one answer.
func (f *fake) spoil(method string, id int) {
	if method != f.method {
		return
	}
	switch f.how {
	case "hang":
		select {}
	case "die":
		fmt.Fprintln(os.Stderr, "it was the fake's last hour")
		os.Exit(3)
	case "flood":
		for line := []byte(strings.Repeat("x", 1000) + "\n"); ; {
			if _, err := os.Stdout.Write(line); err != nil {
				select {} // it is not read any more
			}
		}
	case "close":
		f.conn.Close()
		select {}
	case "huge":
		f.conn.Write([]byte(`{"id":0,"error":"` + strings.Repeat("x", maxReply)))
		select {}
	}
	// Any other text is the answer, with the request's id for ID; without ID the answer has no end.
	f.method = ""
	if !strings.Contains(f.how, "ID") {
		f.conn.Write([]byte(f.how))
		select {}
	}
	f.conn.Write([]byte(strings.ReplaceAll(f.how, "ID", strconv.Itoa(id)) + "\n"))
}

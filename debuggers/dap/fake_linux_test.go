package dap

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/google/go-dap"
)

// planned names in the environment what a fake adapter does otherwise than is asked of it: COMMAND:ACTION, divided by
// semicolons. An action is hang, die, deny, deafen, depart, flood and what it prints without end, or what it prints once and goes on as if nothing were. Of list the action is the body of an answer to threads.
const planned = "DAP_FAKE"

// said is a message as it is on the wire.
func said(content string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content)
}

// A fake adapter debugs nothing: it lets a program run that it is to launch, and says what an adapter says.
type fake struct {
	plan    map[string]string
	mu      sync.Mutex
	program []string
	running bool
	pid     int
	over    chan struct{} // closed when the program is
}

func fakeAdapter(plan string) {
	f := &fake{plan: make(map[string]string), over: make(chan struct{})}
	for step := range strings.SplitSeq(plan, ";") {
		command, action, _ := strings.Cut(step, ":")
		f.plan[command] = action
	}
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Print(f.plan["version"])
		return
	}
	in := bufio.NewReader(os.Stdin)
	for {
		m, err := dap.ReadProtocolMessage(in)
		if err != nil {
			return
		}
		f.answer(m.(dap.RequestMessage))
	}
}

func (f *fake) print(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	os.Stdout.WriteString(text)
}

func (f *fake) event(name, body string) {
	f.print(said(fmt.Sprintf(`{"seq":0,"type":"event","event":%q,"body":%s}`, name, body)))
}

func (f *fake) answer(m dap.RequestMessage) {
	r := m.GetRequest()
	action, success, body := f.plan[r.Command], true, "{}"
	switch action {
	case "":
	case "hang":
		hang()
	case "die":
		fmt.Fprintln(os.Stderr, "cannot go on")
		os.Exit(3)
	case "deny":
		success = false
	case "depart": // takes no more requests, says once more that all stopped, and then what becomes of the program
		os.Stdin.Close()
		f.event("stopped", `{"reason":"exception","threadId":5}`)
		defer func() { <-f.over }()
	case "deafen":
		os.Stdin.Close()
		defer hang()
	default:
		flood, endless := strings.CutPrefix(action, "flood ")
		for endless {
			if _, err := os.Stdout.WriteString(flood); err != nil {
				os.Exit(0)
			}
		}
		f.print(action)
	}
	switch m := m.(type) {
	case *dap.LaunchRequest:
		var a struct {
			Program string
			Args    []string
		}
		json.Unmarshal(m.Arguments, &a)
		f.program = append([]string{a.Program}, a.Args...)
	case *dap.AttachRequest:
		var a struct{ PID int }
		json.Unmarshal(m.Arguments, &a)
		f.pid = a.PID
	case *dap.ThreadsRequest:
		body = fmt.Sprintf(`{"threads":[{"id":%d,"name":"main"},{"id":-1,"name":"none"}]}`, f.pid)
		body = cmp.Or(f.plan["list"], body)
	case *dap.EvaluateRequest:
		body = fmt.Sprintf(`{"result":%q,"variablesReference":0}`, f.plan["say"])
	}
	f.print(said(fmt.Sprintf(`{"seq":0,"type":"response","request_seq":%d,"success":%t,"command":%q,"message":"not\nnow","body":%s}`, r.Seq, success, r.Command, body)))
	f.follow(r.Command)
}

func hang() {
	silence, end, _ := os.Pipe() // its end stays open
	io.Copy(os.Stdout, silence)
	end.Close()
}

// follow tells what comes of a request.
func (f *fake) follow(command string) {
	switch command {
	case "launch", "attach":
		f.event("initialized", "{}")
	case "configurationDone", "pause":
		f.event("stopped", fmt.Sprintf(`{"reason":"pause","threadId":%d,"allThreadsStopped":true}`, max(f.pid, 1)))
	case "continue":
		f.event("continued", `{"threadId":1,"allThreadsContinued":true}`)
		if f.program != nil && !f.running {
			f.running = true
			f.run()
		}
	case "disconnect":
		os.Exit(0)
	}
}

func (f *fake) run() {
	cmd := exec.Command(f.program[0], f.program[1:]...)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	f.event("process", fmt.Sprintf(`{"name":"it","systemProcessId":%d}`, cmd.Process.Pid))
	f.pid = cmd.Process.Pid
	go func() {
		cmd.Wait()
		f.event("exited", fmt.Sprintf(`{"exitCode":%d}`, cmd.ProcessState.ExitCode()))
		f.event("terminated", "{}")
		close(f.over)
	}()
}

package dap

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-dap"
)

// planned is the environment variable with the plan of a fake adapter, which says at which requests
// it does something else: COMMAND:ACTION, divided by semicolons. An action is hang, die, deny,
// deafen, depart, linger, flood and what it prints without end, or what it prints once before it
// goes on as usual. With a frame it evaluates in that one alone. The action of list is the body of
// its answer to threads, and that of set of its answer to setFunctionBreakpoints. That of alone are
// the numbers of its threads, each of which it stops and lets go on by itself; what it evaluates is
// which stand. That of play is a file that it says again.
const planned = "DAP_FAKE"

// said is a message as it is on the wire.
func said(content string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content)
}

// A fake adapter debugs nothing: it runs the program that it is to launch, and says what an adapter
// says.
type fake struct {
	plan    map[string]string
	mu      sync.Mutex
	program []string
	running bool
	pid     int
	runsOn  bool          // after an attach, until a pause of a thread that it lists
	over    chan struct{} // closed when the program is
	alone   []int         // its threads, if it stops each by itself
	stand   map[int]bool  // those of them that stand
}

func fakeAdapter(plan string) {
	f := &fake{plan: make(map[string]string), over: make(chan struct{})}
	for step := range strings.SplitSeq(plan, ";") {
		command, action, _ := strings.Cut(step, ":")
		f.plan[command] = action
	}
	if file := f.plan["play"]; file != "" {
		play(file)
		return
	}
	f.stand = make(map[int]bool)
	for word := range strings.FieldsSeq(f.plan["alone"]) {
		number, _ := strconv.Atoi(word)
		f.alone = append(f.alone, number)
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
	case "", "linger":
	case "hang":
		hang()
	case "die":
		fmt.Fprintln(os.Stderr, "cannot go on")
		os.Exit(3)
	case "deny":
		success = false
	// It takes no more requests, says once more that all stopped, and how the program ends.
	case "depart":
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
		a := struct {
			PID         int
			StopOnEntry bool
		}{StopOnEntry: true}
		json.Unmarshal(m.Arguments, &a)
		f.pid, f.runsOn = a.PID, !a.StopOnEntry
	case *dap.PauseRequest:
		success = success && (!f.runsOn || m.Arguments.ThreadId == f.pid)
	case *dap.ThreadsRequest:
		body = fmt.Sprintf(`{"threads":[{"id":%d,"name":"main"},{"id":-1,"name":"none"}]}`, f.pid)
		body = cmp.Or(f.plan["list"], body)
	case *dap.StackTraceRequest:
		body = fmt.Sprintf(`{"stackFrames":[{"id":%s}]}`, f.plan["frame"])
	case *dap.SetFunctionBreakpointsRequest:
		body = cmp.Or(f.plan["set"], `{"breakpoints":[{"id":1,"verified":true}]}`)
	case *dap.EvaluateRequest:
		frame := f.plan["frame"]
		success = frame == "" || frame == strconv.Itoa(m.Arguments.FrameId)
		say := f.plan["say"]
		if f.alone != nil {
			say = fmt.Sprint(f.stand)
		}
		body = fmt.Sprintf(`{"result":%q,"variablesReference":0}`, say)
	}
	if f.alone != nil && success {
		body = f.answerAlone(m, body)
	}
	f.print(said(
		fmt.Sprintf(
			`{"seq":0,"type":"response","request_seq":%d,"success":%t,"command":%q,"message":"n`+
				`ot\nnow","body":%s}`, r.Seq, success, r.Command, body)))
	f.follow(r.Command)
}

// answerAlone does what one thread is asked for, and gives the body of the answer.
func (f *fake) answerAlone(m dap.RequestMessage, body string) string {
	switch m := m.(type) {
	case *dap.ThreadsRequest:
		var list []dap.Thread
		for _, number := range f.alone {
			list = append(list, dap.Thread{Id: number, Name: "one"})
		}
		text, _ := json.Marshal(dap.ThreadsResponseBody{Threads: list})
		return string(text)
	case *dap.ConfigurationDoneRequest:
		f.stopAlone(f.alone[0])
	case *dap.PauseRequest:
		f.stopAlone(m.Arguments.ThreadId)
	case *dap.ContinueRequest:
		delete(f.stand, m.Arguments.ThreadId)
		return `{"allThreadsContinued":false}`
	}
	return body
}

func (f *fake) stopAlone(number int) {
	f.stand[number] = true
	f.event("stopped", fmt.Sprintf(`{"reason":"pause","threadId":%d}`, number))
}

func hang() {
	silence, end, _ := os.Pipe() // its end stays open
	io.Copy(os.Stdout, silence)
	end.Close()
}

// follow tells what a request brings about.
func (f *fake) follow(command string) {
	switch command {
	case "launch", "attach":
		f.event("initialized", "{}")
	case "configurationDone", "pause":
		if f.alone != nil || f.runsOn && command == "configurationDone" {
			return
		}
		f.event("stopped",
			fmt.Sprintf(`{"reason":"pause","threadId":%d,"allThreadsStopped":true}`, max(f.pid, 1)))
	case "continue":
		f.event("continued", `{"threadId":1,"allThreadsContinued":true}`)
		if f.program != nil && !f.running {
			f.running = true
			f.run()
		}
	case "disconnect":
		if f.plan[command] != "linger" {
			os.Exit(0)
		}
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

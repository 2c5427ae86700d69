package gdb

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// A fake is the suite's own tracer in the words of an all-stop gdb. It does all that it is told,
// but for some commands or words of its own, which it spoils.
type fake struct {
	argv    []string
	spoiled map[string]string // how, by the command, or "ended", which is a word of its own

	tracer  *tracer.Tracer
	out     sync.Mutex // held while a line is written
	mu      sync.Mutex // guards what follows; the tracer's thread uses it too
	numbers map[event.TID]int
	groups  map[event.TID]string
	pids    map[event.TID]event.TID // of each task
	count   int
	held    string // it is said before the next answer
}

// fakeMain is the test binary as gdb: --fake=COMMAND@HOW is among its arguments.
func fakeMain() {
	f := &fake{
		numbers: make(map[event.TID]int), groups: make(map[event.TID]string),
		pids: make(map[event.TID]event.TID), spoiled: make(map[string]string),
	}
	for i, arg := range os.Args {
		if rest, ok := strings.CutPrefix(arg, "--fake="); ok {
			command, how, _ := strings.Cut(rest, "@")
			f.spoiled[command] = how
		}
		if arg == "--args" {
			f.argv = os.Args[i+1:]
			break
		}
	}
	if os.Args[2] == "--version" {
		fmt.Println("GNU gdb (Fake) 1.2.3\nMore that it says")
		return
	}
	f.spoil("start", "")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		line := lines.Text()
		dash := strings.IndexByte(line, '-')
		f.say(f.held)
		f.held = ""
		f.do(line[:dash], strings.Fields(line[dash:]))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// hang waits for what never comes.
func hang() {
	silence, end, err := os.Pipe()
	check(err)
	io.Copy(io.Discard, silence)
	end.Close()
}

func (f *fake) say(text string) {
	f.out.Lock()
	defer f.out.Unlock()
	os.Stdout.WriteString(text) // an error says that it is not read any more
}

func (f *fake) do(token string, words []string) {
	command := words[0]
	if i := slices.Index(words, "console"); i > 0 {
		command = strings.Trim(words[i+1], `"`)
	}
	if f.spoil(command, token) {
		return
	}
	const stopped = `*stopped,reason="signal-received",signal-name="%s",thread-id="1",stopped-t` +
		`hreads="all"` + "\n"
	var err error
	switch command {
	case "starti":
		f.say(token + "^running\n*running,thread-id=\"all\"\n")
		f.tracer, err = tracer.Launch(
			exec.Command(f.argv[0], f.argv[1:]...), tracer.Options{Events: f.tell})
		check(err)
		f.say(fmt.Sprintf(stopped, "0"))
	case "-target-attach":
		pid, _ := strconv.Atoi(words[1])
		f.tracer, err = tracer.Attach(pid, tracer.Options{Events: f.tell})
		check(err)
		f.say(token + "^done\n" + fmt.Sprintf(stopped, "0"))
	case "-exec-continue":
		f.say(token + "^running\n*running,thread-id=\"all\"\n")
		f.tracer.Resume() // an error means that all has ended
	case "-exec-interrupt":
		f.say(token + "^done\n")
		if f.tracer.Stop() == nil {
			f.say(fmt.Sprintf(stopped, "SIGINT"))
		}
	case "signal": // what it delivers is told as a thread's birth
		f.say("=thread-created,id=\"77\",group-id=\"i1\"\n~\"[New LWP 77]\\n\"\n" +
			token + "^running\n*running,thread-id=\"all\"\n")
		f.tracer.Resume() // as above
	case "-data-evaluate-expression": // which process sent a signal
		f.say(fmt.Sprintf("%s^done,value=\"%d\"\n", token, os.Getpid()))
	case "-thread-info":
		f.say(token + "^done,threads=[" + strings.Join(f.threads(), ",") + "]\n")
	case "-target-detach":
		if f.tracer.Detach() == nil {
			f.mu.Lock()
			for _, id := range slices.Sorted(maps.Values(f.groups)) {
				f.say(fmt.Sprintf("=thread-group-exited,id=%q\n", id))
			}
			f.mu.Unlock()
		} else { // one that a test has invented
			f.say(fmt.Sprintf("=thread-group-exited,id=%q\n", words[1]))
		}
		f.say(token + "^done\n")
	default:
		f.say(token + "^done\n(gdb) \n")
	}
}

func (f *fake) threads() (list []string) {
	threads, _ := f.tracer.Threads() // none: all has ended
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range threads {
		if t.State != tracer.Ended {
			list = append(
				list, fmt.Sprintf(
					`{id="%d",target-id="Thread 0x1 (LWP %d)"}`, f.numbers[t.TID], t.TID))
		}
	}
	return list
}

// tell is the tracer's sink.
func (f *fake) tell(e event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e.Kind {
	case event.Attach:
		f.begin(e.PID, e.TID)
	case event.Ready:
		if f.count == 0 {
			f.begin(e.PID, e.PID)
		}
	case event.Clone:
		f.begin(f.pids[e.TID], e.Child)
	case event.Fork, event.VFork:
		f.begin(e.Child, e.Child)
	case event.Exec:
		f.say(fmt.Sprintf("~\"process %d is executing new program: x\\n\"\n", e.PID))
	case event.Exit:
		f.say(fmt.Sprintf(
			"~\"[Thread 0x1 (LWP %d) exited]\\n\"\n=thread-exited,id=\"%d\",group-id=%q\n", e.TID,
			f.numbers[e.TID], f.groups[e.PID]))
	case event.End:
		if f.spoil("ended", f.groups[e.PID]) {
			return
		}
		f.say(fmt.Sprintf(
			"=thread-group-exited,id=%q,exit-code=\"%02o\"\n*stopped,reason=\"exited\"\n",
			f.groups[e.PID], e.Status.Code()))
		delete(f.groups, e.PID)
	}
}

// begin tells of a task.
func (f *fake) begin(pid, tid event.TID) {
	f.count++
	f.numbers[tid], f.pids[tid] = f.count, pid
	if tid == pid {
		f.groups[pid] = fmt.Sprintf("i%d", f.count)
		f.say(fmt.Sprintf("=thread-group-started,id=%q,pid=\"%d\"\n", f.groups[pid], pid))
	}
	f.say(fmt.Sprintf("=thread-created,id=\"%d\",group-id=%q\n", f.count, f.groups[pid]))
	if tid != pid {
		f.say(fmt.Sprintf("~\"[New Thread 0x1 (LWP %d)]\\n\"\n", tid))
	}
}

// spoil does, once, what the fake does in place of one answer, and tells whether it did. A text is
// printed with the token for ID; after a text that begins with "+" the answer comes too.
func (f *fake) spoil(command, token string) bool {
	how, spoils := f.spoiled[command]
	if !spoils {
		return false
	}
	delete(f.spoiled, command)
	how, goesOn := strings.CutPrefix(how, "+")
	switch how {
	case "hang":
		hang()
	case "die":
		fmt.Fprintln(os.Stderr, "it was the fake's last hour")
		os.Exit(3)
	case "flood", "huge":
		line := strings.Repeat("x", 1<<16)
		if how == "flood" {
			line = "~\"" + line + "\"\n"
		}
		for {
			if _, err := os.Stdout.WriteString(line); err != nil {
				hang() // it is not read any more
			}
		}
	case "late": // what it brings about is said late
		f.say(token + "^running\n")
		f.held = "*running,thread-id=\"all\"\n"
		f.tracer.Resume()
		return true
	}
	f.say(strings.ReplaceAll(how, "ID", token))
	return !goesOn
}

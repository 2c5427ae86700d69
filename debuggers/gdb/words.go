package gdb

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/mi"
)

// Words follow what gdb says: of threads, which it numbers, and of processes, which it calls inferiors or thread groups.
//
// A thread's birth is told twice over: =thread-created has gdb's number for it, and the console's line "[New Thread 0x… (LWP
// 4712)]", which comes next, has its tid. The line is taken for the statement, since it alone says of which task of the kernel's gdb
// speaks, and says it at that time; -thread-info says the same, later. gdb is silent of a process's first thread:
// =thread-group-started has the process's pid, which is that thread's tid too.
//
// A death is =thread-exited after the console's line "[Thread 0x… (LWP 4712) exited]". Without that line it says only that gdb has
// the thread's number no more: since its process has ended, which is a death, and =thread-group-exited says so by an exit code or after
// the console has named the signal; since gdb has let go of the process; or since another program is executed, which
// gdb's first thread goes on with, whichever it was that did it.
type words struct {
	attached bool // the first process is one that gdb attached to
	found    bool // gdb stands by: who is told of from now on was born
	groups   map[string]*group
	threads  map[int]*thread // by gdb's number
	newest   int             // the highest number that was given
	nameless *thread         // the last one that was created, while its tid is not told
	ended    event.TID       // the one that the console said last to have exited
	code     event.Status    // and how, where it said so
	killed   event.Status    // how the next process ends that has no exit code
	partial  string          // a line of the console that goes on

	began  bool
	stops  int  // how many stops were told
	stands bool // all-stop: nothing runs
	last   stop // the stop told last
	add    func(event.Event)
}

// A group is a process, by gdb's name for it.
type group struct {
	pid     event.TID
	has     bool      // a thread
	dropped []*thread // those of which gdb has not said that they ended
}

type thread struct {
	number int
	group  *group
	tid    event.TID // zero while it is not told
	stands bool
}

// A stop is what gdb says of one.
type stop struct {
	reason, signal string
	thread         int // zero where none is named
}

func newWords(attached bool, add func(event.Event)) words {
	return words{attached: attached, groups: make(map[string]*group), threads: make(map[int]*thread), killed: event.Unknown, add: add}
}

// hear takes in one record. What has no meaning is gdb's failure.
func (w *words) hear(r mi.Record) error {
	switch r.Kind {
	case mi.Notify:
		return w.notified(r.Class, r.Tuple)
	case mi.Exec:
		return w.moved(r.Class, r.Tuple)
	case mi.Console:
		return w.printed(r.Text)
	}
	return nil
}

func (w *words) notified(class string, t mi.Tuple) error {
	switch class {
	case "thread-group-started":
		pid, err := number(t, "pid")
		if err != nil {
			return fmt.Errorf("%s: %w", class, err)
		}
		w.groups[t.Text("id")] = &group{pid: event.TID(pid)}
		w.newProcess(event.TID(pid))
	case "thread-group-exited":
		return w.processGone(t)
	case "thread-created":
		return w.newNumber(t)
	case "thread-exited":
		return w.threadGone(t)
	}
	return nil
}

func (w *words) threadGone(t mi.Tuple) error {
	n, err := number(t, "id")
	if err != nil {
		return fmt.Errorf("thread-exited: %w", err)
	}
	gone, known := w.threads[n]
	if !known {
		return fmt.Errorf("thread-exited: there is no thread %d", n)
	}
	delete(w.threads, n)
	switch {
	case gone.tid == 0:
	case gone.tid == w.ended:
		w.add(event.Event{Kind: event.Exit, PID: gone.group.pid, TID: gone.tid, Status: w.code})
		w.ended = 0
	default:
		gone.group.dropped = append(gone.group.dropped, gone)
	}
	return nil
}

// newProcess notes a process. gdb does not say by which call it was made.
func (w *words) newProcess(pid event.TID) {
	first := !w.began
	w.began = true
	switch {
	case !first:
		w.add(event.Event{Kind: event.Fork, Child: pid})
	case w.attached:
		w.add(event.Event{Kind: event.Attach, PID: pid, TID: pid})
	}
}

func (w *words) newNumber(t mi.Tuple) error {
	n, err := number(t, "id")
	if err != nil {
		return fmt.Errorf("thread-created: %w", err)
	}
	g, known := w.groups[t.Text("group-id")]
	if !known {
		return fmt.Errorf("thread-created: there is no group %q", t.Text("group-id"))
	}
	w.nameless = &thread{number: n, group: g}
	w.threads[n] = w.nameless
	w.newest = max(w.newest, n)
	if !g.has {
		g.has = true
		w.nameless.tid, w.nameless = g.pid, nil
	}
	return nil
}

// processGone notes the end of a process, whose exit code is octal. Where there is none it was killed, which the
// console has said just before; or gdb has let go of it.
func (w *words) processGone(t mi.Tuple) error {
	id := t.Text("id")
	g, known := w.groups[id]
	if !known {
		return fmt.Errorf("thread-group-exited: there is no group %q that has begun", id)
	}
	delete(w.groups, id)
	status := w.killed
	w.killed = event.Unknown
	if t.Has("exit-code") {
		code, err := strconv.ParseUint(t.Text("exit-code"), 8, 8)
		if err != nil {
			return fmt.Errorf("thread-group-exited: %w", err)
		}
		status = event.Exited(int(code))
	}
	if status != event.Unknown {
		for _, t := range g.dropped {
			w.add(event.Event{Kind: event.Exit, PID: g.pid, TID: t.tid, Status: event.Unknown})
		}
		w.add(event.Event{Kind: event.End, PID: g.pid, TID: g.pid, Status: status})
	}
	return nil
}

// moved notes who runs and who stands.
func (w *words) moved(class string, t mi.Tuple) error {
	switch class {
	case "running":
		w.stands = false
		if t.Text("thread-id") == "all" {
			w.each(nil, false)
			return nil
		}
		return w.eachNamed(mi.Tuple{{Value: t.Get("thread-id")}}, false)
	case "stopped":
		w.stops++
		w.found = true
		w.last = stop{reason: t.Text("reason"), signal: t.Text("signal-name")}
		if t.Has("thread-id") {
			n, err := number(t, "thread-id")
			if err != nil {
				return fmt.Errorf("stopped: %w", err)
			}
			w.last.thread = n
		}
		if who := t.Get("stopped-threads"); len(who.Fields) > 0 {
			return w.eachNamed(who.Fields, true)
		}
		w.stands = true
		w.each(nil, true)
	}
	return nil
}

func (w *words) each(of *group, stands bool) {
	for _, t := range w.threads {
		if of == nil || t.group == of {
			t.stands = stands
		}
	}
}

func (w *words) eachNamed(numbers mi.Tuple, stands bool) error {
	for _, f := range numbers {
		n, err := strconv.Atoi(f.Value.Text)
		if err != nil {
			return fmt.Errorf("a thread's number: %w", err)
		}
		if t, known := w.threads[n]; known {
			t.stands = stands
		}
	}
	return nil
}

// printed takes in what a person would read. It comes in pieces that need not be lines.
func (w *words) printed(text string) error {
	if strings.HasPrefix(text, "[") {
		w.partial = ""
	}
	text = w.partial + text
	w.partial = ""
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			if len(line) <= maxPartial {
				w.partial = line
			}
			break
		}
		if err := w.line(strings.TrimSuffix(line, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// maxPartial is the longest line that is put together.
const maxPartial = 4096

var (
	// newThread is thread.c's line for a thread, whose name is the target's: with libthread_db "Thread 0x… (LWP 7)", else "LWP 7".
	newThread = regexp.MustCompile(`^\[New ((?:Thread|LWP|process) .*)\]$`)
	task      = regexp.MustCompile(`^(?:Thread 0x[0-9a-f]+ \(LWP ([0-9]+)\)|LWP ([0-9]+)|process ([0-9]+))$`)
	// ended is its line for one that has ended; gdb 15 has the exit code too, where it knows it.
	ended      = regexp.MustCompile(`^\[((?:Thread|LWP|process) .*) exited(?: with code ([0-9]+))?\]$`)
	executes   = regexp.MustCompile(`^(.+) is executing new program: `)
	terminated = regexp.MustCompile(`^Program terminated with signal ([A-Z0-9]+), `)
)

func (w *words) line(line string) error {
	if m := newThread.FindStringSubmatch(line); m != nil {
		tid, err := taskOf(m[1])
		if err != nil {
			return err
		}
		w.newThread(tid)
	}
	if m := ended.FindStringSubmatch(line); m != nil {
		tid, err := taskOf(m[1])
		if err != nil {
			return err
		}
		w.ended, w.code = tid, event.Unknown
		if code, err := strconv.Atoi(m[2]); err == nil {
			w.code = event.Exited(code)
		}
	}
	if m := executes.FindStringSubmatch(line); m != nil {
		tid, err := taskOf(m[1])
		if err != nil {
			return err
		}
		w.executed(tid)
	}
	if m := terminated.FindStringSubmatch(line); m != nil {
		if signal, err := event.ParseSignal(m[1]); err == nil { // gdb has names for signals of other systems
			w.killed = event.Killed(signal)
		}
	}
	return nil
}

func (w *words) executed(pid event.TID) {
	for _, g := range w.groups {
		if g.pid == pid {
			g.dropped = nil
		}
	}
	w.add(event.Event{Kind: event.Exec, PID: pid, TID: pid})
}

func (w *words) newThread(tid event.TID) {
	e := event.Event{Kind: event.Clone, Child: tid}
	if t := w.nameless; t != nil {
		t.tid, e.PID = tid, t.group.pid
		w.nameless = nil
	}
	if w.attached && !w.found {
		e = event.Event{Kind: event.Attach, PID: e.PID, TID: tid}
	}
	w.add(e)
}

// taskOf is the tid in gdb's name for a thread.
func taskOf(name string) (event.TID, error) {
	m := task.FindStringSubmatch(name)
	if m == nil {
		return 0, fmt.Errorf("%q names no task", name)
	}
	tid, err := strconv.ParseInt(m[1]+m[2]+m[3], 10, 32)
	return event.TID(tid), err
}

func number(t mi.Tuple, name string) (int, error) {
	n, err := strconv.ParseInt(t.Text(name), 10, 32)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%d is no number for one", n)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return int(n), nil
}

// live are the numbers of the threads that are there, in their order.
func (w *words) live() []int { return slices.Sorted(maps.Keys(w.threads)) }

// still tells whether each thread stands.
func (w *words) still() bool {
	for _, t := range w.threads {
		if !t.stands {
			return false
		}
	}
	return true
}

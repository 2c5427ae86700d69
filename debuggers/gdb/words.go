package gdb

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/mi"
)

// Words follow what gdb says of threads, which it numbers, and of processes, which it calls
// inferiors or thread groups.
//
// A thread's birth is told twice: =thread-created has gdb's number for it, and the console's line
// "[New Thread 0x… (LWP 4712)]", which comes next, has its tid. The line counts as the statement:
// it alone names the kernel's task, and at that time; -thread-info says the same, later. gdb
// tells of a process's first thread by =thread-group-started alone, with the process's pid, which
// is that thread's tid too.
//
// A death is =thread-exited after the console's line "[Thread 0x… (LWP 4712) exited]". Without
// that line it says only that gdb has dropped the thread's number, for one of three reasons. The
// process has ended, which is a death; =thread-group-exited says so, by an exit code or after the
// console has named the signal. Or gdb has let go of the process. Or the process executes another
// program, which gdb's first thread goes on with, whichever thread made the call.
type words struct {
	add      func(event.Event)
	attached bool // gdb attached to the first process
	found    bool // the attach is over: a thread that is told of from now on was born
	groups   map[string]*group
	threads  map[int]*thread // by gdb's number
	newest   int             // the highest number so far
	nameless *thread         // the thread that was created last, while its tid is not told
	ended    event.TID       // the thread that the console said last to have exited
	code     event.Status    // and how, where it said so
	killed   event.Status    // how the next process ends that has no exit code
	partial  string          // the beginning of a line of the console

	began  bool
	stops  int  // how many stops were told
	stands bool // all-stop: nothing runs
	last   stop // the stop told last
}

// A group is a process, by gdb's name for it.
type group struct {
	pid     event.TID
	has     bool      // it has a thread
	dropped []*thread // threads whose numbers were dropped, without a word that they ended
}

type thread struct {
	number int
	group  *group
	tid    event.TID // zero while not told
	stands bool
}

// A stop is what gdb says of one.
type stop struct {
	reason, signal string
	thread         int // zero if none is named
}

// isForKeptSignal tells whether a stop is for a signal that gdb keeps unless it is told to deliver
// it. It may be gdb's own.
func (s stop) isForKeptSignal() bool {
	return s.reason == "signal-received" && (s.signal == "SIGTRAP" || s.signal == "SIGINT")
}

func newWords(attached bool, add func(event.Event)) words {
	return words{
		add: add, attached: attached, killed: event.Unknown,
		groups: make(map[string]*group), threads: make(map[int]*thread),
	}
}

// hear takes one record. It passes over what it does not know. A record that it knows and that is
// malformed is an error.
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

func (w *words) notified(class string, t mi.Tuple) (err error) {
	switch class {
	case "thread-group-started":
		err = w.newProcess(t)
	case "thread-group-exited":
		err = w.processGone(t)
	case "thread-created":
		err = w.newNumber(t)
	case "thread-exited":
		err = w.threadGone(t)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", class, err)
	}
	return nil
}

func (w *words) threadGone(t mi.Tuple) error {
	n, err := number(t, "id")
	if err != nil {
		return err
	}
	gone, known := w.threads[n]
	if !known {
		return fmt.Errorf("there is no thread %d", n)
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
func (w *words) newProcess(t mi.Tuple) error {
	n, err := number(t, "pid")
	if err != nil {
		return err
	}
	pid := event.TID(n)
	w.groups[t.Text("id")] = &group{pid: pid}
	switch {
	case w.began:
		w.add(event.Event{Kind: event.Fork, Child: pid})
	case w.attached:
		w.add(event.Event{Kind: event.Attach, PID: pid, TID: pid})
	}
	w.began = true
	return nil
}

func (w *words) newNumber(t mi.Tuple) error {
	n, err := number(t, "id")
	if err != nil {
		return err
	}
	g, known := w.groups[t.Text("group-id")]
	if !known {
		return fmt.Errorf("there is no group %q", t.Text("group-id"))
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

// processGone notes the end of a process. Its exit code is octal. Without one the process was
// killed, as the console has said just before, or gdb has let go of it.
func (w *words) processGone(t mi.Tuple) error {
	id := t.Text("id")
	g, known := w.groups[id]
	if !known {
		return fmt.Errorf("there is no group %q that has begun", id)
	}
	delete(w.groups, id)
	status := w.killed
	w.killed = event.Unknown
	if t.Has("exit-code") {
		code, err := strconv.ParseUint(t.Text("exit-code"), 8, 8)
		if err != nil {
			return err
		}
		status = event.Exited(int(code))
	}
	if status != event.Unknown {
		for _, t := range g.dropped {
			w.add(event.Event{
				Kind: event.Exit, PID: g.pid, TID: t.tid, Status: event.Unknown,
			})
		}
		w.add(event.Event{Kind: event.End, PID: g.pid, TID: g.pid, Status: status})
	}
	return nil
}

// moved notes which threads run and which stand.
func (w *words) moved(class string, t mi.Tuple) error {
	switch class {
	case "running":
		w.stands = false
		which := t.Get("thread-id")
		if which.Text == "all" {
			return w.mark(nil, false)
		}
		return w.mark(mi.Tuple{{Value: which}}, false)
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
		some := t.Get("stopped-threads").Fields
		w.stands = w.stands || len(some) == 0
		return w.mark(some, true)
	}
	return nil
}

// mark notes whether the threads of some numbers stand, or all if there are no numbers.
func (w *words) mark(numbers mi.Tuple, stand bool) error {
	if len(numbers) == 0 {
		for _, t := range w.threads {
			t.stands = stand
		}
	}
	for _, f := range numbers {
		n, err := strconv.Atoi(f.Value.Text)
		if err != nil {
			return fmt.Errorf("a thread's number: %w", adapter.Unknown(f.Value.Text))
		}
		if t, known := w.threads[n]; known {
			t.stands = stand
		}
	}
	return nil
}

// printed takes what a person would read. It comes in pieces that need not be lines.
func (w *words) printed(text string) error {
	if strings.HasPrefix(text, "[") {
		w.partial = ""
	}
	text = w.partial + text
	w.partial = ""
	for line := range strings.Lines(text) {
		whole, ends := strings.CutSuffix(line, "\n")
		if !ends {
			if len(line) <= maxPartial {
				w.partial = line
			}
			break
		}
		if err := w.line(whole); err != nil {
			return err
		}
	}
	return nil
}

// maxPartial is the longest line that is put together.
const maxPartial = 4096

var (
	// newThread is thread.c's line for a thread, whose name is the target's: "Thread 0x… (LWP 7)"
	// with libthread_db, else "LWP 7".
	newThread = regexp.MustCompile(`^\[New ((?:Thread|LWP|process) .*)\]$`)
	// task is that name. gdb 18 adds its own id for the thread, and the process's: "(id 2.1)".
	task = regexp.MustCompile(
		`^(?:Thread 0x[0-9a-f]+ \(LWP ([0-9]+)\)|LWP ([0-9]+)|process ([0-9]+))` +
			`(?: \(id [0-9.]+\))?$`)
	// ended is thread.c's line for a thread that has ended; gdb 15 has the exit code too, if it
	// knows it.
	ended = regexp.MustCompile(
		`^\[((?:Thread|LWP|process) .*) exited(?: with code ([0-9]+))?\]$`)
	executes   = regexp.MustCompile(`^(.+) is executing new program: `)
	terminated = regexp.MustCompile(`^Program terminated with signal ([A-Z0-9]+), `)
)

// line takes one line of what a person would read.
func (w *words) line(line string) error {
	for _, kind := range []struct {
		pattern *regexp.Regexp
		take    func(w *words, tid event.TID, code string)
	}{{newThread, (*words).newThread}, {ended, (*words).exited}, {executes, (*words).executed}} {
		m := kind.pattern.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		tid, err := taskOf(m[1])
		if err != nil {
			return err
		}
		kind.take(w, tid, m[len(m)-1])
	}
	if m := terminated.FindStringSubmatch(line); m != nil {
		// gdb has names for signals of other systems
		if signal, err := event.ParseSignal(m[1]); err == nil {
			w.killed = event.Killed(signal)
		}
	}
	return nil
}

func (w *words) exited(tid event.TID, code string) {
	w.ended, w.code = tid, event.Unknown
	if n, err := strconv.Atoi(code); err == nil {
		w.code = event.Exited(n)
	}
}

func (w *words) executed(pid event.TID, _ string) {
	for _, g := range w.groups {
		if g.pid == pid {
			g.dropped = nil
		}
	}
	w.add(event.Event{Kind: event.Exec, PID: pid, TID: pid})
}

func (w *words) newThread(tid event.TID, _ string) {
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
		return 0, adapter.Unknown(name)
	}
	tid, err := strconv.ParseInt(m[1]+m[2]+m[3], 10, 32)
	return event.TID(tid), err
}

func number(t mi.Tuple, name string) (int, error) {
	n, err := strconv.ParseInt(t.Text(name), 10, 32)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		err = adapter.Unknown(t.Text(name))
	case err == nil && n <= 0:
		err = fmt.Errorf("%d is no number for one", n)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return int(n), nil
}

// live are the numbers of the threads that are there, in order.
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

package strace

import (
	"slices"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/event"
)

// A teller makes events of statements. A birth is told by "Process 7 attached", which comes before all else of that task;
// who made it, and whether it is a thread, by the result of the call, and is then known of the same event. Where the
// call never returns, since its task was killed in it, the new one is told as found.
type teller struct {
	target  event.TID // that was attached to; zero if strace launched the program
	ready   chan struct{}
	mu      sync.Mutex
	found   event.Trace // named after the attach
	events  event.Trace
	isReady bool
	root    event.TID           // the program's process, zero until it is known
	tasks   map[event.TID]*task // those that live by strace's words
	births  map[event.TID]int   // events that are to become births, by the newborn
	coming  map[event.TID]birth // births whose calls have returned, by the newborn, to which strace has not attached yet
	last    string              // the latest message
}

// A birth is an event and its place.
type birth struct {
	event.Event
	at int
}

// A task is a tracee that lives.
type task struct {
	leader   bool
	ended    bool   // a leader called exit, and its process lives on
	call     string // the arguments of the call that it is in, or was in last
	executed bool   // it has executed a program by the call that it is in
}

func newTeller(target event.TID) *teller {
	return &teller{
		target: target, ready: make(chan struct{}),
		tasks: make(map[event.TID]*task), births: make(map[event.TID]int), coming: make(map[event.TID]birth),
	}
}

// Events is what strace has told so far. The threads of a process that it attaches to it counts at once, and names when
// they first do something: they were found when it counted them.
func (t *teller) Events() event.Trace {
	t.mu.Lock()
	defer t.mu.Unlock()
	told := slices.DeleteFunc(slices.Clone(t.events), func(e event.Event) bool { return e.Kind == 0 })
	return append(slices.Clone(t.found), told...)
}

// message is what strace said last of itself.
func (t *teller) message() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

func (t *teller) take(s statement) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch s.kind {
	case message:
		t.last = s.text
		return
	case attached:
		t.attached(s.tid)
		return
	}
	k := t.mentioned(s.tid)
	switch s.kind {
	case entered:
		t.entered(k, s)
	case returned:
		t.returned(k, s)
	case signalled:
		t.add(event.Event{Kind: event.Signal, TID: s.tid, Signal: s.signal})
	case exited:
		t.exited(k, s)
	case superseded:
		t.superseded(k, s)
	}
}

func (t *teller) add(e event.Event) { t.events = append(t.events, e) }

// begin has the program stand at its start, or all of it attached to.
func (t *teller) begin(tid event.TID) {
	if !t.isReady {
		t.isReady = true
		t.add(event.Event{Kind: event.Ready, TID: tid})
		close(t.ready)
	}
}

// attached is a new tracee. Of a process that is attached to strace names the leader, and how many threads it has.
func (t *teller) attached(tid event.TID) {
	k := &task{leader: tid == t.target}
	t.tasks[tid] = k
	if b, ok := t.coming[tid]; ok {
		delete(t.coming, tid)
		t.events[b.at] = b.Event
		k.leader = b.Kind != event.Clone
		return
	}
	if tid == t.target && t.root == 0 {
		t.root = tid
		t.add(event.Event{Kind: event.Attach, TID: tid})
		t.begin(tid)
		return
	}
	t.births[tid] = len(t.events)
	t.add(event.Event{Kind: event.Attach, TID: tid})
}

// mentioned is a task that strace names. One that was not named before is the program that it launched, else one of
// the threads that it had attached to.
func (t *teller) mentioned(tid event.TID) *task {
	if k := t.tasks[tid]; k != nil {
		return k
	}
	k := &task{}
	t.tasks[tid] = k
	if t.root == 0 && t.target == 0 {
		t.root, k.leader = tid, true
		return k
	}
	t.found = append(t.found, event.Event{Kind: event.Attach, TID: tid})
	return k
}

// entered is the entry of a system call. A leader's own end is its exit, since its wait status is its process's.
func (t *teller) entered(k *task, s statement) {
	k.call, k.executed = s.text, false
	if s.name == "exit" && k.leader && !k.ended {
		k.ended = true
		t.add(event.Event{Kind: event.Exit, TID: s.tid, Status: event.Exited(s.number)})
	}
}

func (t *teller) returned(k *task, s statement) {
	switch s.name {
	case "execve", "execveat":
		if s.number != 0 {
			return
		}
		switch {
		case !t.isReady:
			t.begin(s.tid) // the program's own
		case !k.executed:
			t.add(event.Event{Kind: event.Exec, TID: s.tid})
		}
	case "clone", "clone3", "fork", "vfork":
		t.born(k, s)
	}
}

// born completes the birth of a task by the result of the call that made it. Where that comes first it is the birth's
// place, which is told when strace attaches: it does not attach to a task that is made with CLONE_UNTRACED, and the
// result may be an id in another pid namespace.
func (t *teller) born(creator *task, s statement) {
	made := event.Event{Kind: event.Fork, TID: s.tid, Child: event.TID(s.number)}
	switch {
	case strings.Contains(creator.call, "CLONE_THREAD"):
		made.Kind = event.Clone
	case s.name == "vfork" || strings.Contains(creator.call, "CLONE_VFORK"):
		made.Kind = event.VFork
	}
	if s.number <= 0 {
		return
	}
	at, ok := t.births[made.Child]
	if !ok {
		t.coming[made.Child] = birth{made, len(t.events)}
		t.add(event.Event{}) // it is told here, if it is told
		return
	}
	delete(t.births, made.Child)
	t.events[at] = made
	if k := t.tasks[made.Child]; k != nil {
		k.leader = made.Kind != event.Clone
	}
}

// exited is a task's end by its wait status, which for a leader is its process's.
func (t *teller) exited(k *task, s statement) {
	if !k.ended {
		t.add(event.Event{Kind: event.Exit, TID: s.tid, Status: s.status})
	}
	if k.leader {
		t.add(event.Event{Kind: event.End, TID: s.tid, Status: s.status})
	}
	delete(t.tasks, s.tid)
}

// superseded is a leader that is gone, with no status, whose id another task has now by an exec. That its execve returns
// strace may still print, or not (with --seccomp-bpf).
func (t *teller) superseded(k *task, s statement) {
	former := event.TID(s.number)
	survivor := t.mentioned(former)
	if !k.ended {
		t.add(event.Event{Kind: event.Exit, TID: s.tid, Status: event.Unknown})
	}
	t.add(event.Event{Kind: event.Exec, TID: s.tid, Former: former})
	survivor.leader, survivor.ended, survivor.executed = true, false, true
	t.tasks[s.tid] = survivor
	delete(t.tasks, former)
}

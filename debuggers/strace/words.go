package strace

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
)

// Words makes events of strace's lines.
//
// A birth is told by "Process 7 attached", which comes before all else of that task. The creator,
// and whether the task is a thread, are known by the result of the call that made it, and belong
// to the same event then. If the call never returns, since its task was killed in it, the new
// task is told as found.
type words struct {
	adapter.Monitor
	joiner  joiner
	target  event.TID   // the process that was attached to; zero if strace launched the program
	current judge.Word  // the line that is being read, and when it came
	found   judge.Words // of threads that the attach found, and that were named later
	told    []*word
	ready   bool
	root    event.TID           // the program's process, zero until it is known
	tasks   map[event.TID]*task // those that live by strace's words
	halves  map[event.TID]*word // by the newborn, births of which one half is told; see born
	ends    map[event.TID]*word // by tasks that ended before the calls returned that made them
	makings map[*making]bool    // those that are not over, of which it is not known what they made
	message string              // what strace said last of itself
}

// A word has the place of an event among the others. A birth is pending until strace attaches to
// the newborn.
type word struct {
	judge.Word
	pending bool
}

// A task is a tracee that lives.
type task struct {
	leader   bool
	ended    bool      // a leader called exit, and its process lives on
	call     string    // the arguments of the call that it is in, or was in last
	executed bool      // it has executed a program by the call that it is in
	making   *making   // the call that it is in, if that makes a task
	from     []*making // the calls of which one made it, while it is not known which
}

// A making is a call that makes a task, which may never return.
type making struct {
	kind  event.Kind
	over  bool // it has returned, or its task makes another call
	begun bool // its line is not complete
}

// leads tells whether a task is its process's leader. Several calls may have made it, but none
// that is over. It leads if the others make processes.
func (k *task) leads() bool {
	processes := 0
	for _, m := range k.from {
		switch {
		case m.over:
		case m.kind == event.Clone:
			return k.leader
		default:
			processes++
		}
	}
	return k.leader || processes > 0
}

// enters notes what a task's current call makes. The kind is zero if the call makes no task.
func (w *words) enters(k *task, kind event.Kind) {
	if old := k.making; old != nil {
		if old.begun {
			old.begun = false // its line goes on
			return
		}
		old.over = true
		delete(w.makings, old)
	}
	k.making = nil
	if kind != 0 {
		k.making = &making{kind: kind}
		w.makings[k.making] = true
	}
}

// newWords are those of a strace that was started as program.
func newWords(program string, target event.TID) *words {
	return &words{
		joiner: joiner{self: program + ": "}, target: target, tasks: make(map[event.TID]*task),
		halves: make(map[event.TID]*word), ends: make(map[event.TID]*word),
		makings: make(map[*making]bool),
	}
}

// Words is what strace has told so far. It counts the threads of a process that it attaches to at
// once, and names each when that first does something: such threads were found when it counted
// them.
func (w *words) Words() judge.Words {
	w.Lock()
	defer w.Unlock()
	all := append(judge.Words{}, w.found...)
	for _, t := range w.told {
		if !t.pending {
			all = append(all, t.Word)
		}
	}
	return all
}

// line takes one line as strace wrote it.
func (w *words) line(text []byte) error {
	w.Lock()
	defer w.Unlock()
	line, err := w.joiner.add(string(text))
	if err != nil {
		return err
	}
	w.current = judge.Word{At: witness.Now(), Line: line[:min(len(line), judge.MaxLine)]}
	said, strange := parse(w.joiner.self, line)
	if w.tasks[strange] != nil { // else the program may have written it
		return adapter.Unknown(line)
	}
	for _, s := range said {
		w.take(s)
	}
	return nil
}

func (w *words) take(s statement) {
	switch s.kind {
	case message:
		w.message = s.text
		return
	case attached:
		w.attached(s.tid)
		return
	}
	k := w.mentioned(s.tid)
	switch s.kind {
	case entered:
		w.entered(k, s)
	case returned:
		w.returned(k, s)
	case signalled:
		if s.signal != 0 { // else it has no name that is known here
			w.add(event.Event{Kind: event.Signal, TID: s.tid, Signal: s.signal})
		}
	case exited:
		w.exited(k, s)
	case superseded:
		w.superseded(k, s)
	}
}

func (w *words) add(e event.Event) *word {
	added := &word{Word: w.current}
	added.Event = e
	w.told = append(w.told, added)
	return added
}

// begin notes that the program stands at its start, or that all of it is attached to.
func (w *words) begin(tid event.TID) {
	if !w.ready {
		w.ready = true
		w.add(event.Event{Kind: event.Ready, TID: tid})
	}
}

// attached notes a new tracee. Of a process that is attached to, strace names the leader, and how
// many threads there are.
func (w *words) attached(tid event.TID) {
	k := &task{leader: tid == w.target}
	w.tasks[tid] = k
	if birth := w.halves[tid]; birth != nil && birth.pending {
		delete(w.halves, tid)
		birth.pending = false
		k.leader = birth.Kind != event.Clone
		return
	}
	told := w.add(event.Event{Kind: event.Attach, TID: tid})
	if tid == w.target && w.root == 0 {
		w.root = tid
		w.begin(tid)
		return
	}
	w.halves[tid] = told
	begun, _ := parse(w.joiner.self, w.joiner.begun) // strace breaks a line off to say this
	for _, s := range begun {
		if kind := made(s.name, s.text); kind != 0 {
			creator := w.mentioned(s.tid)
			w.enters(creator, kind)
			creator.making.begun = true
		}
	}
	k.from = slices.Collect(maps.Keys(w.makings))
	if len(k.from) == 1 {
		delete(w.makings, k.from[0]) // it makes no more
	}
}

// mentioned is a task that strace names. One that was not named before is the program that strace
// launched, else one of the threads that it had attached to.
func (w *words) mentioned(tid event.TID) *task {
	if k := w.tasks[tid]; k != nil {
		return k
	}
	k := &task{}
	w.tasks[tid] = k
	if w.root == 0 && w.target == 0 {
		w.root, k.leader = tid, true
		return k
	}
	found := w.current
	found.Event = event.Event{Kind: event.Attach, TID: tid}
	w.found = append(w.found, found)
	return k
}

// entered notes the entry of a system call. A leader's own end is its exit, since its wait status
// is its process's.
func (w *words) entered(k *task, s statement) {
	k.call, k.executed = s.text, false
	w.enters(k, made(s.name, s.text))
	if s.name == "exit" && k.leads() && !k.ended {
		k.ended = true
		w.add(event.Event{Kind: event.Exit, TID: s.tid, Status: event.Exited(s.number)})
	}
}

func (w *words) returned(k *task, s statement) {
	w.enters(k, 0)
	switch s.name {
	case "execve", "execveat":
		switch {
		case s.number != 0: // it failed
		case !w.ready:
			w.begin(s.tid) // strace's own, at the program's start
		case !k.executed:
			w.add(event.Event{Kind: event.Exec, TID: s.tid})
		}
	case "clone", "clone3", "fork", "vfork":
		if s.number > 0 {
			w.born(k, s)
		}
	}
}

// made is what a call makes by its arguments, zero for one that makes no task.
func made(name, call string) event.Kind {
	switch name {
	case "clone", "clone3", "fork", "vfork":
	default:
		return 0
	}
	switch {
	case strings.Contains(call, "CLONE_THREAD"):
		return event.Clone
	case name == "vfork" || strings.Contains(call, "CLONE_VFORK"):
		return event.VFork
	}
	return event.Fork
}

// born completes the birth of a task by the result of the call that made it. If the result comes
// first, it is the birth's place, and the birth is told when strace attaches. It may never
// attach: not to a task that is made with CLONE_UNTRACED, nor if the result is an id in another
// pid namespace.
func (w *words) born(creator *task, s statement) {
	told := event.Event{
		Kind: made(s.name, creator.call), TID: s.tid, Child: event.TID(s.number),
	}
	birth := w.halves[told.Child]
	if birth == nil || birth.pending {
		birth = w.add(told)
		birth.pending = true
		w.halves[told.Child] = birth
		return
	}
	delete(w.halves, told.Child)
	birth.Event = told
	isProcess := told.Kind != event.Clone
	if k := w.tasks[told.Child]; k != nil {
		k.leader, k.from = isProcess, nil
	} else if end := w.ends[told.Child]; end != nil {
		end.pending = !isProcess
	}
	delete(w.ends, told.Child)
}

// exited notes a task's end by its wait status, which for a leader is its process's. If the call
// that made it has not returned, whether it is a process is still to come.
func (w *words) exited(k *task, s statement) {
	if !k.ended {
		w.add(event.Event{Kind: event.Exit, TID: s.tid, Status: s.status})
	}
	birth := w.halves[s.tid]
	leads := k.leads()
	if isUnborn := birth != nil && !birth.pending; leads || isUnborn {
		end := w.add(event.Event{Kind: event.End, TID: s.tid, Status: s.status})
		if end.pending = !leads; end.pending {
			w.ends[s.tid] = end
		}
	}
	delete(w.tasks, s.tid)
}

// superseded notes a leader that is gone, with no status: another task has its id now by an exec.
// Strace may still print that this task's execve returns, or not (with --seccomp-bpf).
func (w *words) superseded(k *task, s statement) {
	former := event.TID(s.number)
	survivor := w.mentioned(former)
	if !k.ended {
		w.add(event.Event{Kind: event.Exit, TID: s.tid, Status: event.Unknown})
	}
	w.add(event.Event{Kind: event.Exec, TID: s.tid, Former: former})
	survivor.leader, survivor.ended, survivor.executed = true, false, true
	w.tasks[s.tid] = survivor
	delete(w.tasks, former)
}

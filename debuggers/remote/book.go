package remote

import (
	"cmp"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

// A thread is what its server's words come to.
type thread struct {
	stands bool
	signal int  // what it is to be given when it goes on, in the server's numbers
	vfork  bool // it made a process by vfork(2), and was not said to go on: the kernel holds it, and nothing stops it
}

// A book keeps which threads there are and which of them stand, by the server's words alone. Whoever reads
// these knows as much.
type book struct {
	linux   func(signal int) int // its signals' numbers
	threads map[rsp.Thread]*thread
	// finding says that an attach is under way: whoever is named for the first time was found by it.
	finding bool
}

func newBook(linux func(int) int) *book {
	return &book{linux: linux, threads: make(map[rsp.Thread]*thread)}
}

func (b *book) at(t rsp.Thread) *thread {
	if b.threads[t] == nil {
		b.threads[t] = &thread{}
	}
	return b.threads[t]
}

// process are the threads of a process, in order.
func (b *book) process(pid int) []rsp.Thread {
	return slices.DeleteFunc(b.all(), func(t rsp.Thread) bool { return t.PID != pid })
}

func (b *book) all() []rsp.Thread {
	threads := make([]rsp.Thread, 0, len(b.threads))
	for t := range b.threads {
		threads = append(threads, t)
	}
	slices.SortFunc(threads, func(a, b rsp.Thread) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.TID, b.TID))
	})
	return threads
}

// moves tells whether a thread may still run, or come to stand by itself.
func (b *book) moves(t rsp.Thread) bool {
	known := b.threads[t]
	return known == nil || !known.stands && !known.vfork
}

// found gives the events of threads that an attach found, but for those that are known.
func (b *book) found(threads ...rsp.Thread) (said event.Trace) {
	for _, t := range threads {
		if b.threads[t] == nil {
			b.at(t)
			said = append(said, event.Event{Kind: event.Attach, PID: event.TID(t.PID), TID: event.TID(t.TID)})
		}
	}
	return said
}

// take takes a stop reply in, and gives the events that it says.
func (b *book) take(s rsp.Stop) (said event.Trace) {
	pid, tid := event.TID(s.Thread.PID), event.TID(s.Thread.TID)
	switch s.Kind {
	case rsp.Stopped:
		if s.Thread.TID == 0 {
			return nil
		}
		if b.finding && s.Event != "create" {
			said = b.found(s.Thread)
		}
		e := event.Event{PID: pid, TID: tid}
		if b.stopped(s, &e) {
			said = append(said, e)
		}
		for _, other := range s.Others {
			said = append(said, b.take(other)...)
		}
		return said
	case rsp.ThreadExited:
		delete(b.threads, s.Thread)
		return event.Trace{{Kind: event.Exit, PID: pid, TID: tid, Status: event.Exited(s.Code)}}
	case rsp.Exited:
		return b.ended(s.PID, event.Exited(s.Code))
	case rsp.Signalled:
		return b.ended(s.PID, event.Killed(event.Signo(b.linux(s.Signal))))
	}
	return nil
}

// ended notes a process's end, which is the only word about its leader's, and also ends whoever of its threads was not said to
// have ended: with which status, it does not tell.
func (b *book) ended(process int, status event.Status) (said event.Trace) {
	pid := event.TID(process)
	for _, t := range b.process(process) {
		delete(b.threads, t)
		if t.TID != process {
			said = append(said, event.Event{Kind: event.Exit, PID: pid, TID: event.TID(t.TID), Status: event.Unknown})
		}
	}
	return append(said,
		event.Event{Kind: event.Exit, PID: pid, TID: pid, Status: event.Unknown},
		event.Event{Kind: event.End, PID: pid, TID: pid, Status: status})
}

// stopped notes that a thread stands, and tells whether that says anything of the program: what was done.
func (b *book) stopped(s rsp.Stop, e *event.Event) bool {
	known := b.threads[s.Thread] != nil
	t := b.at(s.Thread)
	t.stands, t.signal = true, 0
	switch s.Event {
	case "create":
		*e = event.Event{Kind: event.Clone, PID: e.PID, Child: e.TID}
		return !known || !b.finding // who was listed by the attach was born in it
	case "fork":
		e.Kind, e.Child = event.Fork, event.TID(s.Child.TID)
		b.at(s.Child).stands = true
	case "vfork":
		e.Kind, e.Child = event.VFork, event.TID(s.Child.TID)
		b.at(s.Child).stands, t.vfork = true, true
	case "vforkdone":
		e.Kind, t.vfork = event.VForkDone, false
	case "exec":
		e.Kind = event.Exec
		for _, other := range b.process(s.Thread.PID) { // exec(2) ends them
			if other != s.Thread {
				delete(b.threads, other)
			}
		}
	case "":
		if s.Signal == 0 {
			return false
		}
		e.Kind, e.Signal, t.signal = event.Signal, event.Signo(b.linux(s.Signal)), s.Signal
		return e.Signal != 0
	default:
		return false
	}
	return true
}

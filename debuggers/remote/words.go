package remote

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

// A thread is what its server's words come to.
type thread struct {
	stands bool
	signal int // what it is to be given when it goes on, in the server's numbers
	// vfork says that it made a process by vfork(2), and was not said to go on: the kernel holds
	// it, and nothing stops it.
	vfork bool
}

// A book keeps which threads there are and which of them stand, by the server's words alone.
type book struct {
	linux   func(signal int) int // Linux's number for one of the server's signals
	add     func(event.Event)    // is given what the words tell
	threads map[rsp.Thread]*thread
	// leaders have ended by the server's word, and their processes have not. gdbserver 10 tells
	// such an end, and so do 16 and later.
	leaders map[int]bool
	// finding says that an attach is under way: it found a thread that is named for the first time.
	finding bool
}

func newBook(linux func(int) int, add func(event.Event)) *book {
	return &book{
		linux: linux, add: add, threads: make(map[rsp.Thread]*thread), leaders: make(map[int]bool),
	}
}

func (b *book) at(t rsp.Thread) *thread {
	if b.threads[t] == nil {
		b.threads[t] = &thread{}
	}
	return b.threads[t]
}

// process lists the threads of a process, in order.
func (b *book) process(pid int) []rsp.Thread {
	return slices.DeleteFunc(b.all(), func(t rsp.Thread) bool { return t.PID != pid })
}

func (b *book) all() []rsp.Thread {
	return slices.SortedFunc(maps.Keys(b.threads), func(a, b rsp.Thread) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.TID, b.TID))
	})
}

// moves tells whether a thread may still run, or may come to stand by itself.
func (b *book) moves(t rsp.Thread) bool {
	known := b.threads[t]
	return known == nil || !known.stands && !known.vfork
}

// found notes threads that an attach found, unless they are known.
func (b *book) found(threads ...rsp.Thread) {
	for _, t := range threads {
		if b.threads[t] == nil {
			b.at(t)
			b.tell(event.Attach, t, 0)
		}
	}
}

// take takes a stop reply.
func (b *book) take(s rsp.Stop) {
	switch s.Kind {
	case rsp.Stopped:
		if s.Thread.TID == 0 {
			return
		}
		if b.finding && s.Event != "create" {
			b.found(s.Thread)
		}
		if e := b.stopped(s); e.Kind != 0 {
			b.add(e)
		}
	case rsp.ThreadExited:
		b.exited(s.Thread, event.Exited(s.Code))
		if s.Thread.TID == s.Thread.PID {
			b.leaders[s.Thread.PID] = true
		}
	case rsp.Exited:
		b.ended(s.PID, event.Exited(s.Code))
	case rsp.Signalled:
		status := event.Unknown
		if sig := b.linux(s.Signal); sig != 0 { // else it is none of Linux's
			status = event.Killed(event.Signo(sig))
		}
		b.ended(s.PID, status)
	}
}

func (b *book) exited(t rsp.Thread, status event.Status) {
	delete(b.threads, t)
	b.tell(event.Exit, t, status)
}

// ended notes a process's end. That may be the only word about its leader's end, and is about those
// of its threads that the server did not say to have ended. Their statuses it does not tell.
func (b *book) ended(pid int, status event.Status) {
	leader := rsp.Thread{PID: pid, TID: pid}
	for _, t := range b.process(pid) {
		if t != leader {
			b.exited(t, event.Unknown)
		}
	}
	if !b.leaders[pid] {
		b.exited(leader, event.Unknown)
	}
	delete(b.leaders, pid)
	b.tell(event.End, leader, status)
}

// tell adds an event of a thread. The status is of its end.
func (b *book) tell(kind event.Kind, t rsp.Thread, status event.Status) {
	b.add(event.Event{
		Kind: kind, PID: event.TID(t.PID), TID: event.TID(t.TID), Status: status,
	})
}

// goOn notes that all threads that stand go on, each with its signal, and gives the actions of a
// vCont for that. If every thread is to go on, those without a signal need no action of their own.
func (b *book) goOn(every bool) string {
	var actions strings.Builder
	for _, t := range b.all() {
		known := b.threads[t]
		switch {
		case !known.stands:
			continue
		case known.signal != 0:
			fmt.Fprintf(&actions, ";C%02x:%s", known.signal, t)
		case !every:
			fmt.Fprintf(&actions, ";c:%s", t)
		}
		known.stands, known.signal = false, 0
	}
	if every {
		actions.WriteString(";c")
	}
	return actions.String()
}

// stopped notes that a thread stands. It gives the event that the stop tells, without a kind if it
// tells none.
func (b *book) stopped(s rsp.Stop) event.Event {
	known := b.threads[s.Thread] != nil
	t := b.at(s.Thread)
	t.stands, t.signal = true, 0
	if s.Thread.TID == s.Thread.PID {
		delete(b.leaders, s.Thread.PID) // an exec has made another thread the leader
	}
	e := event.Event{PID: event.TID(s.Thread.PID), TID: event.TID(s.Thread.TID)}
	switch s.Event {
	case "create":
		if !known || !b.finding { // else it was born in the attach that has listed it
			return event.Event{Kind: event.Clone, PID: e.PID, Child: e.TID}
		}
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
		t.signal = s.Signal
		if e.Signal = event.Signo(b.linux(s.Signal)); e.Signal != 0 {
			e.Kind = event.Signal
		}
	}
	return e
}

// parseStop is rsp.ParseStop. A reply of a kind that is none there, but a word, is unknown to us.
func parseStop(reply []byte) (rsp.Stop, error) {
	stop, err := rsp.ParseStop(reply)
	if errors.Is(err, rsp.ErrUnknown) && unicode.IsLetter(rune(reply[0])) && reply[0] < 0x80 {
		err = fmt.Errorf("stop reply: %w", adapter.Unknown(reply))
	}
	return stop, err
}

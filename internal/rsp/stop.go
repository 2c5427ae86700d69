package rsp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What a Stop is, by the letter that begins its reply.
const (
	Stopped      = 'T'
	Exited       = 'W' // a process ended by exit
	Signalled    = 'X' // a process was ended by a signal
	ThreadExited = 'w'
	NoResumed    = 'N' // all threads that were resumed are gone
)

// A Stop is why a thread stopped, or what ended.
type Stop struct {
	Kind   byte
	Signal int    // Stopped, Signalled: in the server's numbers
	Code   int    // Exited, ThreadExited
	Thread Thread // Stopped, ThreadExited; zero if the server does not say
	PID    int    // Exited, Signalled: zero if the server does not say
	// Event is what a Stopped thread did: "create", "fork", "vfork", "vforkdone", "exec", "swbreak" and so
	// on; empty for a signal.
	Event   string
	Others  []Stop   // of other threads that stopped with it, from lldb-server
	Child   Thread   // fork, vfork
	Path    string   // exec
	Threads []Thread // all there are, from who was asked to list them
}

// events are the words of a stop reply that say what a thread did.
var events = []string{
	"create", "fork", "vfork", "vforkdone", "exec", "swbreak", "hwbreak", "watch", "rwatch", "awatch", "library", "replaylog",
	"syscall_entry", "syscall_return", "fork-done",
}

// IsOutput tells whether a packet is no stop and no answer, but what the program printed: O, in hexadecimal.
func IsOutput(packet []byte) bool {
	return len(packet) > 1 && packet[0] == 'O' && len(packet)%2 == 1 && !slices.ContainsFunc(packet[1:], func(b byte) bool { return !isHex(b) })
}

// ParseStop reads a stop reply.
func ParseStop(reply []byte) (s Stop, err error) {
	text := string(reply)
	if text == "" {
		return s, fmt.Errorf("an empty packet is no stop reply")
	}
	s.Kind, text = text[0], text[1:]
	switch s.Kind {
	case Stopped, 'S':
		s.Kind = Stopped
		err = s.stopped(text)
	case Exited, Signalled:
		err = s.ended(text)
	case ThreadExited:
		code, id, _ := strings.Cut(text, ";")
		if s.Code, err = status(code); err == nil {
			s.Thread, err = one(id)
		}
	case NoResumed:
	default:
		err = fmt.Errorf("it begins with %q", s.Kind)
	}
	if err != nil {
		return Stop{}, fmt.Errorf("stop reply %.80q: %w", reply, err)
	}
	return s, nil
}

func (s *Stop) ended(text string) (err error) {
	value, process, named := strings.Cut(text, ";")
	n, err := status(value)
	if err != nil {
		return err
	}
	s.Code = n
	if s.Kind == Signalled {
		s.Signal, s.Code = n, 0
	}
	if !named {
		return nil
	}
	for word := range strings.SplitSeq(process, ";") {
		if pid, ok := strings.CutPrefix(word, "process:"); ok {
			if s.PID, err = number(pid); err != nil || s.PID <= 0 {
				return fmt.Errorf("%q names no process", word)
			}
		}
	}
	return nil
}

func (s *Stop) stopped(text string) (err error) {
	if len(text) < 2 {
		return fmt.Errorf("its signal is missing")
	}
	if s.Signal, err = status(text[:2]); err != nil {
		return err
	}
	reason := ""
	for word := range strings.SplitSeq(text[2:], ";") {
		key, value, _ := strings.Cut(word, ":")
		switch {
		case key == "thread":
			s.Thread, err = one(value)
		case key == "reason":
			reason = value
		case key == "jstopinfo":
			s.Others, err = others(value)
		case key == "threads":
			s.Threads, err = ParseIDs(value)
		case slices.Contains(events, key):
			s.Event = key
			err = s.event(key, value)
		}
		if err != nil {
			return err
		}
	}
	s.reason(reason)
	s.Others = slices.DeleteFunc(s.Others, func(o Stop) bool { return o.Thread.TID == s.Thread.TID })
	for i := range s.Others {
		s.Others[i].Thread.PID = s.Thread.PID
	}
	return nil
}

// reason takes lldb-server's word for why a thread stands. Its signal is SIGTRAP whatever that is, but the thread is to get that
// only if a breakpoint that nobody has set was met: the program's own.
func (s *Stop) reason(reason string) {
	switch {
	case slices.Contains(events, reason):
		s.Event, s.Signal = reason, 0
	case reason != "" && reason != "signal" && reason != "breakpoint":
		s.Signal = 0
	}
}

// others reads what lldb-server says of all threads in a stop reply for one of them.
func others(value string) (stops []Stop, err error) {
	text, err := unhex(value)
	if err != nil {
		return nil, err
	}
	var all []struct {
		TID, Signal         int
		Reason, Description string
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.TID <= 0 || t.Signal < 0 {
			return nil, fmt.Errorf("thread %d has the signal %d", t.TID, t.Signal)
		}
		if t.Reason == "" {
			continue
		}
		s := Stop{Kind: Stopped, Signal: t.Signal, Thread: Thread{TID: t.TID}}
		s.reason(t.Reason)
		if s.Event == "fork" || s.Event == "vfork" { // described by its process and its thread, decimal
			if _, err := fmt.Sscanf(t.Description, "%d %d", &s.Child.PID, &s.Child.TID); err != nil || s.Child.PID <= 0 || s.Child.TID <= 0 {
				return nil, fmt.Errorf("%q describes no process", t.Description)
			}
		}
		stops = append(stops, s)
	}
	return stops, nil
}

func (s *Stop) event(key, value string) (err error) {
	switch key {
	case "fork", "vfork":
		s.Child, err = one(value)
	case "exec":
		s.Path, err = unhex(value)
	}
	return err
}

// status reads a hexadecimal status or signal.
func status(s string) (int, error) {
	n, err := strconv.ParseUint(s, 16, 31)
	if err != nil {
		return 0, fmt.Errorf("%.20q is no status", s)
	}
	return int(n), nil
}

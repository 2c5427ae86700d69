package rsp

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The kinds of stops: the letter that begins a reply.
const (
	Stopped      = 'T'
	Exited       = 'W' // a process exited
	Signalled    = 'X' // a signal ended a process
	ThreadExited = 'w'
	NoResumed    = 'N' // all threads that were resumed are gone
)

// A Stop says why a thread stopped, or what ended. A field that the server does not tell is zero.
type Stop struct {
	Kind   byte
	Signal int    // Stopped, Signalled: in the server's numbers
	Code   int    // Exited, ThreadExited
	Thread Thread // Stopped, ThreadExited
	PID    int    // Exited, Signalled
	// Event is what a Stopped thread did: "create", "fork", "vfork", "vforkdone", "exec", "swbreak"
	// and so on. It is empty for a signal.
	Event  string
	Others []Stop // lldb-server: other threads that stopped with this one
	Child  Thread // fork, vfork
}

// events are the words of a stop reply that say what a thread did.
var events = []string{
	"create", "fork", "vfork", "vforkdone", "exec", "swbreak", "hwbreak", "watch", "rwatch",
	"awatch", "library", "replaylog", "syscall_entry", "syscall_return", "fork-done",
}

// IsOutput tells whether a packet holds what the program printed: O, and the text in hexadecimal.
func IsOutput(packet []byte) bool {
	return len(packet) > 1 && packet[0] == 'O' && isHex(packet[1:])
}

// ErrUnknown is what ParseStop's error is for a reply of a kind that is none of those above.
var ErrUnknown = errors.New("it begins with none of TSWXwN")

// ParseStop reads a stop reply. The error quotes it.
func ParseStop(reply []byte) (s Stop, err error) {
	text := string(reply)
	if text == "" {
		return s, errors.New("an empty packet is no stop reply")
	}
	s.Kind, text = text[0], text[1:]
	switch s.Kind {
	case Stopped, 'S':
		s.Kind = Stopped
		err = s.parseStopped(text)
	case Exited, Signalled:
		err = s.parseEnd(text)
	case ThreadExited:
		code, id, _ := strings.Cut(text, ";")
		if s.Code, err = parseStatus(code); err == nil {
			s.Thread, err = parseThread(id)
		}
	case NoResumed:
	default:
		err = ErrUnknown
	}
	if err != nil {
		return Stop{}, fmt.Errorf("stop reply %.80q: %w", reply, err)
	}
	return s, nil
}

func (s *Stop) parseEnd(text string) (err error) {
	words := strings.Split(text, ";")
	n, err := parseStatus(words[0])
	if err != nil {
		return err
	}
	if s.Kind == Signalled {
		s.Signal = n
	} else {
		s.Code = n
	}
	for _, word := range words[1:] {
		if pid, ok := strings.CutPrefix(word, "process:"); ok {
			if s.PID, err = parseNumber(pid); err != nil || s.PID <= 0 {
				return fmt.Errorf("%q names no process", word)
			}
		}
	}
	return nil
}

func (s *Stop) parseStopped(text string) (err error) {
	if len(text) < 2 {
		return errors.New("its signal is missing")
	}
	if s.Signal, err = parseStatus(text[:2]); err != nil {
		return err
	}
	reason := ""
	for word := range strings.SplitSeq(text[2:], ";") {
		key, value, _ := strings.Cut(word, ":")
		if slices.Contains(events, key) {
			s.Event = key
		}
		switch key {
		case "thread":
			s.Thread, err = parseThread(value)
		case "reason":
			reason = value
		case "jstopinfo":
			s.Others, err = parseOthers(value)
		case "fork", "vfork":
			s.Child, err = parseThread(value)
		}
		if err != nil {
			return err
		}
	}
	s.setReason(reason)
	isSelf := func(o Stop) bool { return o.Thread.TID == s.Thread.TID }
	s.Others = slices.DeleteFunc(s.Others, isSelf)
	for i := range s.Others {
		s.Others[i].Thread.PID = s.Thread.PID
	}
	return nil
}

// setReason applies lldb-server's reason for a stop. It sends SIGTRAP with most reasons. The thread
// is to get that SIGTRAP only with "breakpoint", where the debugger has set none: then the program
// has the breakpoint itself.
func (s *Stop) setReason(reason string) {
	switch {
	case slices.Contains(events, reason):
		s.Event, s.Signal = reason, 0
	case reason != "" && reason != "signal" && reason != "breakpoint":
		s.Signal = 0
	}
}

// parseOthers reads what lldb-server says of all threads in the stop reply for one of them.
func parseOthers(value string) (stops []Stop, err error) {
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
		s.setReason(t.Reason)
		if s.Event == "fork" || s.Event == "vfork" { // "PID TID" of the child, in decimal
			_, err := fmt.Sscanf(t.Description, "%d %d", &s.Child.PID, &s.Child.TID)
			if err != nil || s.Child.PID <= 0 || s.Child.TID <= 0 {
				return nil, fmt.Errorf("%q describes no process", t.Description)
			}
		}
		stops = append(stops, s)
	}
	return stops, nil
}

// parseStatus reads a hexadecimal status or signal.
func parseStatus(s string) (int, error) {
	n, err := strconv.ParseUint(s, 16, 31)
	if err != nil {
		return 0, fmt.Errorf("%.20q is no status", s)
	}
	return int(n), nil
}

package event

import (
	"fmt"
	"strconv"
	"strings"
)

// A Labelled is an event with the birth paths of its tasks, empty where unknown.
type Labelled struct {
	Event
	Path      Path // of the task it happened to
	ChildPath Path // Clone, Fork, VFork: of the new task
}

// String writes the event as a line of text, for example
//
//	main 4711: clone main/1 4712
//	main/1 4711/4712: killed SIGKILL
//
// A task is its path, where known, and its tid, preceded by its thread group where
// that is another. [ParseText] reads it back; the time is not part of it.
func (l Labelled) String() string { return string(l.AppendLine(nil)) }

// AppendLine appends what String gives. A tracer writes one an event.
func (l Labelled) AppendLine(b []byte) []byte {
	if l.Path != "" {
		b = append(append(b, l.Path...), ' ')
	}
	if l.PID != l.TID {
		b = append(appendTID(b, l.PID), '/')
	}
	b = append(appendTID(b, l.TID), ": "...)
	if !l.Kind.IsBirth() {
		return append(b, l.action()...)
	}
	b = append(append(b, l.Kind.String()...), ' ')
	if l.ChildPath != "" {
		b = append(append(b, l.ChildPath...), ' ')
	}
	return appendTID(b, l.Child)
}

func appendTID(b []byte, tid TID) []byte { return strconv.AppendInt(b, int64(tid), 10) }

// String is the event as a line of text without paths, as in [Labelled.String].
func (e Event) String() string { return Labelled{Event: e}.String() }

// action writes what happened that is no birth, without whom it happened to.
func (l Labelled) action() string {
	switch l.Kind {
	case Attach, Ready:
		if l.PC != 0 {
			return l.Kind.String() + " at " + hex(l.PC)
		}
	case Exec:
		if l.Former != 0 && l.Former != l.TID {
			return "exec from " + l.Former.String()
		}
	case Exit:
		if l.Status.Signal() != 0 {
			return "killed " + l.Status.String()
		}
		return "exit " + l.Status.String()
	case End:
		return "end " + l.Status.String()
	case Signal:
		return "signal " + l.Event.Signal.String()
	}
	return l.Kind.String()
}

func hex(pc uint64) string { return "0x" + strconv.FormatUint(pc, 16) }

// ParseText reads what [Labelled.String] writes.
func ParseText(line string) (Labelled, error) {
	whom, what, ok := strings.Cut(line, ": ")
	if !ok {
		return Labelled{}, fmt.Errorf("event %q: no colon between the task and what happened to it", line)
	}
	l, err := parseTask(whom)
	if err == nil {
		err = l.parseAction(strings.Split(what, " "))
	}
	if err != nil {
		return Labelled{}, fmt.Errorf("event %q: %w", line, err)
	}
	return l, nil
}

// ParseTrace reads one event a line; empty lines are passed over.
func ParseTrace(text string) (Trace, error) {
	var trace Trace
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		l, err := ParseText(line)
		if err != nil {
			return nil, err
		}
		trace = append(trace, l.Event)
	}
	return trace, nil
}

func parseTask(whom string) (l Labelled, err error) {
	path, ids, labelled := strings.Cut(whom, " ")
	if !labelled {
		path, ids = "", whom
	} else if l.Path, err = ParsePath(path); err != nil {
		return l, err
	}
	pid, tid, other := strings.Cut(ids, "/")
	if !other {
		tid = pid
	}
	if l.PID, err = parseTID(pid); err == nil {
		l.TID, err = parseTID(tid)
	}
	return l, err
}

func parseTID(s string) (TID, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no tid", s)
	}
	return TID(n), nil
}

func (l *Labelled) parseAction(words []string) (err error) {
	word, args := words[0], words[1:]
	if word == "killed" {
		word = "exit"
	}
	kind, ok := parseKind(word)
	if !ok {
		return fmt.Errorf("%q is no kind of event", words[0])
	}
	l.Kind = kind
	switch {
	case kind.IsBirth() && len(args) == 2:
		if l.ChildPath, err = ParsePath(args[0]); err != nil {
			return err
		}
		l.Child, err = parseTID(args[1])
	case kind.IsBirth() && len(args) == 1:
		l.Child, err = parseTID(args[0])
	case (kind == Attach || kind == Ready) && len(args) == 2 && args[0] == "at":
		l.PC, err = strconv.ParseUint(args[1], 0, 64)
	case kind == Exec && len(args) == 2 && args[0] == "from":
		l.Former, err = parseTID(args[1])
	case (kind == Exit || kind == End) && len(args) == 1:
		l.Status, err = parseStatus(args[0])
	case kind == Signal && len(args) == 1:
		l.Event.Signal, err = ParseSignal(args[0])
	case len(args) > 0 || kind.IsBirth() || kind == Exit || kind == End || kind == Signal:
		return fmt.Errorf("%s does not go with %q", kind, strings.Join(args, " "))
	}
	return err
}

func parseStatus(s string) (Status, error) {
	if s == "?" {
		return Unknown, nil
	}
	if code, err := strconv.Atoi(s); err == nil {
		if code < 0 || code > 255 {
			return 0, fmt.Errorf("%d is no exit code (0 to 255)", code)
		}
		return Exited(code), nil
	}
	sig, err := ParseSignal(s)
	return Killed(sig), err
}

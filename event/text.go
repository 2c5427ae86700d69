package event

import (
	"fmt"
	"strconv"
	"strings"
)

// A Labelled is an event with the birth paths of its tasks. A path is empty where it is unknown.
type Labelled struct {
	Event
	Path      Path // of the task it happened to
	ChildPath Path // Clone, Fork, VFork: of the new task
}

// String writes the event as a line of text without a newline, for example
//
//	main 4711: clone main/1 4712
//	main/1 4711/4712: killed SIGKILL
//
// A task is written as its path, where that is known, and its tid. Where its thread group has
// another id, that comes before the tid. The time is not part of the line. [ParseText] reads it.
func (l Labelled) String() string { return string(l.AppendLine(nil)) }

// AppendLine appends what String returns. It does not allocate for a birth: a tracer writes a line
// for each event.
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

// action writes what happened to the task, for events that are no birth.
func (e Event) action() string {
	switch {
	case (e.Kind == Attach || e.Kind == Ready) && e.PC != 0:
		return e.Kind.String() + " at " + hex(e.PC)
	case e.Kind == Exec && e.Former != 0 && e.Former != e.TID:
		return "exec from " + e.Former.String()
	}
	return Act{Kind: e.Kind, Status: e.Status, Signal: e.Signal}.String()
}

func hex(pc uint64) string { return "0x" + strconv.FormatUint(pc, 16) }

// ParseText reads what [Labelled.String] writes. The error quotes the line.
func ParseText(line string) (Labelled, error) {
	task, action, ok := strings.Cut(line, ": ")
	if !ok {
		return Labelled{}, fmt.Errorf("event %q: no colon after the task", line)
	}
	l, err := parseTask(task)
	if err == nil {
		err = l.parseAction(action)
	}
	if err != nil {
		return Labelled{}, fmt.Errorf("event %q: %w", line, err)
	}
	return l, nil
}

// ParseTrace reads one event a line, as [ParseText] does, and drops the paths. Empty lines are
// ignored.
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

func parseTask(task string) (l Labelled, err error) {
	path, ids, hasPath := strings.Cut(task, " ")
	if !hasPath {
		ids = task
	} else if l.Path, err = ParsePath(path); err != nil {
		return l, err
	}
	pid, tid, differ := strings.Cut(ids, "/")
	if !differ {
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

func (l *Labelled) parseAction(action string) (err error) {
	words := strings.Split(action, " ")
	kind, _ := parseKind(words[0])
	l.Kind = kind
	switch last := words[len(words)-1]; {
	case kind.IsBirth() && len(words) == 3:
		if l.ChildPath, err = ParsePath(words[1]); err != nil {
			return err
		}
		fallthrough
	case kind.IsBirth() && len(words) == 2:
		l.Child, err = parseTID(last)
	case kind.IsBirth():
		err = fmt.Errorf("%s takes the new task's path, where known, and its tid", kind)
	case (kind == Attach || kind == Ready) && len(words) == 3 && words[1] == "at":
		l.PC, err = strconv.ParseUint(last, 0, 64)
	case (kind == Attach || kind == Ready) && len(words) == 1:
	case kind == Exec && len(words) == 3 && words[1] == "from":
		l.Former, err = parseTID(last)
	default:
		var a Act
		a, err = parseAct(action)
		l.Kind, l.Status, l.Event.Signal = a.Kind, a.Status, a.Signal
	}
	return err
}

package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// jsonEvent is an event as JSON, one line of `tidcheck trace --json`. A number that is absent is
// zero. The status is absent where it is unknown or a signal.
type jsonEvent struct {
	Kind      string    `json:"kind"`
	PID       TID       `json:"pid"`
	TID       TID       `json:"tid"`
	Child     TID       `json:"child"`
	Former    TID       `json:"former"`
	Status    *int      `json:"status"`
	Signal    string    `json:"signal"`
	PC        string    `json:"pc"`
	Path      Path      `json:"path"`
	ChildPath Path      `json:"child_path"`
	Time      time.Time `json:"time"`
}

// AppendJSON appends the event as one JSON object, without a newline. It does not use reflection: a
// tracer writes an object for each event.
func (l Labelled) AppendJSON(b []byte) []byte {
	b = append(b, `{"kind":"`...)
	b = append(b, l.Kind.String()...)
	b = append(b, '"')
	number := func(name string, v TID) {
		if v != 0 {
			b = append(b, name...)
			b = strconv.AppendInt(b, int64(v), 10)
		}
	}
	word := func(name, v string) {
		if v != "" {
			b = append(b, name...)
			b = strconv.AppendQuote(b, v)
		}
	}
	number(`,"pid":`, l.PID)
	number(`,"tid":`, l.TID)
	number(`,"child":`, l.Child)
	number(`,"former":`, l.Former)
	switch isEnd := l.Kind.isEnd(); {
	case l.Kind == Signal:
		word(`,"signal":`, l.Event.Signal.String())
	case isEnd && l.Status.Signal() != 0:
		word(`,"signal":`, l.Status.String())
	case isEnd && l.Status != Unknown:
		b = append(b, `,"status":`...)
		b = strconv.AppendInt(b, int64(l.Status.Code()), 10)
	}
	if l.PC != 0 {
		word(`,"pc":`, hex(l.PC))
	}
	word(`,"path":`, string(l.Path))
	word(`,"child_path":`, string(l.ChildPath))
	if !l.Time.IsZero() {
		b = append(b, `,"time":"`...)
		b = l.Time.AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	return append(b, '}')
}

// MarshalJSON writes the event as [Labelled.AppendJSON] does.
func (l Labelled) MarshalJSON() ([]byte, error) { return l.AppendJSON(nil), nil }

// UnmarshalJSON reads the event as [ParseJSON] does.
func (l *Labelled) UnmarshalJSON(line []byte) (err error) {
	*l, err = ParseJSON(line)
	return err
}

// MarshalText writes the status as String does.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Status) UnmarshalText(text []byte) (err error) {
	*s, err = parseStatus(string(text))
	return err
}

// ParseJSON reads one JSON object as an event. Names that it does not know are ignored. It does not
// ask whether the event is possible: an error means that a value is malformed, such as a kind, a
// signal's name, an exit code, a path or an address.
func ParseJSON(line []byte) (l Labelled, err error) {
	var j jsonEvent
	var kind Kind
	if err = json.Unmarshal(line, &j); err == nil {
		kind, err = parseKind(j.Kind)
	}
	if err != nil {
		return l, fmt.Errorf("event: %w", err)
	}
	l = Labelled{
		Event: Event{
			Kind: kind, PID: j.PID, TID: j.TID, Child: j.Child, Former: j.Former, Time: j.Time,
		},
		Path: j.Path, ChildPath: j.ChildPath,
	}
	err = l.setOutcome(j)
	for _, p := range []Path{l.Path, l.ChildPath} {
		if err == nil && p != "" {
			_, err = ParsePath(string(p))
		}
	}
	if err == nil && j.PC != "" {
		if l.PC, err = strconv.ParseUint(j.PC, 0, 64); err != nil {
			err = fmt.Errorf("pc %q is no address", j.PC)
		}
	}
	if err != nil {
		return Labelled{}, fmt.Errorf("%s event: %w", kind, err)
	}
	return l, nil
}

// setOutcome reads the status and the signal, whose meaning depends on the kind.
func (l *Labelled) setOutcome(j jsonEvent) (err error) {
	var sig Signo
	if j.Signal != "" {
		if sig, err = ParseSignal(j.Signal); err != nil {
			return err
		}
	}
	switch isEnd := l.Kind.isEnd(); {
	case l.Kind == Signal && sig == 0:
		return errors.New("it names no signal")
	case l.Kind == Signal:
		l.Event.Signal = sig
	case isEnd && sig != 0:
		l.Status = Killed(sig)
	case isEnd && j.Status == nil:
		l.Status = Unknown
	case isEnd:
		l.Status, err = exitCode(*j.Status)
	}
	return err
}

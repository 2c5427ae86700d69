package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// jsonEvent is an event's line in JSON, a line of `tidcheck trace --json`. Absent
// numbers are zero; a status is absent where it is unknown or a signal.
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

// AppendJSON appends the event as one JSON object, without a line's end.
// It is written by hand because a tracer writes one an event.
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
	if l.Kind == Exit || l.Kind == End {
		if sig := l.Status.Signal(); sig != 0 {
			word(`,"signal":`, sig.String())
		} else if l.Status != Unknown {
			b = append(b, `,"status":`...)
			b = strconv.AppendInt(b, int64(l.Status.Code()), 10)
		}
	}
	if l.Kind == Signal {
		word(`,"signal":`, l.Event.Signal.String())
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

// ParseJSON reads one JSON object as an event. What the event claims is kept
// as it is: only a form that has no meaning is an error.
func ParseJSON(line []byte) (Labelled, error) {
	var j jsonEvent
	if err := json.Unmarshal(line, &j); err != nil {
		return Labelled{}, fmt.Errorf("event: %w", err)
	}
	kind, ok := parseKind(j.Kind)
	if !ok {
		return Labelled{}, fmt.Errorf("event: %q is no kind of event", j.Kind)
	}
	l := Labelled{
		Event: Event{Kind: kind, PID: j.PID, TID: j.TID, Child: j.Child, Former: j.Former, Time: j.Time},
		Path:  j.Path, ChildPath: j.ChildPath,
	}
	if err := l.ended(j); err != nil {
		return Labelled{}, fmt.Errorf("%s event: %w", kind, err)
	}
	for _, p := range []Path{l.Path, l.ChildPath} {
		if _, err := ParsePath(string(p)); p != "" && err != nil {
			return Labelled{}, fmt.Errorf("%s event: %w", kind, err)
		}
	}
	if j.PC != "" {
		pc, err := strconv.ParseUint(j.PC, 0, 64)
		if err != nil {
			return Labelled{}, fmt.Errorf("%s event: pc %q is no address", kind, j.PC)
		}
		l.PC = pc
	}
	return l, nil
}

// ended reads the status and the signal, whose meaning depends on the kind.
func (l *Labelled) ended(j jsonEvent) error {
	var sig Signo
	if j.Signal != "" {
		var err error
		if sig, err = ParseSignal(j.Signal); err != nil {
			return err
		}
	}
	isEnd := l.Kind == Exit || l.Kind == End
	switch {
	case l.Kind == Signal && sig == 0:
		return fmt.Errorf("it names no signal")
	case l.Kind == Signal:
		l.Event.Signal = sig
	case isEnd && sig != 0:
		l.Status = Killed(sig)
	case isEnd && j.Status == nil:
		l.Status = Unknown
	case isEnd && (*j.Status < 0 || *j.Status > 255):
		return fmt.Errorf("%d is no exit code (0 to 255)", *j.Status)
	case isEnd:
		l.Status = Exited(*j.Status)
	}
	return nil
}

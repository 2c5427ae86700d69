package judge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// Encode writes the evidence as JSON, which Decode reads.
func (e *Evidence) Encode(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(e)
}

// Decode reads evidence as Encode wrote it. The error says what has no meaning there.
func Decode(r io.Reader) (*Evidence, error) {
	var head struct {
		Form int `json:"form"`
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("it is no evidence: %w", err)
	}
	if head.Form != FormVersion {
		return nil, fmt.Errorf("its form is %d, and this tidcheck reads form %d", head.Form,
			FormVersion)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	e := &Evidence{}
	if err := decoder.Decode(e); err != nil {
		return nil, err
	}
	return e, e.check()
}

// check refuses states that have no meaning.
func (e *Evidence) check() error {
	errs := []error{
		known("mode", e.Mode, fixtures.Modes...),
		known("progress", e.Progress.State, Done, TimedOut, Failed, NotSupplied, Lacking, OurFault),
		known("party", e.Progress.By, "", ByDebugger, ByProgram),
		known("end", e.End.State, NoSession, Ended, EndFailed, Unending),
		known("attach", e.Attach.State, NotAsked, Asked, Complete, Refused),
		known("detach", e.Detach.State, NotAsked, Asked, Complete),
		known("program", e.Program.State, NotBegun, Begun, Over),
		known("account", e.Account.Source, NoAccount, Perf, Connector,
			PerfAndConnector),
	}
	for _, r := range e.Rounds {
		errs = append(errs, known("end of a round", r.End.State, Ended, EndFailed, Unending))
	}
	for i, a := range e.Ledger {
		errs = append(errs, known("slot", a.State, Claimed, Born, Executed, Host))
		if a.Creator < UnknownCreator || a.Creator >= len(e.Ledger) {
			errs = append(errs, fmt.Errorf("slot %d: there is no slot %d", i, a.Creator))
		}
	}
	looks := slices.Clone(e.Looks)
	for _, s := range e.Standstills {
		errs = append(errs, known("during", s.During.State, NotAsked, Asked, Complete))
		looks = append(looks, s.Stood, s.After, s.Left)
	}
	for _, l := range looks {
		errs = append(errs,
			known("look", l.When,
				BeforeAttach, AtKill, BeforeDetach, AfterDetach, AtOverdue, AtStop,
				AfterList, AfterResume))
		for _, t := range l.Tasks {
			errs = append(errs, known("motion", t.Motion, SeenOnce, Still, Moved, Starved))
		}
	}
	return errors.Join(errs...)
}

// known refuses a state that is none of those that a field may have.
func known[T ~string](field string, state T, states ...T) error {
	if slices.Contains(states, state) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %q", field, state, states)
}

// A stampedEvent is an event with the time of a clock that is not its observer's.
type stampedEvent struct {
	At    time.Duration  `json:"at"`
	Event event.Labelled `json:"event"`
}

// MarshalJSON writes the time and the event.
func (r Record) MarshalJSON() ([]byte, error) {
	return json.Marshal(stampedEvent{r.At, event.Labelled{Event: r.Event}})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Record) UnmarshalJSON(text []byte) error {
	var s stampedEvent
	err := json.Unmarshal(text, &s)
	r.Event, r.At = s.Event.Event, s.At
	return err
}

// Words are what a debugger told, in its order. In JSON those of one line stand together.
type Words []Word

// Trace is what was told without lines and times.
func (w Words) Trace() event.Trace {
	trace := make(event.Trace, len(w))
	for i, word := range w {
		trace[i] = word.Event
	}
	return trace
}

type spokenLine struct {
	At     time.Duration    `json:"at"`
	Line   string           `json:"line"`
	Events []event.Labelled `json:"events"`
}

// MarshalJSON writes an object a line.
func (w Words) MarshalJSON() ([]byte, error) {
	lines := []spokenLine{}
	for _, word := range w {
		last := len(lines) - 1
		if last < 0 || lines[last].At != word.At || lines[last].Line != word.Line {
			lines, last = append(lines, spokenLine{At: word.At, Line: word.Line}), last+1
		}
		lines[last].Events = append(lines[last].Events, event.Labelled{Event: word.Event})
	}
	return json.Marshal(lines)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (w *Words) UnmarshalJSON(text []byte) error {
	var lines []spokenLine
	err := json.Unmarshal(text, &lines)
	*w = nil
	for _, l := range lines {
		for _, e := range l.Events {
			*w = append(*w, Word{e.Event, l.At, l.Line})
		}
	}
	return err
}

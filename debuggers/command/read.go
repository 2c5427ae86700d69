package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
)

// A hello is the line by which a debugger says what it offers.
type hello struct {
	Version  string          `json:"version"`
	Fields   judge.Abilities `json:"fields"`
	Requests []string        `json:"requests"`
}

// requests are those that a debugger may say it takes.
var requests = []string{"stop", "resume", "threads", "detach", "step"}

// check refuses words that the suite does not know: a typing error would pass for something that is
// not offered.
func (h hello) check() error {
	for _, f := range h.Fields {
		if !judge.AllFields.Has(f) {
			return fmt.Errorf("hello: %q is no field (they are %s)", f, judge.AllFields)
		}
	}
	for _, r := range h.Requests {
		if !slices.Contains(requests, r) {
			return fmt.Errorf("hello: %q is no request (they are %s)", r, requests)
		}
	}
	if slices.Contains(h.Requests, "stop") && !slices.Contains(h.Requests, "resume") {
		return errors.New("hello: a debugger that takes the request stop takes resume too")
	}
	return nil
}

// A reply is the line by which a debugger answers a request.
type reply struct {
	ID      int         `json:"id"`
	Error   string      `json:"error"`
	Threads []event.TID `json:"threads"`
}

// kindOf is the kind of a line, which is an object.
func kindOf(line []byte) (string, error) {
	var object struct {
		Kind string `json:"kind"`
	}
	err := json.Unmarshal(line, &object)
	return object.Kind, err
}

// IsTalk tells whether a line is no event of the program, but a debugger's hello or its reply to a
// request.
func IsTalk(line []byte) bool {
	kind, err := kindOf(line)
	return err == nil && (kind == "hello" || kind == "reply")
}

// take reads one line of the debugger's output.
func (s *session) take(line []byte) error {
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
		return nil
	}
	kind, err := kindOf(line)
	if err != nil {
		return err
	}
	s.Lock()
	defer s.Unlock()
	switch kind {
	case "hello":
		s.hello = hello{Fields: slices.Clone(judge.AllFields)}
		if err := json.Unmarshal(line, &s.hello); err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		return s.hello.check()
	case "reply":
		var r reply
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
		if !s.requests.Answer(r.ID, r) {
			return fmt.Errorf("reply: request %d was not asked", r.ID)
		}
		return nil
	}
	l, err := event.ParseJSON(line)
	if err != nil {
		return err
	}
	s.Hear(line)
	s.Add(l.Event)
	s.ready = s.ready || l.Kind == event.Ready
	return nil
}

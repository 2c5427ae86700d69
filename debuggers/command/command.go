// Package command plugs in any debugger that prints JSON lines: what `tidcheck trace --json`
// prints is read here. The debugger is started as
//
//	CMD launch -- PROGRAM ARG…
//	CMD attach PID
//
// and says by a "ready" line that the program stands at its start, or that all its tasks are
// attached to. Without a "hello" line it is taken to offer all fields and no requests.
// With one it takes requests on standard input, an object a line. Lines that are no
// JSON objects are passed over; an object that has no meaning is the debugger's failure.
package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is a command that speaks JSON lines.
type Debugger struct {
	Called string   // its name in results; "command" if empty
	Argv   []string // the command and its first arguments
}

// Name is what it is called.
func (d Debugger) Name() string {
	if d.Called == "" {
		return "command"
	}
	return d.Called
}

// Version is unknown: a session's hello may tell it.
func (d Debugger) Version(context.Context) (string, error) {
	if len(d.Argv) == 0 {
		return "", errors.New("the command is empty")
	}
	_, err := exec.LookPath(d.Argv[0])
	return "unknown", err
}

// Start starts the command and waits until it is ready.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	argv := slices.Concat(d.Argv, []string{"launch", "--"}, target.Argv)
	if target.PID != 0 {
		argv = slices.Concat(d.Argv, []string{"attach", strconv.Itoa(target.PID)})
	}
	s := &session{fields: harness.AllFields, ready: make(chan struct{}), replies: make(map[int]chan reply)}
	tool, err := harness.StartLineTool(target, harness.Spec{Argv: argv}, s.take)
	if err != nil {
		return nil, err
	}
	s.Tool = tool
	return s, s.Await(ctx, s.ready)
}

type session struct {
	harness.Log
	*harness.Tool
	ready chan struct{}

	mu       sync.Mutex
	isReady  bool
	version  string
	fields   harness.Abilities
	requests []string
	asked    int
	replies  map[int]chan reply
}

// A hello is the line by which a debugger says what it offers.
type hello struct {
	Version  string            `json:"version"`
	Fields   harness.Abilities `json:"fields"`
	Requests []string          `json:"requests"`
}

// check refuses words that the suite does not know: a slip would pass for something not offered.
func (h hello) check() error {
	for _, f := range h.Fields {
		if !harness.AllFields.Has(f) {
			return fmt.Errorf("hello: %q is no field (they are %s)", f, harness.AllFields)
		}
	}
	for _, r := range h.Requests {
		if !slices.Contains(requests, r) {
			return fmt.Errorf("hello: %q is no request (they are %s)", r, requests)
		}
	}
	if slices.Contains(h.Requests, "stop") && !slices.Contains(h.Requests, "resume") {
		return errors.New("hello: who takes the request stop takes resume too")
	}
	return nil
}

// requests are those that a debugger may say it takes.
var requests = []string{"stop", "resume", "threads", "detach", "step"}

// A request is a line on the debugger's standard input.
type request struct {
	ID      int       `json:"id"`
	Request string    `json:"request"`
	Thread  event.TID `json:"thread,omitempty"` // of a step
}

type reply struct {
	ID      int         `json:"id"`
	Error   string      `json:"error"`
	Threads []event.TID `json:"threads"`
}

// take reads one line of the debugger's output.
func (s *session) take(line []byte) error {
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
		return nil
	}
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind.Kind {
	case "hello":
		h := hello{Fields: slices.Clone(harness.AllFields)}
		if err := json.Unmarshal(line, &h); err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		s.version, s.fields, s.requests = h.Version, h.Fields, h.Requests
		return h.check()
	case "reply":
		return s.takeReply(line)
	}
	l, err := event.ParseJSON(line)
	if err != nil {
		return err
	}
	s.Add(l.Event)
	if l.Kind == event.Ready && !s.isReady {
		s.isReady = true
		close(s.ready)
	}
	return nil
}

// IsTalk tells whether a line is no event of the program, but a debugger's hello or its reply to a request.
func IsTalk(line []byte) bool {
	var talk struct {
		Kind string `json:"kind"`
	}
	return json.Unmarshal(line, &talk) == nil && (talk.Kind == "hello" || talk.Kind == "reply")
}

func (s *session) takeReply(line []byte) error {
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	waiting, ok := s.replies[r.ID]
	if !ok {
		return fmt.Errorf("reply: nobody asked request %d", r.ID)
	}
	delete(s.replies, r.ID)
	waiting <- r
	return nil
}

// Version is the hello's; empty without one.
func (s *session) Version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// Can are the fields that the debugger offers. It can always be told to let go.
func (s *session) Can() harness.Abilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	can := append(slices.Clone(s.fields), harness.Detach)
	for _, a := range []harness.Ability{harness.Stop, harness.Threads, harness.Step} {
		if slices.Contains(s.requests, string(a)) {
			can = append(can, a)
		}
	}
	return can
}

// Resume asks for it; a debugger that takes no requests goes on by itself.
func (s *session) Resume(ctx context.Context) error {
	if !s.takes("resume") {
		return nil
	}
	_, err := s.ask(ctx, "resume")
	return err
}

// Stop asks for it.
func (s *session) Stop(ctx context.Context) error {
	if !s.takes("stop") {
		return fmt.Errorf("stop: %w", errors.ErrUnsupported)
	}
	_, err := s.ask(ctx, "stop")
	return err
}

// Threads asks for them.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	if !s.takes("threads") {
		return nil, fmt.Errorf("threads: %w", errors.ErrUnsupported)
	}
	r, err := s.ask(ctx, "threads")
	return r.Threads, err
}

// Step asks for it, of one thread.
func (s *session) Step(ctx context.Context, tid event.TID) error {
	_, err := s.send(ctx, request{Request: "step", Thread: tid})
	return err
}

// Detach asks for it, and else tells the debugger to end.
func (s *session) Detach(ctx context.Context) error {
	if s.takes("detach") {
		_, err := s.ask(ctx, "detach")
		return err
	}
	return s.Interrupt(ctx, syscall.SIGTERM)
}

func (s *session) takes(request string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.requests, request)
}

// ask sends a request of one word.
func (s *session) ask(ctx context.Context, word string) (reply, error) {
	return s.send(ctx, request{Request: word})
}

// send sends a request and waits for its reply.
func (s *session) send(ctx context.Context, r request) (reply, error) {
	answer := make(chan reply, 1)
	s.mu.Lock()
	s.asked++
	r.ID = s.asked
	s.replies[r.ID] = answer
	s.mu.Unlock()
	failed := func(err error) error { return fmt.Errorf("request %s: %w", r.Request, err) }
	line, err := json.Marshal(r)
	if err == nil {
		_, err = s.Write(append(line, '\n'))
	}
	if err != nil {
		return reply{}, failed(harness.Unheard(ctx, err, s.Over(), s.Ended))
	}
	select {
	case got := <-answer:
		if got.Error != "" {
			return got, failed(errors.New(got.Error))
		}
		return got, nil
	case <-s.Over():
		return reply{}, failed(s.Ended(ctx))
	case <-ctx.Done():
		return reply{}, failed(context.Cause(ctx))
	}
}

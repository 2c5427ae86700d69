package dap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// A state is what an adapter's events have told so far.
type state struct {
	initialized bool
	begun       bool // the program was told to go on for the first time
	standing    bool
	wanted      bool // a stop was asked for, or was to come by itself
	over        bool // the program
	pid         int
	thread      int  // the one that the last stop named
	continued   bool // since it was told to go on
	left        bool // the adapter has disconnected
}

// read reads what the adapter says. One that has disconnected may end in the middle of a word: lldb-dap 19 does.
func (s *session) read(out io.Reader) error {
	err := eachMessage(out, s.take)
	if errors.Is(err, errCut) && s.now().left {
		return nil
	}
	return err
}

// take takes one message of the adapter.
func (s *session) take(m dap.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	switch m := m.(type) {
	case dap.ResponseMessage:
		return s.answered(m)
	case dap.EventMessage:
		return s.hear(m)
	}
	return nil
}

// answered notes an answer. An adapter may number none of its own messages, but says which request it answers.
func (s *session) answered(m dap.ResponseMessage) error {
	r := m.GetResponse()
	if !slices.Contains(s.pending, r.RequestSeq) {
		return fmt.Errorf("an answer to request %d, which has none to come", r.RequestSeq)
	}
	s.pending = slices.DeleteFunc(s.pending, func(p int) bool { return p == r.RequestSeq })
	s.answers[r.RequestSeq] = m
	s.state.left = s.state.left || r.Command == "disconnect" && r.Success
	return nil
}

// hear notes what an event tells.
func (s *session) hear(m dap.EventMessage) error {
	pid := event.TID(s.state.pid)
	switch m := m.(type) {
	case *dap.InitializedEvent:
		s.state.initialized = true
	case *dap.ProcessEvent:
		if m.Body.SystemProcessId != 0 {
			s.state.pid = m.Body.SystemProcessId
		}
	case *dap.StoppedEvent:
		if !m.Body.PreserveFocusHint { // else one more thread of the same stop
			return s.stopped(m.Body.ThreadId)
		}
	case *dap.ContinuedEvent:
		s.state.continued = true
	case *dap.ThreadEvent:
		s.thread(m.Body)
	case *dap.ExitedEvent:
		s.state.over = true
		s.Add(event.Event{Kind: event.End, PID: pid, TID: pid, Status: event.Exited(m.Body.ExitCode)})
	case *dap.TerminatedEvent:
		s.state.over = true
	}
	return nil
}

// maxPending is how many requests may be without an answer when one more is to be sent from a stop: stops that come
// without end would fill the memory with them.
const maxPending = 1000

// stopped notes a stop. From one that nobody asked for the program goes on, as by its user's hand.
func (s *session) stopped(thread int) error {
	if thread != 0 {
		s.state.thread = thread
	}
	switch {
	case !s.state.begun || s.state.wanted:
		s.state.standing = true
	case len(s.pending) >= maxPending:
		return fmt.Errorf("it has %d requests to answer, and stops again", maxPending)
	default:
		return s.post(s.proceed()) // its answer comes in its time
	}
	return nil
}

// proceed is the request by which all threads go on.
func (s *session) proceed() *dap.ContinueRequest {
	return &dap.ContinueRequest{Request: request("continue"), Arguments: dap.ContinueArguments{ThreadId: s.state.thread}}
}

// thread notes what is said of a thread. One that the adapter calls by a number of its own cannot be told by that.
func (s *session) thread(body dap.ThreadEventBody) {
	if s.debugger.TIDs != "" {
		return
	}
	pid, tid := event.TID(s.state.pid), event.TID(body.ThreadId)
	switch {
	case body.Reason == "exited":
		s.Add(event.Event{Kind: event.Exit, PID: pid, TID: tid, Status: event.Unknown})
	case body.Reason != "started":
	case s.state.begun:
		s.Add(event.Event{Kind: event.Clone, PID: pid, Child: tid})
	case !s.launched:
		s.Add(event.Event{Kind: event.Attach, PID: pid, TID: tid})
	}
}

// now is the state at this moment.
func (s *session) now() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// change changes the state.
func (s *session) change(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.state)
}

// await waits until something holds, which is asked under the lock after each message.
func (s *session) await(ctx context.Context, holds func() bool) error {
	look := func() (bool, <-chan struct{}) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return holds(), s.changed
	}
	for {
		done, changed := look()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-s.Over():
			if done, _ := look(); done {
				return nil
			}
			return s.Ended(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// send numbers a request and has it written.
func (s *session) send(r dap.RequestMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.post(r)
}

// post puts a request, under the lock, behind those that are still to be written.
func (s *session) post(r dap.RequestMessage) error {
	s.asked++
	r.GetRequest().Seq = s.asked
	var whole bytes.Buffer
	if err := dap.WriteProtocolMessage(&whole, r); err != nil {
		return fmt.Errorf("request %s: %w", r.GetRequest().Command, err)
	}
	s.pending = append(s.pending, s.asked)
	s.unwritten = append(s.unwritten, letter{s.asked, whole.Bytes()})
	select {
	case s.posted <- struct{}{}:
	default: // the writer has one to come for already
	}
	return nil
}

// A letter is a request to be written.
type letter struct {
	request int // its number
	text    []byte
}

// deliver writes what is posted, in its order. It is not for who reads the adapter's words to wait until that reads ours.
func (s *session) deliver() {
	for {
		select {
		case <-s.posted:
		case <-s.Over():
			return
		}
		s.mu.Lock()
		letters := s.unwritten
		s.unwritten = nil
		s.mu.Unlock()
		for _, l := range letters {
			if _, err := s.Tool.Write(l.text); err != nil {
				s.mu.Lock()
				s.deaf, s.unheard = fmt.Errorf("it takes no more requests: %w", err), l.request
				s.wake()
				s.mu.Unlock()
				return
			}
		}
	}
}

// wake has all who await something look again, under the lock.
func (s *session) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// answer waits for the answer to a request that was sent.
func (s *session) answer(ctx context.Context, r dap.RequestMessage) (answer dap.ResponseMessage, err error) {
	var deaf error
	err = s.await(ctx, func() bool {
		answer = s.answers[r.GetSeq()]
		delete(s.answers, r.GetSeq())
		if r.GetSeq() >= s.unheard {
			deaf = s.deaf
		}
		return answer != nil || deaf != nil
	})
	if err == nil && answer == nil {
		err = harness.Unheard(ctx, deaf, s.Over(), s.Ended)
	}
	if refusal, ok := answer.(*dap.ErrorResponse); ok && err == nil {
		err = failure(refusal)
	}
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", r.GetRequest().Command, err)
	}
	return answer, nil
}

// ask sends a request and waits for its answer.
func (s *session) ask(ctx context.Context, r dap.RequestMessage) (dap.ResponseMessage, error) {
	if err := s.send(r); err != nil {
		return nil, err
	}
	return s.answer(ctx, r)
}

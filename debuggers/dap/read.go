package dap

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/event"
)

// A state is what an adapter's messages have told so far.
type state struct {
	initialized bool
	refused     bool // a request
	begun       bool // the program was told to go on for the first time
	stands      bool
	wanted      bool // a stop was asked for
	over        bool // the program
	pid         event.TID
	thread      int  // the one that the last stop named
	continued   bool // since it was told to go on
	left        bool // the adapter has disconnected

	breakpoint breakpoint

	halted halted
	alone  bool         // the last answer to continue was that one thread alone goes on
	ended  map[int]bool // threads that were said to have ended since the program went on
}

// A breakpoint is what an adapter has said of the one that it was to set.
type breakpoint struct {
	verified bool   // at some time: a program that executes another one may have lost it since
	message  string // why it was not, the last time
}

func (b *breakpoint) heard(said dap.Breakpoint) {
	b.verified = b.verified || said.Verified
	b.message = said.Message
}

// now is the state at this moment.
func (s *session) now() state {
	s.Lock()
	defer s.Unlock()
	return s.state
}

// read reads what the adapter says. After a disconnect it may end in the middle of a message:
// lldb-dap 19 does.
func (s *session) read(out io.Reader) error {
	err := eachMessage(out, s.take)
	if errors.Is(err, errCut) && s.now().left {
		return nil
	}
	return err
}

// take takes one message of the adapter.
func (s *session) take(content []byte, m dap.Message) error {
	s.Hear(content)
	s.Lock()
	defer s.Unlock()
	switch m := m.(type) {
	case *dap.ContinueResponse:
		s.alone = isAlone(content)
		return s.answered(m)
	case dap.ResponseMessage:
		return s.answered(m)
	case dap.EventMessage:
		return s.hear(m)
	}
	return nil
}

// answered notes an answer. An adapter may give its own messages no numbers, but says which
// request it answers.
func (s *session) answered(m dap.ResponseMessage) error {
	r := m.GetResponse()
	s.refused = s.refused || !r.Success
	s.left = s.left || r.Command == "disconnect" && r.Success
	if !s.requests.Answer(r.RequestSeq, m) {
		return fmt.Errorf("an answer to request %d, which has none to come", r.RequestSeq)
	}
	return nil
}

// hear notes what an event tells.
func (s *session) hear(m dap.EventMessage) error {
	switch m := m.(type) {
	case *dap.InitializedEvent:
		s.initialized = true
	case *dap.ProcessEvent:
		if m.Body.SystemProcessId != 0 {
			s.pid = event.TID(m.Body.SystemProcessId)
		}
	case *dap.StoppedEvent:
		if !m.Body.PreserveFocusHint {
			return s.stopped(m.Body.ThreadId, m.Body.AllThreadsStopped)
		}
		s.halted.stop(m.Body.ThreadId, m.Body.AllThreadsStopped) // one more of the same stop
	case *dap.ContinuedEvent:
		s.continued = true
	case *dap.ThreadEvent:
		s.announced(m.Body)
	case *dap.BreakpointEvent:
		s.breakpoint.heard(m.Body.Breakpoint) // there is one alone
	case *dap.ExitedEvent:
		s.over = true
		status := event.Exited(m.Body.ExitCode)
		s.Add(event.Event{Kind: event.End, PID: s.pid, TID: s.pid, Status: status})
	case *dap.TerminatedEvent:
		s.over = true
	}
	return nil
}

// maxOpen is how many requests may have no answer when one more is to be sent from a stop. Stops
// without end would fill the memory with them.
const maxOpen = 1000

// stopped notes a stop. From one that no request caused the program goes on, as if by its user's
// hand.
func (s *session) stopped(thread int, all bool) error {
	if thread != 0 {
		s.thread = thread
	}
	switch {
	case !s.begun || s.wanted:
		s.stands = true
		s.halted.stop(thread, all)
		return nil
	case s.requests.Open() >= maxOpen:
		return fmt.Errorf("it has %d requests to answer, and stops again", maxOpen)
	}
	_, err := s.post(s.proceed()) // its answer is not waited for
	return err
}

// proceed is the request by which all threads go on.
func (s *session) proceed() *dap.ContinueRequest {
	return &dap.ContinueRequest{
		Request: request("continue"), Arguments: dap.ContinueArguments{ThreadId: s.thread},
	}
}

// announced notes what is said of a thread. A number of the adapter's own cannot be reported.
func (s *session) announced(body dap.ThreadEventBody) {
	if body.Reason == "exited" && s.ended != nil {
		s.ended[body.ThreadId] = true
	}
	if s.debugger.TIDs != "" {
		return
	}
	tid := event.TID(body.ThreadId)
	switch {
	case body.Reason == "exited":
		s.Add(event.Event{Kind: event.Exit, PID: s.pid, TID: tid, Status: event.Unknown})
	case body.Reason != "started":
	case s.begun:
		s.Add(event.Event{Kind: event.Clone, PID: s.pid, Child: tid})
	case !s.launched:
		s.Add(event.Event{Kind: event.Attach, PID: s.pid, TID: tid})
	}
}

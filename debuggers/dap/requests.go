package dap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/harness"
)

func request(command string) dap.Request {
	return dap.Request{
		ProtocolMessage: dap.ProtocolMessage{Type: "request"}, Command: command,
	}
}

func (d Debugger) initialize() dap.RequestMessage {
	return &dap.InitializeRequest{
		Request: request("initialize"),
		Arguments: dap.InitializeRequestArguments{
			ClientID: "tidcheck", AdapterID: d.Name(), PathFormat: "path",
			LinesStartAt1: true, ColumnsStartAt1: true,
		},
	}
}

// evaluate has an expression evaluated, in a frame unless that is zero.
func evaluate(expression string, frame int) dap.RequestMessage {
	return &dap.EvaluateRequest{
		Request: request("evaluate"),
		Arguments: dap.EvaluateArguments{
			Expression: expression, FrameId: frame, Context: "repl",
		},
	}
}

// opening is the request that begins the debugging of a target. Adapters do not agree on the names
// of what it is about: to debugpy and cdt-gdb-adapter the process is processId, and to the latter
// a program's arguments are one string.
func (d Debugger) opening(target harness.Target) (dap.RequestMessage, error) {
	arguments := map[string]any{"stopOnEntry": true}
	if target.PID != 0 {
		arguments["pid"], arguments["processId"] = target.PID, target.PID
		maps.Copy(arguments, d.Attach)
	} else {
		arguments["program"], arguments["args"] = target.Argv[0], target.Argv[1:]
		arguments["arguments"] = strings.Join(target.Argv[1:], " ")
		maps.Copy(arguments, d.Launch)
	}
	text, err := json.Marshal(arguments)
	if target.PID != 0 {
		return &dap.AttachRequest{Request: request("attach"), Arguments: text}, err
	}
	return &dap.LaunchRequest{Request: request("launch"), Arguments: text}, err
}

// A disconnect says in words that the program is not to be ended. Without that, an adapter ends
// what it launched.
type disconnect struct {
	dap.Request
	Arguments struct {
		TerminateDebuggee bool `json:"terminateDebuggee"`
	} `json:"arguments"`
}

// An untaken request has this for its answer.
type untaken struct {
	dap.ResponseMessage
	failed error // of the write
}

// A letter is a request that is to be written.
type letter struct {
	*adapter.Request[dap.ResponseMessage]
	text []byte
}

// send numbers a request and has it written.
func (s *session) send(r dap.RequestMessage) (letter, error) {
	s.Lock()
	defer s.Unlock()
	return s.post(r)
}

// post puts a request behind those that are still to be written; the lock is held.
func (s *session) post(r dap.RequestMessage) (letter, error) {
	l := letter{Request: s.requests.New()}
	r.GetRequest().Seq = l.Number
	var whole bytes.Buffer
	if err := dap.WriteProtocolMessage(&whole, r); err != nil {
		return l, fmt.Errorf("request %s: %w", r.GetRequest().Command, err)
	}
	l.text = whole.Bytes()
	s.unwritten = append(s.unwritten, l)
	return l, nil
}

// deliver writes what is posted, in its order. The reader of the adapter's words does not write
// itself: it would wait for an adapter that waits until its own words are read.
func (s *session) deliver() {
	ctx := context.Background()
	var deaf error
	for s.Await(ctx, s.Tool, func() bool { return len(s.unwritten) > 0 }) == nil {
		s.Lock()
		letters := s.unwritten
		s.unwritten = nil
		s.Unlock()
		for _, l := range letters {
			if deaf == nil {
				_, deaf = s.Tool.Write(l.text)
			}
			if deaf != nil {
				failed := fmt.Errorf("it takes no more requests: %w", deaf)
				s.requests.Answer(l.Number, untaken{failed: failed})
			}
		}
	}
}

// answer waits for the answer to a request that was sent.
func (s *session) answer(
	ctx context.Context, r dap.RequestMessage, sent letter,
) (dap.ResponseMessage, error) {
	answer, err := sent.Await(ctx, s.Tool)
	switch answer := answer.(type) {
	case untaken:
		err = adapter.Unheard(ctx, answer.failed, s.Tool)
	case *dap.ErrorResponse:
		err = failure(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", r.GetRequest().Command, err)
	}
	return answer, nil
}

// ask sends a request and waits for its answer.
func (s *session) ask(ctx context.Context, r dap.RequestMessage) (dap.ResponseMessage, error) {
	sent, err := s.send(r)
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, r, sent)
}

// askFor is ask where the answer is of use, which is an A.
func askFor[A dap.ResponseMessage](
	ctx context.Context, s *session, r dap.RequestMessage,
) (answer A, err error) {
	got, err := s.ask(ctx, r)
	if err != nil {
		return answer, err
	}
	answer, ok := got.(A)
	if !ok {
		return answer, fmt.Errorf("request %s: the answer is one to %s",
			r.GetRequest().Command, got.GetResponse().Command)
	}
	return answer, nil
}

// lost is what LLDB answers when the server that traces for it has crashed. That is no refusal.
const lost = "lost connection"

// failure is an adapter's refusal, on one line.
func failure(r *dap.ErrorResponse) error {
	text := r.Message
	if e := r.Body.Error; e != nil && e.Format != "" {
		text = e.Format
	}
	if text = strings.Join(strings.Fields(text), " "); text == "" {
		text = "it failed, and the debugger does not say why"
	}
	if strings.HasSuffix(text, lost) {
		return errors.New(text)
	}
	return adapter.Refusal(text)
}

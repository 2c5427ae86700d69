// Package dap plugs in any debugger that is a debug adapter: a program that speaks the Debug Adapter Protocol on its
// standard input and output. It is asked to stop a program at its start, or to attach to one, then
// for threads, pauses, to continue and to disconnect.
//
// The protocol has threads of the adapter's own numbers. An adapter whose numbers are not the kernel's names the kernel's where
// it is asked to evaluate Debugger.TIDs.
package dap

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is a debug adapter.
type Debugger struct {
	Called string   // its name in results; "dap" if empty
	Path   string   // the program, looked up in PATH
	Args   []string // its arguments
	Env    []string // what its environment has besides the sheltered one
	// TIDs is an expression that the adapter evaluates as its user would type it, and whose answer lists pairs of a thread's number
	// and its kernel id: (1, 4711), (2, 4712). Empty for an adapter whose numbers are the kernel's.
	TIDs string
	// Births tells that the adapter announces threads, by events, under the kernel's numbers.
	Births bool
	// Continues tells that the adapter says by an event when a program goes on that it was told to; a pause that comes
	// before is lost on it.
	Continues bool
	// About is an expression whose answer has the version of an adapter that does not know --version.
	About string
	// Launch and Attach are arguments for these requests, besides program, args, pid and stopOnEntry.
	Launch, Attach map[string]any
	// Breakpoint is a function at whose entry a breakpoint stands; none if empty.
	Breakpoint string
	Scale      float64 // see harness.Paced; zero is 2
}

// Name is what it is called.
func (d Debugger) Name() string {
	if d.Called == "" {
		return "dap"
	}
	return d.Called
}

// TimeScale is Scale: an adapter reads symbols at each start.
func (d Debugger) TimeScale() float64 {
	if d.Scale == 0 {
		return 2
	}
	return d.Scale
}

var versionNumber = regexp.MustCompile(`\d+(\.\d+)+[-+.~\w]*`)

// versionTime is how long an adapter may take to say its version.
const versionTime = 20 * time.Second

// Version is what the adapter says of itself.
func (d Debugger) Version(ctx context.Context) (string, error) {
	if d.Path == "" {
		return "", errors.New("no debug adapter is named")
	}
	path, err := exec.LookPath(d.Path)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, versionTime)
	defer cancel()
	said, err := d.flagged(ctx, path)
	if found := versionNumber.FindString(said); found != "" {
		return found, nil
	}
	if err == nil && d.About != "" {
		said, err = d.about(ctx, path)
	}
	if err != nil {
		return "", fmt.Errorf("the version of %s: %w", path, err)
	}
	return cmp.Or(versionNumber.FindString(said), "unknown"), nil
}

// command is the adapter outside of any run.
func (d Debugger) command(ctx context.Context, path string, args []string, input io.Reader) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(slices.Concat(os.Environ(), d.Env), "HOME=/nonexistent", "LC_ALL=C.UTF-8")
	cmd.Stdin, cmd.WaitDelay = input, time.Second
	return cmd
}

// flagged is what the adapter prints at --version. Its status says nothing: it may not know that.
func (d Debugger) flagged(ctx context.Context, path string) (string, error) {
	var text string
	err := reading(ctx, d.command(ctx, path, []string{"--version"}, nil), func(out io.Reader) error {
		b, err := io.ReadAll(io.LimitReader(out, headerSize))
		text = string(b)
		return err
	})
	return text, err
}

// about is what the adapter answers when it is asked about itself.
func (d Debugger) about(ctx context.Context, path string) (said string, err error) {
	var asked bytes.Buffer
	for i, r := range []dap.RequestMessage{d.initialize(), evaluate(d.About), &dap.DisconnectRequest{Request: request("disconnect")}} {
		r.GetRequest().Seq = i + 1
		if err := dap.WriteProtocolMessage(&asked, r); err != nil {
			return "", err
		}
	}
	enough := errors.New("enough was read")
	err = reading(ctx, d.command(ctx, path, d.Args, &asked), func(out io.Reader) error {
		return eachMessage(out, func(m dap.Message) error {
			switch m := m.(type) {
			case *dap.EvaluateResponse:
				said = m.Body.Result
				return enough
			case *dap.ErrorResponse:
				return failure(m)
			}
			return nil
		})
	})
	switch {
	case errors.Is(err, enough):
		return said, nil
	case err == nil:
		err = errors.New("it did not answer")
	}
	return "", err
}

// reading runs a command, of whose output read reads as much as it likes.
func reading(ctx context.Context, cmd *exec.Cmd, read func(io.Reader) error) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = read(out)
	cmd.Process.Kill() // it may have ended
	cmd.Wait()         // by our signal
	return cmp.Or(context.Cause(ctx), err)
}

// Start starts the adapter and has it launch the target's program, or attach to it, and waits until that stands.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	env, err := target.Sheltered()
	if err != nil {
		return nil, err
	}
	s := &session{
		debugger: d, launched: target.PID == 0,
		changed: make(chan struct{}), posted: make(chan struct{}, 1), answers: make(map[int]dap.ResponseMessage),
	}
	s.state.pid = target.PID
	spec := harness.Spec{Argv: append([]string{d.Path}, d.Args...), Env: append(env, d.Env...)}
	tool, err := harness.StartTool(target, spec, s.read)
	if err != nil {
		return nil, err
	}
	s.Tool = tool
	go s.deliver()
	if err := s.begin(ctx, target); errors.As(err, new(unwilling)) && target.PID != 0 {
		s.leave(ctx)
		return nil, err // there is nothing to be debugged
	} else if err != nil {
		return s, err
	}
	pid := event.TID(s.now().pid)
	s.Add(event.Event{Kind: event.Ready, PID: pid, TID: pid})
	return s, nil
}

func request(command string) dap.Request {
	return dap.Request{ProtocolMessage: dap.ProtocolMessage{Type: "request"}, Command: command}
}

func (d Debugger) initialize() dap.RequestMessage {
	return &dap.InitializeRequest{Request: request("initialize"), Arguments: dap.InitializeRequestArguments{
		ClientID: "tidcheck", AdapterID: d.Name(), PathFormat: "path", LinesStartAt1: true, ColumnsStartAt1: true,
	}}
}

func evaluate(expression string) dap.RequestMessage {
	return &dap.EvaluateRequest{Request: request("evaluate"), Arguments: dap.EvaluateArguments{Expression: expression, Context: "repl"}}
}

// unwilling is an adapter that refuses the target, and not just one of our requests.
type unwilling struct{ error }

func (u unwilling) Unwrap() error { return u.error }

// opening is the request that begins the debugging of a target.
func (d Debugger) opening(target harness.Target) (dap.RequestMessage, error) {
	arguments := map[string]any{"stopOnEntry": true}
	if target.PID != 0 {
		arguments["pid"] = target.PID
		maps.Copy(arguments, d.Attach)
	} else {
		arguments["program"], arguments["args"] = target.Argv[0], target.Argv[1:]
		maps.Copy(arguments, d.Launch)
	}
	text, err := json.Marshal(arguments)
	if target.PID != 0 {
		return &dap.AttachRequest{Request: request("attach"), Arguments: text}, err
	}
	return &dap.LaunchRequest{Request: request("launch"), Arguments: text}, err
}

// begin has the adapter and the program come together. An adapter may answer the opening request at once, or
// when its configuration is done.
func (s *session) begin(ctx context.Context, target harness.Target) error {
	if _, err := s.ask(ctx, s.debugger.initialize()); err != nil {
		return err
	}
	opening, err := s.debugger.opening(target)
	if err != nil {
		return err
	}
	if err := s.send(opening); err != nil {
		return err
	}
	if err := s.await(ctx, func() bool { return s.state.initialized || s.refused(opening) }); err != nil {
		return fmt.Errorf("request %s: %w", opening.GetRequest().Command, err)
	}
	if s.now().initialized {
		if err := s.configure(ctx); err != nil {
			return err
		}
	}
	if _, err := s.answer(ctx, opening); errors.As(err, new(refusal)) {
		return unwilling{err}
	} else if err != nil {
		return err
	}
	if err := s.await(ctx, func() bool { return s.state.standing || s.state.over }); err != nil {
		return fmt.Errorf("the stop after request %s: %w", opening.GetRequest().Command, err)
	}
	if s.now().over {
		return errOver
	}
	return nil
}

// farewell is how long an adapter that has nothing to debug may take to end by itself.
const farewell = 2 * time.Second

// leave ends an adapter that has refused its program, as its user would: what it has taken of that, it is to give back.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	s.Detach(ctx) // it has failed already
	s.End()
}

// refused tells whether a request has an answer that it failed.
func (s *session) refused(r dap.RequestMessage) bool {
	answer := s.answers[r.GetSeq()]
	return answer != nil && !answer.GetResponse().Success
}

// configure sets what is to be set before the program runs.
func (s *session) configure(ctx context.Context) error {
	if name := s.debugger.Breakpoint; name != "" {
		set := &dap.SetFunctionBreakpointsRequest{Request: request("setFunctionBreakpoints")}
		set.Arguments.Breakpoints = []dap.FunctionBreakpoint{{Name: name}}
		if _, err := s.ask(ctx, set); err != nil {
			return err
		}
	}
	_, err := s.ask(ctx, &dap.ConfigurationDoneRequest{Request: request("configurationDone")})
	return err
}

var errOver = errors.New("the debugger said that the program is over")

// A session is an adapter at work.
type session struct {
	harness.Log
	*harness.Tool
	debugger Debugger
	launched bool

	posted chan struct{} // has a word while something is unwritten

	mu        sync.Mutex
	changed   chan struct{} // closed and made anew with each message
	asked     int
	unwritten []letter
	deaf      error // why no more can be written
	unheard   int   // the first request that was not
	pending   []int // requests without an answer
	answers   map[int]dap.ResponseMessage
	state     state
}

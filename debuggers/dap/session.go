package dap

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/judge"
)

// A session is an adapter at work.
type session struct {
	harness.Unsupported
	harness.Log
	*adapter.Tool
	debugger  Debugger
	launched  bool
	unwilling bool // the adapter refused the target, and not just another request
	requests  adapter.Requests[dap.ResponseMessage]

	adapter.Monitor // guards what follows
	state
	unwritten []letter
}

var errOver = errors.New("the debugger said that the program is over")

// begin has the adapter and the program come together. An adapter may answer the opening request at
// once, or when its configuration is done.
func (s *session) begin(ctx context.Context, target harness.Target) error {
	if _, err := s.ask(ctx, s.debugger.initialize()); err != nil {
		return err
	}
	opening, err := s.debugger.opening(target)
	if err != nil {
		return err
	}
	sent, err := s.send(opening)
	if err != nil {
		return err
	}
	err = s.Await(ctx, s.Tool, func() bool { return s.initialized || s.refused })
	if err != nil {
		return fmt.Errorf("request %s: %w", opening.GetRequest().Command, err)
	}
	if s.now().initialized {
		if err := s.configure(ctx); err != nil {
			return err
		}
	}
	if _, err := s.answer(ctx, opening, sent); err != nil {
		s.unwilling = errors.As(err, new(adapter.Refusal))
		return err
	}
	if target.PID != 0 && s.debugger.runsOn() {
		return s.Stop(ctx)
	}
	if err := s.awaitStop(ctx, opening); err != nil {
		return err
	}
	if s.now().over {
		return errOver
	}
	return nil
}

// awaitStop waits for the stop after a request.
func (s *session) awaitStop(ctx context.Context, r dap.RequestMessage) error {
	err := s.Await(ctx, s.Tool, func() bool { return s.stands || s.over })
	switch {
	case err != nil:
		return fmt.Errorf("the stop after request %s: %w", r.GetRequest().Command, err)
	case !s.now().stands:
		return errOver
	}
	return s.stopOthers(ctx)
}

// leave ends an adapter that has refused its program, as its user would: it is to give back what it
// has taken of the program.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.Scaled(limits.Farewell))
	defer cancel()
	s.Detach(ctx) // it has failed already
	s.End()
}

// configure sets what is to be set before the program runs.
func (s *session) configure(ctx context.Context) error {
	if name := s.debugger.Breakpoint; name != "" {
		set := &dap.SetFunctionBreakpointsRequest{Request: request("setFunctionBreakpoints")}
		set.Arguments.Breakpoints = []dap.FunctionBreakpoint{{Name: name}}
		answer, err := askFor[*dap.SetFunctionBreakpointsResponse](ctx, s, set)
		if err != nil {
			return err
		}
		s.Lock()
		for _, b := range answer.Body.Breakpoints {
			s.breakpoint.heard(b)
		}
		s.Unlock()
	}
	_, err := s.ask(ctx, &dap.ConfigurationDoneRequest{Request: request("configurationDone")})
	return err
}

// Can has the requests of the protocol, and births if the adapter announces them.
func (s *session) Can() judge.Abilities {
	can := judge.Abilities{judge.Stop, judge.Threads, judge.Detach}
	if s.debugger.Births && s.debugger.TIDs == "" {
		can = append(can, judge.Births)
	}
	return can
}

// Resume lets all threads go on.
func (s *session) Resume(ctx context.Context) error {
	s.Lock()
	s.begun, s.stands, s.wanted, s.continued = true, false, false, false
	s.ended = make(map[int]bool)
	r := s.proceed()
	s.Unlock()
	if _, err := s.ask(ctx, r); err != nil {
		return err
	}
	if err := s.continueOthers(ctx, r.Arguments.ThreadId); err != nil || !s.debugger.Continues {
		return err
	}
	return s.Await(ctx, s.Tool, func() bool { return s.continued || s.over })
}

// Stop asks for a pause and waits until the adapter says that the program stands.
func (s *session) Stop(ctx context.Context) error {
	if s.debugger.runsOn() {
		if err := s.nameListed(ctx); err != nil {
			return err
		}
	}
	s.Lock()
	s.wanted = true
	pause := &dap.PauseRequest{
		Request: request("pause"), Arguments: dap.PauseArguments{ThreadId: s.thread},
	}
	s.Unlock()
	if _, err := s.ask(ctx, pause); err != nil {
		return err
	}
	return s.awaitStop(ctx, pause)
}

// nameListed has the next pause name a thread that the adapter lists: at an attach no stop has
// named one, and one that a stop named may have ended.
func (s *session) nameListed(ctx context.Context) error {
	run, err := s.listed(ctx, false)
	if err != nil {
		return err
	}
	s.Lock()
	defer s.Unlock()
	if len(run) > 0 && !slices.Contains(run, s.thread) {
		s.thread = run[0]
	}
	return nil
}

// Threads are those that the adapter lists, by their kernel ids.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	list, err := askFor[*dap.ThreadsResponse](ctx, s,
		&dap.ThreadsRequest{Request: request("threads")})
	if err != nil {
		return nil, err
	}
	tids := make([]event.TID, len(list.Body.Threads))
	for i, t := range list.Body.Threads {
		tids[i] = event.TID(t.Id)
	}
	if s.debugger.TIDs == "" {
		return tids, nil
	}
	return s.translated(ctx, tids)
}

// translated are the kernel's ids for the adapter's own numbers.
func (s *session) translated(ctx context.Context, numbers []event.TID) ([]event.TID, error) {
	said, err := askFor[*dap.EvaluateResponse](ctx, s, evaluate(s.debugger.TIDs, 0))
	if errors.As(err, new(adapter.Refusal)) && len(numbers) > 0 {
		said, err = s.evaluateWithin(ctx, numbers[0])
	}
	if err != nil {
		return nil, err
	}
	kernel := pairs(said.Body.Result)
	if len(kernel) == 0 && len(numbers) > 0 {
		return nil, fmt.Errorf("the kernel ids of threads: %w", adapter.Unknown(said.Body.Result))
	}
	tids := make([]event.TID, len(numbers))
	for i, number := range numbers {
		var ok bool
		if tids[i], ok = kernel[number]; !ok {
			return nil, fmt.Errorf("thread %d was listed, and %.200q does not name its kernel id",
				number, said.Body.Result)
		}
	}
	return tids, nil
}

// evaluateWithin evaluates the expression for kernel ids in a frame of a thread. Some adapters
// evaluate nothing else.
func (s *session) evaluateWithin(
	ctx context.Context, number event.TID,
) (*dap.EvaluateResponse, error) {
	stack := &dap.StackTraceRequest{Request: request("stackTrace")}
	stack.Arguments.ThreadId, stack.Arguments.Levels = int(number), 1
	frames, err := askFor[*dap.StackTraceResponse](ctx, s, stack)
	if err != nil {
		return nil, err
	}
	if len(frames.Body.StackFrames) == 0 {
		return nil, fmt.Errorf("request stackTrace: thread %d has no frame", number)
	}
	return askFor[*dap.EvaluateResponse](
		ctx, s, evaluate(s.debugger.TIDs, frames.Body.StackFrames[0].Id))
}

var pair = regexp.MustCompile(`(-?\d+)[,:]\s*(-?\d+)`)

// pairs reads the numbers of threads and their kernel ids: (1, 4711), (2, 4712), also 1: 4711.
func pairs(text string) map[event.TID]event.TID {
	found := make(map[event.TID]event.TID)
	for _, p := range pair.FindAllStringSubmatch(text, -1) {
		number, err := strconv.Atoi(p[1])
		tid, err2 := strconv.Atoi(p[2])
		if err == nil && err2 == nil {
			found[event.TID(number)] = event.TID(tid)
		}
	}
	return found
}

// Detach disconnects without ending the program, and waits for the adapter's end: only by that
// does a tracer let go of a task that is a zombie. Some adapters end when their input does.
func (s *session) Detach(ctx context.Context) error {
	if _, err := s.ask(ctx, &disconnect{Request: request("disconnect")}); err != nil {
		return err
	}
	s.Tool.CloseInput()
	if err := s.Tool.Wait(ctx); err != nil {
		return err
	}
	return s.wasSet()
}

// Wait waits until the adapter has said that the program is over. If it ends without that word,
// that is its failure.
func (s *session) Wait(ctx context.Context) error {
	if err := s.Await(ctx, s.Tool, func() bool { return s.over }); err != nil {
		return err
	}
	return s.wasSet()
}

// wasSet tells, at the run's end, whether the breakpoint was set at some time, if there was to be
// one. At a launch it may be set late, when the function's library is loaded.
func (s *session) wasSet() error {
	if b := s.now().breakpoint; s.debugger.Breakpoint != "" && !b.verified {
		where := s.debugger.Breakpoint
		if b.message != "" {
			where += fmt.Sprintf(": it says %.200q", b.message)
		}
		return adapter.Unset(where)
	}
	return nil
}

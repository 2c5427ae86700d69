package dap

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// Can are the requests of the protocol, and births where the adapter announces them.
func (s *session) Can() harness.Abilities {
	can := harness.Abilities{harness.Stop, harness.Threads, harness.Detach}
	if s.debugger.Births && s.debugger.TIDs == "" {
		can = append(can, harness.Births)
	}
	return can
}

// Resume lets all threads go on.
func (s *session) Resume(ctx context.Context) error {
	s.mu.Lock()
	s.state.begun, s.state.standing, s.state.wanted, s.state.continued = true, false, false, false
	r := s.proceed()
	s.mu.Unlock()
	if _, err := s.ask(ctx, r); err != nil || !s.debugger.Continues {
		return err
	}
	return s.await(ctx, func() bool { return s.state.continued || s.state.over })
}

// Stop asks for a pause and waits until the adapter says that the program stands.
func (s *session) Stop(ctx context.Context) error {
	s.change(func(st *state) { st.wanted = true })
	pause := &dap.PauseRequest{Request: request("pause"), Arguments: dap.PauseArguments{ThreadId: s.now().thread}}
	if _, err := s.ask(ctx, pause); err != nil {
		return err
	}
	if err := s.await(ctx, func() bool { return s.state.standing || s.state.over }); err != nil {
		return fmt.Errorf("the stop after request pause: %w", err)
	}
	if !s.now().standing {
		return errOver
	}
	return nil
}

// Threads are those that the adapter lists, by their kernel ids.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	answer, err := s.ask(ctx, &dap.ThreadsRequest{Request: request("threads")})
	if err != nil {
		return nil, err
	}
	list, ok := answer.(*dap.ThreadsResponse)
	if !ok {
		return nil, fmt.Errorf("request threads: the answer is one to %s", answer.GetResponse().Command)
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
	answer, err := s.ask(ctx, evaluate(s.debugger.TIDs))
	if err != nil {
		return nil, err
	}
	said, ok := answer.(*dap.EvaluateResponse)
	if !ok {
		return nil, fmt.Errorf("request evaluate: the answer is one to %s", answer.GetResponse().Command)
	}
	kernel := pairs(said.Body.Result)
	tids := make([]event.TID, len(numbers))
	for i, number := range numbers {
		if tids[i], ok = kernel[number]; !ok {
			return nil, fmt.Errorf("thread %d was listed, and %.200q does not name its kernel id", number, said.Body.Result)
		}
	}
	return tids, nil
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

// Detach disconnects without ending the program, and waits for the adapter's end: of a task that is a zombie its
// tracer lets go by that alone.
func (s *session) Detach(ctx context.Context) error {
	if _, err := s.ask(ctx, &disconnect{Request: request("disconnect")}); err != nil {
		return err
	}
	return s.Tool.Wait(ctx)
}

// A disconnect says in words that the program is not to be ended: without them, an adapter ends what it launched.
type disconnect struct {
	dap.Request
	Arguments struct {
		TerminateDebuggee bool `json:"terminateDebuggee"`
	} `json:"arguments"`
}

// Wait waits until the adapter has said that the program is over. That it ends without a word is its failure.
func (s *session) Wait(ctx context.Context) error {
	return s.await(ctx, func() bool { return s.state.over })
}

// A refusal is an adapter's answer that it does not do what it was asked for.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// failure is a refusal on one line.
func failure(r *dap.ErrorResponse) error {
	text := r.Message
	if e := r.Body.Error; e != nil && e.Format != "" {
		text = e.Format
	}
	if text = strings.Join(strings.Fields(text), " "); text == "" {
		text = "it failed, and the debugger does not say why"
	}
	return refusal{text}
}

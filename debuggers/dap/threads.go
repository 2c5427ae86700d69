package dap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/adapter"
)

// An adapter may stop one thread alone, or let one alone go on: an event or an answer says whether
// it was all. Then each other thread is asked for by itself.

// halted is which threads stand by the adapter's word.
type halted struct {
	all  bool         // those that are not in but
	but  map[int]bool // threads that went on alone since all stood
	some map[int]bool // threads that stopped alone
}

// stop notes that one thread stopped, or all.
func (h *halted) stop(thread int, all bool) {
	switch {
	case all || thread == 0: // what stopped is not named: nothing else says that threads run
		*h = halted{all: true}
	case h.some == nil:
		h.some = map[int]bool{thread: true}
	default:
		h.some[thread] = true
	}
	delete(h.but, thread)
}

// goOn notes that one thread goes on alone.
func (h *halted) goOn(thread int) {
	delete(h.some, thread)
	if h.but == nil {
		h.but = make(map[int]bool)
	}
	h.but[thread] = true
}

// has tells whether a thread stands.
func (h *halted) has(thread int) bool {
	return h.some[thread] || h.all && !h.but[thread]
}

// listed are the threads that the adapter lists and that stand by its word, or that do not.
func (s *session) listed(ctx context.Context, stand bool) (ids []int, err error) {
	list, err := askFor[*dap.ThreadsResponse](ctx, s,
		&dap.ThreadsRequest{Request: request("threads")})
	if err != nil {
		return nil, err
	}
	s.Lock()
	defer s.Unlock()
	for _, t := range list.Body.Threads {
		if s.halted.has(t.Id) == stand {
			ids = append(ids, t.Id)
		}
	}
	return ids, nil
}

// stopOthers pauses each thread that runs on after a stop, until all that the adapter lists stand.
func (s *session) stopOthers(ctx context.Context) error {
	refused := make(map[int]bool)
	for {
		if now := s.now(); now.over || now.halted.all && len(now.halted.but) == 0 {
			return nil
		}
		run, err := s.listed(ctx, false)
		if err != nil || len(run) == 0 {
			return err
		}
		for _, id := range run {
			pause := &dap.PauseRequest{
				Request: request("pause"), Arguments: dap.PauseArguments{ThreadId: id},
			}
			_, err := s.ask(ctx, pause)
			if errors.As(err, new(adapter.Refusal)) && !refused[id] {
				refused[id] = true // it may have ended; if not, it is listed once more
				continue
			}
			if err == nil {
				err = s.Await(ctx, s.Tool, func() bool {
					return s.halted.has(id) || s.ended[id] || s.over
				})
			}
			if err != nil {
				return fmt.Errorf("the stop of thread %d: %w", id, err)
			}
		}
	}
}

// continueOthers lets all threads go on that stand, if a request for the first let that alone go
// on.
func (s *session) continueOthers(ctx context.Context, first int) error {
	s.Lock()
	if !s.alone {
		s.halted = halted{}
		s.Unlock()
		return nil
	}
	s.halted.goOn(first)
	s.Unlock()
	stand, err := s.listed(ctx, true)
	for _, id := range stand {
		if err != nil {
			break
		}
		_, err = s.ask(ctx, &dap.ContinueRequest{
			Request: request("continue"), Arguments: dap.ContinueArguments{ThreadId: id},
		})
		if errors.As(err, new(adapter.Refusal)) {
			err = nil // it has ended; one that stands on is seen by the suite
		}
	}
	s.Lock()
	s.halted = halted{}
	s.Unlock()
	return err
}

// isAlone tells whether an answer says that not all threads go on. If it says nothing all do, which
// a decoded message does not tell from false.
func isAlone(content []byte) bool {
	var m struct {
		Body struct {
			All *bool `json:"allThreadsContinued"`
		} `json:"body"`
	}
	err := json.Unmarshal(content, &m)
	return err == nil && m.Body.All != nil && !*m.Body.All
}

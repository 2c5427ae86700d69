package delve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
)

// The parts of delve's API that are used (Documentation/api/json-rpc in delve).
type (
	command struct {
		Name string `json:"name"`
	}
	commandOut struct {
		State state
	}
	state struct {
		PID        int  `json:"Pid"`
		Exited     bool `json:"exited"`
		ExitStatus int  `json:"exitStatus"` // of who was killed, the signal's negative
	}
	threadsOut struct {
		Threads []struct {
			ID event.TID `json:"id"` // the kernel's
		}
	}
	detach     struct{ Kill bool }
	followExec struct{ Enable bool }
	create     struct{ Breakpoint breakpoint }
	breakpoint struct {
		FunctionName string `json:"functionName"`
	}
)

// A session is one delve at work.
type session struct {
	harness.Log
	*harness.Tool
	client *rpc.Client
	over   chan struct{} // closed when it has said that the program is over, or failed

	mu      sync.Mutex
	going   chan struct{} // closed when the program stands
	halting bool          // it is told to stop the program
	err     error         // why it failed
}

// dial connects to delve's socket. Whatever it sends there, it is not read without end.
func (s *session) dial(ctx context.Context, socket string, target harness.Target) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return s.unheard(ctx, err)
	}
	s.client = jsonrpc.NewClient(target.Recorded(&bounded{ReadWriteCloser: conn}))
	return nil
}

// maxReply is how many bytes delve may send from one request to the next: it writes half a kilobyte a thread.
const maxReply = 16 << 20

// A bounded connection fails when too much was read from it since something was written to it.
type bounded struct {
	io.ReadWriteCloser
	read atomic.Int64
}

func (b *bounded) Read(p []byte) (int, error) {
	left := maxReply - int(b.read.Load())
	if left <= 0 {
		return 0, fmt.Errorf("it sent more than %d bytes", maxReply)
	}
	n, err := b.ReadWriteCloser.Read(p[:min(len(p), left)])
	b.read.Add(int64(n))
	return n, err
}

func (b *bounded) Write(p []byte) (int, error) {
	b.read.Store(0)
	return b.ReadWriteCloser.Write(p)
}

// prepare waits for the first reply, which comes when the launch or the attach is complete.
func (s *session) prepare(ctx context.Context, d Debugger) error {
	err := s.call(ctx, "GetVersion", struct{}{}, &struct{}{})
	if err == nil && d.FollowExec {
		err = s.call(ctx, "FollowExec", followExec{Enable: true}, &struct{}{})
	}
	if err == nil && d.Breakpoint {
		err = s.call(ctx, "CreateBreakpoint", create{breakpoint{"C." + fixtures.Place}}, &struct{}{})
		if err != nil && strings.Contains(err.Error(), "could not find function") {
			err = nil // most programs have none of that name
		}
	}
	return err
}

// call asks delve for something and waits for the reply.
func (s *session) call(ctx context.Context, method string, args, reply any) error {
	call := s.client.Go("RPCServer."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
	if said := rpc.ServerError(""); call.Error == nil || errors.As(call.Error, &said) {
		return wrap(method, call.Error)
	}
	return wrap(method, s.unheard(ctx, call.Error))
}

// unheard says why a connection failed.
func (s *session) unheard(ctx context.Context, err error) error {
	return harness.Unheard(ctx, fmt.Errorf("its reply: %w", err), s.Over(), s.Ended)
}

func wrap(method string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// Can is what delve offers: a list of threads, and no word of births and deaths.
func (s *session) Can() harness.Abilities {
	return harness.Abilities{harness.Stop, harness.Threads, harness.Detach}
}

// Resume has delve continue, which it says the end of when the program stands or is over.
func (s *session) Resume(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.going, s.halting = make(chan struct{}), false
	go s.run(s.going)
	return nil
}

// run has delve continue until it was told to stop the program, which may stop by itself: at a breakpoint, or at a SIGTRAP
// that delve knows nothing of. Its users have it continue then.
func (s *session) run(going chan struct{}) {
	defer close(going)
	for {
		var out commandOut
		err := s.call(context.Background(), "Command", command{"continue"}, &out) // it ends with the connection
		if err != nil || out.State.Exited {
			s.end(out.State, err)
			return
		}
		s.mu.Lock()
		halting := s.halting
		s.mu.Unlock()
		if halting {
			return
		}
	}
}

// end notes that the program is over, or that delve failed.
func (s *session) end(last state, err error) {
	if err == nil {
		s.Add(event.Event{Kind: event.End, PID: event.TID(last.PID), TID: event.TID(last.PID), Status: last.status()})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err == nil {
		s.err = errOver
	}
	close(s.over)
}

func (s state) status() event.Status {
	if s.ExitStatus < 0 {
		return event.Killed(event.Signo(-s.ExitStatus))
	}
	return event.Exited(s.ExitStatus)
}

var errOver = errors.New("delve has said that the program is over")

// Stop halts the program; it stands when what let it go has its reply.
func (s *session) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.halting = true
	going := s.going
	s.mu.Unlock()
	select {
	case <-going:
		return s.failed() // it stands, or is over
	default:
	}
	if err := s.call(ctx, "Command", command{"halt"}, &commandOut{}); err != nil {
		return err
	}
	select {
	case <-going:
		return s.failed()
	case <-ctx.Done():
		return fmt.Errorf("the end of its continue: %w", context.Cause(ctx))
	}
}

func (s *session) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Threads are those that delve lists.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	var out threadsOut
	if err := s.call(ctx, "ListThreads", struct{}{}, &out); err != nil {
		return nil, err
	}
	tids := make([]event.TID, len(out.Threads))
	for i, t := range out.Threads {
		tids[i] = t.ID
	}
	return tids, nil
}

// Detach has delve let go of the program, which it takes only while that stands.
func (s *session) Detach(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.call(ctx, "Detach", detach{Kill: false}, &struct{}{})
}

// Wait waits until delve has said that the program is over, or has failed.
func (s *session) Wait(ctx context.Context) error {
	select {
	case <-s.over:
		if err := s.failed(); !errors.Is(err, errOver) {
			return err
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End ends delve.
func (s *session) End() error {
	err := s.Tool.End()
	if s.client != nil {
		s.client.Close() // an error says that it was closed
	}
	return err
}

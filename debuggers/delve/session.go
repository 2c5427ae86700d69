package delve

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
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
		ExitStatus int  `json:"exitStatus"` // of a program that was killed, the signal's negative
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
	created struct {
		Breakpoint struct {
			Addr  uint64   `json:"addr"`
			Addrs []uint64 `json:"addrs"` // of all its places
		}
	}
)

type session struct {
	harness.Unsupported
	harness.Log
	*adapter.Tool
	client  *rpc.Client
	program string // the file that the program executes

	adapter.Monitor        // guards what follows
	listens         string // where it does, once it has said so
	deaf            bool   // it could not listen
	stands          bool   // the program
	halting         bool   // delve is told to stop it
	err             error  // errOver, or why delve failed
}

var errOver = errors.New("delve has said that the program is over")

func (s *session) isDeaf() bool {
	s.Lock()
	defer s.Unlock()
	return s.deaf
}

// dial connects to delve's socket.
func (s *session) dial(ctx context.Context, target harness.Target) error {
	network, address := "tcp", strings.TrimPrefix(s.listens, "unix:")
	if filepath.IsAbs(address) {
		network = "unix"
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return s.unheard(ctx, err)
	}
	heard := &bounded{ReadWriteCloser: conn, hear: s.Hear}
	s.client = jsonrpc.NewClient(adapter.Recorded(target, heard))
	return nil
}

// maxReply is how many bytes delve may send from one request to the next: it writes half a
// kilobyte a thread.
const maxReply = 16 << 20

// A bounded connection fails when too much was read from it since something was written to it.
type bounded struct {
	io.ReadWriteCloser
	hear func(read []byte)
	read atomic.Int64
}

func (b *bounded) Read(p []byte) (int, error) {
	left := maxReply - int(b.read.Load())
	if left <= 0 {
		return 0, fmt.Errorf("it sent more than %d bytes", maxReply)
	}
	n, err := b.ReadWriteCloser.Read(p[:min(len(p), left)])
	b.read.Add(int64(n))
	b.hear(p[:n])
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
		place := create{breakpoint{"C." + fixtures.Place}}
		var made created
		err = s.call(ctx, "CreateBreakpoint", place, &made)
		switch {
		case err != nil && strings.Contains(err.Error(), "could not find function"):
			err = nil // most programs have none of that name
			if hasFunction(s.program, fixtures.Place) {
				err = adapter.Unset(fixtures.Place)
			}
		case err == nil && made.Breakpoint.Addr == 0 && len(made.Breakpoint.Addrs) == 0:
			err = adapter.Unset(fixtures.Place)
		}
	}
	return err
}

// hasFunction tells whether a program has a function of that name, by its symbols.
func hasFunction(program, name string) bool {
	file, err := elf.Open(program)
	if err != nil {
		return false // it is gone
	}
	defer file.Close()
	symbols, _ := file.Symbols() // none if they were stripped
	return slices.ContainsFunc(symbols, func(s elf.Symbol) bool {
		return s.Name == name && elf.ST_TYPE(s.Info) == elf.STT_FUNC
	})
}

// call asks delve for something and waits for the reply.
func (s *session) call(ctx context.Context, method string, args, reply any) error {
	return s.reply(ctx, method, s.client.Go("RPCServer."+method, args, reply,
		make(chan *rpc.Call, 1)))
}

// reply waits for the reply to a call.
func (s *session) reply(ctx context.Context, method string, call *rpc.Call) (err error) {
	select {
	case <-call.Done:
		var refused rpc.ServerError
		switch err = call.Error; {
		case errors.As(err, &refused):
			err = adapter.Refusal(refused)
		case err != nil:
			err = s.unheard(ctx, err)
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// unheard says why a connection failed.
func (s *session) unheard(ctx context.Context, err error) error {
	return adapter.Unheard(ctx, fmt.Errorf("its reply: %w", err), s.Tool)
}

// Can leaves out words of births and deaths: delve offers its list of threads alone.
func (s *session) Can() judge.Abilities {
	return judge.Abilities{judge.Stop, judge.Threads, judge.Detach}
}

// Resume has delve continue, which it answers when the program stands or is over.
func (s *session) Resume(context.Context) error {
	s.Lock()
	defer s.Unlock()
	if s.err != nil {
		return s.err
	}
	s.stands, s.halting = false, false
	go s.run(s.proceed())
	return nil
}

// proceed has delve continue; the lock is held, so that a halt is written after that. Delve reads
// no further request until the program goes on, and a halt before would have no effect.
func (s *session) proceed() *rpc.Call {
	return s.client.Go("RPCServer.Command", command{"continue"}, &commandOut{},
		make(chan *rpc.Call, 1))
}

// run has delve continue until it is told to stop the program. The program may stop by itself, at a
// breakpoint or at a SIGTRAP that delve knows nothing of; delve's users have it continue then.
func (s *session) run(call *rpc.Call) {
	for stands := false; !stands; {
		// The background: the call ends with the connection.
		err := s.reply(context.Background(), "Command", call)
		out := call.Reply.(*commandOut)
		s.Lock()
		if err == nil && out.State.Exited {
			pid := event.TID(out.State.PID)
			s.Add(event.Event{Kind: event.End, PID: pid, TID: pid, Status: out.State.status()})
			err = errOver
		}
		s.err = err
		s.stands = err != nil || s.halting
		if stands = s.stands; !stands {
			call = s.proceed()
		}
		s.Unlock()
	}
}

func (s state) status() event.Status {
	if s.ExitStatus < 0 {
		return event.Killed(event.Signo(-s.ExitStatus))
	}
	return event.Exited(s.ExitStatus)
}

// Stop halts the program. It stands when the continue has its reply.
func (s *session) Stop(ctx context.Context) error {
	s.Lock()
	s.halting = true
	stands := s.stands
	s.Unlock()
	if !stands {
		if err := s.call(ctx, "Command", command{"halt"}, &commandOut{}); err != nil {
			return err
		}
		if err := s.Await(ctx, nil, func() bool { return s.stands }); err != nil {
			return fmt.Errorf("the end of its continue: %w", err)
		}
	}
	s.Lock()
	defer s.Unlock()
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

// Detach has delve let go of the program, which it does only while that stands.
func (s *session) Detach(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.call(ctx, "Detach", detach{Kill: false}, &struct{}{})
}

// Wait waits until delve has said that the program is over, or has failed.
func (s *session) Wait(ctx context.Context) error {
	var how error
	err := s.Await(ctx, nil, func() bool {
		how = s.err
		return how != nil
	})
	if err == nil && !errors.Is(how, errOver) {
		err = how
	}
	return err
}

// End ends delve.
func (s *session) End() error {
	err := s.Tool.End()
	if s.client != nil {
		s.client.Close() // an error says that it was closed
	}
	return err
}

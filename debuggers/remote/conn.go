// Package remote is the client half of gdb's remote protocol: what a debugger's front end does over its server. A Conn
// carries packets; a NonStop session is of a server that tells of each thread for itself, an AllStop session of
// one that stops all of them at each event. Which server it is, and how it is started, is its own package's.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

// A Session is a harness.Session but for its end, which is its server's.
type Session interface {
	Can() harness.Abilities
	Resume(ctx context.Context) error
	Stop(ctx context.Context) error
	Threads(ctx context.Context) ([]event.TID, error)
	Detach(ctx context.Context) error
	Wait(ctx context.Context) error
	Events() event.Trace
}

// A Conn asks a server, one request at a time, and hears what it says by itself.
type Conn struct {
	to      io.Writer
	over    <-chan struct{}                 // closed when nothing more can come
	ended   func(ctx context.Context) error // why
	answers chan []byte
	notices chan []byte
	noAck   atomic.Bool
}

// backlog is how many packets may have come that nobody took. A server answers what it was asked, and a client
// asks one thing at a time.
const backlog = 64

// NewConn is a connection that writes to a server. What comes from it is to be given to Read.
func NewConn() *Conn {
	return &Conn{answers: make(chan []byte, backlog), notices: make(chan []byte, backlog)}
}

// Open says where the server listens, and what it is when it is over.
func (c *Conn) Open(to io.Writer, over <-chan struct{}, ended func(ctx context.Context) error) {
	c.to, c.over, c.ended = to, over, ended
}

// Read reads a server's packets to their end. The error is what was no packet.
func (c *Conn) Read(from io.Reader) error {
	var come []byte
	chunk := make([]byte, 1<<16)
	for all := 0; ; {
		n, err := from.Read(chunk)
		if all += n; all > harness.MaxOutput {
			return fmt.Errorf("it said more than %d bytes", harness.MaxOutput)
		}
		come = append(come, chunk[:n]...)
		rest, bad := c.take(come)
		if bad != nil {
			return bad
		}
		come = append(come[:0], rest...)
		if errors.Is(err, io.EOF) {
			return cutOff(come)
		}
		if err != nil {
			return err
		}
	}
}

func cutOff(rest []byte) error {
	if len(rest) > 0 {
		return fmt.Errorf("its output ends in the middle of a packet: %.40q", rest)
	}
	return nil
}

// take takes all frames that have come, and returns the rest.
func (c *Conn) take(come []byte) (rest []byte, err error) {
	for {
		f, n, err := rsp.Next(come)
		if err != nil || n == 0 {
			return come, err
		}
		come = come[n:]
		if rsp.IsOutput(f.Data) {
			continue // the program's, and it may be much
		}
		switch f.Kind {
		case rsp.Packet:
			err = queue(c.answers, f.Data)
		case rsp.Notification:
			err = queue(c.notices, f.Data)
		case rsp.Nak:
			err = errors.New("it did not get a packet whole")
		}
		if err != nil {
			return come, err
		}
	}
}

// forget drops the notifications that have come.
func (c *Conn) forget() {
	for {
		select {
		case <-c.notices:
		default:
			return
		}
	}
}

func queue(to chan<- []byte, data []byte) error {
	select {
	case to <- data:
		return nil
	default:
		return fmt.Errorf("it said %d things that nobody asked for", backlog)
	}
}

// Send sends a packet.
func (c *Conn) Send(request string) error {
	_, err := c.to.Write(rsp.Append(nil, request))
	return err
}

// Interrupt sends the byte that stops a program.
func (c *Conn) Interrupt() error {
	_, err := c.to.Write([]byte{3})
	return err
}

// Await waits for the next packet.
func (c *Conn) Await(ctx context.Context) ([]byte, error) {
	select { // what was said before the end counts
	case answer := <-c.answers:
		return answer, c.acknowledge(ctx)
	default:
	}
	select {
	case answer := <-c.answers:
		return answer, c.acknowledge(ctx)
	case <-c.over:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case answer := <-c.answers:
		return answer, c.acknowledge(ctx)
	default:
		return nil, c.ended(ctx)
	}
}

func (c *Conn) acknowledge(ctx context.Context) error {
	if c.noAck.Load() {
		return nil
	}
	if _, err := c.to.Write([]byte{rsp.Ack}); err != nil {
		return harness.Unheard(ctx, err, c.over, c.ended)
	}
	return nil
}

// Ask sends a request and waits for its answer; that it was refused is an error.
func (c *Conn) Ask(ctx context.Context, request string) ([]byte, error) {
	if err := c.Send(request); err != nil {
		return nil, c.failed(ctx, request, err)
	}
	answer, err := c.Await(ctx)
	if err == nil {
		err = rsp.Refused(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("request %.40q: %w", request, err)
	}
	return answer, nil
}

// failed says why a request could not be sent.
func (c *Conn) failed(ctx context.Context, request string, err error) error {
	return fmt.Errorf("request %.40q: %w", request, harness.Unheard(ctx, err, c.over, c.ended))
}

// Do asks for what is answered by OK.
func (c *Conn) Do(ctx context.Context, request string) error {
	answer, err := c.Ask(ctx, request)
	if err == nil && string(answer) != "OK" {
		err = fmt.Errorf("request %.40q: it answers %.80q", request, answer)
	}
	return err
}

// Greet agrees with the server that no packet is acknowledged, and on what both know of the protocol.
func (c *Conn) Greet(ctx context.Context, features string) error {
	if err := c.Do(ctx, "QStartNoAckMode"); err != nil {
		return err
	}
	c.noAck.Store(true)
	_, err := c.Ask(ctx, "qSupported:"+features)
	return err
}

// maxList is the longest list of threads, in bytes, that is read: 10,000 threads are 1 MB.
const maxList = 16 << 20

// listed asks for the parts of a list until it is whole, each by what next gives for how much there is.
func (c *Conn) listed(ctx context.Context, next func(offset int) string, between string) ([]byte, error) {
	var whole []byte
	for {
		answer, err := c.Ask(ctx, next(len(whole)))
		if err != nil {
			return nil, err
		}
		part, last, err := rsp.Part(answer)
		if err != nil {
			return nil, err
		}
		if len(whole) > 0 && len(part) > 0 {
			whole = append(whole, between...)
		}
		whole = append(whole, part...)
		switch {
		case last:
			return whole, nil
		case len(part) == 0:
			return nil, errors.New("its list of threads does not go on, and does not end")
		case len(whole) > maxList:
			return nil, fmt.Errorf("its list of threads is longer than %d bytes", maxList)
		}
	}
}

// Threads asks for the list of all threads by qXfer:threads:read.
func (c *Conn) Threads(ctx context.Context) ([]rsp.Thread, error) {
	text, err := c.listed(ctx, func(offset int) string { return fmt.Sprintf("qXfer:threads:read::%x,4000", offset) }, "")
	if err != nil {
		return nil, err
	}
	return rsp.ParseThreads(text)
}

// ThreadInfo asks for it by qfThreadInfo.
func (c *Conn) ThreadInfo(ctx context.Context) ([]rsp.Thread, error) {
	text, err := c.listed(ctx, func(offset int) string {
		if offset == 0 {
			return "qfThreadInfo"
		}
		return "qsThreadInfo"
	}, ",")
	if err != nil {
		return nil, err
	}
	return rsp.ParseIDs(string(text))
}

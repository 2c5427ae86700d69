// Package remote is the client half of gdb's remote protocol: what a debugger's front end does over
// its server. A [Conn] carries packets. A [NonStop] session talks to a server that reports each
// thread separately, an [AllStop] session to one that stops all threads at each event. The packages
// that use this one name the server and start it.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

// A Server is what a Conn speaks to: an adapter.Tool, or a connection to one.
type Server interface {
	adapter.Peer
	// End is harness.Session.End.
	End() error
}

// A Conn asks a server, one request at a time, and hears what it tells by itself. Its Log has each
// packet as the line of the words that are read from it.
type Conn struct {
	harness.Log
	server  Server
	answers chan []byte
	notices chan []byte
	noAck   atomic.Bool
}

// backlog is how many packets may have come that were not taken. A server answers what it was
// asked, and a client asks one thing at a time.
const backlog = 64

// NewConn returns a connection without a server. What a server sends is to be given to Read.
func NewConn() *Conn {
	return &Conn{answers: make(chan []byte, backlog), notices: make(chan []byte, backlog)}
}

// Open gives the connection its server.
func (c *Conn) Open(server Server) { c.server = server }

// Read reads a server's packets to their end. The error is what was no packet.
func (c *Conn) Read(from io.Reader) error {
	var come []byte
	chunk := make([]byte, 1<<16)
	for all := 0; ; {
		n, err := from.Read(chunk)
		if all += n; all > adapter.MaxOutput {
			return fmt.Errorf("it said more than %d bytes", adapter.MaxOutput)
		}
		rest, bad := c.take(append(come, chunk[:n]...))
		switch {
		case bad != nil:
			return bad
		case errors.Is(err, io.EOF) && len(rest) > 0:
			return fmt.Errorf("its output ends in the middle of a packet: %.40q", rest)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		come = append(come[:0], rest...)
	}
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

func queue(to chan<- []byte, data []byte) error {
	select {
	case to <- data:
		return nil
	default:
		return fmt.Errorf("it said %d things without being asked", backlog)
	}
}

// forget drops the notifications that have come.
func (c *Conn) forget() {
	for len(c.notices) > 0 {
		<-c.notices
	}
}

// Send sends a packet. The caller passes an error to failed, which may wait.
func (c *Conn) Send(request string) error {
	_, err := c.server.Write(rsp.Append(nil, request))
	return err
}

// failed says why a request could not be sent.
func (c *Conn) failed(ctx context.Context, request string, err error) error {
	return fmt.Errorf("request %.40q: %w", request, adapter.Unheard(ctx, err, c.server))
}

// Next waits for the next packet.
func (c *Conn) Next(ctx context.Context) ([]byte, error) {
	answer, err := adapter.Receive(ctx, c.server, c.answers)
	if err == nil && !c.noAck.Load() {
		err = adapter.Send(ctx, c.server, []byte{rsp.Ack})
	}
	c.Hear(answer)
	return answer, err
}

// Ask sends a request and waits for its answer. A refusal is an error.
func (c *Conn) Ask(ctx context.Context, request string) ([]byte, error) {
	if err := c.Send(request); err != nil {
		return nil, c.failed(ctx, request, err)
	}
	answer, err := c.Next(ctx)
	if err == nil {
		err = rsp.Refused(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("request %.40q: %w", request, err)
	}
	return answer, nil
}

// Do asks for what is answered by OK.
func (c *Conn) Do(ctx context.Context, request string) error {
	answer, err := c.Ask(ctx, request)
	if err == nil && string(answer) != "OK" {
		err = fmt.Errorf("request %.40q: it answers %.80q", request, answer)
	}
	return err
}

// Greet agrees with the server that no packet is acknowledged, and on what both know of the
// protocol. As gdb and lldb do, it first acknowledges what may have come: lldb-server 11 ends if a
// connection begins with anything else.
func (c *Conn) Greet(ctx context.Context, features string) error {
	c.server.Write([]byte{rsp.Ack}) // an error comes again with the request
	if err := c.Do(ctx, "QStartNoAckMode"); err != nil {
		return err
	}
	c.noAck.Store(true)
	_, err := c.Ask(ctx, "qSupported:"+features)
	return err
}

// maxList is the longest list of threads, in bytes, that is read: 10,000 threads are 1 MB.
const maxList = 16 << 20

// listed asks for the parts of a list until it is whole. The request for the next part is what next
// gives for how many bytes there are.
func (c *Conn) listed(
	ctx context.Context, next func(offset int) string, between string,
) ([]byte, error) {
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
			c.Hear(whole)
			return whole, nil
		case len(part) == 0:
			return nil, errors.New("its list of threads does not go on, and does not end")
		case len(whole) > maxList:
			return nil, fmt.Errorf("its list of threads is longer than %d bytes", maxList)
		}
	}
}

// XferThreads lists all threads by qXfer:threads:read.
func (c *Conn) XferThreads(ctx context.Context) ([]rsp.Thread, error) {
	text, err := c.listed(ctx, func(offset int) string {
		return fmt.Sprintf("qXfer:threads:read::%x,4000", offset)
	}, "")
	if err != nil {
		return nil, err
	}
	return rsp.ParseThreads(text)
}

// ThreadInfo lists all threads by qfThreadInfo.
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

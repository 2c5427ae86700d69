package lldbserver

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/debuggers/remote"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
)

type session struct {
	*remote.AllStop
	link *link
}

// Detach lets go, and ends the connection and with it the server, as lldb does: a task that had
// ended before is traced as long as the server lives.
func (s *session) Detach(ctx context.Context) error {
	if err := s.AllStop.Detach(ctx); err != nil {
		return err
	}
	s.link.conn.Close()
	s.link.Tool.Ended(ctx) // how it ended says nothing
	return context.Cause(ctx)
}

// A link is a server and the connection to it.
type link struct {
	*adapter.Tool
	conn io.ReadWriteCloser // nil until the server has connected
	over chan struct{}      // closed when nothing more is read from it
	bad  error              // what was no packet
}

// admit waits until the server has connected, and has what it sends read.
func (l *link) admit(
	ctx context.Context, door *net.UnixListener, target harness.Target, reader *remote.Conn,
) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.Tool.Over():
		case <-waiting.Done():
		}
		door.Close()
	}()
	accepted, err := door.Accept()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return l.Tool.Ended(ctx)
	}
	l.conn = adapter.Recorded(target, accepted)
	go func() {
		defer close(l.over)
		err := reader.Read(l.conn)
		// Either side may have ended the connection while something was unread.
		if !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ECONNRESET) {
			l.bad = err
		}
	}()
	return nil
}

func (l *link) Write(b []byte) (int, error) { return l.conn.Write(b) }

// Over is closed at the end of the connection.
func (l *link) Over() <-chan struct{} { return l.over }

// Ended says how the connection came to its end.
func (l *link) Ended(ctx context.Context) error {
	if l.bad != nil {
		return l.bad
	}
	select {
	case <-l.Tool.Over():
		return l.Tool.Ended(ctx)
	case <-time.After(l.Scaled(limits.Farewell)):
		return errors.New("it closed its connection")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End ends the server; the keeper ends what it leaves.
func (l *link) End() error {
	err := l.Tool.End()
	if l.conn != nil {
		l.conn.Close()
		<-l.over
		err = errors.Join(err, l.bad)
	}
	return err
}

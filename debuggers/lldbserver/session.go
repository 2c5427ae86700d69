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
	conn io.ReadWriteCloser
	over chan struct{} // closed when nothing more is read from it
	bad  error         // what was no packet
}

// read reads what the server sends.
func (l *link) read(reader *remote.Conn) {
	defer close(l.over)
	err := reader.Read(l.conn)
	// Either side may have ended the connection while something was unread.
	if !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ECONNRESET) {
		l.bad = err
	}
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
	l.conn.Close()
	<-l.over
	return errors.Join(err, l.bad)
}

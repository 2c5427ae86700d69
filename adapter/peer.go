package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
)

// A Peer is what an adapter's requests are written to: a [Tool], or a connection to one.
type Peer interface {
	io.Writer
	// Over is closed when nothing more comes from the peer.
	Over() <-chan struct{}
	// Ended says how the peer came to an end that it should not have come to. It waits for that
	// end.
	Ended(ctx context.Context) error
	// Scaled is a time limit of the run; see harness.Target.Scaled.
	Scaled(limit time.Duration) time.Duration
}

// Receive waits for the next value of a channel on which the peer's words arrive. What arrived
// before the peer's end counts. The error is the context's cause, or says how the peer ended.
func Receive[T any](ctx context.Context, from Peer, words <-chan T) (T, error) {
	select {
	case word := <-words:
		return word, nil
	case <-from.Over():
	case <-ctx.Done():
	}
	select {
	case word := <-words:
		return word, nil
	default:
	}
	var none T
	select {
	case <-from.Over():
		return none, from.Ended(ctx)
	default:
		return none, context.Cause(ctx)
	}
}

// Send writes a request. That the peer has ended says more than that its pipe is closed, so a write
// that fails waits a little for the peer's end, and tells how it came; see [Unheard].
func Send(ctx context.Context, to Peer, request []byte) error {
	if _, err := to.Write(request); err != nil {
		return Unheard(ctx, err, to)
	}
	return nil
}

// Unheard says why a request could not be written: by the peer's end, if that comes soon, else by
// the error of the write.
func Unheard(ctx context.Context, err error, to Peer) error {
	select {
	case <-to.Over():
	case <-time.After(to.Scaled(limits.LastWords)):
		return err
	case <-ctx.Done():
		return err
	}
	soon, cancel := context.WithTimeout(ctx, to.Scaled(limits.Grace))
	defer cancel()
	if how := to.Ended(soon); !errors.Is(how, context.Cause(soon)) {
		return how
	}
	return err // its output is closed, and it lives on
}

// A Refusal is the debugger's own "no" to a request, in its words.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Refuses is for harness.Debugger: a no to an attach is a refusal of the program.
func (Refusal) Refuses() bool { return true }

// An Unknown is what a debugger said and its adapter does not understand, although it is well
// formed: the adapter's fault, or the debugger is newer than it. Broken grammar is a plain error,
// and the debugger's.
type Unknown string

func (u Unknown) Error() string {
	return fmt.Sprintf("tidcheck's adapter does not know %.200q", string(u))
}

// OurFault is for harness.Debugger: the run proves nothing.
func (Unknown) OurFault() {}

// Unset is a breakpoint that the debugger says it has not set, where the run is about one that
// stands. There may be none such in the program.
type Unset string

func (u Unset) Error() string { return "the debugger set no breakpoint at " + string(u) }

// OurFault is for harness.Debugger: the run proves nothing. It is [errors.ErrUnsupported] besides.
func (Unset) OurFault() {}

// Is makes runs UNSUPPORTED.
func (Unset) Is(target error) bool { return target == errors.ErrUnsupported }

// A Death is the end of a tool that should not have come.
type Death struct {
	Status event.Status
	Said   string // the last line of its standard error; empty if it wrote nothing
}

func (d Death) Error() string {
	if d.Said == "" {
		return fmt.Sprintf("it ended with %s, and wrote nothing to standard error", d.Status)
	}
	return fmt.Sprintf("it ended with %s: %s", d.Status, d.Said)
}

// Refuses is for harness.Debugger: a tool refuses a program by an exit status, and says that it may
// not trace it. A signal, a failed assertion or a runtime's trace of its stack is a crash.
func (d Death) Refuses() bool {
	return d.Status.Signal() == 0 && d.Status.Code() > 0 && mayNot.MatchString(d.Said)
}

var mayNot = regexp.MustCompile(`(?i)not permitted|permission denied|traced|attach to`)

// Ended says how a tool came to an end: by its failure (see [Tool.Err]), else by its [Death].
func (l *Tool) Ended(ctx context.Context) error {
	if err := l.Err(); err != nil {
		return err // its reader has refused something; the tool itself may go on
	}
	status, err := l.process.Wait(ctx)
	if err = errors.Join(l.Err(), err); err != nil {
		return err
	}
	select {
	case <-l.told: // its last words may come after its end
	case <-time.After(l.Scaled(limits.Grace)): // another process holds its standard error open
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	said := strings.TrimSpace(string(l.tail))
	said = said[strings.LastIndexByte(said, '\n')+1:]
	return Death{status, said}
}

// Recorded has what passes over a connection to a debugger noted in the run's transcript.
func Recorded(t harness.Target, conn io.ReadWriteCloser) io.ReadWriteCloser {
	return recorded{conn, t}
}

type recorded struct {
	io.ReadWriteCloser
	target harness.Target
}

func (r recorded) Read(b []byte) (int, error) {
	n, err := r.ReadWriteCloser.Read(b)
	r.target.Note('<', b[:n])
	return n, err
}

func (r recorded) Write(b []byte) (int, error) {
	r.target.Note('>', b)
	return r.ReadWriteCloser.Write(b)
}

// Package adapter has what all adapters over an external debugger need.
//
// A [Program] is found, tells its version, and is started below the run's keeper. It is a [Tool]
// then: its standard output goes to a reader, such as [Lines], and requests are written to it.
// [Requests] pairs each request with its answer. A [Monitor] guards what the adapter knows of the
// debugged program, and wakes the calls that wait for it to change. [Receive] and [Monitor] stop
// waiting when the [Peer] ends, and say how it ended.
//
// The session of an adapter embeds harness.Unsupported, harness.Log and *Tool, and adds the methods
// for what its debugger offers. The example is a whole one.
package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
)

// A Tool is a debugger that is a program of its own, and that runs. It is a [Peer], and has the
// methods Wait and End of a harness.Session.
type Tool struct {
	process process
	target  harness.Target
	stdin   io.WriteCloser
	over    chan struct{} // closed when nothing more of its output is read
	told    chan struct{} // closed when nothing more of its standard error is read

	mu   sync.Mutex
	err  error
	tail []byte // of its standard error
}

// process is the part of harness.Process that a Tool needs.
type process interface {
	Done() <-chan struct{}
	Wait(ctx context.Context) (event.Status, error)
	Err() error
	Signal(sig syscall.Signal) error
}

// MaxLine is the longest line, in bytes, that a tool may print, and MaxOutput the most that it may
// print in all.
const (
	MaxLine   = 1 << 20
	MaxOutput = 64 << 20
)

// tailSize is how many bytes of a tool's standard error are kept for messages.
const tailSize = 4096

// Start starts a tool below the target's keeper. Its output goes to read, on one goroutine, until
// that returns; the error of read is the tool's failure. Without a read, what it prints is in the
// transcript alone.
//
// A standard file that the spec names is the caller's: the tool cannot be written to then
// (os.ErrInvalid), its output is not read, or its last words are not known.
func Start(t harness.Target, spec harness.Spec, read func(out io.Reader) error) (*Tool, error) {
	l := &Tool{target: t, over: make(chan struct{}), told: make(chan struct{})}
	var ours, theirs [3]*os.File
	closeAll := func(files [3]*os.File) {
		for _, f := range files {
			f.Close() // an error says that it is nil
		}
	}
	for i, given := range []**os.File{&spec.Stdin, &spec.Stdout, &spec.Stderr} {
		if *given != nil {
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(ours)
			closeAll(theirs)
			return nil, err
		}
		if ours[i], theirs[i] = r, w; i == 0 {
			ours[i], theirs[i] = w, r
		}
		*given = theirs[i]
	}
	defer closeAll(theirs)
	t.Note('$', []byte(strings.Join(spec.Argv, " ")+"\n"))
	p, err := t.Start(spec)
	if err == nil {
		l.process = p
		err = p.Release()
	}
	if err != nil {
		closeAll(ours)
		return nil, err
	}
	l.stdin = ours[0]
	go l.follow(ours[1], read)
	go l.keepTail(ours[2])
	return l, nil
}

// follow reads the output. If that is not ours, it ends with the process.
func (l *Tool) follow(out *os.File, read func(io.Reader) error) {
	defer close(l.over)
	if out == nil {
		<-l.process.Done()
		return
	}
	defer out.Close()
	if read == nil {
		read = func(out io.Reader) error {
			_, err := io.Copy(io.Discard, out)
			return err
		}
	}
	if err := read(&limited{Recorded(l.target, out), MaxOutput}); err != nil {
		l.fail(err)
	}
}

// A limited reader fails when it has read too much.
type limited struct {
	io.Reader
	left int
}

func (r *limited) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("it printed more than %d bytes", MaxOutput)
	}
	n, err := r.Reader.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}

func (l *Tool) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// keepTail reads standard error, if that is ours.
func (l *Tool) keepTail(r *os.File) {
	defer close(l.told)
	defer r.Close()
	chunk := make([]byte, tailSize)
	for {
		n, err := r.Read(chunk)
		if err != nil {
			return // its end; or it is not ours
		}
		l.target.Note('!', chunk[:n])
		l.mu.Lock()
		l.tail = append(l.tail, chunk[:n]...)
		l.tail = l.tail[max(0, len(l.tail)-tailSize):]
		l.mu.Unlock()
	}
}

// Write writes to the tool's standard input.
func (l *Tool) Write(b []byte) (int, error) {
	l.target.Note('>', b)
	return l.stdin.Write(b)
}

// CloseInput ends the tool's standard input; what is written to it after that fails.
func (l *Tool) CloseInput() { l.stdin.Close() }

// Over is closed when no more of the tool's output is read: it has ended, or the reader has refused
// something.
func (l *Tool) Over() <-chan struct{} { return l.over }

// Wait waits until [Tool.Over].
func (l *Tool) Wait(ctx context.Context) error {
	select {
	case <-l.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Scaled is harness.Target.Scaled.
func (l *Tool) Scaled(limit time.Duration) time.Duration { return l.target.Scaled(limit) }

// Err is the tool's failure: its reader's error, or that its program could not be executed.
func (l *Tool) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.err, l.process.Err())
}

// Interrupt sends a signal to the tool's process group, and waits until the tool has ended and
// its last words are read. A tool that ignores the signal is not killed before its End: a kill
// would let go of the program in the tool's place.
func (l *Tool) Interrupt(ctx context.Context, sig syscall.Signal) error {
	if err := l.process.Signal(sig); err != nil {
		return err
	}
	if _, err := l.process.Wait(ctx); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, l.Scaled(limits.Grace))
	defer cancel()
	l.Wait(patience) // an error says that another process holds its output open, without a word
	return ctx.Err()
}

// End kills the tool's process group, if it is not over. The error is the tool's failure before
// that: what the end makes of the tool, such as half a line in its output, is not its fault.
func (l *Tool) End() error {
	err := l.Err()
	l.stdin.Close()
	l.process.Signal(syscall.SIGKILL) // an error says that it is gone; the keeper kills the rest
	return err
}

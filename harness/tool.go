package harness

import (
	"bufio"
	"bytes"
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
)

// A Tool is a debugger that is a program of its own: it is spoken to by its standard input, and answers on its
// standard output.
type Tool struct {
	process *Process
	stdin   io.WriteCloser
	log     *transcript
	read    chan struct{} // closed at the end of its output
	told    chan struct{} // closed at the end of its standard error

	mu   sync.Mutex
	err  error
	tail bytes.Buffer // the end of what it wrote to standard error
}

// MaxLine is the longest line, in bytes, that a tool may print, and MaxOutput the most that it may print in all.
const (
	MaxLine   = 1 << 20
	MaxOutput = 64 << 20
)

// tailSize is how much of a tool's standard error is kept for messages.
const tailSize = 4096

// grace is how long what is over may take to say so, or to give back what it holds.
const grace = 2 * time.Second

// StartLineTool starts a tool that prints lines. Each goes to take, on one goroutine and without its end; the first
// error of take is the tool's failure, and the rest of its output is not read.
func StartLineTool(t Target, spec Spec, take func(line []byte) error) (*Tool, error) {
	return StartTool(t, spec, func(out io.Reader) error { return eachLine(out, take) })
}

func eachLine(out io.Reader, take func(line []byte) error) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	n := 1
	for ; lines.Scan(); n++ {
		if err := take(lines.Bytes()); err != nil {
			return fmt.Errorf("line %d of its output: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d of its output is longer than %d bytes", n, MaxLine)
	}
	return lines.Err()
}

// StartTool starts a tool below the target's keeper, with pipes for its standard input and output, where the spec
// names none of them. Its output goes to read, on one goroutine, until that returns: an error is the
// tool's failure.
func StartTool(t Target, spec Spec, read func(out io.Reader) error) (*Tool, error) {
	l := &Tool{log: t.log, read: make(chan struct{}), told: make(chan struct{})}
	var ours, theirs []*os.File
	closeAll := func(files []*os.File) {
		for _, f := range files {
			f.Close()
		}
	}
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, err
		}
		if len(ours) == 0 {
			r, w = w, r
		}
		ours, theirs = append(ours, r), append(theirs, w)
	}
	defer closeAll(theirs)
	spec.Stdin, spec.Stdout, spec.Stderr = theirs[0], theirs[1], theirs[2]
	l.log.note('$', []byte(strings.Join(spec.Argv, " ")+"\n"))
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

func (l *Tool) follow(out *os.File, read func(io.Reader) error) {
	defer close(l.read)
	defer out.Close()
	if err := read(&limited{l.log.reader(out), MaxOutput}); err != nil {
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

func (l *Tool) keepTail(r *os.File) {
	defer close(l.told)
	defer r.Close()
	chunk := make([]byte, tailSize)
	for {
		n, err := r.Read(chunk)
		if err != nil {
			return // the end of the file
		}
		l.log.note('!', chunk[:n])
		l.mu.Lock()
		l.tail.Write(chunk[:n])
		if extra := l.tail.Len() - tailSize; extra > 0 {
			l.tail.Next(extra)
		}
		l.mu.Unlock()
	}
}

// Write writes to the tool's standard input.
func (l *Tool) Write(b []byte) (int, error) {
	l.log.note('>', b)
	return l.stdin.Write(b)
}

// PID is the tool's process, which leads its process group.
func (l *Tool) PID() int { return l.process.PID }

// Over is closed when the tool's output has ended: by its end of file, or because a line was refused.
func (l *Tool) Over() <-chan struct{} { return l.read }

// Wait waits for the end of the tool's output.
func (l *Tool) Wait(ctx context.Context) error {
	select {
	case <-l.read:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Err is the tool's failure: a line that was refused, or a program that could not be executed.
func (l *Tool) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.process.done:
		return errors.Join(l.err, l.process.err)
	default:
		return l.err
	}
}

// Await waits until a tool is ready; that it ends first, or not in time, is an error.
func (l *Tool) Await(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-l.read:
		return l.Ended(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ended says how a tool came to an end that should have gone on.
func (l *Tool) Ended(ctx context.Context) error {
	if err := l.Err(); err != nil {
		return err // a line was refused: the tool itself may go on
	}
	status, err := l.process.Wait(ctx)
	if err = errors.Join(l.Err(), err); err != nil {
		return err
	}
	select {
	case <-l.told: // its last words may come to us after its end
	case <-time.After(grace): // somebody else holds its standard error
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	said := strings.TrimSpace(l.tail.String())
	if i := strings.LastIndexByte(said, '\n'); i >= 0 {
		said = said[i+1:]
	}
	if said == "" {
		return fmt.Errorf("it ended with %s, and wrote nothing to standard error", status)
	}
	return fmt.Errorf("it ended with %s: %s", status, said)
}

// lastWords is how long one who takes no more requests may take to end: most have already.
const lastWords = 500 * time.Millisecond

// Unheard says why a request could not be written. That a tool has ended says more than that its pipe is closed: so its end, at
// which over is closed, is waited for a little, and ended says how it came.
func Unheard(ctx context.Context, err error, over <-chan struct{}, ended func(ctx context.Context) error) error {
	select {
	case <-over:
	case <-time.After(lastWords):
		return err
	case <-ctx.Done():
		return err
	}
	soon, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if how := ended(soon); !errors.Is(how, context.Cause(soon)) {
		return how
	}
	return err // its output is closed, and it lives on
}

// Interrupt sends a signal to the tool's process group and waits until it has ended. One that does not listen is
// not killed before its End: that would let go of its program for it.
func (l *Tool) Interrupt(ctx context.Context, sig syscall.Signal) error {
	if err := l.signal(sig); err != nil {
		return err
	}
	if _, err := l.process.Wait(ctx); err != nil {
		return err
	}
	return l.heard(ctx)
}

// heard waits until the tool's last words have been read, which may be after its end.
func (l *Tool) heard(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	l.Wait(patience) // longer, if somebody else has its output open: he has nothing to say
	return ctx.Err()
}

func (l *Tool) signal(sig syscall.Signal) error {
	select {
	case <-l.process.done:
		return nil
	default:
	}
	if err := signalGroup(l.process.PID, sig); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil // it has ended, and the keeper's word of it is on its way
}

// End kills the tool's process group, if it is not over. The error is its failure before: what the end makes of it is
// not its fault, such as half a line at the end of its input.
func (l *Tool) End() error {
	err := l.Err()
	l.stdin.Close()
	l.signal(syscall.SIGKILL) // an error means that it is gone, and the keeper kills what is left
	return err
}

// A Log is what a debugger has said so far; a session embeds it for its Events.
type Log struct {
	mu     sync.Mutex
	events event.Trace
}

// Add notes an event as the debugger told it.
func (l *Log) Add(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// Events is what was noted so far.
func (l *Log) Events() event.Trace {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(event.Trace(nil), l.events...)
}

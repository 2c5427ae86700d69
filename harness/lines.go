package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// A LineTool is a debugger that is a program of its own and speaks in lines.
type LineTool struct {
	process *Process
	stdin   *os.File
	read    chan struct{} // closed at the end of its output
	told    chan struct{} // closed at the end of its standard error

	mu   sync.Mutex
	err  error
	tail bytes.Buffer // the end of what it wrote to standard error
}

// MaxLine is the longest line, in bytes, that a tool may print.
const MaxLine = 1 << 20

// tailSize is how much of a tool's standard error is kept for messages.
const tailSize = 4096

// grace is how long a tool that was asked to end may take before it is killed.
const grace = 2 * time.Second

// StartLineTool starts a tool below the target's keeper. Each line of its output goes to take, on
// one goroutine and without its end; the first error of take is the tool's failure, and
// the rest of its output is not read.
func StartLineTool(t Target, argv []string, take func(line []byte) error) (*LineTool, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		inW.Close()
		return nil, err
	}
	defer outW.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		inW.Close()
		outR.Close()
		return nil, err
	}
	defer errW.Close()
	l := &LineTool{stdin: inW, read: make(chan struct{}), told: make(chan struct{})}
	p, err := t.Start(Spec{Argv: argv, Stdin: inR, Stdout: outW, Stderr: errW})
	if err == nil {
		l.process = p
		err = p.Release()
	}
	if err != nil {
		inW.Close()
		outR.Close()
		errR.Close()
		return nil, err
	}
	go l.follow(outR, take)
	go l.keepTail(errR)
	return l, nil
}

func (l *LineTool) follow(out *os.File, take func([]byte) error) {
	defer close(l.read)
	defer out.Close()
	scanner := bufio.NewScanner(out)
	scanner.Buffer(make([]byte, 0, 4096), MaxLine)
	for n := 1; scanner.Scan(); n++ {
		if err := take(scanner.Bytes()); err != nil {
			l.fail(fmt.Errorf("line %d of its output: %w", n, err))
			return
		}
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		l.fail(fmt.Errorf("a line of its output is longer than %d bytes", MaxLine))
	}
}

func (l *LineTool) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *LineTool) keepTail(r *os.File) {
	defer close(l.told)
	defer r.Close()
	chunk := make([]byte, tailSize)
	for {
		n, err := r.Read(chunk)
		if err != nil {
			return // the end of the file
		}
		l.mu.Lock()
		l.tail.Write(chunk[:n])
		if extra := l.tail.Len() - tailSize; extra > 0 {
			l.tail.Next(extra)
		}
		l.mu.Unlock()
	}
}

// Write writes to the tool's standard input.
func (l *LineTool) Write(b []byte) (int, error) { return l.stdin.Write(b) }

// Over is closed when the tool's output has ended: by its end of file, or because a line was refused.
func (l *LineTool) Over() <-chan struct{} { return l.read }

// Wait waits for the end of the tool's output.
func (l *LineTool) Wait(ctx context.Context) error {
	select {
	case <-l.read:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Err is the tool's failure: a line that was refused, or a program that could not be executed.
func (l *LineTool) Err() error {
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
func (l *LineTool) Await(ctx context.Context, ready <-chan struct{}) error {
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
func (l *LineTool) Ended(ctx context.Context) error {
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

// Interrupt sends a signal to the tool's process group, waits until it has ended, and
// kills it if that takes too long.
func (l *LineTool) Interrupt(ctx context.Context, sig syscall.Signal) error {
	if err := l.signal(sig); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if _, err := l.process.Wait(patience); err == nil {
		return l.heard(ctx)
	} else if ctx.Err() != nil {
		return err
	}
	if err := l.signal(syscall.SIGKILL); err != nil {
		return err
	}
	if _, err := l.process.Wait(ctx); err != nil {
		return err
	}
	return l.heard(ctx)
}

// heard waits until the tool's last words have been read, which may be after its end.
func (l *LineTool) heard(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	l.Wait(patience) // longer, if somebody else has its output open: he has nothing to say
	return ctx.Err()
}

func (l *LineTool) signal(sig syscall.Signal) error {
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

// End kills the tool's process group, if it is not over.
func (l *LineTool) End() error {
	l.stdin.Close()
	err := l.Err()
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

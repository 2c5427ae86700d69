package adapter

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// A fakeProcess ends with 0 when done is closed.
type fakeProcess struct {
	done    chan struct{}
	signals chan syscall.Signal
}

func newFakeProcess() fakeProcess {
	return fakeProcess{make(chan struct{}), make(chan syscall.Signal, 8)}
}

func (p fakeProcess) Done() <-chan struct{} { return p.done }
func (p fakeProcess) Err() error            { return nil }

func (p fakeProcess) Wait(ctx context.Context) (event.Status, error) {
	select {
	case <-p.done:
		return event.Exited(0), nil
	case <-ctx.Done():
		return event.Unknown, context.Cause(ctx)
	}
}

func (p fakeProcess) Signal(sig syscall.Signal) error {
	p.signals <- sig
	return nil
}

// A tool may have ended just before it is told to end: its last words are on their way then, like
// the word of its end.
func TestAToolThatHasJustEndedIsHeard(t *testing.T) {
	p := newFakeProcess()
	l := &Tool{process: p, over: make(chan struct{})}
	over := make(chan error)
	go func() { over <- l.Interrupt(t.Context(), syscall.SIGTERM) }()
	for _, word := range []chan struct{}{p.done, l.over} {
		select {
		case err := <-over:
			t.Fatal("it is not waited for: ", err)
		case <-time.After(20 * time.Millisecond): // that nothing comes is what is looked for
		}
		close(word)
	}
	assert.NilError(t, <-over)
	assert.Equal(t, <-p.signals, syscall.SIGTERM)
}

// A server that is in the middle of its answer when its input is closed may end there, before it is
// looked at.
func TestWhatItsEndMakesOfAToolIsNotItsFailure(t *testing.T) {
	p := newFakeProcess()
	l := &Tool{process: p}
	l.stdin = atClose(func() { l.fail(errors.New("its output ends in the middle of a packet")) })
	assert.NilError(t, l.End())
	assert.Equal(t, <-p.signals, syscall.SIGKILL)
}

// An atClose is an input whose end makes its tool do something at once.
type atClose func()

func (atClose) Write(b []byte) (int, error) { return len(b), nil }

func (f atClose) Close() error {
	f()
	return nil
}

func TestAToolIsWrittenToAndRead(t *testing.T) {
	withTarget(t, func(ctx context.Context, target harness.Target) {
		words := make(chan string, 8)
		take := func(line []byte) error {
			words <- string(line)
			return nil
		}
		argv := []string{script(
			t, "tool", "read -r line; echo \"it is $line\"; echo last words >&2; exit 3")}
		l, err := Start(target, harness.Spec{Argv: argv}, Lines{Take: take}.Read)
		assert.NilError(t, err)
		assert.NilError(t, Send(ctx, l, []byte("asked\n")))
		got, err := Receive(ctx, l, words)
		assert.NilError(t, err)
		assert.Equal(t, got, "it is asked")
		_, err = Receive(ctx, l, words)
		assert.Error(t, err, "it ended with 3: last words")
		assert.Error(t, Send(ctx, l, []byte("again\n")), "it ended with 3: last words")
		assert.NilError(t, l.Wait(ctx))
		assert.NilError(t, l.End())
	})
}

// What is given to a tool is left to the giver.
func TestAGivenFileIsRespected(t *testing.T) {
	withTarget(t, func(ctx context.Context, target harness.Target) {
		input, err := os.Open(script(t, "input", "given\n"))
		assert.NilError(t, err)
		defer input.Close()
		output, err := os.CreateTemp(t.TempDir(), "output")
		assert.NilError(t, err)
		defer output.Close()
		spec := harness.Spec{Argv: []string{"cat"}, Stdin: input, Stdout: output, Stderr: output}
		unread := func(io.Reader) error {
			t.Error("its output is not ours, and is read")
			return nil
		}
		l, err := Start(target, spec, unread)
		assert.NilError(t, err)
		assert.NilError(t, l.Wait(ctx))
		got, err := os.ReadFile(output.Name())
		assert.NilError(t, err)
		assert.Equal(t, string(got), "#!/bin/sh\ngiven\n")
		assert.Error(t, l.Ended(ctx), "it ended with 0, and wrote nothing to standard error")
		_, err = l.Write([]byte("x"))
		assert.ErrorIs(t, err, os.ErrInvalid)
		assert.NilError(t, l.End())
	})
}

func TestAnOutputWithoutAReaderIsPassedOver(t *testing.T) {
	withTarget(t, func(ctx context.Context, target harness.Target) {
		l, err := Start(
			target, harness.Spec{Argv: []string{"head", "-c", "1000000", "/dev/zero"}}, nil)
		assert.NilError(t, err)
		assert.Error(t, l.Ended(ctx), "it ended with 0, and wrote nothing to standard error")
	})
}

func TestAProgramThatCannotBeExecutedSaysWhy(t *testing.T) {
	withTarget(t, func(ctx context.Context, target harness.Target) {
		_, err := Start(target, harness.Spec{Argv: []string{"/nowhere/tool"}}, nil)
		assert.ErrorIs(t, err, os.ErrNotExist)
		folder := t.TempDir() + "/folder"
		assert.NilError(t, os.WriteFile(folder, []byte("\x7fELF"), 0o755))
		l, err := Start(target, harness.Spec{Argv: []string{folder}}, nil)
		assert.NilError(t, err)
		assert.ErrorIs(t, l.Ended(ctx), syscall.ENOEXEC)
		assert.ErrorIs(t, l.End(), syscall.ENOEXEC)
	})
}

func TestAToolThatIgnoresASignalIsNotKilled(t *testing.T) {
	withTarget(t, func(ctx context.Context, target harness.Target) {
		ready := make(chan string, 1)
		take := func(line []byte) error {
			ready <- string(line)
			return nil
		}
		argv := []string{script(t, "deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done")}
		l, err := Start(target, harness.Spec{Argv: argv}, Lines{Take: take}.Read)
		assert.NilError(t, err)
		_, err = Receive(ctx, l, ready)
		assert.NilError(t, err)
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		assert.ErrorIs(t, l.Interrupt(short, syscall.SIGTERM), context.DeadlineExceeded)
		assert.NilError(t, l.End())
		assert.Error(t, l.Ended(ctx), "it ended with SIGKILL, and wrote nothing to standard error")
	})
}

func TestTooMuchOutputIsAFailure(t *testing.T) {
	out := &limited{Reader: endless{}, left: MaxOutput}
	n, err := io.Copy(io.Discard, out)
	assert.Error(t, err, "it printed more than 67108864 bytes")
	assert.Equal(t, n, int64(MaxOutput))
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// Of what a tool writes to standard error the end is kept, in bounded memory.
func TestTheEndOfStandardErrorIsKept(t *testing.T) {
	r, w, err := os.Pipe()
	assert.NilError(t, err)
	l := &Tool{told: make(chan struct{})}
	go l.keepTail(r)
	for range 100 {
		io.WriteString(w, strings.Repeat("x", 1000))
	}
	io.WriteString(w, "end")
	w.Close()
	<-l.told
	assert.Equal(t, len(l.tail), tailSize)
	assert.Assert(t, bytes.HasSuffix(l.tail, []byte("xend")))
}

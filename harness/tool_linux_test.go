package harness

import (
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// A tool may end, and be reaped, just before it is told to: its last words are on their way then, like
// the word of its end.
func TestAToolThatHasJustEndedIsHeard(t *testing.T) {
	alarm(t, 20*time.Second)
	gone := exec.Command("true")
	assert.NilError(t, gone.Run())
	l := &Tool{process: &Process{PID: gone.Process.Pid, done: make(chan struct{}), status: event.Exited(0)}, read: make(chan struct{})}
	over := make(chan error)
	go func() { over <- l.Interrupt(t.Context(), unix.SIGTERM) }()
	for _, word := range []chan struct{}{l.process.done, l.read} {
		select {
		case err := <-over:
			t.Fatal("it is not waited for: ", err)
		case <-time.After(20 * time.Millisecond): // that nothing comes is what is looked for
		}
		close(word)
	}
	assert.NilError(t, <-over)
}

// A server that is in the middle of its answer when its input is closed may end there, before it is looked at.
func TestWhatAToolsEndMakesOfItIsNotItsFailure(t *testing.T) {
	gone := exec.Command("true")
	assert.NilError(t, gone.Run())
	l := &Tool{process: &Process{PID: gone.Process.Pid, done: make(chan struct{})}}
	close(l.process.done)
	l.stdin = atClose(func() { l.fail(errors.New("its output ends in the middle of a packet")) })
	assert.NilError(t, l.End())
}

// An atClose is an input whose end has its tool do something at once.
type atClose func()

func (atClose) Write(b []byte) (int, error) { return len(b), nil }

func (f atClose) Close() error {
	f()
	return nil
}

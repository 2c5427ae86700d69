package adapter

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

var errGone = errors.New("it is gone")

// A fakePeer takes no writes, and is gone when over is closed. If it never ends, Ended waits in
// vain.
type fakePeer struct {
	over  chan struct{}
	never bool
}

func (fakePeer) Write([]byte) (int, error)                { return 0, io.ErrClosedPipe }
func (p fakePeer) Over() <-chan struct{}                  { return p.over }
func (fakePeer) Scaled(limit time.Duration) time.Duration { return 10 * limit }

func (p fakePeer) Ended(ctx context.Context) error {
	if p.never {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return errGone
}

func TestWhatWasSaidBeforeTheEndCounts(t *testing.T) {
	over := make(chan struct{})
	close(over)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	words := make(chan int, 1)
	for range 100 {
		words <- 7
		got, err := Receive(gone, fakePeer{over: over}, words)
		assert.NilError(t, err)
		assert.Equal(t, got, 7)
	}
	_, err := Receive(t.Context(), fakePeer{over: over}, words)
	assert.ErrorIs(t, err, errGone)
	_, err = Receive(gone, fakePeer{}, words)
	assert.ErrorIs(t, err, context.Canceled)
}

// That a peer has ended says more than that its pipe is closed.
func TestAWriteThatFailsIsToldByThePeersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			after time.Duration
			never bool
			want  error
		}{
			{4 * time.Second, false, errGone}, // in ten times half a second
			{6 * time.Second, false, io.ErrClosedPipe},
			{time.Second, true, io.ErrClosedPipe}, // its output alone has ended
		} {
			over := make(chan struct{})
			time.AfterFunc(c.after, func() { close(over) })
			assert.ErrorIs(t, Send(t.Context(), fakePeer{over, c.never}, []byte("x")), c.want)
			<-over
		}
	})
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name, text string
		lines      Lines
		want, err  string
	}{
		{"lines", "a\nb\r\n\n", Lines{}, "a|b|", ""},
		{"a last line without an end", "a\nb", Lines{}, "a|b", ""},
		{"that is passed over", "a\nb", Lines{Whole: true}, "a", ""},
		{"nothing", "", Lines{Whole: true}, "", ""},
		{"a refused line", "a\nbad\nb", Lines{}, "a", "line 2 of its output: it is bad"},
		{
			"a long line", "a\n12345678\n",
			Lines{Max: 8},
			"a",
			"line 2 of its output is longer than 8 bytes",
		},
	} {
		var got []string
		c.lines.Take = func(line []byte) error {
			if string(line) == "bad" {
				return errors.New("it is bad")
			}
			got = append(got, string(line))
			return nil
		}
		err := c.lines.Read(strings.NewReader(c.text))
		assert.Equal(t, strings.Join(got, "|"), c.want, c.name)
		if c.err == "" {
			assert.NilError(t, err, c.name)
		} else {
			assert.Error(t, err, c.err)
		}
	}
}

// A tool refuses a program by an exit status and words that name a reason.
func TestADeathIsARefusalInWords(t *testing.T) {
	for _, c := range []struct {
		death Death
		want  bool
	}{
		{Death{event.Exited(1), "could not attach to pid 7: operation not permitted"}, true},
		{Death{event.Exited(3), "thread 8 is already traced by process 9"}, true},
		{Death{event.Exited(0), "operation not permitted"}, false},
		{Death{event.Exited(1), ""}, false},
		{Death{event.Exited(2), "\t/src/attach.go:55 +0x1d"}, false},
		{Death{event.Exited(1), "x.c:7: Assertion `n == 1' failed."}, false},
		{Death{event.Killed(11), "operation not permitted"}, false},
		{Death{event.Unknown, "operation not permitted"}, false},
	} {
		assert.Check(t, c.death.Refuses() == c.want, "%v", c.death)
	}
}

// The line in which something is unknown is quoted with its number.
func TestAnUnknownWordIsToldWithItsPlace(t *testing.T) {
	take := func(line []byte) error {
		if string(line) == "b c" {
			return Unknown("c")
		}
		return nil
	}
	err := Lines{Take: take}.Read(strings.NewReader("a\nb c\n"))
	assert.Error(t, err, `line 2 of its output: tidcheck's adapter does not know "c": "b c"`)
	var ours interface{ OurFault() }
	assert.Assert(t, errors.As(err, &ours))
}

package remote

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"gotest.tools/v3/assert"
)

// scripted is a connection to a server that goes by a script: a line each, > what it is to be asked, < what it answers, % what it
// tells by itself, ^C an interrupt, and ?> what it may be asked. done waits for the script's end.
func scripted(t *testing.T, script string) (c *Conn, done func()) {
	t.Helper()
	hears, asks := io.Pipe()
	answers, says := io.Pipe()
	c = NewConn()
	over, played := make(chan struct{}), make(chan struct{})
	c.Open(asks, over, func(context.Context) error { return errors.New("it is over") })
	go func() {
		defer close(over)
		if err := c.Read(answers); err != nil {
			t.Error(err)
		}
	}()
	go func() {
		defer says.Close()
		var come []byte
		got, skips := "", false
		for line := range strings.Lines(script) {
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			kind, text, _ := strings.Cut(line, " ")
			switch kind {
			case ">", "?>", "^C":
				if got == "" {
					got, come = heard(hears, come)
				}
				if got == "" {
					return // the test is over; done misses the script's end
				}
				want := strings.TrimSpace(text + strings.Trim(kind, "?>"))
				if skips = kind == "?>" && got != want; skips {
					continue
				}
				if got != want {
					t.Errorf("it was asked %q, want %q", got, want)
					hears.Close()
					return
				}
				got = ""
			default:
				if skips {
					continue
				}
				packet := rsp.Append(nil, text)
				if kind == "%" {
					packet[0] = rsp.Notification
				}
				says.Write(packet) // an error means that the client is over
			}
		}
		close(played)
	}()
	t.Cleanup(func() { hears.Close(); says.Close(); <-over })
	return c, func() {
		t.Helper()
		select {
		case <-played:
		case <-time.After(10 * time.Second):
			t.Fatal("the script did not come to its end")
		}
	}
}

// heard is the next request, or ^C; empty if there is no more.
func heard(from io.Reader, come []byte) (string, []byte) {
	chunk := make([]byte, 4096)
	for {
		for len(come) > 0 && come[0] == rsp.Ack {
			come = come[1:]
		}
		if len(come) > 0 && come[0] == 3 {
			return "^C", come[1:]
		}
		if frame, n, err := rsp.Next(come); err != nil || n > 0 {
			return string(frame.Data), come[n:]
		}
		n, err := from.Read(chunk)
		if err != nil {
			return "", nil
		}
		come = append(come, chunk[:n]...)
	}
}

func said(trace event.Trace) string {
	var b strings.Builder
	for _, e := range trace {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

const greeting = `
	> QStartNoAckMode
	< OK
	> qSupported:x+
	< PacketSize=1000
`

// A notification before the first question is told again with its answers, and what a thread got meanwhile is its own when it
// goes on. A thread that is no longer listed is not waited for.
func TestNonStopAttachAndStop(t *testing.T) {
	const list = "> qXfer:threads:read::0,4000\n< l<threads>"
	conn, done := scripted(t, greeting+`
		> QNonStop:1
		% Stop:T1ethread:p7.8;
		< OK
		> ?
		< T1ethread:p7.8;
		> vStopped
		< T05thread:p7.7;
		> vStopped
		< OK
		> QThreadEvents:1
		< OK
		> vCont;t
		< OK
		`+list+`<thread id="p7.7"/><thread id="p7.8"/><thread id="p7.9"/><thread id="p7.a"/></threads>
		% Stop:T05create:;thread:p7.9;
		> vStopped
		< T05create:;thread:p7.b;
		> vStopped
		< OK
		`+list+`<thread id="p7.7"/><thread id="p7.8"/><thread id="p7.9"/><thread id="p7.b"/></threads>
		> vCont;C1e:p7.8;c
		< OK
		% Stop:T05vfork:pc.c;thread:p7.7;
		> vStopped
		< OK
		> vCont;c:p7.7;c:pc.c
		< OK
		> vCont;t
		< OK
		`+list+`<thread id="p7.7"/><thread id="p7.8"/><thread id="pc.c"/></threads>
		% Stop:T00thread:p7.8;
		> vStopped
		< T00thread:pc.c;
		> vStopped
		< OK
		?`+list+`<thread id="p7.7"/><thread id="p7.8"/><thread id="pc.c"/></threads>
		> D;7
		< OK
		> D;c
		< OK
	`)
	s := NewNonStop(conn, nil)
	assert.NilError(t, s.Begin(t.Context(), true, "x+"))
	assert.NilError(t, s.Resume(t.Context()))
	s.until(t, func() bool { // who made a process is let go on
		maker := s.book.at(rsp.Thread{PID: 7, TID: 7})
		return maker.vfork && !maker.stands
	})
	assert.NilError(t, s.Detach(t.Context()), "who waits for his vfork's child is not waited for")
	done()
	assert.Equal(t, said(s.Events()), "7/8: attach\n7/8: signal SIGUSR1\n7: attach\n7/9: attach\n7/10: attach\n7/0: clone 11\n7: vfork 12\n")
}

// until waits until the book is as it is to be.
func (s *NonStop) until(t *testing.T, isSo func() bool) {
	t.Helper()
	for {
		s.mu.Lock()
		so, changed, failure := isSo(), s.changed, s.err
		s.mu.Unlock()
		if so {
			return
		}
		assert.NilError(t, failure)
		select {
		case <-changed:
		case <-s.Conn.over:
			t.Fatal("the server was over before")
		}
	}
}

// One stop reply of lldb-server's is about all threads that stopped. An interrupt that came too late is heard
// of before the echo, and is no signal of the program's.
func TestAllStopOfLldbServer(t *testing.T) {
	reasons := func(text string) string { return "jstopinfo:" + rsp.Hex(text) + ";" }
	conn, done := scripted(t, greeting+`
		> ?
		< T13thread:p7.7;reason:signal;`+reasons(`[{"tid":7,"reason":"signal","signal":19},{"tid":8,"reason":"signal","signal":10}]`)+`
		> qfThreadInfo
		< mp7.7,p7.8
		> qsThreadInfo
		< l
		> vCont;C0a:p7.8;c
		< T05thread:p7.7;reason:fork;fork:p9.9;`+reasons(`[{"tid":7,"reason":"fork","description":"9 9","signal":5},{"tid":8,"reason":"vfork","description":"11 11","signal":5}]`)+`
		> D;b
		< OK
		> D;9
		< OK
		> vCont;c
		^C
		< T0cthread:p7.8;reason:signal;
		> qEcho:1
		< T13thread:p7.7;reason:signal;
		< qEcho:1
		> vCont;C0c:p7.8;c
		< T13thread:p7.8;reason:signal;
		> vCont;C13:p7.8;c
		< W2a;process:7
	`)
	s := NewAllStop(conn, Manners{
		Features: "x+", Linux: func(sig int) int { return sig }, Interrupt: 19, Detaches: true, Echoes: true, List: (*Conn).ThreadInfo,
	}, nil)
	assert.NilError(t, s.Begin(t.Context(), true))
	assert.NilError(t, s.Resume(t.Context()))
	for !s.goesOn(5) {
		time.Sleep(time.Millisecond) // sleep: a session tells nobody of its events
	}
	assert.NilError(t, s.Stop(t.Context()))
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Wait(t.Context()))
	done()
	assert.Equal(t, said(s.Events()), "7: attach\n7/8: attach\n7/8: signal SIGUSR1\n7: fork 9\n7/8: vfork 11\n7/8: signal SIGUSR2\n7/8: signal SIGSTOP\n"+
		"7/8: exit ?\n7: exit ?\n7: end 42\n")
	assert.ErrorContains(t, s.Stop(t.Context()), "the program is over")
}

// goesOn tells whether a session has heard so much and let the program go on.
func (s *AllStop) goesOn(events int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs && len(s.Events()) >= events
}

// The signal of an interrupt that is on its way is waited for, since it would be the program's after a detach.
func TestAllStopOfGdbserver(t *testing.T) {
	conn, done := scripted(t, greeting+`
		> ?
		< T05thread:p7.7;
		> qXfer:threads:read::0,4000
		< l<threads><thread id="p7.7"/></threads>
		> vCont;c
		^C
		< T1ethread:p7.7;
		> vCont;C1e:p7.7;c
		< T02thread:p7.7;
		> vCont;c
		< T02thread:p7.7;
		> vCont;C02:p7.7;c
		< X02;process:7
	`)
	s := NewAllStop(conn, Manners{Features: "x+", Linux: rsp.FromGDB, Interrupt: 2, Detaches: true, List: (*Conn).Threads}, nil)
	assert.NilError(t, s.Begin(t.Context(), false))
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Stop(t.Context()))
	assert.NilError(t, s.Stop(t.Context()), "it stands")
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Wait(t.Context()))
	done()
	assert.Equal(t, said(s.Events()), "7: signal SIGUSR1\n7: signal SIGINT\n7: exit ?\n7: end SIGINT\n")
}

func TestAServerThatEndsIsNotWaitedFor(t *testing.T) {
	conn, done := scripted(t, greeting)
	assert.NilError(t, conn.Greet(t.Context(), "x+"))
	done()
	_, err := conn.Await(t.Context())
	assert.Error(t, err, "it is over")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waiting, _ := scripted(t, "> ?\n> ?")
	_, err = waiting.Ask(ctx, "?")
	assert.ErrorIs(t, err, context.Canceled)
}

// The pipe of a server closes a moment before its end is seen. That is what is told, also where an acknowledgement alone could
// not be written.
func TestTheEndOfAServerIsToldNotThatItsPipeIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dying := func(after time.Duration) *Conn {
			c, over := NewConn(), make(chan struct{})
			asked, asks := io.Pipe()
			asked.Close()
			c.Open(asks, over, func(context.Context) error { return errors.New("it is over") })
			time.AfterFunc(after, func() { close(over) })
			return c
		}
		_, err := dying(100*time.Millisecond).Ask(t.Context(), "?")
		assert.Error(t, err, `request "?": it is over`)

		c := dying(100 * time.Millisecond)
		assert.NilError(t, c.Read(strings.NewReader("$T05#b9")))
		_, err = c.Await(t.Context())
		assert.Error(t, err, "it is over")

		// Its last stop comes in time, and that the program is to go on from there does not.
		c = dying(100 * time.Millisecond)
		s := NewAllStop(c, Manners{Linux: rsp.FromGDB}, nil)
		c.noAck.Store(true)
		assert.NilError(t, c.Read(strings.NewReader("$T05thread:p7.7;#b2")))
		stands := make(chan struct{})
		s.follow(stands)
		assert.Error(t, s.err, `request "vCont": it is over`)

		_, err = dying(time.Hour).Ask(t.Context(), "?") // it lives on without ears
		assert.ErrorIs(t, err, io.ErrClosedPipe)
	})
}

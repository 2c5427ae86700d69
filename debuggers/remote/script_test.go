package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"gotest.tools/v3/assert"
)

// scripted is a connection to a server that goes by a script. A line has > and a request that must
// come, ?> and one that may come, ^C for an interrupt, < and an answer, or % and a notification.
// done waits for the script's end.
func scripted(t *testing.T, script string) (c *Conn, done func()) {
	t.Helper()
	hears, asks := io.Pipe()
	answers, says := io.Pipe()
	c = NewConn()
	over, played := make(chan struct{}), make(chan struct{})
	c.Open(server{asks, over})
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

// A server ends when its channel is closed.
type server struct {
	io.Writer
	over chan struct{}
}

func (s server) Over() <-chan struct{}                  { return s.over }
func (server) Ended(context.Context) error              { return errors.New("it is over") }
func (server) End() error                               { return nil }
func (server) Scaled(limit time.Duration) time.Duration { return limit }

// heard returns the next request, or ^C; it is empty if there is no more.
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

// What a notification tells before the first question is told again with its answers. A signal
// that a thread got meanwhile is delivered when it goes on. A thread that is no longer listed is
// not waited for.
func TestNonStopAttachAndStop(t *testing.T) {
	const ask = "qXfer:threads:read::0,4000\n"
	list := func(tids string) string {
		text := "< l<threads>"
		for tid := range strings.FieldsSeq(tids) {
			text += `<thread id="p` + tid + `"/>`
		}
		return text + "</threads>"
	}
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
		`+asksSender(sigstop, sentByKernel, 0)+`
		> QThreadEvents:1
		< OK
		> vCont;t
		< OK
		> `+ask+list("7.7 7.8 7.9 7.a")+`
		% Stop:T05create:;thread:p7.9;
		> vStopped
		< T05create:;thread:p7.b;
		> vStopped
		< OK
		> `+ask+list("7.7 7.8 7.9 7.b")+`
		> vCont;C1e:p7.8;c
		< OK
		% Stop:T05vfork:pc.c;thread:p7.7;
		> vStopped
		< OK
		> vCont;c:p7.7;c:pc.c
		< OK
		> vCont;t
		< OK
		> `+ask+list("7.7 7.8 c.c")+`
		% Stop:T00thread:p7.8;
		> vStopped
		< T00thread:pc.c;
		> vStopped
		< OK
		?> `+ask+list("7.7 7.8 c.c")+`
		> D;7
		< OK
		> D;c
		< OK
	`)
	s := NewNonStop(conn, nil)
	assert.NilError(t, s.Begin(t.Context(), true, "x+"))
	assert.NilError(t, s.Resume(t.Context()))
	s.until(t, func() bool { // the creator of a process goes on
		maker := s.book.at(rsp.Thread{PID: 7, TID: 7})
		return maker.vfork && !maker.stands
	})
	assert.NilError(t, s.Detach(t.Context()), "a thread in vfork is not waited for")
	done()
	assert.Equal(
		t, said(s.Words().Trace()),
		"7/8: attach\n7/8: signal SIGUSR1\n7: attach\n7/9: attach\n7/10: attach\n7/0: clone "+
			"11\n7: vfork 12\n")
}

// until waits until isSo returns true.
func (s *session) until(t *testing.T, isSo func() bool) {
	t.Helper()
	assert.NilError(t, s.Await(t.Context(), s.server, isSo))
}

// A stop reply of lldb-server tells of all threads that stopped. The stop of an interrupt that came
// too late is told before the echo, and its signal is not the program's.
func TestAllStopOfLldbServer(t *testing.T) {
	reasons := func(text string) string { return fmt.Sprintf("jstopinfo:%x;", text) }
	conn, done := scripted(t, greeting+`
		> ?
		< T13thread:p7.7;reason:signal;`+reasons(
		`[{"tid":7,"reason":"signal","signal":19},{"tid":8,"reason":"signal","signal":10}]`)+`
		> qfThreadInfo
		< mp7.7,p7.8
		> qsThreadInfo
		< l
		> vCont;C0a:p7.8;c
		< T05thread:p7.7;reason:fork;fork:p9.9;`+reasons(
		`[{"tid":7,"reason":"fork","description":"9 9","signal":5},`+
			`{"tid":8,"reason":"vfork","description":"11 11","signal":5}]`)+`
		> D;9
		< OK
		> D;b
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
		Features: "x+", Linux: func(sig int) int { return sig }, Interrupt: 19,
		Echoes: true, List: (*Conn).ThreadInfo,
	}, nil)
	assert.NilError(t, s.Begin(t.Context(), true))
	assert.NilError(t, s.Resume(t.Context()))
	s.until(t, func() bool { return s.runs && len(s.Words()) >= 5 })
	assert.NilError(t, s.Stop(t.Context()))
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Wait(t.Context()))
	done()
	assert.Equal(
		t, said(s.Words().Trace()),
		"7: attach\n7/8: attach\n7/8: signal SIGUSR1\n7: fork 9\n7/8: vfork 11\n7/8: signal "+
			"SIGUSR2\n7/8: signal SIGSTOP\n"+
			"7/8: exit ?\n7: exit ?\n7: end 42\n")
	assert.ErrorContains(t, s.Stop(t.Context()), "the program is over")
}

// The signal of an interrupt that is on its way is waited for: after a detach it would be the
// program's.
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
		> Hgp7.7
		< E01
		> vCont;c
		< T02thread:p7.7;
		> vCont;C02:p7.7;c
		< X02;process:7
	`)
	m := Manners{Features: "x+", Linux: rsp.FromGDB, Interrupt: 2, List: (*Conn).XferThreads}
	s := NewAllStop(conn, m, nil)
	assert.NilError(t, s.Begin(t.Context(), false))
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Stop(t.Context()))
	assert.NilError(t, s.Stop(t.Context()), "it stands")
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Wait(t.Context()))
	done()
	assert.Equal(
		t, said(s.Words().Trace()),
		"7: signal SIGUSR1\n7: signal SIGINT\n7: exit ?\n7: end SIGINT\n")
}

func TestAServerThatEndsIsNotWaitedFor(t *testing.T) {
	conn, done := scripted(t, greeting)
	assert.NilError(t, conn.Greet(t.Context(), "x+"))
	done()
	_, err := conn.Next(t.Context())
	assert.Error(t, err, "it is over")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waiting, _ := scripted(t, "> ?\n> ?")
	_, err = waiting.Ask(ctx, "?")
	assert.ErrorIs(t, err, context.Canceled)
}

// The pipe of a server closes a moment before its end is known. The error tells of the end, also if
// only an acknowledgement could not be written.
func TestTheEndOfAServerIsToldNotThatItsPipeIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dying := func(after time.Duration) *Conn {
			c, over := NewConn(), make(chan struct{})
			asked, asks := io.Pipe()
			asked.Close()
			c.Open(server{asks, over})
			time.AfterFunc(after, func() { close(over) })
			return c
		}
		_, err := dying(100*time.Millisecond).Ask(t.Context(), "?")
		assert.Error(t, err, `request "?": it is over`)

		c := dying(100 * time.Millisecond)
		assert.NilError(t, c.Read(strings.NewReader("$T05#b9")))
		_, err = c.Next(t.Context())
		assert.Error(t, err, "it is over")

		// Its last stop comes in time, and the request to go on from there comes too late.
		c = dying(100 * time.Millisecond)
		s := NewAllStop(c, Manners{Linux: rsp.FromGDB}, nil)
		c.noAck.Store(true)
		assert.NilError(t, c.Read(strings.NewReader("$T05thread:p7.7;#b2")))
		s.follow()
		assert.Error(t, s.err, `request "vCont": it is over`)

		_, err = dying(time.Hour).Ask(t.Context(), "?") // it lives on, and reads nothing
		assert.ErrorIs(t, err, io.ErrClosedPipe)
	})
}

// As those of gdb and lldb do: lldb-server 11 ends where one begins with anything else.
func TestAConnectionBeginsWithAnAcknowledgement(t *testing.T) {
	var asked strings.Builder
	over := make(chan struct{})
	close(over)
	c := NewConn()
	c.Open(server{&asked, over})
	assert.ErrorContains(t, c.Greet(t.Context(), ""), "it is over")
	assert.Equal(t, asked.String(), "+$QStartNoAckMode#b0")
}

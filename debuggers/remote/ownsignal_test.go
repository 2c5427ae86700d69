package remote

import (
	"encoding/binary"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"gotest.tools/v3/assert"
)

// asksSender is a question for the sender of thread 7's signal, and the answer.
func asksSender(signal, code, sender int) string {
	return asksSiginfo(signal, 0, code, 0, sender)
}

func asksSiginfo(words ...int) string {
	info := make([]byte, 0, 20)
	for _, word := range words {
		info = binary.NativeEndian.AppendUint32(info, uint32(word))
	}
	return "> Hgp7.7\n< OK\n> qXfer:siginfo:read::0,80\n< l" + string(info) + "\n"
}

// The program sends itself the signal of an interrupt. It is delivered, and the interrupt's is
// waited for, unless the two have become one.
func TestTheProgramsOwnSignalIsNotAnInterrupts(t *testing.T) {
	const server, program = 99, 77
	for _, c := range []struct {
		about, script string
		pending       bool
	}{
		{"the interrupt's", asksSender(2, 0, server) + "> vCont;c\n", false},
		{"the interrupt's, at i386", asksSiginfo(2, 0, 0, server, 1000) + "> vCont;c\n", false},
		{"the interrupt's, from another pid namespace", asksSender(2, 0, 0) + "> vCont;c\n", false},
		{
			"its own, at i386", asksSiginfo(2, 0, 0, program, 0) + "> vCont;C02:p7.7;c\n", false,
		},
		{
			"its own, and then the interrupt's", asksSender(2, sentByTgkill, program) + `
			> vCont;C02:p7.7;c
			< T02thread:p7.7;
			` + asksSender(2, 0, server) + "> vCont;c\n", true,
		},
		{
			"its own, with which the interrupt's is one", asksSender(2, 0, program) +
				"> vCont;C02:p7.7;c\n", false,
		},
		{"which the server does not say", "> Hgp7.7\n< E01\n> vCont;c\n", false},
		{
			"which the server cannot say",
			"> Hgp7.7\n< OK\n> qXfer:siginfo:read::0,80\n<\n> vCont;c\n", false,
		},
	} {
		conn, done := scripted(t, greeting+`
			> ?
			< T05thread:p7.7;
			> qXfer:threads:read::0,4000
			< l<threads><thread id="p7.7"/></threads>
			> vCont;c
			^C
			< T02thread:p7.7;
			`+c.script+`
			< W00;process:7
		`)
		m := Manners{Features: "x+", Linux: rsp.FromGDB, Interrupt: 2, List: (*Conn).XferThreads}
		s := NewAllStop(conn, m, nil)
		s.glance = func(rsp.Thread, int) glance { return glance{server, c.pending} }
		assert.NilError(t, s.Begin(t.Context(), false), c.about)
		assert.NilError(t, s.Resume(t.Context()), c.about)
		assert.NilError(t, s.Stop(t.Context()), c.about)
		assert.NilError(t, s.Resume(t.Context()), c.about)
		assert.NilError(t, s.Wait(t.Context()), c.about)
		done()
	}
}

// An interrupt that comes when the program has stopped itself is told of by a second stop, which is
// no answer to what comes next.
func TestAnInterruptThatMeetsTheProgramsOwnStopIsHeardOut(t *testing.T) {
	conn, done := scripted(t, greeting+`
		> ?
		< T13thread:p7.7;
		> qfThreadInfo
		< lp7.7
		> vCont;c
		^C
		< T13thread:p7.7;
		> qEcho:1
		< T13thread:p7.7;
		< qEcho:1
		> qfThreadInfo
		< lp7.7
		> vCont;C13:p7.7;c
		< T13thread:p7.7;
		> vCont;C13:p7.7;c
		< W00;process:7
	`)
	s := NewAllStop(conn, Manners{
		Features: "x+", Linux: func(sig int) int { return sig }, Interrupt: 19,
		Echoes: true, List: (*Conn).ThreadInfo,
	}, nil)
	assert.NilError(t, s.Begin(t.Context(), false))
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Stop(t.Context()))
	tids, err := s.Threads(t.Context())
	assert.NilError(t, err)
	assert.DeepEqual(t, tids, []event.TID{7})
	assert.NilError(t, s.Resume(t.Context()))
	assert.NilError(t, s.Wait(t.Context()))
	done()
}

// gdbserver tells the stop of its attach as SIGTRAP, and siginfo a SIGTRAP of the program's own.
func TestASigtrapOfTheProgramsAtAnAttachIsDelivered(t *testing.T) {
	for _, c := range []struct {
		about, asks, goesOn string
	}{
		{"of the attach", asksSender(sigstop, sentByKernel, 0), "c"},
		{"by tgkill", asksSender(sigtrap, sentByTgkill, 7), "C05:p7.7;c"},
		{"by a breakpoint", asksSender(sigtrap, sentByKernel, 0), "C05:p7.7;c"},
		{"of an exec", asksSender(sigtrap, 0, 7), "c"},
	} {
		conn, done := scripted(t, greeting+`
			> ?
			< T05thread:p7.7;
			> qXfer:threads:read::0,4000
			< l<threads><thread id="p7.7"/></threads>
			`+c.asks+`
			> vCont;`+c.goesOn+`
			< W00;process:7
		`)
		m := Manners{Features: "x+", Linux: rsp.FromGDB, Interrupt: 2, List: (*Conn).XferThreads}
		all := NewAllStop(conn, m, nil)
		assert.NilError(t, all.Begin(t.Context(), true), c.about)
		assert.NilError(t, all.Resume(t.Context()), c.about)
		assert.NilError(t, all.Wait(t.Context()), c.about)
		done()

		conn, done = scripted(t, greeting+`
			> QNonStop:1
			< OK
			> ?
			< T05thread:p7.7;
			> vStopped
			< OK
			`+c.asks+`
			> QThreadEvents:1
			< OK
			> vCont;t
			< OK
			> qXfer:threads:read::0,4000
			< l<threads><thread id="p7.7"/></threads>
			> vCont;`+c.goesOn+`
			< OK
		`)
		one := NewNonStop(conn, nil)
		assert.NilError(t, one.Begin(t.Context(), true, "x+"), c.about)
		assert.NilError(t, one.Resume(t.Context()), c.about)
		done()
	}
}

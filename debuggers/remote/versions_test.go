package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

// The stop replies of each version about the same programs, without their run lengths, tell the
// same; -update writes the events down.
func TestWhatVersionsOfGdbserverTell(t *testing.T) {
	files, err := filepath.Glob("testdata/gdbserver-*.txt")
	assert.NilError(t, err)
	assert.Check(t, len(files) >= 8)
	for _, file := range files {
		text, err := os.ReadFile(file)
		assert.NilError(t, err)
		var told strings.Builder
		b := newBook(rsp.FromGDB, func(e event.Event) { told.WriteString(e.String() + "\n") })
		for line := range strings.Lines(string(text)) {
			stop, err := parseStop([]byte(strings.TrimSuffix(line, "\n")))
			assert.NilError(t, err, file)
			b.take(stop)
		}
		assert.Equal(t, len(b.threads), 0, file)
		golden.Assert(t, told.String(), strings.TrimPrefix(file, "testdata/")+".events")
	}
}

// lldbServer are the manners of lldb-server, as package lldbserver has them.
var lldbServer = Manners{
	Features:  "xmlRegisters=i386,arm,mips,arc;multiprocess+;fork-events+;vfork-events+",
	Greetings: []string{"QListThreadsInStopReply"},
	Linux:     func(sig int) int { return sig },
	Interrupt: 19,
	Echoes:    true,
	List:      (*Conn).ThreadInfo,
}

// All packets of runs with each version of lldb-server: it is asked the same again, and its answers
// tell the same events and lists of threads; -update writes these down. Version 11 does not tell of
// processes.
func TestWhatVersionsOfLldbServerTell(t *testing.T) {
	files, err := filepath.Glob("testdata/lldbserver-*.txt")
	assert.NilError(t, err)
	assert.Check(t, len(files) >= 10)
	for _, file := range files {
		script, err := os.ReadFile(file)
		assert.NilError(t, err)
		conn, done := scripted(t, string(script))
		s := NewAllStop(conn, lldbServer, nil)
		assert.NilError(t, s.Begin(t.Context(), false), file)
		var told strings.Builder
		for range strings.Count(string(script), "^C") {
			assert.NilError(t, s.Resume(t.Context()), file)
			assert.NilError(t, s.Stop(t.Context()), file)
			tids, err := s.Threads(t.Context())
			assert.NilError(t, err, file)
			fmt.Fprintln(&told, "threads:", tids)
		}
		assert.NilError(t, s.Resume(t.Context()), file)
		assert.NilError(t, s.Wait(t.Context()), file)
		done()
		told.WriteString(said(s.Words().Trace()))
		golden.Assert(t, told.String(), strings.TrimPrefix(file, "testdata/")+".events")
	}
}

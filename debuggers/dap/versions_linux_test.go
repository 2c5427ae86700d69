package dap

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

// play is an adapter that says again what a real one said. A line has > and the request that must
// come, or < and a message.
func play(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	in := bufio.NewReader(os.Stdin)
	for line := range strings.Lines(string(text)) {
		sign, content, _ := strings.Cut(strings.TrimSpace(line), " ")
		if sign == "<" {
			fmt.Print(said(content))
			continue
		}
		m, err := dap.ReadProtocolMessage(in)
		if err != nil {
			panic(err)
		}
		if asked := m.(dap.RequestMessage).GetRequest().Command; asked != content {
			panic("it was asked " + asked + ", want " + content)
		}
	}
	io.Copy(io.Discard, in)
}

// What each version of LLDB and gdb says in runs of the same program, without output and modules:
// it is asked the same again, and tells the same events and lists of threads; -update writes these
// down.
func TestWhatVersionsSay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	assert.NilError(t, err)
	assert.Check(t, len(files) >= 7)
	for _, file := range files {
		text, err := os.ReadFile(file)
		assert.NilError(t, err)
		script := string(text)
		path, err := filepath.Abs(file)
		assert.NilError(t, err)
		d := planning("play:" + path)
		d.Continues = strings.Contains(script, `"event":"continued"`) // as LLDB writes it
		if strings.Contains(script, "> evaluate") {
			d.TIDs = "an expression"
		}
		var told strings.Builder
		start(t, "fork/launch", d, func(ctx context.Context, s harness.Session, err error) {
			assert.NilError(t, err, file)
			for range strings.Count(script, "> pause") {
				assert.NilError(t, s.Resume(ctx), file)
				assert.NilError(t, s.Stop(ctx), file)
				tids, err := s.Threads(ctx)
				assert.NilError(t, err, file)
				fmt.Fprintln(&told, "threads:", tids)
			}
			assert.NilError(t, s.Resume(ctx), file)
			assert.NilError(t, s.Wait(ctx), file)
			for _, e := range s.Words().Trace() {
				fmt.Fprintln(&told, e)
			}
		})
		golden.Assert(t, told.String(), filepath.Base(file)+".events")
	}
}

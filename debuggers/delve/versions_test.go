package delve

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/rpc/jsonrpc"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

// play is a delve that says again what a real one said. A line has > and the request that must
// come, or < and a reply.
func play(conn net.Conn, script string) error {
	defer conn.Close()
	in := json.NewDecoder(conn)
	for line := range strings.Lines(script) {
		sign, content, _ := strings.Cut(line, " ")
		if sign == "<" {
			if _, err := io.WriteString(conn, content); err != nil {
				return err
			}
			continue
		}
		var asked json.RawMessage
		if err := in.Decode(&asked); err != nil {
			return err
		}
		if want := strings.TrimSpace(content); string(asked) != want {
			return fmt.Errorf("it was asked %s, want %s", asked, want)
		}
	}
	return nil
}

// Each version is asked the same again as in a run of the same program, and tells the same end and
// lists of threads; -update writes these down. Those beside the program's are Go's own.
func TestWhatVersionsSay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt.gz")
	assert.NilError(t, err)
	assert.Check(t, len(files) >= 5)
	for _, file := range files {
		packed, err := os.ReadFile(file)
		assert.NilError(t, err)
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
		assert.NilError(t, err)
		script, err := io.ReadAll(unpacked)
		assert.NilError(t, err)
		ours, theirs := net.Pipe()
		played := make(chan error, 1)
		go func() { played <- play(theirs, string(script)) }()
		s := &session{client: jsonrpc.NewClient(ours), stands: true}
		ctx := t.Context()
		assert.NilError(t, s.prepare(ctx, Debugger{}), file)
		var told strings.Builder
		for range strings.Count(string(script), `"name":"halt"`) {
			assert.NilError(t, s.Resume(ctx), file)
			assert.NilError(t, s.Stop(ctx), file)
			tids, err := s.Threads(ctx)
			assert.NilError(t, err, file)
			fmt.Fprintln(&told, "threads:", tids)
		}
		assert.NilError(t, s.Resume(ctx), file)
		assert.NilError(t, s.Wait(ctx), file)
		assert.NilError(t, <-played, file)
		s.client.Close()
		for _, e := range s.Words().Trace() {
			fmt.Fprintln(&told, e)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".gz") + ".events"
		golden.Assert(t, told.String(), name)
	}
}

package remote

import (
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

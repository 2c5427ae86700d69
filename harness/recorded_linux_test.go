package harness_test

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

type pipe struct {
	io.Reader
	io.Writer
}

func (pipe) Close() error { return nil }

func TestATranscriptHasBothSides(t *testing.T) {
	target, noted := harness.Transcribed()
	conn := adapter.Recorded(target, pipe{strings.NewReader("a\r\nb"), io.Discard})
	_, err := io.WriteString(conn, "list\n")
	assert.NilError(t, err)
	_, err = io.ReadAll(conn)
	assert.NilError(t, err)
	target.Note('!', []byte("oh\n"))
	got := regexp.MustCompile(`(?m)^ *\d+\.\d{6} `).ReplaceAllString(noted(), "")
	assert.Equal(t, got, "> list\n< a\n< b\n! oh\n")
}

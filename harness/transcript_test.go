package harness

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

type pipe struct {
	io.Reader
	io.Writer
}

func (pipe) Close() error { return nil }

func TestATranscriptHasBothSides(t *testing.T) {
	log := &transcript{begun: time.Now()}
	conn := Target{log: log}.Recorded(pipe{strings.NewReader("a\r\nb"), io.Discard})
	_, err := io.WriteString(conn, "list\n")
	assert.NilError(t, err)
	_, err = io.ReadAll(conn)
	assert.NilError(t, err)
	log.note('!', []byte("oh\n"))
	got := regexp.MustCompile(`(?m)^ *\d+\.\d{6} `).ReplaceAllString(string(log.content()), "")
	assert.Equal(t, got, "> list\n< a\n< b\n! oh\n")
}

func TestALineThatComesInPiecesIsOne(t *testing.T) {
	log := &transcript{begun: time.Now()}
	say := func(who byte, pieces ...string) {
		for _, p := range pieces {
			log.last = time.Now().Add(time.Hour) // however slow we are
			log.note(who, []byte(p))
		}
	}
	say('<', "a", "b\n", "c", "d\ne", "")
	say('>', "f")
	say('<', "g")
	log.last = time.Now().Add(-time.Second)
	log.note('<', []byte("h\n"))
	got := regexp.MustCompile(`(?m)^ *\d+\.\d{6} `).ReplaceAllString(string(log.content()), "")
	assert.Equal(t, got, "< ab\n< cd\n< e\n> f\n< g\n< h\n")
}

// A carriage return is part of what a debug adapter is told: it must come through.
func TestWhatIsNotedIsNotChanged(t *testing.T) {
	log := &transcript{begun: time.Now()}
	said := []byte("Content-Length: 2\r\n\r\n{}")
	log.note('>', said)
	assert.Equal(t, string(said), "Content-Length: 2\r\n\r\n{}")
}

func TestATranscriptIsBounded(t *testing.T) {
	log := &transcript{begun: time.Now()}
	chunk := bytes.Repeat([]byte("x"), transcriptSize/2)
	for range 4 {
		log.note('<', chunk)
	}
	got := log.content()
	assert.Assert(t, len(got) < transcriptSize+100, "%d bytes", len(got))
	assert.Assert(t, bytes.Contains(got, []byte("bytes more, which are not kept")))
}

func TestNobodyPaysForATranscriptThatNobodyWants(t *testing.T) {
	conn := pipe{strings.NewReader(""), io.Discard}
	assert.Equal(t, Target{}.Recorded(conn), io.ReadWriteCloser(conn))
}

func TestAToolThatPrintsWithoutEndFails(t *testing.T) {
	endless := &limited{zeros{}, 3 << 20}
	n, err := io.Copy(io.Discard, endless)
	assert.Equal(t, n, int64(3<<20))
	assert.ErrorContains(t, err, "it printed more than 67108864 bytes")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

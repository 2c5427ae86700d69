package transcript

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// withoutTimes is a transcript as it is when its times are left out.
func withoutTimes(text string) string {
	return regexp.MustCompile(`(?m)^ *\d+\.\d{6} `).ReplaceAllString(text, "")
}

func TestALineThatComesInPiecesIsOne(t *testing.T) {
	log := New()
	say := func(sign byte, pieces ...string) {
		for _, p := range pieces {
			log.last = time.Now().Add(time.Hour) // however slow we are
			log.Note(sign, []byte(p))
		}
	}
	say('<', "a", "b\n", "c", "d\ne", "")
	say('>', "f")
	say('<', "g")
	log.last = time.Now().Add(-time.Second)
	log.Note('<', []byte("h\n"))
	assert.Equal(t, withoutTimes(log.Content()), "< ab\n< cd\n< e\n> f\n< g\n< h\n")
}

// A carriage return is part of what a debug adapter is told: it must come through.
func TestWhatIsNotedIsNotChanged(t *testing.T) {
	log := New()
	said := []byte("Content-Length: 2\r\n\r\n{}")
	log.Note('>', said)
	assert.Equal(t, string(said), "Content-Length: 2\r\n\r\n{}")
}

func TestATranscriptIsBounded(t *testing.T) {
	log := New()
	chunk := bytes.Repeat([]byte("x"), maxSize/2)
	for range 4 {
		log.Note('<', chunk)
	}
	got := log.Content()
	assert.Assert(t, len(got) < maxSize+100, "%d bytes", len(got))
	assert.Assert(t, strings.Contains(got, "bytes more, which are not kept"))
}

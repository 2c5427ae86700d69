// Package transcript keeps what is said in one run.
package transcript

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

// A Log is what was said to a debugger and by it, as it was: a line each, after the seconds
// since the run began and a sign for the speaker (see harness.Target.Note). A nil one
// keeps nothing.
type Log struct {
	begun time.Time

	mu   sync.Mutex
	text bytes.Buffer
	lost int       // bytes that came when it was full
	open byte      // the speaker whose line has not ended; zero if there is none
	last time.Time // when something was said last
}

// breath is how long a speaker may pause within a line and still go on with it: gdb writes to a
// pipe byte by byte.
const breath = time.Millisecond

// maxSize is the most that a log keeps, in bytes.
const maxSize = 16 << 20

// New is an empty log of a run that begins now.
func New() *Log { return &Log{begun: time.Now()} }

// Note adds what was said by the speaker that a sign stands for.
func (t *Log) Note(sign byte, said []byte) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len()+len(said) > maxSize {
		t.lost += len(said)
		return
	}
	now := time.Now()
	goesOn := t.open == sign && now.Sub(t.last) < breath
	t.last = now
	for line := range bytes.Lines(said) {
		if goesOn {
			t.text.Truncate(t.text.Len() - 1)
			goesOn = false
		} else {
			fmt.Fprintf(&t.text, "%9.6f %c ", now.Sub(t.begun).Seconds(), sign)
		}
		t.open = sign
		if bytes.HasSuffix(line, []byte("\n")) {
			t.open = 0
		}
		t.text.Write(bytes.TrimRight(line, "\r\n")) // not appended to: what was said is not ours
		t.text.WriteByte('\n')
	}
}

// Content is what was kept so far.
func (t *Log) Content() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lost > 0 {
		return fmt.Sprintf("%sand %d bytes more, which are not kept\n", &t.text, t.lost)
	}
	return t.text.String()
}

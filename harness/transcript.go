package harness

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// A transcript is what was said to a debugger and by it, as it was: a line each, after the seconds since the run began
// and a sign for who spoke (> to the debugger, < from it, ! on its standard error; $ is its command). A nil one keeps nothing.
type transcript struct {
	begun time.Time

	mu   sync.Mutex
	text bytes.Buffer
	lost int       // bytes that came when it was full
	open byte      // who spoke last, and has not ended his line; zero if it has an end
	last time.Time // when he did
}

// breath is how long who is in the midst of a line may pause and still go on with it: gdb writes to a pipe byte by byte.
const breath = time.Millisecond

// transcriptSize is the most that a transcript keeps.
const transcriptSize = 16 << 20

func (t *transcript) note(who byte, said []byte) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len()+len(said) > transcriptSize {
		t.lost += len(said)
		return
	}
	now := time.Now()
	goesOn := t.open == who && now.Sub(t.last) < breath
	t.last = now
	for line := range bytes.Lines(said) {
		if goesOn {
			t.text.Truncate(t.text.Len() - 1)
			goesOn = false
		} else {
			fmt.Fprintf(&t.text, "%9.6f %c ", now.Sub(t.begun).Seconds(), who)
		}
		t.open = who
		if bytes.HasSuffix(line, []byte("\n")) {
			t.open = 0
		}
		t.text.Write(bytes.TrimRight(line, "\r\n")) // not appended to: what was said is not ours
		t.text.WriteByte('\n')
	}
}

// content is what was kept so far.
func (t *transcript) content() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	content := bytes.Clone(t.text.Bytes())
	if t.lost > 0 {
		content = fmt.Appendf(content, "and %d bytes more, which are not kept\n", t.lost)
	}
	return content
}

// reader notes what is read from a debugger.
func (t *transcript) reader(from io.Reader) io.Reader {
	if t == nil {
		return from
	}
	return noted{from, t}
}

type noted struct {
	io.Reader
	log *transcript
}

func (n noted) Read(b []byte) (int, error) {
	got, err := n.Reader.Read(b)
	n.log.note('<', b[:got])
	return got, err
}

// A recorded connection to a debugger.
type recorded struct {
	io.ReadWriteCloser
	log *transcript
}

func (r recorded) Read(b []byte) (int, error) {
	got, err := r.ReadWriteCloser.Read(b)
	r.log.note('<', b[:got])
	return got, err
}

func (r recorded) Write(b []byte) (int, error) {
	r.log.note('>', b)
	return r.ReadWriteCloser.Write(b)
}

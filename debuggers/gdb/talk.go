package gdb

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/mi"
)

// maxLine is the longest line that gdb may print: a list of ten thousand threads has some megabytes.
const maxLine = 16 << 20

// read takes in gdb's output, a record a line. What is no whole line when it breaks off is not taken for one.
func (s *session) read(out io.Reader) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	lines.Split(wholeLines)
	n := 1
	for ; lines.Scan(); n++ {
		if err := s.take(lines.Bytes()); err != nil {
			return fmt.Errorf("line %d of its output: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d of its output is longer than %d bytes", n, maxLine)
	}
	return lines.Err()
}

// wholeLines is bufio.ScanLines without a last line that has no end.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if atEOF && bytes.IndexByte(data, '\n') < 0 {
		return len(data), nil, nil
	}
	return bufio.ScanLines(data, atEOF)
}

func (s *session) take(line []byte) error {
	r, err := mi.Parse(line)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Kind == mi.Result {
		if r.Class == "running" { // *running comes a line later, and whoever has this answer may stop the program at once
			s.stands = false
		}
		if waiting, asked := s.replies[r.Token]; asked {
			delete(s.replies, r.Token)
			waiting <- r
		} // else it is of a command that gdb gave itself: it answers some twice
		return nil
	}
	if r.Kind == mi.Log && strings.Contains(r.Text, ": internal-error: ") {
		first, _, _ := strings.Cut(r.Text, "\n")
		return errors.New(first) // it will ask whether it is to abort, and is not answered
	}
	before := s.stops
	if err := s.hear(r); err != nil {
		return err
	}
	if s.stops > before {
		s.stopped(s.last)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// await waits until what gdb has said makes something true.
func (s *session) await(ctx context.Context, so func() bool) error {
	for {
		s.mu.Lock()
		yes, changed := so(), s.changed
		s.mu.Unlock()
		if yes {
			return nil
		}
		if err := s.Await(ctx, changed); err != nil {
			return err
		}
	}
}

// A refusal is gdb's answer that it does not do what it was told.
type refusal struct{ command, message string }

func (e *refusal) Error() string { return fmt.Sprintf("%s: %q", e.command, e.message) }

// ask gives gdb a command and waits for its answer.
func (s *session) ask(ctx context.Context, command string, args ...string) (mi.Record, error) {
	return s.askAs(ctx, command, command, args...)
}

// askAs is ask where errors have another name for the command.
func (s *session) askAs(ctx context.Context, name, command string, args ...string) (mi.Record, error) {
	answer := make(chan mi.Record, 1)
	s.mu.Lock()
	s.asked++
	token := s.asked
	s.replies[token] = answer
	s.mu.Unlock()
	if _, err := s.Write(mi.Command(token, command, args...)); err != nil {
		return mi.Record{}, fmt.Errorf("%s: %w", name, harness.Unheard(ctx, err, s.Over(), s.Ended))
	}
	select {
	case r := <-answer:
		if r.Class == "error" {
			return r, &refusal{name, r.Tuple.Text("msg")}
		}
		return r, nil
	case <-s.Over():
		return mi.Record{}, fmt.Errorf("%s: %w", name, s.Ended(ctx))
	case <-ctx.Done():
		return mi.Record{}, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
}

// console has gdb do what a person would type.
func (s *session) console(ctx context.Context, command string, options ...string) error {
	_, err := s.askAs(ctx, command, "-interpreter-exec", append(options, "console", command)...)
	return err
}

package gdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/internal/mi"
)

// maxLine is the longest line that gdb may print: a list of ten thousand threads has some
// megabytes.
const maxLine = 16 << 20

// take takes one line of gdb's output, which is a record.
func (s *session) take(line []byte) error {
	s.Hear(line)
	r, err := mi.Parse(line)
	if err != nil {
		return err
	}
	s.Lock()
	defer s.Unlock()
	switch {
	case r.Kind == mi.Result:
		if r.Class == "running" {
			// *running comes a line later, and the program may be stopped as soon as this is read.
			s.stands = false
		}
		s.requests.Answer(r.Token, r) // gdb answers some of its own commands too
		return nil
	case r.Kind == mi.Log && strings.Contains(r.Text, ": internal-error: "):
		first, _, _ := strings.Cut(r.Text, "\n")
		return errors.New(first) // gdb asks next whether to abort, and gets no answer
	}
	before := s.stops
	if err := s.hear(r); err != nil {
		return err
	}
	if s.stops > before {
		s.stopped(s.last)
	}
	return nil
}

// stopped notes a stop. While the program is to run, it is of something that the program did: in
// all-stop mode one process's end stops the others, and so does a signal that gdb uses itself. That
// may come while the program is to stand, too.
func (s *session) stopped(by stop) {
	if s.goes || by.isForKeptSignal() {
		s.unasked = append(s.unasked, by)
	}
}

// ask gives gdb a command and waits for its answer.
func (s *session) ask(ctx context.Context, command string, args ...string) (mi.Record, error) {
	return s.askAs(ctx, command, command, args...)
}

// askAs is ask where errors have another name for the command.
func (s *session) askAs(
	ctx context.Context, name, command string, args ...string,
) (mi.Record, error) {
	r, err := s.requests.Ask(ctx, s.Tool, func(token int) []byte {
		return mi.Command(token, command, args...)
	})
	if err == nil && r.Class == "error" {
		err = adapter.Refusal(strconv.Quote(r.Tuple.Text("msg")))
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// console has gdb do what a person would type.
func (s *session) console(ctx context.Context, command string, options ...string) error {
	args := append(options, "console", command)
	_, err := s.askAs(ctx, command, "-interpreter-exec", args...)
	return err
}

// isRefused tells whether gdb has answered that it does not do what it was told.
func isRefused(err error) bool { return errors.As(err, new(adapter.Refusal)) }

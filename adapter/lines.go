package adapter

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
)

// Lines reads output that consists of lines.
type Lines struct {
	// Take is given each line, without its end. Its first error ends the reading.
	Take func(line []byte) error
	// Max is the longest line in bytes; zero is MaxLine.
	Max int
	// Whole passes over a last line that has no end: the output broke off in it.
	Whole bool
}

// Read reads to the end of the output. Its error names the line by its number, and quotes it if
// something in it is [Unknown].
func (l Lines) Read(out io.Reader) error {
	longest := cmp.Or(l.Max, MaxLine)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, longest)
	if l.Whole {
		lines.Split(wholeLines)
	}
	n := 1
	for ; lines.Scan(); n++ {
		err := l.Take(lines.Bytes())
		if errors.As(err, new(Unknown)) {
			err = fmt.Errorf("%w: %.500q", err, lines.Bytes())
		}
		if err != nil {
			return fmt.Errorf("line %d of its output: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d of its output is longer than %d bytes", n, longest)
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

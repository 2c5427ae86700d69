package main

import (
	"bufio"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// openConsole is a terminal where both are one, else plain lines without a prompt.
func openConsole(in *os.File, out io.Writer) (*console, error) {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(file.Fd())) {
		return openTerminal(in, file)
	}
	lines := bufio.NewReader(in)
	return &console{
		out: &locked{w: out},
		read: func() (string, error) {
			line, err := lines.ReadString('\n')
			if line != "" {
				err = nil // the last line may lack its end
			}
			return strings.TrimRight(line, "\r\n"), err
		},
		prompt:  func(string) {},
		restore: func() {},
	}, nil
}

// A locked writer is one that several goroutines write to.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

package mi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The escapes of one letter, and the bytes that they stand for.
const (
	escapeLetters = `abefnrtv\"'`
	escapeBytes   = "\a\b\x1b\f\n\r\t\v\\\"'"
)

// cstring reads a text in quotes. gdb writes a byte that cannot be printed as an escape of one
// letter or of three octal digits. It writes each byte of invalid UTF-8 so, too.
func (p *parser) cstring() (string, error) {
	if !p.take('"') {
		return "", errors.New("expected \"")
	}
	var b strings.Builder
	for {
		plain := strings.IndexAny(p.text[p.at:], `"\`)
		if plain < 0 {
			p.at = len(p.text)
			return "", errors.New("expected \" at the end of a text")
		}
		b.WriteString(p.text[p.at : p.at+plain])
		p.at += plain
		if p.take('"') {
			return b.String(), nil
		}
		p.at++ // the backslash
		c, err := p.escape()
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
	}
}

// escape reads what follows a backslash.
func (p *parser) escape() (byte, error) {
	rest := p.text[p.at:]
	octal := rest[:min(3, len(rest)-len(strings.TrimLeft(rest, "01234567")))]
	if octal != "" {
		n, err := strconv.ParseUint(octal, 8, 8)
		p.at += len(octal)
		return byte(n), err
	}
	c := p.peek()
	i := strings.IndexByte(escapeLetters, c)
	if i < 0 {
		return 0, fmt.Errorf("expected an escape, not \\%q", c)
	}
	p.at++
	return escapeBytes[i], nil
}

// Command is one line of input, with its newline: a command, and the token that its answer will
// have. Arguments are quoted where needed.
func Command(token int, command string, args ...string) []byte {
	line := strconv.AppendInt(nil, int64(token), 10)
	line = append(line, command...)
	for _, a := range args {
		line = append(line, ' ')
		if a != "" && !strings.ContainsAny(a, " \t\n\r\"\\'") {
			line = append(line, a...)
			continue
		}
		line = append(line, '"')
		for i := range len(a) {
			switch c := a[i]; {
			case c == '"' || c == '\\':
				line = append(line, '\\', c)
			case c < ' ' || c > '~':
				line = fmt.Appendf(line, "\\%03o", c)
			default:
				line = append(line, c)
			}
		}
		line = append(line, '"')
	}
	return append(line, '\n')
}

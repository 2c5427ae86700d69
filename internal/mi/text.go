package mi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// escapes are those of one letter.
const (
	escapeLetters = `abefnrtv\"'`
	escapeBytes   = "\a\b\x1b\f\n\r\t\v\\\"'"
)

// cstring reads a text in quotes. gdb writes what cannot be printed as one letter or as three octal digits,
// and each byte of what is no character of its own so, too.
func (p *parser) cstring() (string, error) {
	if !p.take('"') {
		return "", errors.New("a \" is missing")
	}
	plain := strings.IndexAny(p.text[p.at:], `"\`)
	if plain >= 0 && p.text[p.at+plain] == '"' {
		s := p.text[p.at : p.at+plain]
		p.at += plain + 1
		return s, nil
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch c {
		case '"':
			return b.String(), nil
		case '\\':
			c, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a text has no end")
}

func (p *parser) escape() (byte, error) {
	digits := 0
	for digits < 3 && p.at+digits < len(p.text) && p.text[p.at+digits] >= '0' && p.text[p.at+digits] <= '7' {
		digits++
	}
	if digits > 0 {
		n, err := strconv.ParseUint(p.text[p.at:p.at+digits], 8, 8)
		p.at += digits
		return byte(n), err
	}
	c := p.peek()
	i := strings.IndexByte(escapeLetters, c)
	if i < 0 {
		return 0, fmt.Errorf("\\%q is no escape", c)
	}
	p.at++
	return escapeBytes[i], nil
}

// Command is one line of input: a command with the token by which its answer is known. An argument
// that is no plain word is put into quotes.
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

// Package mi reads and writes GDB/MI, gdb's machine interface, as the section "GDB/MI Output
// Syntax" of its manual describes it. It is a codec over bytes: [Parse] reads one line of gdb's
// output, and [Command] writes one line of its input.
package mi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Kind is the character that begins a line of gdb's output. It says what the line is.
type Kind byte

// The kinds of lines.
const (
	Result  Kind = '^' // the answer to a command
	Exec    Kind = '*' // the program runs or has stopped
	Status  Kind = '+' // the progress of a long command
	Notify  Kind = '=' // other news that no command asked for
	Console Kind = '~' // text for a person at gdb's console
	Target  Kind = '@' // text that a remote program printed
	Log     Kind = '&' // text about gdb itself
	Stray   Kind = 0   // none of these, such as gdb's prompt and the program's own output
)

// A Record is one line of gdb's output.
type Record struct {
	Kind  Kind
	Token int    // of the command that it belongs to, -1 if there is none
	Class string // Result, Exec, Status, Notify: such as "done", "stopped", "thread-created"
	Tuple Tuple  // Result, Exec, Status, Notify: the fields after the class
	Text  string // Console, Target, Log, Stray: the text, which may be invalid UTF-8
}

// A Tuple is a list of fields. Two fields may have the same name.
type Tuple []Field

// A Field is a value and its name. The name is empty in a list of values.
type Field struct {
	Name  string
	Value Value
}

// A Value is a text, or the fields of a tuple or a list.
type Value struct {
	Text   string
	Fields Tuple
}

// Get is the first value of a name, the zero Value if there is none.
func (t Tuple) Get(name string) Value {
	for _, f := range t {
		if f.Name == name {
			return f.Value
		}
	}
	return Value{}
}

// Text is the first text of a name, empty if there is none.
func (t Tuple) Text(name string) string { return t.Get(name).Text }

// Has tells whether there is a field of this name.
func (t Tuple) Has(name string) bool {
	return slices.ContainsFunc(t, func(f Field) bool { return f.Name == name })
}

// maxDepth is how deep values may be nested, so that the recursive parser is bounded. gdb's own
// values have some six levels.
const maxDepth = 64

// Parse reads one line, without its newline. A line of no known kind is Stray. A line that begins
// as a record and is malformed is an error, which quotes the line and names the byte.
func Parse(line []byte) (Record, error) {
	text := strings.TrimSuffix(string(line), "\r")
	rest := strings.TrimLeft(text, "0123456789")
	digits := text[:len(text)-len(rest)]
	p := parser{text: text, at: len(digits)}
	r := Record{Kind: Kind(p.peek()), Token: -1}
	p.at++
	switch r.Kind {
	case Result, Exec, Status, Notify:
		if digits != "" {
			token, err := strconv.ParseInt(digits, 10, 32)
			if err != nil {
				return r, fmt.Errorf("%s: the token: %w", quoted(text), err)
			}
			r.Token = int(token)
		}
		err := p.record(&r)
		return r, p.located(err)
	case Console, Target, Log:
		if digits == "" {
			var err error
			if r.Text, err = p.cstring(); err == nil {
				err = p.end()
			}
			return r, p.located(err)
		}
	}
	return Record{Kind: Stray, Token: -1, Text: text}, nil
}

// A parser reads a line from a position on.
type parser struct {
	text string
	at   int // in bytes
}

func (p *parser) located(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: at byte %d: %w", quoted(p.text), p.at, err)
}

// quoted is a text for a message, cut after some 100 bytes.
func quoted(text string) string {
	const most = 100
	if len(text) > most {
		return strconv.QuoteToASCII(text[:most]) + "…"
	}
	return strconv.QuoteToASCII(text)
}

// peek is the next byte, zero at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// take skips the next byte if it is c.
func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) end() error {
	if p.at < len(p.text) {
		return errors.New("expected the end of the line")
	}
	return nil
}

const wordBytes = "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// word reads a name or a class.
func (p *parser) word() (string, error) {
	rest := strings.TrimLeft(p.text[p.at:], wordBytes)
	word := p.text[p.at : len(p.text)-len(rest)]
	if word == "" {
		return "", errors.New("expected a name")
	}
	p.at += len(word)
	return word, nil
}

// record reads a class and the fields after it.
func (p *parser) record(r *Record) (err error) {
	if r.Class, err = p.word(); err != nil {
		return err
	}
	for p.take(',') {
		f, err := p.field(0)
		if err != nil {
			return err
		}
		r.Tuple = append(r.Tuple, f)
	}
	return p.end()
}

// field reads NAME=VALUE, or a value alone: gdb departs from its grammar where a breakpoint has
// several locations.
func (p *parser) field(depth int) (f Field, err error) {
	if c := p.peek(); c != '"' && c != '{' && c != '[' {
		if f.Name, err = p.word(); err != nil {
			return f, err
		}
		if !p.take('=') {
			return f, fmt.Errorf("expected = after %s", f.Name)
		}
	}
	f.Value, err = p.value(depth)
	return f, err
}

func (p *parser) value(depth int) (v Value, err error) {
	var closing byte
	switch p.peek() {
	case '"':
		v.Text, err = p.cstring()
		return v, err
	case '{':
		closing = '}'
	case '[':
		closing = ']'
	default:
		return v, errors.New("expected a value")
	}
	if depth >= maxDepth {
		return v, fmt.Errorf("values are nested more than %d deep", maxDepth)
	}
	p.at++
	if p.take(closing) {
		return v, nil
	}
	for {
		f, err := p.field(depth + 1)
		if err != nil {
			return v, err
		}
		v.Fields = append(v.Fields, f)
		if p.take(closing) {
			return v, nil
		}
		if !p.take(',') {
			return v, fmt.Errorf("expected , or %c", closing)
		}
	}
}

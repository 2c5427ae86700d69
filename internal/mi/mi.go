// Package mi reads and writes GDB/MI, the machine interface of gdb, as its manual's section "GDB/MI Output Syntax"
// has it. It is a codec over bytes: [Parse] takes one line of gdb's output, [Command] makes one of its input.
package mi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Kind says what a line of gdb's output is, by the character that it begins with.
type Kind byte

// The kinds of lines.
const (
	Result  Kind = '^' // the answer to a command
	Exec    Kind = '*' // the program runs or stands
	Status  Kind = '+' // how far a long command has come
	Notify  Kind = '=' // something else that gdb tells of its own
	Console Kind = '~' // what a person at its console would read
	Target  Kind = '@' // what a remote program printed
	Log     Kind = '&' // what gdb says of itself
	Prompt  Kind = '(' // the end of a group of lines
	Stray   Kind = 0   // none of all these: the manual has the program's own output come so
)

// A Record is one line of gdb's output.
type Record struct {
	Kind  Kind
	Token int    // of the command that it belongs to, -1 where there is none
	Class string // Result, Exec, Status, Notify: "done", "stopped", "thread-created"
	Tuple Tuple  // what comes with it
	Text  string // Console, Target, Log, Stray: the text, which need not be UTF-8
}

// A Tuple is a list of names and their values. The same name may come more than once.
type Tuple []Field

// A Field is a value and its name, which is empty in a list of values.
type Field struct {
	Name  string
	Value Value
}

// A Value is a text, or the fields of a tuple or of a list.
type Value struct {
	Text   string
	Fields Tuple
}

// Get is the first value of a name, and the zero value if there is none.
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

// Has tells whether a name is there.
func (t Tuple) Has(name string) bool {
	for _, f := range t {
		if f.Name == name {
			return true
		}
	}
	return false
}

// maxDepth is how deep values may be nested: gdb's own go to some six levels, and a parser
// that calls itself needs an end.
const maxDepth = 64

// Parse reads one line, without its end. A line of no known kind is Stray; one that begins as a record and is
// none is an error.
func Parse(line []byte) (Record, error) {
	p := parser{text: strings.TrimSuffix(string(line), "\r")}
	r := Record{Token: -1}
	digits := len(p.text) - len(strings.TrimLeft(p.text, "0123456789"))
	if digits == len(p.text) {
		r.Text = p.text
		return r, nil
	}
	switch kind := Kind(p.text[digits]); kind {
	case Result, Exec, Status, Notify:
		if digits > 0 {
			token, err := strconv.ParseInt(p.text[:digits], 10, 32)
			if err != nil {
				return r, fmt.Errorf("the token of %s: %w", quoted(p.text), err)
			}
			r.Token = int(token)
		}
		r.Kind, p.at = kind, digits+1
		err := p.async(&r)
		return r, p.located(err)
	case Console, Target, Log:
		if digits == 0 {
			r.Kind, p.at = kind, 1
			var err error
			if r.Text, err = p.cstring(); err == nil {
				err = p.end()
			}
			return r, p.located(err)
		}
	case Prompt:
		if strings.TrimSpace(p.text) == "(gdb)" {
			r.Kind = Prompt
			return r, nil
		}
	}
	r.Text = p.text
	return r, nil
}

// A parser is somewhere in a line.
type parser struct {
	text string
	at   int
}

func (p *parser) located(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: at byte %d: %w", quoted(p.text), p.at, err)
}

// quoted is a text as a message shows it: not more than a line of it.
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

// take passes over a byte if it is the next one.
func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) end() error {
	if p.at < len(p.text) {
		return errors.New("the line goes on")
	}
	return nil
}

// word is a name or a class: letters, digits, - and _.
func (p *parser) word() (string, error) {
	begin := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
		p.at++
	}
	if p.at == begin {
		return "", errors.New("a name is missing")
	}
	return p.text[begin:p.at], nil
}

// async reads a class and what comes with it.
func (p *parser) async(r *Record) (err error) {
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

// field reads NAME=VALUE, or, where gdb departs from its grammar as in a breakpoint's locations, a bare value.
func (p *parser) field(depth int) (f Field, err error) {
	if c := p.peek(); c != '"' && c != '{' && c != '[' {
		if f.Name, err = p.word(); err != nil {
			return f, err
		}
		if !p.take('=') {
			return f, fmt.Errorf("%s has no value", f.Name)
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
		return v, errors.New("a value is missing")
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
			return v, fmt.Errorf("a , or %c is missing", closing)
		}
	}
}

package strace

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
)

// A kind is what a line of strace's says.
type kind uint8

const (
	attached   kind = iota + 1 // strace has a new tracee; at an attach all of its threads
	detached                   // strace lets go of one
	entered                    // a system call begins
	returned                   // it returns a number
	exited                     // a task is gone, as wait4 has told
	superseded                 // a task is gone: another thread executes a program and takes its id
	signalled                  // a signal is delivered
	message                    // anything else that strace says of itself
)

// A statement is one thing that strace said.
type statement struct {
	kind   kind
	tid    event.TID
	name   string       // entered, returned: the system call
	text   string       // entered: its arguments as far as they are known; message: itself
	number int          // returned: the result; entered exit: the code; superseded: the former tid
	status event.Status // exited
	signal event.Signo  // signalled; zero for one that has no name
}

// The forms in which strace writes its lines. An id is above zero, and no number has more than
// nine digits.
var (
	ofItself     = regexp.MustCompile(`^Process ([1-9][0-9]{0,8}) (attached|detached)(?: |$)`)
	ofTask       = regexp.MustCompile(`^([1-9][0-9]{0,8}) +(.*)$`)
	exitedWith   = regexp.MustCompile(`^\+\+\+ exited with ([0-9]{1,9}) `)
	killedBy     = regexp.MustCompile(`^\+\+\+ killed by ([^ ]+) `)
	supersededBy = regexp.MustCompile(`^\+\+\+ superseded by execve in pid ([1-9][0-9]{0,8}) `)
	// delivers is a signal that is delivered, as a group stop, "--- stopped by SIGSTOP ---", is
	// not.
	delivers = regexp.MustCompile(`^--- ([^ ]+) \{`)
	resumes  = regexp.MustCompile(`^<\.\.\. ([^ ]+) resumed>(.*)$`)
	begins   = regexp.MustCompile(`^([a-z_0-9]+)\((.*)$`)
	// returns has the result, in strace's own pid namespace if it says that: "2 /* 17 in strace's
	// PID NS */". A call that does not return, or begins again, has a question mark there.
	returns = regexp.MustCompile(`^.*\) += (?:[0-9]+ /\* )?(-?[0-9]{1,9})(?: |$)`)
)

// silent are lines that say nothing here: a group stop, a call that does not return or begins
// again, one whose name or arguments strace could not read, one in which it lets go, and that a
// task executes a program for another machine from now on.
var silent = regexp.MustCompile(`^(--- stopped by \w+ ---|<\.\.\. [\w?]+ resumed>.*|[\w?]+\(.*|` +
	`<detached \.\.\.>|\[ Process PID=\d+ runs in .* mode\. \])$`)

// parse reads one whole line, which may hold two statements: that a call begins, and what it
// returns. A line that is not strace's, such as one that the program writes to the same place,
// says nothing. Of a line that has a task's id and no form that is known here, the task is strange.
// What strace says of itself begins with self, which is its program as it was started, and ": ".
func parse(self, line string) (said []statement, strange event.TID) {
	if said, ok := strings.CutPrefix(line, self); ok {
		return []statement{parseSelf(said)}, 0
	}
	m := ofTask.FindStringSubmatch(line)
	if m == nil {
		return nil, 0
	}
	tid := event.TID(number(m[1]))
	if said = parseOf(tid, m[2]); said == nil && !silent.MatchString(m[2]) {
		return nil, tid
	}
	return said, 0
}

// parseOf reads what strace says of a task; nil is no statement.
func parseOf(tid event.TID, said string) []statement {
	s := statement{tid: tid}
	var m []string
	has := func(form *regexp.Regexp) bool {
		m = form.FindStringSubmatch(said)
		return m != nil
	}
	switch {
	case has(exitedWith):
		s.kind, s.status = exited, event.Exited(number(m[1]))
	case has(killedBy):
		s.kind, s.status = exited, event.Unknown
		if sig := parseSignal(m[1]); sig != 0 {
			s.status = event.Killed(sig)
		}
	case has(supersededBy):
		s.kind, s.number = superseded, number(m[1])
	case has(delivers):
		s.kind, s.signal = signalled, parseSignal(m[1])
	case has(resumes):
		return s.returned(m[1], m[2])
	case has(begins):
		s.kind, s.name, s.text = entered, m[1], strings.TrimSuffix(m[2], " <unfinished ...>")
		if s.name == "exit" || s.name == "exit_group" {
			if _, err := fmt.Sscanf(s.text, "%d", &s.number); err != nil {
				return nil
			}
		}
		return append([]statement{s}, s.returned(s.name, m[2])...)
	default:
		return nil
	}
	return []statement{s}
}

// returned is what a call of this task returned, by the end of its line; nothing if it did not.
func (s statement) returned(name, said string) []statement {
	m := returns.FindStringSubmatch(said)
	if m == nil {
		return nil
	}
	return []statement{{kind: returned, tid: s.tid, name: name, number: number(m[1])}}
}

// number is one that a form has found.
func number(digits string) int {
	n, _ := strconv.Atoi(digits) // so few digits are no error
	return n
}

// parseSelf reads what strace says of itself: "Process 7 attached", "Process 7 attached with 3
// threads".
func parseSelf(said string) statement {
	m := ofItself.FindStringSubmatch(said)
	if m == nil {
		return statement{kind: message, text: said}
	}
	s := statement{kind: attached, tid: event.TID(number(m[1]))}
	if m[2] == "detached" {
		s.kind = detached
	}
	return s
}

// parseSignal reads a signal's name; strace counts real-time signals from the kernel's first.
func parseSignal(name string) event.Signo {
	const first = 32 // the kernel's SIGRTMIN
	if count, ok := strings.CutPrefix(name, "SIGRT_"); ok {
		if n, err := strconv.ParseUint(count, 10, 6); err == nil && n <= 64-first {
			return event.Signo(first + n)
		}
	}
	if name == "SIGRTMIN" {
		return first
	}
	sig, err := event.ParseSignal(name)
	if err != nil {
		return 0
	}
	return sig
}

// A joiner makes whole lines of what strace writes. What strace says of itself may come in the
// middle of a call that is being printed, which goes on in the next line.
type joiner struct{ self, begun string }

// maxCall is more bytes than strace prints of a call.
const maxCall = 64 << 10

// add takes a line as it was written, and returns the whole line that it ends.
func (j *joiner) add(line string) (string, error) {
	i := strings.LastIndex(line, j.self)
	if i > 0 && parseSelf(line[i+len(j.self):]).kind == message {
		i = -1 // in a string of the program's
	}
	if i < 0 {
		line, j.begun = j.begun+line, ""
		return line, nil
	}
	j.begun += line[:i]
	if len(j.begun) > maxCall {
		return "", fmt.Errorf("a call takes more than %d bytes", maxCall)
	}
	return line[i:], nil
}

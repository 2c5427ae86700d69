package strace

import (
	"fmt"
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
	superseded                 // a task is gone since another of its process executes a program, and takes its id
	signalled                  // a signal is delivered
	message                    // anything else that strace says of itself
)

// A statement is one thing that strace said.
type statement struct {
	kind   kind
	tid    event.TID
	name   string       // entered, returned: the system call
	text   string       // entered: its arguments as far as they are known; message: itself
	number int          // returned: the result; entered exit: the code; superseded: who executes
	status event.Status // exited
	signal event.Signo  // signalled; zero for one that has no name
}

const self = "strace: "

// parse reads one whole line, which may hold two statements: that a call begins, and what it returns. What is not
// strace's, such as what the program writes to the same place, says nothing.
func parse(line string) []statement {
	if said, ok := strings.CutPrefix(line, self); ok {
		return []statement{parseSelf(said)}
	}
	digits, said, ok := strings.Cut(line, " ")
	tid, err := parseTID(digits)
	if !ok || err != nil {
		return nil
	}
	said = strings.TrimLeft(said, " ")
	s := statement{tid: tid}
	switch {
	case strings.HasPrefix(said, "+++ "):
		ok = s.parseEnd(strings.TrimSuffix(said[4:], " +++"))
	case strings.HasPrefix(said, "--- "):
		ok = s.parseSignal(said[4:])
	case strings.HasPrefix(said, "<... "):
		ok = s.parseResumed(said[5:])
	default:
		return parseCall(tid, said)
	}
	if !ok {
		return nil
	}
	return []statement{s}
}

func parseTID(digits string) (event.TID, error) {
	n, err := strconv.ParseUint(digits, 10, 31)
	if err == nil && n == 0 {
		return 0, fmt.Errorf("%q is no task's id", digits)
	}
	return event.TID(n), err
}

// parseSelf reads what strace says of itself: "Process 7 attached", "Process 7 attached with 3 threads".
func parseSelf(said string) statement {
	words := strings.Fields(said)
	if len(words) >= 3 && words[0] == "Process" {
		if tid, err := parseTID(words[1]); err == nil {
			switch words[2] {
			case "attached":
				return statement{kind: attached, tid: tid}
			case "detached":
				return statement{kind: detached, tid: tid}
			}
		}
	}
	return statement{kind: message, text: said}
}

// parseEnd reads "exited with 3", "killed by SIGSEGV (core dumped)" and "superseded by execve in pid 7".
func (s *statement) parseEnd(said string) bool {
	if code, ok := strings.CutPrefix(said, "exited with "); ok {
		n, err := strconv.Atoi(code)
		s.kind, s.status = exited, event.Exited(n)
		return err == nil
	}
	if by, ok := strings.CutPrefix(said, "killed by "); ok {
		name, _, _ := strings.Cut(by, " ")
		s.kind, s.status = exited, event.Unknown
		if sig := parseSignal(name); sig != 0 {
			s.status = event.Killed(sig)
		}
		return true
	}
	if by, ok := strings.CutPrefix(said, "superseded by execve in pid "); ok {
		tid, err := parseTID(by)
		s.kind, s.number = superseded, int(tid)
		return err == nil
	}
	return false
}

// parseSignal reads "SIGUSR1 {si_signo=…} ---". A group stop, "stopped by SIGSTOP", is no signal's delivery.
func (s *statement) parseSignal(said string) bool {
	name, _, ok := strings.Cut(said, " {")
	s.kind, s.signal = signalled, parseSignal(name)
	return ok
}

// parseSignal reads a signal's name; strace counts real-time signals from the kernel's first.
func parseSignal(name string) event.Signo {
	const first = 32 // the kernel's SIGRTMIN
	if count, ok := strings.CutPrefix(name, "SIGRT_"); ok {
		if n, err := strconv.ParseUint(count, 10, 5); err == nil {
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

// parseCall reads "clone(flags=…) = 7", or as much of it as there is: "vfork( <unfinished ...>".
func parseCall(tid event.TID, said string) []statement {
	name, rest, ok := strings.Cut(said, "(")
	if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
		return nil
	}
	begun := statement{kind: entered, tid: tid, name: name}
	begun.text, _ = strings.CutSuffix(rest, " <unfinished ...>")
	if name == "exit" || name == "exit_group" {
		digits := begun.text
		if end := strings.IndexAny(digits, ") "); end >= 0 {
			digits = digits[:end]
		}
		code, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return nil
		}
		begun.number = int(code)
	}
	if n, ok := result(rest); ok {
		return []statement{begun, {kind: returned, tid: tid, name: name, number: n}}
	}
	return []statement{begun}
}

// parseResumed reads "clone resumed>, child_tidptr=…) = 7".
func (s *statement) parseResumed(said string) bool {
	name, rest, _ := strings.Cut(said, " resumed>")
	n, ok := result(rest)
	s.kind, s.name, s.number = returned, name, n
	return ok
}

// result is the number behind the last "= ", in strace's own pid namespace if it says that; a call that does not
// return, or is begun again, has a question mark there.
func result(said string) (int, bool) {
	i := strings.LastIndex(said, ") ")
	if i < 0 {
		return 0, false
	}
	value, ok := strings.CutPrefix(strings.TrimLeft(said[i+2:], " "), "= ")
	if !ok {
		return 0, false
	}
	words := strings.Fields(value)
	if len(words) > 2 && words[1] == "/*" && strings.HasSuffix(value, " in strace's PID NS */") {
		words[0] = words[2]
	}
	if len(words) == 0 {
		return 0, false
	}
	n, err := strconv.Atoi(words[0])
	return n, err == nil
}

// A joiner makes whole lines of what strace writes. What it says of itself comes in between: a call that is being
// printed goes on in the next line.
type joiner struct{ begun string }

// maxCall is more than strace prints of a call.
const maxCall = 64 << 10

// add takes in a line as it was written, and returns the whole lines that it ends.
func (j *joiner) add(line string) ([]string, error) {
	i := strings.LastIndex(line, self)
	said := ""
	if i >= 0 {
		said = line[i:]
	}
	if i > 0 && parseSelf(said[len(self):]).kind == message {
		i, said = -1, "" // a string of the program's
	}
	switch {
	case i == 0:
		return []string{said}, nil
	case i > 0:
		j.begun += line[:i]
		if len(j.begun) > maxCall {
			return nil, fmt.Errorf("a call takes more than %d bytes", maxCall)
		}
		return []string{said}, nil
	}
	whole := j.begun + line
	j.begun = ""
	return []string{whole}, nil
}

package event

import (
	"fmt"
	"strconv"
	"strings"
)

// A Path is a task's birth path. "main" is the first task, "main/2" the second
// task that main created, "main/2/1" the first that main/2 created. "@1", "@2", …
// are tasks found at an attach, whose births nobody saw.
type Path string

// Main is the path of a program's first task.
const Main Path = "main"

// Found is the path of the nth task, from 1, found at an attach besides main.
func Found(n int) Path { return Path("@" + strconv.Itoa(n)) }

// Nth is the path of the nth task, from 1, that this one created.
func (p Path) Nth(n int) Path {
	var buffer [64]byte // on the stack: the path alone is kept
	return Path(strconv.AppendInt(append(append(buffer[:0], p...), '/'), int64(n), 10))
}

// ParsePath reads a birth path.
func ParsePath(s string) (Path, error) {
	root, rest, nested := strings.Cut(s, "/")
	number, isFound := strings.CutPrefix(root, "@")
	if root != string(Main) && !(isFound && isCount(number)) {
		return "", fmt.Errorf("%q is no birth path: it begins with neither main nor @N", s)
	}
	for nested {
		var part string
		if part, rest, nested = strings.Cut(rest, "/"); !isCount(part) {
			return "", fmt.Errorf("%q is no birth path: %q is no count from 1", s, part)
		}
	}
	return Path(s), nil
}

// split gives a path's creator, and which of that one's tasks it is; 0 for a path that begins a family.
func (p Path) split() (creator Path, n int) {
	i := strings.LastIndexByte(string(p), '/')
	if i < 0 {
		return "", 0
	}
	n, _ = strconv.Atoi(string(p[i+1:])) // a count, as ParsePath and Nth have it
	return p[:i], n
}

// isCount tells whether s is a number from 1, written in the one way that [Path.Nth] does.
func isCount(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && s == strconv.Itoa(n)
}

// Compare orders paths as a family tree is read: main first, a task before
// those it created, and those in the order of their births; then the found.
func (p Path) Compare(q Path) int {
	for {
		a, restA, moreA := strings.Cut(string(p), "/")
		b, restB, moreB := strings.Cut(string(q), "/")
		if c := comparePart(a, b); c != 0 {
			return c
		}
		switch {
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		p, q = Path(restA), Path(restB)
	}
}

func comparePart(a, b string) int {
	if a == b {
		return 0
	}
	// Shorter numbers are smaller; "main" is longer than "@N", and comes first.
	if isMain, isFound := a == string(Main), strings.HasPrefix(b, "@"); isMain && isFound {
		return -1
	}
	if isFound, isMain := strings.HasPrefix(a, "@"), b == string(Main); isFound && isMain {
		return 1
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

package event

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Path is a task's birth path. "main" is the first task, "main/2" the second task that main
// created, "main/2/1" the first that main/2 created. "@1", "@2", … are tasks found at an attach,
// whose births were not observed.
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

// ParsePath reads a birth path: main or @N, and numbers from 1 after slashes.
func ParsePath(s string) (Path, error) {
	parts := strings.Split(s, "/")
	number, isFound := strings.CutPrefix(parts[0], "@")
	if parts[0] != string(Main) && !(isFound && isCount(number)) {
		return "", fmt.Errorf("%q is no birth path: it begins with neither main nor @N", s)
	}
	for _, part := range parts[1:] {
		if !isCount(part) {
			return "", fmt.Errorf("%q is no birth path: %q is no count from 1", s, part)
		}
	}
	return Path(s), nil
}

// split returns the creator's path, and which of its tasks this is: n, from 1. For main and @N it
// returns an empty path and 0.
func (p Path) split() (creator Path, n int) {
	i := strings.LastIndexByte(string(p), '/')
	if i < 0 {
		return "", 0
	}
	n, _ = strconv.Atoi(string(p[i+1:])) // a count, as ParsePath and Nth have it
	return p[:i], n
}

// isCount tells whether s is a number from 1, written as [Path.Nth] writes it.
func isCount(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && s == strconv.Itoa(n)
}

// Compare orders paths as a family tree is read: main comes first, each task before those that it
// created, and these in the order of their births. Tasks found at an attach come last.
func (p Path) Compare(q Path) int {
	return slices.CompareFunc(
		strings.Split(string(p), "/"), strings.Split(string(q), "/"), comparePart)
}

// comparePart compares the names of two siblings: "main" comes before "@N", and of two numbers the
// shorter one is the smaller.
func comparePart(a, b string) int {
	if a == string(Main) || b == string(Main) {
		return strings.Compare(b, a) // @ is before m in ASCII
	}
	return cmp.Or(len(a)-len(b), strings.Compare(a, b))
}

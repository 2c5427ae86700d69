package findings

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// isBuildOf tells whether a debugger is the one of that name: NAME=PATH and NAME@VERSION are other
// builds of NAME.
func isBuildOf(name, debugger string) bool {
	if i := strings.IndexAny(debugger, "=@"); i >= 0 && name == debugger[:i] {
		return true
	}
	return name == debugger
}

// anyVersion stands for every version of a debugger.
const anyVersion = "*"

// measured is the version whose word a finding has for a version of a debugger: that version itself
// if it was measured, else the nearest below it that was. It is empty if there is none. A version
// with a line in any finding was measured for all; one that is said to be good, for that finding.
// The suite's findings and a user's own do not count for each other.
func (l List) measured(debugger, version string, finding Finding) (nearest string) {
	consider := func(configurations []string, v string) {
		if slices.ContainsFunc(configurations, func(c string) bool {
			return isBuildOf(c, debugger)
		}) && v != anyVersion && (v == version || isUpTo(v, version)) &&
			(nearest == "" || isBelow(nearest, v)) {
			nearest = v
		}
	}
	for _, f := range l {
		if f.Own != finding.Own {
			continue
		}
		for _, one := range f.Failures {
			consider(one.Configurations, one.Version)
		}
	}
	for _, one := range finding.Good {
		consider(one.Configurations, one.Version)
	}
	return nearest
}

var numbered = regexp.MustCompile(`^\d+(\.\d+)*`)

// isBelow tells whether a version comes before another. What does not begin with a number has no
// order.
func isBelow(a, b string) bool { return isUpTo(a, b) && !isUpTo(b, a) }

// isUpTo tells whether a version comes before another or has its numbers, as a distribution's
// 13.1-4.el9 has those of 13.1.
func isUpTo(a, b string) bool {
	x, y := numbered.FindString(a), numbered.FindString(b)
	return x != "" && y != "" && slices.Compare(parts(x), parts(y)) <= 0
}

// isSame tells whether two versions have the same numbers.
func isSame(a, b string) bool { return isUpTo(a, b) && isUpTo(b, a) }

// isBuildOfVersion tells whether a program that says its version is one of a version that was
// measured: its numbers are that version's, and may go on. Debian's gdb 10.1 says that it is
// 10.1.90.20210103-git.
func isBuildOfVersion(said, measured string) bool {
	x, y := numbered.FindString(measured), numbered.FindString(said)
	if x == "" || y == "" {
		return false
	}
	want, got := parts(x), parts(y)
	return len(got) >= len(want) && slices.Equal(got[:len(want)], want)
}

func parts(version string) (numbers []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part) // what is too long is the largest
		numbers = append(numbers, n)
	}
	return numbers
}

// Package weak has code for the tests of mutants to change.
package weak

// Clamp brings n into the range from 0 to most, and counts how often it had to.
func Clamp(n, most int, changed *int) int {
	switch {
	case n < 0:
		*changed++
		return 0
	case n > most && most > 0:
		*changed++
		return most
	}
	return n
}

// Reversed turns a list around.
func Reversed(list []int) []int {
	var out []int
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i])
	}
	return out
}

// Sum counts down: without its step it never ends.
func Sum(n int) int {
	sum := 0
	for n > 0 {
		sum += n
		n--
	}
	return sum
}

// Even is what no test asks.
func Even(n int) bool { return n%2 == 0 }

package harness

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
)

// ids are where a fixture prints the id of a task: after the words process and thread.
var ids = regexp.MustCompile(`\b(process|thread): (\d+)`)

// labelLines puts birth paths in place of the ids in lines of output. Where the births are not the same in each run
// (exact is false), only main is told from other tasks. Of an id that was used twice, a line that comes again is the
// next one's.
func labelLines(lines []string, t *truth, exact bool) []string {
	labels, printed := make([]string, len(lines)), make(map[string]int)
	for i, line := range lines {
		labels[i] = ids.ReplaceAllStringFunc(line, func(match string) string {
			word, digits, _ := strings.Cut(match, ": ")
			tid, _ := strconv.Atoi(digits) // a number, by the pattern
			path := t.nth(event.TID(tid), printed[line])
			switch {
			case path == "":
				path = "nobody"
			case !exact && path != event.Main:
				path = "other"
			}
			return word + ": " + string(path)
		})
		printed[line]++
	}
	return labels
}

func splitLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines
}

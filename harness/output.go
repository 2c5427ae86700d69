package harness

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
)

// ids are where a fixture prints the id of a task: after the words process and thread.
var ids = regexp.MustCompile(`\b(process|thread): (\d+)`)

// labelLines puts birth paths in place of the ids in lines of output, as labelLine does. Of an id that was used twice, a
// line that comes again is the next one's.
func labelLines(lines []string, t *truth, exact bool) []string {
	labels, printed := make([]string, len(lines)), make(map[string]int)
	for i, line := range lines {
		labels[i] = labelLine(line, t, exact, printed[line])
		printed[line]++
	}
	return labels
}

// labelLine puts birth paths in place of the ids in a line of output: those of the nth lives, from 0, or of the last. Where
// the births are not the same in each run (exact is false), only main is told from other tasks.
func labelLine(line string, t *truth, exact bool, n int) string {
	return ids.ReplaceAllStringFunc(line, func(match string) string {
		word, digits, _ := strings.Cut(match, ": ")
		tid, _ := strconv.Atoi(digits) // a number, by the pattern
		path := t.nth(event.TID(tid), n)
		switch {
		case path == "":
			path = "nobody"
		case !exact && path != event.Main:
			path = "other"
		}
		return word + ": " + string(path)
	})
}

// labelOwed labels a line by those lives of its ids of which a line is owed, or else by the last.
func labelOwed(line string, t *truth, exact bool, owed map[string]int) string {
	label := labelLine(line, t, exact, 0)
	for n, last := 1, ""; owed[label] == 0 && label != last; n++ {
		last, label = label, labelLine(line, t, exact, n)
	}
	return label
}

func splitLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines
}

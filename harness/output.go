package harness

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
)

// ids are where a fixture prints the id of a task: after the words process and thread.
var ids = regexp.MustCompile(`\b(process|thread): (\d+)`)

// labelLine puts birth paths in place of the ids in a line of output. Where the births are not the
// same in each run (exact is false), only main is told from other tasks.
func labelLine(line string, t *truth, exact bool) string {
	return ids.ReplaceAllStringFunc(line, func(match string) string {
		word, digits, _ := strings.Cut(match, ": ")
		tid, _ := strconv.Atoi(digits) // a number, by the pattern
		path := t.path(event.TID(tid))
		switch {
		case path == "":
			path = "nobody"
		case !exact && path != event.Main:
			path = "other"
		}
		return word + ": " + string(path)
	})
}

func splitLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines
}

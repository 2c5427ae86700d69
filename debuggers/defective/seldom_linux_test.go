//go:build amd64 || arm64

package defective_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

const (
	ratesFile  = "../../docs/rules.md"
	ratesBegin = "<!-- What follows is measured: TIDCHECK_SOAK=1 go test -run Seldom " +
		"./debuggers/defective -update -->\n"
	ratesEnd = "<!-- The end of what is measured. -->\n"
)

// A defect that shows at one of so many births is found by its own rule. With -update the counts
// are written.
func TestDefectsThatShowSeldomAreFound(t *testing.T) {
	rates, runs := []int{10}, 3
	if os.Getenv("TIDCHECK_SOAK") != "" {
		rates, runs = []int{10, 100, 850}, 100
	}
	var table strings.Builder
	for _, rate := range rates {
		for _, d := range defective.Seldom(rate) {
			for _, scenario := range []string{"thread_nested", "thread_storm"} {
				found := timesFound(t, d, scenario, runs)
				least, most := wilson(found, runs)
				const row = "| 1 in %d | %s | %s | %s | %d of %d | %.0f to %.0f %% | %s |\n"
				fmt.Fprintf(&table, row, rate, d.Name, d.Rule, scenario,
					found, runs, 100*least, 100*most, enough(least))
				if rate == 10 { // 80 births and more: a run shows nothing 1 time in 4,500
					assert.Check(t, found > 0, "%s %s: %d of %d", d.Name, scenario, found, runs)
				}
			}
		}
	}
	t.Log("\n" + table.String())
	if flag.Lookup("update").Value.String() == "true" {
		write(t, table.String())
	}
}

// timesFound is in how many runs a defect was accused by its own rule.
func timesFound(t *testing.T, d defective.Defect, scenario string, runs int) int {
	t.Helper()
	o := harness.Options{Match: regexp.MustCompile("^" + scenario + "/launch$"), Repeat: runs}
	report, err := harness.RunAll(t.Context(),
		[]harness.Debugger{defective.Debugger{Defect: d}}, o, func([]harness.Result) {})
	assert.NilError(t, err)
	i := slices.IndexFunc(report.Results, func(r harness.Result) bool { return r.Rule == d.Rule })
	assert.Assert(t, i >= 0, "%s has no result of %s", d.Name, d.Rule)
	r := report.Results[i]
	assert.Check(t, r.Passed+r.Verdicts[judge.Fail] == runs, "%s %s: %v: %s", d.Name, scenario,
		r.Verdicts, r.Detail)
	return r.Verdicts[judge.Fail]
}

// wilson is Wilson's interval for a rate, at 95 %.
func wilson(k, n int) (least, most float64) {
	const z = 1.96
	p, size := float64(k)/float64(n), float64(n)
	middle := p + z*z/(2*size)
	reach := z * math.Sqrt(p*(1-p)/size+z*z/(4*size*size))
	scale := 1 + z*z/size
	return max(0, (middle-reach)/scale), min(1, (middle+reach)/scale)
}

// enough is how many runs find with 95 % certainty what one run finds at this rate.
func enough(rate float64) string {
	if rate <= 0 {
		return "–"
	}
	return fmt.Sprint(max(1, int(math.Ceil(math.Log(0.05)/math.Log1p(-rate)))))
}

func write(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(ratesFile)
	assert.NilError(t, err)
	head, rest, ok := strings.Cut(string(text), ratesBegin)
	_, tail, closed := strings.Cut(rest, ratesEnd)
	assert.Assert(t, ok && closed, "%s has no place for the table", ratesFile)
	const title = "| rate | defect | rule | scenario | found in | 95 % interval | runs |\n" +
		"|---|---|---|---|---|---|---|\n"
	text = []byte(head + ratesBegin + "\n" + title + table + "\n" + ratesEnd + tail)
	assert.NilError(t, os.WriteFile(ratesFile, text, 0o644))
}

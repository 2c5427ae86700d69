package report_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// A page is what the tests read of a page's data.
type page struct {
	Columns []struct{ Label, Lacking string }
	Rules   [][2]string
	Cells   []struct {
		V string
		N []struct {
			R, D, A, P int
			W          []struct{ Kind string }
		}
	}
	Texts   []string
	Scenes  []picture.Scene
	LeftOut int
}

func dataOf(t *testing.T, html string) (text string, p page) {
	t.Helper()
	_, rest, _ := strings.Cut(html, `<script type="application/json" id="data">`)
	text, _, found := strings.Cut(rest, "</script>")
	assert.Assert(t, found, "the page has no data")
	assert.NilError(t, json.Unmarshal([]byte(text), &p))
	return text, p
}

// drawn is a failure with a picture of one task that says text.
func drawn(rule, text string) harness.Result {
	r := result(rule, judge.Fail, text)
	r.Picture = &picture.Picture{
		Scene: picture.Scene{
			Tasks: []picture.Task{{Path: "main", TID: 7, Kind: picture.First, Creator: -1}},
			Marks: []picture.Mark{{By: picture.Debugger, Child: -1, Kind: "exit", Line: text}},
		},
		Wrong: []picture.Wrong{{Kind: "told twice", Text: text}},
	}
	return r
}

func TestThePageHasEachVerdictAndItsEvidence(t *testing.T) {
	failed, sound := drawn("complete", "task 7"), drawn("sound", "task 7")
	failed.Again = "tidcheck run gdb"
	r := reported("6.18", result("session", judge.Pass, ""), failed, sound,
		result("exit", judge.Untested, "nothing to judge"))
	r.Stopped = "enough"
	html := written(t, report.HTML, r)
	_, p := dataOf(t, html)
	assert.Equal(t, p.Columns[0].Label, "gdb 13.1")
	assert.Equal(t, len(p.Cells), 1)
	verdicts := ""
	for i, letter := range p.Cells[0].V {
		if letter != ' ' {
			verdicts += fmt.Sprintf("%s %c, ", p.Rules[i][0], letter)
		}
	}
	assert.Equal(t, verdicts, "session P, complete F, sound F, exit N, ")
	notes := p.Cells[0].N
	assert.Equal(t, len(notes), 3)
	assert.Equal(t, p.Texts[notes[0].D], "task 7")
	assert.Equal(t, p.Texts[notes[0].A], "tidcheck run gdb")
	assert.Equal(t, notes[0].P, notes[1].P, "two rules of one run share its scene")
	assert.Equal(t, len(p.Scenes), 1)
	assert.Equal(t, notes[0].W[0].Kind, "told twice")
	assert.Assert(t, strings.Contains(html, "These results are not whole."))
	assert.Assert(t, strings.Contains(html, "<title>tidcheck: 2 unexpected verdicts</title>"))
}

func TestNothingFromOutsideIsMarkup(t *testing.T) {
	const hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028<!--"
	bad := drawn("complete", hostile)
	bad.Debugger, bad.Scenario, bad.Again, bad.Kept = hostile, hostile, hostile, hostile
	bad.Rule, bad.Mode = hostile, hostile
	r := reported(hostile, bad)
	r.Suite, r.Stopped = hostile, hostile
	r.Debuggers = []harness.Identity{{Name: hostile, Version: hostile}}
	html := written(t, report.HTML, r)
	for _, mark := range []string{"<script>alert", "<img", "<!--"} {
		assert.Check(t, !strings.Contains(html, mark), "the page has %q", mark)
	}
	assert.Equal(t, strings.Count(html, "</script>"), 3)
	text, p := dataOf(t, html)
	assert.Assert(t, !strings.Contains(text, "\u2028"))
	assert.Equal(t, p.Rules[len(judge.Rules)][0], hostile)
}

func TestThePageReachesForNothing(t *testing.T) {
	html := written(t, report.HTML, reported("6.18", drawn("complete", "task 7")))
	for _, mark := range []string{"src=", "@import", "fetch(", "url(", "innerHTML"} {
		assert.Check(t, !strings.Contains(html, mark), "the page has %s", mark)
	}
	assert.Assert(t, strings.Contains(html, `content="default-src 'none';`))
}

// What is unexpected has its evidence though there is not room for all.
func TestThePageStaysSmall(t *testing.T) {
	var results []harness.Result
	for i := range 4000 {
		one := drawn("complete", fmt.Sprintf("%d %s", i, strings.Repeat("x", 7000)))
		one.Scenario = fmt.Sprintf("fork_%d", i)
		if i > 3 {
			one.Verdict = judge.KFail
		}
		if i == 3998 {
			one.Verdict = judge.Unresolved
		}
		results = append(results, one)
	}
	html := written(t, report.HTML, reported("6.18", results...))
	assert.Check(t, len(html) < 20_000_000, "it has %d bytes", len(html))
	_, p := dataOf(t, html)
	assert.Check(t, p.LeftOut > 1000)
	unresolved := 0
	for _, c := range p.Cells {
		if strings.Contains(c.V, "R") {
			unresolved++
			assert.Check(t, strings.HasPrefix(p.Texts[c.N[0].D], "3998 "))
			assert.Check(t, c.N[0].P > 0)
		}
	}
	assert.Equal(t, unresolved, 1)
}

func BenchmarkHTML(b *testing.B) {
	var results []harness.Result
	for i := range 100_000 {
		verdict := []judge.Verdict{judge.Pass, judge.Unsupported, judge.Fail}[i%3]
		one := result(judge.Rules[i%13].Name, verdict, fmt.Sprintf("task %d was not reported", i))
		if i%30 == 2 {
			one = drawn(one.Rule, one.Detail)
		}
		one.Scenario = fmt.Sprintf("fork_%d", i/13)
		results = append(results, one)
	}
	r := reported("6.18", results...)
	for b.Loop() {
		var s strings.Builder
		if err := report.HTML(&s, []*harness.Report{r}); err != nil {
			b.Fatal(err)
		}
	}
}

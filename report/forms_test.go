package report_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// reported is a report of one machine with results of gdb.
func reported(kernel string, results ...harness.Result) *harness.Report {
	return &harness.Report{
		Form: harness.FormVersion, Suite: "0.1.0",
		Machine:   harness.Machine{Kernel: kernel, Arch: "amd64", Witness: "perf"},
		Debuggers: []harness.Identity{{Name: "gdb", Version: "13.1"}},
		Results:   results,
	}
}

func written(
	t *testing.T, form func(io.Writer, []*harness.Report) error, reports ...*harness.Report,
) string {
	t.Helper()
	var b strings.Builder
	assert.NilError(t, form(&b, reports))
	return b.String()
}

func TestJUnitHasATestCaseForEachRule(t *testing.T) {
	known := result("once", judge.KFail, "gdb/twice\ntask 7 was told twice")
	failed := result("complete", judge.Fail, "task 7\ntask <8>\x00")
	failed.Again = "tidcheck run gdb"
	failed.Violations = []judge.Violation{{Kind: "unreported birth"}}
	r := reported("6.18", result("session", judge.Pass, "by its end"), failed, known,
		result("exit", judge.Untested, "nothing to judge"),
		result("sound", judge.Unresolved, "the accounts differ"))
	r.Stopped = "interrupt signal received"
	stopped := "the run was stopped before all was run: " + r.Stopped
	equal(t, written(t, report.JUnit, r), `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="tidcheck" tests="6" failures="1" errors="2">
 <testsuite name="gdb 13.1" tests="6" failures="1" errors="2" skipped="2" time="0.125">
  <properties>
   <property name="debugger" value="gdb"></property>
   <property name="version" value="13.1"></property>
   <property name="suite" value="0.1.0"></property>
   <property name="kernel" value="6.18"></property>
   <property name="arch" value="amd64"></property>
   <property name="witness" value="perf"></property>
  </properties>
  <testcase classname="gdb.fork.launch" name="session" time="0.125"></testcase>
  <testcase classname="gdb.fork.launch" name="complete" time="0">
   <failure type="FAIL: unreported birth" message="task 7">task 7&#xA;task &lt;8&gt;`+"\uFFFD"+
		`&#xA;complete means: `+sentenceOf(t, "complete")+`&#xA;again: tidcheck run gdb</failure>
  </testcase>
  <testcase classname="gdb.fork.launch" name="once" time="0">
   <skipped message="KFAIL: gdb/twice"></skipped>
   <system-out>gdb/twice&#xA;task 7 was told twice</system-out>
  </testcase>
  <testcase classname="gdb.fork.launch" name="exit" time="0">
   <skipped message="UNTESTED: nothing to judge"></skipped>
  </testcase>
  <testcase classname="gdb.fork.launch" name="sound" time="0">
   <error type="UNRESOLVED" message="the accounts differ">the accounts differ&#xA;sound means: `+
		sentenceOf(t, "sound")+`</error>
  </testcase>
  <testcase classname="gdb" name="all was run" time="0">
   <error type="stopped" message="`+stopped+`"></error>
  </testcase>
 </testsuite>
</testsuites>
`)
}

func sentenceOf(t *testing.T, name string) string {
	t.Helper()
	rule, err := judge.RuleNamed(name)
	assert.NilError(t, err)
	return rule.Sentence
}

func TestJUnitIsXML(t *testing.T) {
	hostile := result("complete", judge.Fail, "]]> \"<script>\" &amp; \xff \x01 \u202e")
	hostile.Debugger = `g"d<b>`
	r := reported("6.18", hostile)
	r.Debuggers[0].Name = hostile.Debugger
	assert.NilError(t, xml.Unmarshal([]byte(written(t, report.JUnit, r)), new(struct{})))
}

func TestMarkdownTellsWhatIsUnexpected(t *testing.T) {
	failed := result("complete", judge.Fail, "task `7` ``` <b>\n|x|")
	failed.Again = "tidcheck run gdb"
	stopped := reported("6.19", result("complete", judge.Pass, ""))
	stopped.Stopped = "enough"
	equal(t, written(t, report.Markdown,
		reported("6.18", failed, result("exit", judge.KFail, "known")), stopped),
		"# tidcheck: 1 unexpected verdict\n\n"+
			"> **These results are not whole.** gdb 13.1 on linux 6.19 amd64: "+
			"the run was stopped before all was run: enough\n\n"+
			"| debugger | machine | unexpected | verdicts |\n|---|---|---:|---|\n"+
			"| gdb 13.1, linux 6.18 amd64 | linux 6.18 amd64, witness: perf | 1 "+
			"| 1 FAIL, 1 KFAIL |\n"+
			"| gdb 13.1, linux 6.19 amd64 | linux 6.19 amd64, witness: perf | 0 | 1 PASS |\n\n"+
			"| group | gdb 13.1, linux 6.18 amd64 | gdb 13.1, linux 6.19 amd64 |\n|---|---|---|\n"+
			"| fork | 1 FAIL, 1 KFAIL | ✓ |\n\n"+
			"<details><summary><b>FAIL</b> gdb 13.1, linux 6.18 amd64 fork/launch: complete"+
			"</summary>\n\n"+forkSentence(t)+"\n\nThe rule: "+sentenceOf(t, "complete")+".\n\n"+
			"````\ntask `7` ``` <b>\n|x|\n````\n\nOnce more:\n\n```\ntidcheck run gdb\n```\n\n"+
			"</details>\n")
}

func forkSentence(t *testing.T) string {
	t.Helper()
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	for _, f := range all {
		if f.Name == "fork" {
			return f.Sentence
		}
	}
	return ""
}

func TestMarkdownOfManyFailuresIsShort(t *testing.T) {
	var many []harness.Result
	for i := range 5000 {
		one := result("complete", judge.Fail, strings.Repeat("task\n", 100))
		one.Scenario = fmt.Sprintf("fork_%d", i)
		many = append(many, one)
	}
	text := written(t, report.Markdown, reported("6.18", many...))
	assert.Check(t, len(text) < 1<<20, "it has %d bytes", len(text))
	assert.Check(t, strings.Contains(text, "and 4950 more unexpected verdicts"))
}

func TestAVersionIsNotSaidTwice(t *testing.T) {
	r := reported("6.18", result("exit", judge.Pass, ""))
	r.Debuggers[0] = harness.Identity{Name: "gdb@18.1", Version: "18.1"}
	r.Results[0].Debugger = "gdb@18.1"
	assert.Assert(t, strings.Contains(written(t, report.Markdown, r), "| gdb@18.1 |"))
}

func TestMergeJoinsWhatIsOneRun(t *testing.T) {
	of := func(rule string) harness.Result { return result(rule, judge.Pass, "") }
	shard1, shard2 := reported("6.18", of("exit")), reported("6.18", of("sound"))
	shard2.Stopped = "enough"
	other := reported("6.1", of("exit"))
	again := reported("6.18", of("exit"))
	newer := reported("6.18", of("once"))
	newer.Debuggers = []harness.Identity{{Name: "gdb", Version: "18.1"}}
	merged := report.Merge([]*harness.Report{shard1, shard2, other, again, newer})
	var got []string
	for _, r := range merged {
		line := r.Debuggers[0].Version + " " + r.Machine.Kernel + r.Stopped
		for _, one := range r.Results {
			line += " " + one.Rule
		}
		got = append(got, line)
	}
	assert.DeepEqual(t, got, []string{
		"13.1 6.18enough exit sound", "13.1 6.1 exit", "13.1 6.18 exit", "18.1 6.18 once",
	})
	assert.Equal(t, len(shard1.Results), 1, "what is merged is not changed")
}

func TestShardsAreWholeTogether(t *testing.T) {
	shard := func(part, rule string) *harness.Report {
		r := reported("6.18", result(rule, judge.Pass, ""))
		r.Shards = []string{part}
		return r
	}
	merged := report.Merge([]*harness.Report{shard("1/3", "exit"), shard("3/3", "sound")})
	assert.Equal(t, len(merged), 1)
	assert.Assert(t, strings.Contains(written(t, report.Markdown, merged...),
		"only a part was run: shard 1/3, 3/3"))
	merged = report.Merge(append(merged, shard("2/3", "once")))
	assert.Equal(t, len(merged), 1)
	assert.Assert(t, !strings.Contains(written(t, report.Markdown, merged...), "not whole"))
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	a, b := reported("6.18", result("exit", judge.Pass, "")), reported("6.1",
		result("exit", judge.Fail, "why"))
	for _, reports := range [][]*harness.Report{{a}, {a, b}} {
		name := filepath.Join(t.TempDir(), "results.json")
		text := written(t, report.MergedJSON, reports...)
		assert.NilError(t, os.WriteFile(name, []byte(text), 0o600))
		got, err := report.Read(name)
		assert.NilError(t, err)
		assert.Equal(t, len(got), len(reports))
		assert.Equal(t, written(t, report.MergedJSON, got...), text)
	}
}

// Each truncation of a report, and each change of a byte to a quote, is read or refused, and a
// report cut off is never taken for a whole one.
func TestAReportThatIsCutOffIsRefused(t *testing.T) {
	whole := written(t, report.MergedJSON, reported("6.18", result("exit", judge.Fail, "why")))
	name := filepath.Join(t.TempDir(), "results.json")
	for n := range strings.TrimSpace(whole) {
		assert.NilError(t, os.WriteFile(name, []byte(whole[:n]), 0o600))
		_, err := report.Read(name)
		assert.ErrorContains(t, err, name+": not a report of run --json: ")
		assert.Check(t, !strings.Contains(err.Error(), "\n"))
		broken := whole[:n] + `"` + whole[n+1:]
		assert.NilError(t, os.WriteFile(name, []byte(broken), 0o600))
		report.Read(name) // it must not panic
	}
}

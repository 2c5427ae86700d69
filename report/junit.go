package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A junitReport is JUnit's XML, in the form that Jenkins publishes (its junit-10.xsd), which other
// readers take too.
type junitReport struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Skipped *junitOutcome `xml:"skipped"`
	Error   *junitOutcome `xml:"error"`
	Failure *junitOutcome `xml:"failure"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a test case for each rule of each scenario and mode. FAIL and KPASS are failures,
// and UNRESOLVED is an error. What was not tested is skipped, and so is a KFAIL: readers show a
// skipped case with its reason, and of a passed one nothing. A run that was stopped is an error.
func JUnit(w io.Writer, reports []*harness.Report) error {
	all := junitReport{Name: "tidcheck"}
	for _, c := range columns(reports) {
		s := c.junit()
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", " ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// junit is one debugger's suite.
func (c column) junit() junitSuite {
	s := junitSuite{Name: c.label, Properties: c.properties()}
	add := func(one junitCase) {
		s.Cases = append(s.Cases, one)
		s.Tests++
		switch {
		case one.Failure != nil:
			s.Failures++
		case one.Error != nil:
			s.Errors++
		case one.Skipped != nil:
			s.Skipped++
		}
	}
	seconds, last := 0.0, ""
	for _, r := range c.results {
		one := junitCaseOf(r)
		if run := one.Class; run != last { // a run's time stands at the first of its rules
			one.Time, last = fmt.Sprintf("%.3f", r.Seconds), run
			seconds += r.Seconds
		}
		add(one)
	}
	if c.report.Stopped != "" { // a shard is a part on purpose, and no error of its own
		add(junitCase{
			Class: className(c.debugger.Name), Name: "all was run", Time: "0",
			Error: &junitOutcome{Type: "stopped", Message: lacking(c.report)},
		})
	}
	s.Time = fmt.Sprintf("%.3f", seconds)
	return s
}

func (c column) properties() []junitProperty {
	m := c.report.Machine
	all := []junitProperty{
		{"debugger", c.debugger.Name},
		{"version", c.debugger.Version},
		{"suite", c.report.Suite},
		{"kernel", m.Kernel},
		{"arch", m.Arch},
		{"witness", m.Witness},
	}
	if len(c.report.Shards) > 0 {
		all = append(all, junitProperty{"shards", strings.Join(c.report.Shards, ", ")})
	}
	return all
}

// className is a debugger as the first part of a class's name, whose parts are divided by dots.
func className(debugger string) string { return strings.ReplaceAll(debugger, ".", "_") }

func junitCaseOf(r harness.Result) junitCase {
	one := junitCase{
		Class: fmt.Sprintf("%s.%s.%s", className(r.Debugger), r.Scenario, r.Mode),
		Name:  r.Rule, Time: "0",
	}
	first, _, _ := strings.Cut(r.Detail, "\n")
	switch r.Verdict {
	case judge.Pass:
		if r.Passed == r.Runs {
			return one
		}
	case judge.Fail, judge.KPass:
		kind := string(r.Verdict)
		if len(r.Violations) > 0 {
			kind += ": " + r.Violations[0].Kind
		}
		one.Failure = &junitOutcome{kind, cmp.Or(first, kind), junitText(r)}
		return one
	case judge.Unresolved:
		one.Error = &junitOutcome{string(r.Verdict), first, junitText(r)}
		return one
	default:
		one.Skipped = &junitOutcome{Message: string(r.Verdict) + ": " + first}
		if r.Runs <= 1 && r.Detail == first {
			return one // its message has all
		}
	}
	one.Out = junitText(r)
	return one
}

// junitText is a result's detail, what its rule demands, the count of its runs and the command that
// runs it once more.
func junitText(r harness.Result) string {
	lines := []string{r.Detail}
	if rule, err := judge.RuleNamed(r.Rule); err == nil && isUnexpected(r.Verdict) {
		lines = append(lines, rule.Name+" means: "+rule.Sentence)
	}
	if r.Runs > 1 {
		lines = append(lines, fmt.Sprintf("%d of %d runs passed", r.Passed, r.Runs))
	}
	if r.Again != "" && isUnexpected(r.Verdict) {
		lines = append(lines, "again: "+r.Again)
	}
	if r.Kept != "" {
		lines = append(lines, "kept: "+r.Kept)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

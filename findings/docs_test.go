package findings

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

const docs = "../docs/findings.md"

// What follows this line in docs/findings.md is written by the test.
const docsMark = "<!-- The test of the heads writes what follows: go test ./findings -update -->\n"

// The tables of docs/findings.md are made from the heads.
func TestFindingsAreInTheDocs(t *testing.T) {
	list, err := All()
	assert.NilError(t, err)
	page, err := os.ReadFile(docs)
	assert.NilError(t, err)
	text, _, ok := bytes.Cut(page, []byte(docsMark))
	assert.Assert(t, ok, "docs/findings.md has no line %s", docsMark)
	want := string(text) + docsMark + "\n" + counts(list) + "\n" + tables(list)
	if flag.Lookup("update").Value.String() == "true" {
		assert.NilError(t, os.WriteFile(docs, []byte(want), 0o644))
		return
	}
	assert.Equal(t, string(page), want, "go test ./findings -update writes it")
}

// said is for how many pairs of a line and a rule it was measured what they say.
func (f Finding) said() (n, of int) {
	for _, one := range f.Failures {
		for _, rule := range one.Rules {
			of++
			if f.isSaid(one, rule) {
				n++
			}
		}
	}
	return n, of
}

// counts are a paragraph about all findings.
func counts(list List) string {
	var whole, part, none, lines, wide, sometimes, pairs, said int
	for _, f := range list {
		n, of := f.said()
		switch n {
		case of:
			whole++
		case 0:
			none++
		default:
			part++
		}
		said, pairs, lines = said+n, pairs+of, lines+len(f.Failures)
		for _, one := range f.Failures {
			if one.isWide() {
				wide++
			}
			if !one.Always {
				sometimes++
			}
		}
	}
	return fmt.Sprintf("%d findings have %d lines. %d of them fail at times, and %d name a mode\n"+
		"of all programs. It was measured what a failure says for %d findings, for %d in part,\n"+
		"and for %d not yet: there any words of the rule are taken for the known ones. Of %d\n"+
		"pairs of a line and a rule, %d have words.\n",
		len(list), lines, sometimes, wide, whole, part, none, pairs, said)
}

// tables have a table for each debugger, of causes and its versions, and where the findings are.
func tables(list List) string {
	versions := make(map[string][]string) // of each debugger
	for _, f := range list {
		for _, one := range f.Failures {
			if seen := versions[one.Debugger]; !slices.Contains(seen, one.Version) {
				versions[one.Debugger] = append(seen, one.Version)
			}
		}
	}
	var b strings.Builder
	for _, debugger := range slices.Sorted(maps.Keys(versions)) {
		slices.SortFunc(versions[debugger], func(a, b string) int {
			return slices.Compare(parts(a), parts(b))
		})
		list.table(&b, debugger, versions[debugger])
	}
	for _, f := range list {
		fmt.Fprintf(&b, "[%s]: ../findings/%s\n", f.Slug, f.Slug)
	}
	return b.String()
}

// table is the table of a debugger.
func (l List) table(b *strings.Builder, debugger string, versions []string) {
	fmt.Fprintf(b, "### %s\n\n| finding | %s | script | report | words |\n|---%s|---|---|---|\n",
		debugger, strings.Join(versions, " | "), strings.Repeat("|---", len(versions)))
	for _, f := range l {
		fails := func(one Failure) bool { return one.Debugger == debugger }
		shows := func(one Script) bool { return one.Debugger == debugger && one.Shows != "hides" }
		if !slices.ContainsFunc(f.Failures, fails) && !slices.ContainsFunc(f.Scripts, shows) {
			continue
		}
		fmt.Fprintf(b, "| [%s] |", f.Slug)
		for _, v := range versions {
			fmt.Fprintf(b, " %s |", f.cell(debugger, v))
		}
		script := ""
		if _, err := os.Stat(f.Slug + "/repro.sh"); err == nil {
			script = "yes"
		}
		report := ""
		if _, err := os.Stat(f.Slug + "/report.md"); err == nil &&
			slices.Contains(f.Reported(), reportedAs(debugger)) {
			report = "yes"
		}
		n, of := f.said()
		fmt.Fprintf(b, " %s | %s | %d of %d |\n", script, report, n, of)
	}
	b.WriteString("\n")
}

// cell says how often a finding shows in a version.
func (f Finding) cell(debugger, version string) string {
	cell := ""
	for _, one := range f.Scripts {
		if one.Debugger == debugger && one.Version == version && one.Shows != "hides" {
			cell = "script"
		}
	}
	for _, g := range f.Good {
		if g.Debugger == debugger && g.Version == version {
			cell = "good"
		}
	}
	for _, one := range f.Failures {
		switch {
		case one.Debugger != debugger || one.Version != version:
		case one.Always:
			return "always"
		default:
			cell = "at times"
		}
	}
	return cell
}

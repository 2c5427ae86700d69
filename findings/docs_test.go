package findings

import (
	"bytes"
	"flag"
	"fmt"
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
	want := string(text) + docsMark + "\n" + counts(list) + "\n" + table(list)
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

// A column is a version of a program.
type column struct{ debugger, version string }

func columns(list List) (columns []column) {
	for _, f := range list {
		for _, one := range f.Failures {
			if c := (column{one.Debugger, one.Version}); !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	slices.SortFunc(columns, func(a, b column) int {
		if a.debugger != b.debugger {
			return strings.Compare(a.debugger, b.debugger)
		}
		return slices.Compare(parts(a.version), parts(b.version))
	})
	return columns
}

// table is the table of causes and versions.
func table(list List) string {
	var b strings.Builder
	columns := columns(list)
	b.WriteString("| finding | without the suite |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %s %s |", c.debugger, c.version)
	}
	b.WriteString(" words | upstream |\n|---|" + strings.Repeat("---|", len(columns)+3) + "\n")
	for _, f := range list {
		fmt.Fprintf(&b, "| [%s](../findings/%s/README.md) |", f.Title, f.Slug)
		if _, err := os.Stat(f.Slug + "/repro.sh"); err == nil {
			fmt.Fprintf(&b, " [repro.sh](../findings/%s/repro.sh)", f.Slug)
		}
		b.WriteString(" |")
		for _, c := range columns {
			b.WriteString(" " + f.cell(c) + " |")
		}
		n, of := f.said()
		fmt.Fprintf(&b, " %d of %d | %s |\n", n, of, f.Upstream)
	}
	return b.String()
}

// cell says how often a finding shows in a version.
func (f Finding) cell(c column) string {
	cell := ""
	for _, g := range f.Good {
		if g.Debugger == c.debugger && g.Version == c.version {
			cell = "good"
		}
	}
	for _, one := range f.Failures {
		switch {
		case one.Debugger != c.debugger || one.Version != c.version:
		case one.Always:
			return "always"
		default:
			cell = "at times"
		}
	}
	return cell
}

package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// planned is gdb on some fixtures, launched.
func planned(names ...string) (plan []harness.Planned) {
	for _, name := range names {
		f := fixtures.Fixture{Name: name, Sentence: "Makes three processes."}
		s := harness.Scenario{Fixture: f, Mode: fixtures.Launch}
		plan = append(plan, harness.Planned{Debugger: "gdb", Scenario: s})
	}
	return plan
}

func TestByDefaultWhatIsAsExpectedIsNotPrinted(t *testing.T) {
	all := []harness.Result{
		result("complete", judge.Pass, "by births"), result("exit", judge.KFail, "known"),
		result("parent", judge.Unsupported, "no births"), result("once", judge.Untested, "no perf"),
		result("mine", judge.Fail, "a new one"), result("order", judge.KPass, "mended"),
		result("sound", judge.Unresolved, "lost"),
	}
	unexpected := "FAIL        gdb fork/launch: mine\n" +
		"            fork: Makes three processes.\n" + // once
		"            a new one\n" +
		"KPASS       gdb fork/launch: order\n            mended\n" +
		"UNRESOLVED  gdb fork/launch: sound\n            lost\n"
	plan := planned("fork")
	equal(t, printed(report.Printer{Plan: plan}, all...), unexpected)
	equal(t, printed(report.Printer{Plan: plan, Quiet: true}, all...), "")
	got := printed(report.Printer{Plan: plan, All: true}, all...)
	assert.Equal(t, strings.Count(got, "gdb fork/launch: "), len(all), got)
}

func TestAFailureNamesFindingsThatItIsLike(t *testing.T) {
	like := func(r harness.Result) []string { return []string{"a finding about " + r.Rule} }
	got := printed(report.Printer{Like: like},
		result("mine", judge.Fail, "new"), result("exit", judge.Unresolved, "lost"))
	equal(t, got, "FAIL        gdb fork/launch: mine\n"+fork+"            new\n"+
		"            it is like: a finding about mine\n"+
		"UNRESOLVED  gdb fork/launch: exit\n            lost\n")
}

// On a terminal the last line says what has ended, and what has been at work for longest.
func TestATerminalShowsProgress(t *testing.T) {
	const clear = "\r\x1b[K"
	columns := 80
	p := report.Printer{Plan: planned("fork", "daemon"), Columns: func() int { return columns }}
	fails := result("mine", judge.Fail, "new")
	sentence := "            fork: Makes three processes.\n"
	equal(t, printed(p, fails), clear+"0 of 2: gdb fork/launch"+
		clear+"FAIL        gdb fork/launch: mine\n"+sentence+"            new\n"+
		clear+"1 of 2, 1 not as expected: gdb daemon/launch"+clear)
	columns = 11
	equal(t, printed(p, result("mine", judge.Pass, "")),
		clear+"0 of 2: gd"+clear+"1 of 2: gd"+clear)
}

func TestATerminalBreaksLinesBetweenWords(t *testing.T) {
	p := report.Printer{Columns: func() int { return 43 }}
	r := result("mine", judge.Fail, "task 7 of process 6 was not reported, and "+
		strings.Repeat("x", 40))
	got := printed(p, r)
	assert.Assert(t, strings.Contains(got, "            task 7 of process 6 was not\n"+
		"              reported, and\n              "+strings.Repeat("x", 40)+"\n"), got)
}

// A debugger's words may hold what a terminal acts on.
func TestControlCharactersAreNotPrinted(t *testing.T) {
	r := result("mine", judge.Fail, "a \x1b[31mtask")
	r.Debugger = "ev\x1b[31m"
	var b strings.Builder
	b.WriteString(printed(report.Printer{}, r))
	report.Summary(&b, some(r), 80)
	assert.Assert(t, !strings.Contains(b.String(), "\x1b"), "%q", b.String())
	assert.Assert(t, strings.Contains(b.String(), "a ·[31mtask"))
}

func TestASummaryOfAPartSaysSo(t *testing.T) {
	r := some(result("exit", judge.Pass, ""))
	r.Stopped, r.Shards = "interrupt signal received", []string{"1/4"}
	var b strings.Builder
	report.Summary(&b, r, 80)
	assert.Assert(t, strings.HasSuffix(b.String(), "witness: perf\n"+
		"stopped before all was run: interrupt signal received\na part of all: 1/4\n"+
		"gdb 13.1: 1 PASS\nlldb 19: not run\n"), b.String())
}

func TestColoursAreOfTheVerdictAlone(t *testing.T) {
	equal(t, printed(report.Printer{Colour: true}, result("mine", judge.Fail, "new")),
		"\x1b[1;31mFAIL       \x1b[0m gdb fork/launch: mine\n"+fork+"            new\n")
}

func TestATableIsCutIntoPartsWhereATerminalIsNarrow(t *testing.T) {
	other := result("exit", judge.Fail, "")
	other.Scenario, other.Debugger = "locked", "lldb" // a Go program
	r := some(result("complete", judge.Pass, ""), other)
	for _, c := range []struct {
		columns int
		want    string
	}{
		{22, "\n           gdb  lldb\nfork       1    -\ngo         -    F1\n" + legend},
		{
			16, "\n           gdb\nfork       1\ngo         -\n" +
				"\n           lldb\nfork       -\ngo         F1\n" + legend,
		},
	} {
		var b strings.Builder
		report.Summary(&b, r, c.columns)
		table, _, _ := strings.Cut(b.String(), "\ntidcheck")
		equal(t, table, c.want)
	}
}

func TestTheSlowestAreScenarios(t *testing.T) {
	slow := result("exit", judge.Pass, "")
	slow.Scenario, slow.Seconds = "daemon", 2
	again := slow
	again.Rule = "once"
	var b strings.Builder
	report.Slowest(&b, some(result("exit", judge.Pass, ""), slow, again), 2)
	equal(t, b.String(), "  2.00 s  gdb daemon/launch\n  0.12 s  gdb fork/launch\n")
}

// Above the place where the debugger's words and the kernel's steps first part are those before it.
func TestAFailureShowsTheKernelsStepsAroundIt(t *testing.T) {
	at := func(by picture.Source, ms time.Duration, task, child int, text string) picture.Mark {
		return picture.Mark{
			By: by, At: ms * time.Millisecond, Task: task, Child: child, Text: text,
		}
	}
	shown := picture.Picture{
		Scene: picture.Scene{
			Tasks: []picture.Task{{Path: "main"}, {Path: "main/1"}, {}},
			Marks: []picture.Mark{
				at(picture.Kernel, 1, 0, picture.None, "too early"),
				at(picture.Kernel, 2, 0, picture.None, "ran a program"),
				at(picture.Debugger, 3, 0, picture.None, "said so"),
				at(picture.Proc, 4, 0, picture.None, "a look"),
				at(picture.Debugger, 5, 2, picture.None, "invented"),
				at(picture.Kernel, 6, 0, 1, "created 7"),
				at(picture.Kernel, 7, 1, picture.None, "ended"),
				at(picture.Kernel, 8, 0, picture.None, "ended"),
				at(picture.Kernel, 9, 0, picture.None, "too late"),
			},
		},
		Wrong: []picture.Wrong{{At: 6 * time.Millisecond, Task: 1, Mark: picture.None}},
	}
	r := result("mine", judge.Fail, "7 was not reported")
	r.Picture = &shown
	equal(t, printed(report.Printer{}, r), "FAIL        gdb fork/launch: mine\n"+fork+
		"            7 was not reported\n"+
		"            around it, from the run's beginning:\n"+
		"                  2.000 ms  kernel    main: ran a program\n"+
		"                  3.000 ms  debugger  main: said so\n"+
		"                  5.000 ms  debugger  invented\n"+
		"            >     6.000 ms  kernel    main: created 7\n"+
		"                  7.000 ms  kernel    main/1: ended\n"+
		"                  8.000 ms  kernel    main: ended\n")
	shown.Wrong[0].Mark = 4
	assert.Assert(t, strings.Contains(printed(report.Printer{}, r), ">     5.000 ms"))
	shown.Wrong[0] = picture.Wrong{At: 4 * time.Millisecond, Task: 1, Mark: picture.None}
	got := printed(report.Printer{}, r)
	assert.Assert(t, !strings.Contains(got, "around it"), "a look showed it: %s", got)
	shown.Wrong[0].Noticed = true // when it was, is not known
	assert.Assert(t, !strings.Contains(printed(report.Printer{}, r), "around it"))
}

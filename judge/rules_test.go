package judge

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// A rule that has no material to judge by never passes.
func TestVerdictsWithoutMaterial(t *testing.T) {
	without := func(lost ...Ability) func(*sketch) {
		return func(s *sketch) { s.withhold(lost...) }
	}
	refused := func(s *sketch) { s.withoutAccount() }
	silent := func(s *sketch) { s.said = "" }
	crashed := func(s *sketch) { s.fail("line 3: no object") }
	const noAccount = "without the kernel's account"
	for _, c := range []struct {
		name   string
		good   func() *sketch
		change func(*sketch)
		rules  string
		want   Verdict
		why    string
	}{
		{
			"no births", launched, without(Births), "complete once parent order",
			Unsupported, "the debugger tells no births",
		},
		{
			"no births, but the rest", launched, without(Births),
			"sound exit running transparent bounded", Pass, "",
		},
		{
			"no creators", launched, without(Creators), "parent",
			Unsupported, "the debugger tells no creators",
		},
		{
			"no deaths", launched, without(Deaths), "exit", Unsupported,
			"the debugger tells no deaths",
		},
		{"no statuses", launched, func(s *sketch) {
			s.withhold(Statuses)
			s.say("exit 3", "exit 9")
		}, "exit", Pass, ""},
		{"no statuses, and no death", launched, func(s *sketch) {
			s.withhold(Statuses)
			s.say("100/102: exit 3", "")
		}, "exit", Fail, "task 102"},
		{
			"no stops", launched, func(*sketch) {}, "stopped",
			Unsupported, "the debugger cannot be told to stop the program",
		},
		{
			"no lists", launched, func(*sketch) {}, "snapshot",
			Unsupported, "the debugger lists no threads",
		},
		{
			"nothing said", launched, silent, "sound once parent order",
			Untested, "there was nothing to judge",
		},
		{"nothing said", launched, silent, "complete exit", Fail, "not reported"},
		{"nothing to say", launched, func(s *sketch) {
			silent(s)
			s.kernel = "2 100: exec"
			s.Ledger = s.Ledger[:1]
		}, "complete", Untested, "there was nothing to judge"},
		{
			"no detach", attached, func(s *sketch) { s.Detach = notAsked }, "released",
			Untested, "it came to no detach",
		},
		{"no detach, and no look", attached, func(s *sketch) {
			s.Detach, s.released = notAsked, nil
		}, "released", Untested, "it came to no detach"},
		{
			"the debugger failed", launched, crashed, "session",
			Fail, "the debugger failed: line 3: no object",
		},
		{
			"the debugger failed at its end", launched, crashed,
			"complete sound exit running transparent bounded", Pass, "",
		},
		{
			"no account", launched, refused,
			"complete once parent order exit running transparent bounded",
			Pass, "",
		},
		{"no account, but all is declared", launched, refused, "sound", Pass, ""},
		{"no account and not all is declared", launched, func(s *sketch) {
			refused(s)
			s.Control.Exact = false
		}, "sound", Untested, noAccount},
		{"no account, a birth is missed", launched, func(s *sketch) {
			refused(s)
			s.say("100/102: clone 103\n", "")
		}, "complete", Fail, "task 103 (main/2/1), created by main/2, was not reported"},
		{"no account, a death is missed", launched, func(s *sketch) {
			refused(s)
			s.say("100/102: exit 3\n", "")
		}, "exit", Fail, "task 102 (main/2) ended, and its end was not reported"},
		{"no account, a wrong creator", launched, func(s *sketch) {
			refused(s)
			s.say("100/102: clone 103", "100: clone 103")
		}, "parent", Fail, "was created by task 102 (main/2)"},
		{"no account, a birth after the attach is missed", attached, func(s *sketch) {
			refused(s)
			s.Mode, s.Detach, s.Attach = fixtures.AttachBefore, notAsked, took(6, 8)
			s.say("100/102: clone 103", "100: clone 102")
		}, "complete", Fail, "task 103 (main/2/1), created by main/2, was not reported"},
		{"no account, an attach amid births and ends", attached, func(s *sketch) {
			refused(s)
			s.Mode, s.Detach, s.Attach = fixtures.AttachBefore, notAsked, took(6, 8)
			s.Control.Exact = false
		}, "complete exit", Untested, noAccount},
		{"no account, a detach amid births that may be later", attached, func(s *sketch) {
			refused(s)
			s.Attach = took(6, 8)
		}, "complete", Untested, noAccount},
	} {
		for rule := range strings.FieldsSeq(c.rules) {
			t.Run(c.name+"/"+rule, func(t *testing.T) {
				s := c.good()
				c.change(s)
				got := s.ruled(t, rule)
				assert.Equal(t, got.Verdict, c.want, got.Reason)
				assert.Assert(t, strings.Contains(got.Reason, c.why), "got %q, want %q in it",
					got.Reason, c.why)
			})
		}
	}
}

// Each way in which a run can end early, with the verdict of every rule. Rules that are not named
// are UNTESTED.
func TestEveryRuleHasAVerdictWhenARunEndsEarly(t *testing.T) {
	all := ""
	for _, r := range Rules {
		all += r.Name + " "
	}
	const nothing = "the debugger failed before there was anything to judge"
	failed := func(s *sketch) {
		s.Progress = Progress{
			State:  Failed,
			Step:   "the debugger's start",
			By:     ByDebugger,
			Reason: "it crashed",
		}
	}
	ended := func(state ProgressState) func(*sketch) {
		return func(s *sketch) { s.Progress = Progress{State: state, Reason: "so it was"} }
	}
	for _, c := range []struct {
		name   string
		good   func() *sketch
		change func(*sketch)
		want   map[Verdict]string // rules by their verdicts
		reason map[string]string  // of some rules
	}{
		{
			"failed in a step", stoppedOnce, failed,
			map[Verdict]string{
				Fail: "session", Pass: "complete sound once parent order exit snapshot stopped",
			},
			map[string]string{
				"session": "the debugger failed: it crashed", "running": nothing,
				"released": nothing, "transparent": "the debugger failed",
				"bounded": "the debugger failed",
			},
		},
		{
			"failed in a step after a standstill", stoppedOnce, func(s *sketch) {
				failed(s)
				s.stop().Left.At = 34
			},
			map[Verdict]string{
				Fail: "session",
				Pass: "complete sound once parent order exit snapshot stopped running",
			},
			nil,
		},
		{
			"failed at its end", stoppedOnce, func(s *sketch) { s.fail("it crashed") },
			map[Verdict]string{
				Fail: "session",
				Pass: "complete sound once parent order exit snapshot stopped running " +
					"transparent bounded",
			},
			map[string]string{"session": "the debugger failed: it crashed"},
		},
		{
			"did not end", stoppedOnce, func(s *sketch) { s.End = End{Unending, "it lives on"} },
			map[Verdict]string{
				Fail: "session",
				Pass: "complete sound once parent order exit snapshot stopped running transparent",
			},
			map[string]string{"session": "the debugger failed: it lives on"},
		},
		{
			"failed, and the program went on alone", alone, func(*sketch) {},
			map[Verdict]string{Fail: "session", Pass: "running transparent"},
			map[string]string{
				"session": "the debugger failed: it crashed", "complete": nothing,
				"parent": nothing, "bounded": "the debugger failed",
			},
		},
		{
			"refused", alone, func(s *sketch) {
				s.Progress, s.Program.Alone = Progress{State: Done}, false
				s.Attach = Interval{State: Refused, Asked: 12, Reason: "it is traced"}
			},
			map[Verdict]string{Pass: "session running transparent bounded"},
			map[string]string{
				"session": "it refused, since another tracer has a part of the program: " +
					"it is traced",
				"complete": "it refused to attach", "released": "it refused to attach",
			},
		},
		{
			"never began, since a step timed out", stoppedOnce, func(s *sketch) {
				hung(s)
				s.Ledger, s.said, s.Program.State = nil, "", NotBegun
				s.Progress.Step = "the program's start"
			},
			map[Verdict]string{Fail: "bounded"},
			map[string]string{
				"session": "the program's start did not come in time, which the rule bounded " +
					"judges",
				"complete": "the program never began",
				"bounded": "timeout: the program's start did not come in 1s\n" +
					"task 100: state S (sleeping), at futex_do_wait, syscall 202\n" +
					"task 103: state t (tracing stop), at ptrace_stop, syscall running, " +
					"traced by process 70 (gdb)",
			},
		},
		{
			"never began, since a step failed", stoppedOnce, func(s *sketch) {
				failed(s)
				s.Ledger, s.said, s.Program.State = nil, "", NotBegun
			},
			map[Verdict]string{Fail: "session"},
			map[string]string{
				"session": "the debugger failed: it crashed", "bounded": "the debugger failed",
				"complete": "the program never began",
			},
		},
		{
			"unsupported", stoppedOnce, ended(NotSupplied),
			map[Verdict]string{Unsupported: all},
			map[string]string{"complete": "so it was", "bounded": "so it was"},
		},
		{
			"lacking", stoppedOnce, ended(Lacking),
			map[Verdict]string{Untested: all},
			map[string]string{"complete": "so it was", "bounded": "so it was"},
		},
		{
			"our fault", stoppedOnce, ended(OurFault),
			map[Verdict]string{Unresolved: all},
			map[string]string{"complete": "so it was", "bounded": "so it was"},
		},
		{
			"our fault, as the accounts tell", stoppedOnce, func(s *sketch) { s.Ledger = nil },
			map[Verdict]string{Unresolved: all},
			map[string]string{"complete": "the program did not announce itself"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.good()
			c.change(s)
			want := make(map[string]Verdict)
			for verdict, rules := range c.want {
				for rule := range strings.FieldsSeq(rules) {
					want[rule] = verdict
				}
			}
			opened := Open(s.evidence(t))
			for _, r := range Rules {
				if want[r.Name] == "" {
					want[r.Name] = Untested
				}
				got := opened.Ruling(r)
				assert.Check(t, got.Verdict == want[r.Name], "got %v, want %s", got, want[r.Name])
				assert.Check(t, len(got.Violations) > 0 == (got.Verdict == Fail), "%v", got)
				if reason := c.reason[r.Name]; reason != "" {
					assert.Check(t, got.Reason == reason, "got %v, want %s", got, reason)
				}
			}
		})
	}
}

// Every mode is judged by the rules that its runs can break.
func TestRulesAreThoseOfTheirModes(t *testing.T) {
	const always = "session complete sound once parent order exit running transparent bounded"
	const standing = always + " snapshot stopped"
	want := map[fixtures.Mode]string{
		fixtures.Launch:       always,
		fixtures.AttachBefore: standing,
		fixtures.AttachDuring: standing,
		fixtures.AttachAgain:  standing + " released",
		fixtures.DetachDuring: standing + " released",
		fixtures.Stops:        standing,
		fixtures.Stepped:      standing,
		fixtures.Killed:       standing,
		fixtures.Orphaned:     "session complete sound once released transparent bounded",
	}
	for _, mode := range fixtures.Modes {
		s := launched()
		s.Mode = mode
		var got []string
		for _, r := range Open(s.evidence(t)).Rulings() {
			got = append(got, r.Rule)
		}
		rules := strings.Fields(want[mode])
		slices.Sort(got)
		slices.Sort(rules)
		assert.DeepEqual(t, got, rules)
	}
}

func TestARulingSpellsOutTwentyViolations(t *testing.T) {
	bad := slices.Repeat([]Violation{{Text: "x"}}, 23)
	assert.Equal(t, summary(bad), strings.Repeat("x\n", 20)+"and 3 more")
	assert.Equal(t, summary(bad[:20]), strings.Repeat("x\n", 19)+"x")
}

func TestAFailureHasItsViolationsAsData(t *testing.T) {
	s := launched()
	s.say("100/102: exit 3", "100/102: exit 4")
	s.say("100/103: exit 0\n", "")
	var got []string
	for _, v := range s.ruled(t, "exit").Violations {
		got = append(got, fmt.Sprint(v.Kind, v.TIDs, v.Numbers))
	}
	assert.DeepEqual(t, got, []string{
		fmt.Sprint("wrong status", tids{102}, numbers{int(event.Exited(3)), int(event.Exited(4))}),
		fmt.Sprint("unreported death", tids{103}, numbers(nil)),
	})
}

func TestAnUnknownRuleIsNamed(t *testing.T) {
	_, err := RuleNamed("nonsense")
	assert.Error(t, err, "no rule is called nonsense")
}

func TestTheDocsHaveTheRules(t *testing.T) {
	docs, err := os.ReadFile("../docs/how-it-works.md")
	assert.NilError(t, err)
	for _, r := range Rules {
		row := fmt.Sprintf("| %s | %s", r.Name, r.Sentence)
		assert.Check(t, strings.Contains(string(docs), row), "the docs have no row %q", row)
	}
}

package harness

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// A rule that has no material to judge by never passes.
func TestVerdictsWithoutMaterial(t *testing.T) {
	without := func(lost ...Ability) func(*sketch) {
		return func(s *sketch) {
			s.can = slices.DeleteFunc(slices.Clone(s.can), func(a Ability) bool { return slices.Contains(lost, a) })
		}
	}
	noWitness := func(s *sketch) { s.withoutWitness() }
	silent := func(s *sketch) { s.said = "" }
	for _, c := range []struct {
		name  string
		good  func() *sketch
		spoil func(*sketch)
		rules string
		want  Verdict
		why   string
	}{
		{"no births", launched, without(Births), "complete once parent order", NotOffered, "the debugger tells no births"},
		{"no births, but the rest", launched, without(Births), "sound exit running transparent bounded", Pass, ""},
		{"no creators", launched, without(Creators), "parent", NotOffered, "the debugger tells no creators"},
		{"no deaths", launched, without(Deaths), "exit", NotOffered, "the debugger tells no deaths"},
		{"no statuses", launched, func(s *sketch) { without(Statuses)(s); s.say("exit 3", "exit 9") }, "exit", Pass, ""},
		{"no statuses, and no death", launched, func(s *sketch) { without(Statuses)(s); s.say("100/102: exit 3", "") }, "exit", Fail, "task 102"},
		{"nothing said", launched, silent, "sound once parent order", Untested, "there was nothing to judge"},
		{"nothing said", launched, silent, "complete exit", Fail, "not reported"},
		{"nothing to say", launched, func(s *sketch) { silent(s); s.kernel = "2 100: exec"; s.ledger = s.ledger[:1] }, "complete", Untested, "there was nothing to judge"},
		{"no detach", attached, func(s *sketch) { s.detached = interval{} }, "released", Untested, "it came to no detach"},
		{"the debugger failed", launched, func(s *sketch) { s.broken = errors.New("line 3: no object") }, "complete", Fail, "the debugger failed: line 3: no object"},
		{"the debugger failed", launched, func(s *sketch) { s.broken = errors.New("line 3: no object") }, "sound exit transparent", Untested, "the debugger failed"},
		{"no witness", launched, noWitness, "complete once parent order exit running transparent bounded", Pass, ""},
		{"no witness, but all is declared", launched, noWitness, "sound", Pass, ""},
		{"no witness and not all is declared", launched, func(s *sketch) { noWitness(s); s.exact = false }, "sound", Untested, "without the kernel's account"},
		{"no witness, a birth is missed", launched, func(s *sketch) { noWitness(s); s.say("100/102: clone 103\n", "") }, "complete", Fail, "task 103 (main/2/1), born of main/2, was not reported"},
		{"no witness, a death is missed", launched, func(s *sketch) { noWitness(s); s.say("100/102: exit 3\n", "") }, "exit", Fail, "task 102 (main/2) ended and it was not reported"},
		{"no witness, a wrong creator", launched, func(s *sketch) { noWitness(s); s.say("100/102: clone 103", "100: clone 103") }, "parent", Fail, "which task 102 (main/2) created"},
		{"no witness, a birth after the attach is missed", attached, func(s *sketch) {
			noWitness(s)
			s.mode, s.detached, s.evidence.attached = fixtures.AttachBefore, interval{}, interval{6, 8}
			s.say("100/102: clone 103", "100: clone 102")
		}, "complete", Fail, "task 103 (main/2/1), born of main/2, was not reported"},
		{"no witness, an attach amid births: nobody knows who was gone before it", attached, func(s *sketch) {
			noWitness(s)
			s.mode, s.detached, s.evidence.attached, s.exact = fixtures.AttachBefore, interval{}, interval{6, 8}, false
		}, "complete exit", Untested, "without the kernel's account"},
		{"no witness, a detach: nobody knows who was born before it", attached, func(s *sketch) {
			noWitness(s)
			s.evidence.attached = interval{6, 8}
		}, "complete", Untested, "without the kernel's account"},
	} {
		for rule := range strings.FieldsSeq(c.rules) {
			t.Run(c.name+"/"+rule, func(t *testing.T) {
				s := c.good()
				c.spoil(s)
				got, why := s.judged(t, rule)
				assert.Equal(t, got, c.want, why)
				assert.Assert(t, strings.Contains(why, c.why), "got %q, want %q in it", why, c.why)
			})
		}
	}
}

func TestRulesAreThoseOfTheirModes(t *testing.T) {
	const always = "complete sound once parent order exit running transparent bounded"
	for mode, want := range map[fixtures.Mode]string{
		fixtures.Launch:       always,
		fixtures.AttachBefore: always + " snapshot stopped",
		fixtures.DetachDuring: always + " snapshot stopped released",
		fixtures.Orphaned:     "complete released transparent bounded",
	} {
		var got []string
		for _, r := range (Scenario{Mode: mode}).rules() {
			got = append(got, r.Name)
		}
		rules := strings.Fields(want)
		slices.Sort(got)
		slices.Sort(rules)
		assert.DeepEqual(t, got, rules)
	}
}

func TestAResultSpellsOutTwentyViolations(t *testing.T) {
	bad := slices.Repeat([]string{"x"}, 23)
	assert.Equal(t, summary(bad), strings.Repeat("x\n", 20)+"and 3 more")
	assert.Equal(t, summary(bad[:20]), strings.Repeat("x\n", 19)+"x")
}

package harness

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// torn is a slot that somebody claimed and where nobody came.
var torn = announcement{creator: 0}

func TestPathsByTheProgramsOwnAccount(t *testing.T) {
	for _, c := range []struct {
		name   string
		ledger announced
		want   []event.Path
		trace  string
	}{
		{"nothing", nil, []event.Path{}, ""},
		{
			"a family", launched().ledger,
			[]event.Path{"main", "main/1", "main/2", "main/2/1"},
			"1: ready\n1: clone 2\n1: clone 3\n1/3: clone 4\n",
		},
		{
			"a torn slot",
			announced{{tid: 100, pid: 100, creator: -1}, torn, {tid: 102, pid: 100}},
			[]event.Path{"main", "", "main/1"},
			"1: ready\n1: clone 3\n",
		},
		{
			"a task below a torn one",
			announced{{tid: 100, pid: 100, creator: -1}, torn, {tid: 102, pid: 100, creator: 1}},
			[]event.Path{"main", "", ""},
			"1: ready\n",
		},
		{
			"an unknown creator",
			announced{{tid: 100, pid: 100, creator: -1}, {tid: 101, pid: 100, creator: -1}},
			[]event.Path{"main", ""},
			"1: ready\n",
		},
		{
			"a creator that comes later",
			announced{{tid: 100, pid: 100, creator: -1}, {tid: 101, pid: 100, creator: 2}, {tid: 102, pid: 100}},
			[]event.Path{"main", "", "main/1"},
			"1: ready\n1: clone 3\n",
		},
		{
			"a process",
			announced{{tid: 100, pid: 100, creator: -1}, {tid: 101, pid: 101}},
			[]event.Path{"main", "main/1"},
			"1: ready\n1: fork 2\n",
		},
		{
			"execs", executed().ledger,
			[]event.Path{"main", "main/1", "main/2", "main/1", "main/1/1"},
			"1: ready\n1: clone 2\n1: clone 3\n1: exec from 2\n1: clone 5\n",
		},
		{
			"an exec of a task that made some before",
			announced{{tid: 100, pid: 100, creator: -1}, {tid: 101, pid: 100}, {tid: 100, pid: 100, exec: true}, {tid: 102, pid: 100, creator: 2}},
			[]event.Path{"main", "main/1", "main", "main/2"},
			"1: ready\n1: clone 2\n1: exec\n1: clone 4\n",
		},
		{
			"an exec of a torn slot",
			announced{{tid: 100, pid: 100, creator: -1}, torn, {tid: 100, pid: 100, creator: 1, exec: true}},
			[]event.Path{"main", "", ""},
			"1: ready\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.ledger.paths()
			assert.Assert(t, cmp.Diff(c.want, got) == "", cmp.Diff(c.want, got))
			trace := ""
			for _, e := range c.ledger.trace() {
				trace += e.String() + "\n"
			}
			assert.Equal(t, trace, c.trace)
		})
	}
}

// The ledger and the witness are two accounts of one run: where they differ, none is believed.
func TestAccountsThatDifferAreFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*sketch)
		want  string // empty where they agree
	}{
		{"they agree", func(*sketch) {}, ""},
		{"a reused tid, whose tasks did not come in that order", func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", "35 100/101: clone 103\n37 100/103: exit ?\n40 100/101: exit ?")
			s.ledger = append(s.ledger[:3], announcement{tid: 103, pid: 100, creator: 1, came: 1}, announcement{tid: 103, pid: 100, creator: 2, came: 2})
		}, "task 103 announced itself in slot 4 after one with its id that the kernel made later"},
		{"a torn slot", func(s *sketch) { s.ledger[3] = torn }, ""},
		{"an unknown creator", func(s *sketch) { s.ledger[3].creator = -1 }, ""},
		{"a reused tid, twice announced", func(s *sketch) {
			reuse("")(s)
			s.ledger = append(s.ledger, announcement{tid: 101, pid: 100})
		}, ""},
		{"a reused tid, whose slots were claimed in the other order", func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", "35 100/101: clone 103\n37 100/103: exit ?\n40 100/101: exit ?")
			s.ledger = append(s.ledger[:3], announcement{tid: 103, pid: 100, creator: 1, came: 2}, announcement{tid: 103, pid: 100, creator: 2, came: 1})
		}, ""},
		{"a task that the kernel does not have", func(s *sketch) { s.ledger[3].tid = 999 }, "task 999 announced itself in slot 3, and the kernel did not tell of it there"},
		{"a task that came twice", func(s *sketch) { s.ledger = append(s.ledger, s.ledger[3]) }, "task 103 announced itself in slot 4, and the kernel did not tell of it there"},
		{"a wrong creator", func(s *sketch) { s.ledger[3].creator = 1 }, "task 103 announced itself as a child of task 101, and the kernel has it as main/2/1"},
		{"a wrong order", func(s *sketch) { s.ledger[1].tid, s.ledger[2].tid = 102, 101 }, "task 101 announced itself in slot 2, and the kernel did not tell of it there"},
		{"a child of a torn slot", func(s *sketch) { s.ledger[2] = torn }, "task 103 announced itself as a child of task 0"},
		{"a creator beyond the ledger", func(s *sketch) { s.ledger[3].creator = 77 }, "task 103 announced itself in slot 3 as a child of slot 77, which comes later"},
		{"its own creator", func(s *sketch) { s.ledger[3].creator = 3 }, "task 103 announced itself in slot 3 as a child of slot 3, which comes later"},
		{"without a witness there is one account", func(s *sketch) { s.withoutWitness(); s.ledger[3].creator = -1 }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.spoil(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			err = truth.asAnnounced(s.ledger)
			if c.want == "" {
				assert.NilError(t, err)
			} else {
				assert.ErrorContains(t, err, c.want)
			}
		})
	}
}

func TestTheDeclaredIsHeldAgainstTheWitnessed(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*sketch)
		same  bool
	}{
		{"as declared", func(*sketch) {}, true},
		{"statuses are not witnessed", func(s *sketch) { s.replace(&s.wants, "exit 3", "exit 4") }, true},
		{"a task is missing", func(s *sketch) { s.kernelDid("25 100/102: clone 103", ""); s.kernelDid("30 100/103: exit ?", "") }, false},
		{"a task more", func(s *sketch) { s.kernelDid("60 100: exit ?", "55 100: clone 104\n60 100: exit ?") }, false},
		{"a death is missing", func(s *sketch) { s.kernelDid("30 100/103: exit ?", "") }, false},
		{"deaths are not announced", func(s *sketch) { s.withoutWitness() }, true},
		{"a task is missing in the ledger", func(s *sketch) { s.withoutWitness(); s.ledger = s.ledger[:3] }, false},
		{"bounds that hold", func(s *sketch) { s.wants = "*: at least 3 clone *, at least 4 exit 0\nmain: exit 0" }, true},
		{"bounds that do not", func(s *sketch) { s.wants = "*: at least 4 clone *\nmain: exit 0" }, false},
		{"bounds over tasks that the ledger does not have", func(s *sketch) {
			s.withoutWitness()
			s.ledger[1].creator, s.ledger[2].creator, s.ledger[3].creator = -1, -1, -1
			s.wants = "*: at least 3 clone *, at least 4 exit 0\nmain: exit 0"
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := launched()
			c.spoil(s)
			truth, err := s.newTruth(t)
			assert.NilError(t, err)
			diff := truth.asDeclared(s.expected(t))
			assert.Equal(t, diff == "", c.same, diff)
		})
	}
}

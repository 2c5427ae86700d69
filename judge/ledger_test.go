package judge

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

func TestPathsByTheProgramsOwnAccount(t *testing.T) {
	root := slot(100, UnknownCreator)
	for _, c := range []struct {
		name   string
		ledger ledger
		want   []event.Path
		trace  string
	}{
		{"an empty ledger", nil, []event.Path{}, ""},
		{
			"a family", launched().Ledger,
			[]event.Path{"main", "main/1", "main/2", "main/2/1"},
			"1: ready\n1: clone 2\n1: clone 3\n1/3: clone 4\n",
		},
		{
			"a torn slot",
			ledger{root, torn, slot(102, 0)},
			[]event.Path{"main", "", "main/1"},
			"1: ready\n1: clone 3\n",
		},
		{
			"a task below a torn slot",
			ledger{root, torn, slot(102, 1)},
			[]event.Path{"main", "", ""},
			"1: ready\n",
		},
		{
			"an unknown creator",
			ledger{root, slot(101, UnknownCreator)},
			[]event.Path{"main", ""},
			"1: ready\n",
		},
		{
			"a creator that comes later",
			ledger{root, slot(101, 2), slot(102, 0)},
			[]event.Path{"main", "", "main/1"},
			"1: ready\n1: clone 3\n",
		},
		{
			"a process",
			ledger{root, {State: Born, TID: 101, PID: 101}},
			[]event.Path{"main", "main/1"},
			"1: ready\n1: fork 2\n",
		},
		{
			"execs", executed().Ledger,
			[]event.Path{"main", "main/1", "main/2", "main/1", "main/1/1"},
			"1: ready\n1: clone 2\n1: clone 3\n1: exec from 2\n1: clone 5\n",
		},
		{
			"an exec of a task that made some before",
			ledger{root, slot(101, 0), became(0), slot(102, 2)},
			[]event.Path{"main", "main/1", "main", "main/2"},
			"1: ready\n1: clone 2\n1: exec\n1: clone 4\n",
		},
		{
			"an exec of a torn slot",
			ledger{root, torn, became(1)},
			[]event.Path{"main", "", ""},
			"1: ready\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.ledger.paths()
			assert.Assert(t, cmp.Diff(c.want, got) == "", cmp.Diff(c.want, got))
			trace := ""
			for i, e := range c.ledger.trace(got) {
				if got[i] != "" {
					trace += e.String() + "\n"
				}
			}
			assert.Equal(t, trace, c.trace)
		})
	}
}

// A slot is overtaken by a later one with its id, and not by what a task became.
func TestASlotIsOvertakenByALaterTaskWithItsID(t *testing.T) {
	came := func(a Announcement, place int) Announcement {
		a.Came = place
		return a
	}
	l := ledger{
		came(slot(100, UnknownCreator), 1), came(slot(101, 0), 6), came(became(0), 2),
		came(slot(101, 0), 3), torn, came(slot(101, 0), 5), came(slot(100, 0), 4),
	}
	assert.DeepEqual(t, l.overtaken(l.inOrder()), []int{0, 2, 0, 0, 0, 0, 0})
	l[0].Came = 7 // as the id's next task
	assert.DeepEqual(t, l.overtaken(l.inOrder()), []int{1, 2, 0, 0, 0, 0, 0})
}

package judge

import (
	"slices"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// noticed is attached with the connector's notices of its attaches and detaches: each before the
// word that all of them were done.
func noticed() *sketch {
	s := attached()
	s.conn = s.kernel
	s.Account.Tracings = append(s.Account.Tracings,
		Tracing{PID: 100, TID: 100, Tracer: 9, At: 13},
		Tracing{PID: 100, TID: 101, Tracer: 9, At: 14},
		Tracing{PID: 100, TID: 100, At: 46},
		Tracing{PID: 100, TID: 102, At: 47})
	return s
}

func TestAnAttachIsCompleteWhenItsNoticesHaveCome(t *testing.T) {
	const late = "task 101 (main/1) lived at the attach, which was said to be complete at 22ns, " +
		"and was attached to at 24ns"
	again := Tracing{PID: 100, TID: 101, Tracer: 9, At: 24}
	testRule(t, "complete", noticed, []variant{
		{"one comes later", func(s *sketch) { s.Account.Tracings[1].At = 24 }, late},
		{"it was let go of meanwhile", func(s *sketch) {
			s.Account.Tracings = slices.Insert(s.Account.Tracings, 2,
				Tracing{PID: 100, TID: 101, At: 16}, again)
		}, late},
		{"it is let go of later, and attached to again", func(s *sketch) {
			s.Account.Tracings = slices.Insert(s.Account.Tracings, 2,
				Tracing{PID: 100, TID: 101, At: 23}, again)
		}, ""},
		{"one is of a task that was born inside the attach", func(s *sketch) {
			s.Account.Tracings = slices.Insert(s.Account.Tracings, 2,
				Tracing{PID: 100, TID: 102, Tracer: 9, At: 24})
		}, ""},
		{"one is another debugger's, when it was to let go", func(s *sketch) {
			s.Account.Tracings[1].At = 45
		}, ""},
		{"one comes when it was said to be complete", func(s *sketch) {
			s.Account.Tracings[1].At = 22
		}, ""},
		{"one is a detach, of a task whose attach had none", func(s *sketch) {
			s.Account.Tracings[1] = Tracing{PID: 100, TID: 101, At: 24}
		}, ""},
		{"one is of a task that no account has", func(s *sketch) {
			s.Account.Tracings[1] = Tracing{PID: 999, TID: 999, Tracer: 9, At: 24}
		}, ""},
		{"one is of the next task with the id", func(s *sketch) {
			s.kernelDid("40 100/101: exit ?", "23 100/101: exit ?\n24 100: clone 101")
			s.conn = ""
			s.say("100/101: exit 0", "100/101: exit 0\n100: clone 101")
			s.Account.Tracings[1].At = 26
		}, ""},
		{"one is of another process's", func(s *sketch) {
			s.Account.Tracings[1].At, s.Account.Tracings[1].PID = 24, 99
		}, ""},
		{"one is a task's of the program", func(s *sketch) {
			s.Account.Tracings[1].At, s.Account.Tracings[1].Tracer = 24, 100
		}, ""},
	})
}

// A debugger that tells no births, and one that is killed, is held to its notices too.
func TestAnAttachIsCompleteWhateverIsTold(t *testing.T) {
	const late = "task 101 (main/1) lived at the attach, which was said to be complete at 22ns, " +
		"and was attached to at 24ns"
	lists := func() *sketch {
		s := noticed()
		stood := []Task{
			{TID: 100, PID: 100, State: "t (tracing stop)", Tracer: 9},
			{TID: 101, PID: 100, State: "t (tracing stop)", Tracer: 9},
		}
		s.Debugger.Abilities, s.said = Abilities{Stop, Threads}, "100: ready"
		s.Standstills = []Standstill{{
			Where: "at the attach", Stood: Look{When: AtStop, At: 25, Tasks: stood},
			Listed: []event.TID{100, 101, 102},
			During: took(25, 26), After: Look{When: AfterList, At: 26, Tasks: stood},
		}}
		return s
	}
	killed := func() *sketch {
		s := noticed()
		s.Mode = fixtures.Orphaned
		s.atKill = []Task{{TID: 101, PID: 100, State: "S (sleeping)", Tracer: 9}}
		return s
	}
	testRule(t, "complete", lists, []variant{
		{"one has no tracer", func(s *sketch) {
			s.Standstills[0].Stood.Tasks[1].Tracer = 0
		}, "task 101 (main/1) was not attached to at the attach"},
	})
	for _, good := range []func() *sketch{lists, killed} {
		testRule(t, "complete", good, []variant{
			{"one comes later", func(s *sketch) { s.Account.Tracings[1].At = 24 }, late},
		})
	}
}

func TestADetachIsCompleteWhenItsNoticesHaveCome(t *testing.T) {
	testRule(t, "released", noticed, []variant{
		{
			"one comes later", func(s *sketch) { s.Account.Tracings[2].At = 49 },
			"task 100 (main) was let go of at 49ns, and the detach was said to be complete at 48ns",
		},
		{"one is of another process's", func(s *sketch) {
			s.Account.Tracings[2].At, s.Account.Tracings[2].PID = 49, 99
		}, ""},
		{"one is of a task that the program traces", func(s *sketch) {
			s.Account.Tracings[0].Tracer, s.Account.Tracings[2].At = 102, 49
		}, ""},
		{"one comes with that word", func(s *sketch) { s.Account.Tracings[2].At = 48 }, ""},
		{"one is of a task that no account has", func(s *sketch) {
			s.Account.Tracings[2] = Tracing{PID: 999, TID: 999, At: 49}
		}, ""},
		{"one is of a process from before the attach", func(s *sketch) {
			withOthers(s)
			s.conn = s.kernel
			s.Account.Tracings[2] = Tracing{PID: 200, TID: 200, At: 49}
		}, ""},
		{"the debugger was killed", func(s *sketch) {
			s.Mode, s.Account.Tracings[2].At = fixtures.Orphaned, 49
		}, ""},
		{"one is an attach, to see", func(s *sketch) {
			s.Account.Tracings[2].At, s.Account.Tracings[2].Tracer = 49, 9
		}, ""},
	})
}

func TestATaskIsAttachedToLateOnce(t *testing.T) {
	s := noticed()
	s.Account.Tracings[1].At = 24
	s.Account.Tracings = slices.Insert(s.Account.Tracings, 2,
		Tracing{PID: 100, TID: 101, At: 25}, Tracing{PID: 100, TID: 101, Tracer: 9, At: 26})
	assert.Equal(t, len(s.ruled(t, "complete").Violations), 1)
}

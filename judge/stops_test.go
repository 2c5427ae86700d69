package judge

import (
	"slices"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// stoppedOnce is the launched program, stopped and listed when 100, 101 and 102 live, and resumed.
func stoppedOnce() *sketch {
	s := launched()
	s.Mode = fixtures.Stops
	s.offer(Stop, Threads)
	look := func(when When) Look {
		l := Look{When: when}
		for _, tid := range []event.TID{100, 101, 102} {
			l.Tasks = append(l.Tasks,
				Task{TID: tid, PID: 100, State: "t (tracing stop)", Tracer: 7})
		}
		return l
	}
	s.Standstills = []Standstill{{
		Where: "at checkpoint 1", Stood: look(AtStop), Listed: []event.TID{102, 100, 101},
		During: took(32, 33), After: look(AfterList), Left: Look{When: AfterResume},
	}}
	return s
}

// stop is the sketch's only standstill.
func (s *sketch) stop() *Standstill { return &s.Standstills[0] }

// both changes what /proc showed of a task before and after the list.
func both(n int, change func(*Task)) func(*sketch) {
	return func(s *sketch) {
		change(&s.stop().Stood.Tasks[n])
		change(&s.stop().After.Tasks[n])
	}
}

// addOther adds a task of another process of the program.
func (s *sketch) addOther(tid event.TID, state string, tracer event.TID) {
	other := Task{TID: tid, PID: 103, State: state, Tracer: tracer}
	for _, look := range []*Look{&s.stop().Stood, &s.stop().After} {
		look.Tasks = append(look.Tasks, other)
	}
}

func (s *sketch) list(tid event.TID) { s.stop().Listed = append(s.stop().Listed, tid) }

func (s *sketch) unlist(tid event.TID) {
	i := slices.Index(s.stop().Listed, tid)
	s.stop().Listed = slices.Delete(s.stop().Listed, i, i+1)
}

// goneAfter drops the last task from the look after the list.
func (s *sketch) goneAfter() { s.stop().After.Tasks = s.stop().After.Tasks[:2] }

func TestSnapshotReportsAListThatIsNotProcs(t *testing.T) {
	zombie := both(0, func(k *Task) { k.State = "Z (zombie)" })
	notThere := " was listed at checkpoint 1, and the program has no such task then"
	testRule(t, "snapshot", stoppedOnce, []variant{
		{
			"a task is missing", func(s *sketch) { s.unlist(102) },
			"task 102 (main/2) was not listed at checkpoint 1: state t (tracing stop)",
		},
		{"all are", func(s *sketch) { s.stop().Listed = nil }, "task 100 (main) was not listed"},
		{
			"one is listed twice", func(s *sketch) { s.list(101) },
			"task 101 (main/1) was listed 2 times at checkpoint 1",
		},
		{"one that is gone", func(s *sketch) { s.list(103) }, "task 103 (main/2/1)" + notThere},
		{"one that lives, although /proc did not show it", func(s *sketch) {
			s.list(103)
			s.stop().During = took(26, 27)
		}, ""},
		{"one that never was", func(s *sketch) { s.list(1) }, "task 1" + notThere},
		{
			"a leader that has ended", zombie,
			"task 100 (main) was listed at checkpoint 1, and had ended",
		},
		{"which is not missed", func(s *sketch) { zombie(s); s.unlist(100) }, ""},
		{"nor is one on its way out", func(s *sketch) {
			both(1, func(k *Task) { k.Flags = Exiting })(s)
			s.unlist(101)
		}, ""},
		{"which may be listed", both(1, func(k *Task) { k.Flags = Exiting }), ""},
		{"nor one that went out meanwhile", func(s *sketch) { s.goneAfter(); s.unlist(102) }, ""},
		{"nor one that is killed", func(s *sketch) {
			both(1, func(k *Task) { k.Killed = true })(s)
			s.unlist(101)
		}, ""},
		{"nor one of the kernel's", func(s *sketch) {
			both(2, func(k *Task) { k.Flags = IOWorker })(s)
			s.unlist(102)
		}, ""},
		{"nor another process, of which it traces no task", func(s *sketch) {
			s.addOther(103, "S (sleeping)", 0)
		}, ""},
		{"but another of which it traces a task", func(s *sketch) {
			s.addOther(103, "t (tracing stop)", 7)
			s.addOther(104, "S (sleeping)", 0)
		}, "task 104 was not listed"},
	})
}

// A debugger that tells no births is held to its lists.
func TestCompleteIsJudgedByListsIfBirthsAreNotTold(t *testing.T) {
	tellsNoBirths := func() *sketch {
		s := stoppedOnce()
		s.Debugger.Abilities, s.said = Abilities{Stop, Threads}, "100: ready"
		return s
	}
	testRule(t, "complete", tellsNoBirths, []variant{
		{
			"a task is missing", func(s *sketch) { s.unlist(102) },
			"task 102 (main/2) was not listed at checkpoint 1",
		},
		{"one that went out meanwhile", func(s *sketch) { s.goneAfter(); s.unlist(102) }, ""},
	})
	testRule(t, "sound", tellsNoBirths, []variant{
		{
			"one that never was", func(s *sketch) { s.list(999) },
			"listed at checkpoint 1: task 999; the kernel created no such task for this program",
		},
	})
	got := tellsNoBirths().ruled(t, "complete")
	assert.Equal(t, got.Verdict, Pass)
	assert.Equal(t, got.Reason, "by its lists of threads, since it tells no births")
	never := tellsNoBirths()
	never.Standstills = nil
	assert.Equal(t, never.ruled(t, "complete").Verdict, Unsupported)
}

func TestUntracedTasksNeedNotBeListedOrStopped(t *testing.T) {
	testRule(t, "snapshot", stoppedOnce, []variant{
		{"born untraced", func(s *sketch) { bornUntraced(s); s.unlist(102) }, ""},
	})
	testRule(t, "stopped", stoppedOnce, []variant{
		{"born untraced", func(s *sketch) {
			bornUntraced(s)
			both(2, func(k *Task) { k.State, k.Tracer = "S (sleeping)", 0 })(s)
		}, ""},
	})
}

// A task that another tracer had before the attach is not the debugger's to stop.
func TestTasksWithAnotherTracerNeedNotBeListedOrStopped(t *testing.T) {
	taken := func(s *sketch) { s.before = []Task{{TID: 102, PID: 100, Tracer: 9}} }
	testRule(t, "snapshot", stoppedOnce, []variant{
		{"another tracer's", func(s *sketch) { taken(s); s.unlist(102) }, ""},
	})
	testRule(t, "stopped", stoppedOnce, []variant{
		{"another tracer's", func(s *sketch) {
			taken(s)
			both(2, func(k *Task) { k.State = "S (sleeping)" })(s)
		}, ""},
	})
}

func TestStoppedReportsATaskThatRuns(t *testing.T) {
	runs := func(k *Task) { k.State = "S (sleeping)" }
	testRule(t, "stopped", stoppedOnce, []variant{
		{
			"a thread", both(2, runs),
			"task 102 (main/2) ran on at checkpoint 1: state S (sleeping)",
		},
		{
			"main", both(0, func(k *Task) { k.State = "R (running)" }),
			"task 100 (main) ran on at checkpoint 1: state R (running)",
		},
		{
			"the parent of a vfork waits in D",
			both(1, func(k *Task) { k.State = "D (disk sleep)" }),
			"",
		},
		{
			"one that waits in D, and was seen to run on", both(1, func(k *Task) {
				k.State, k.Motion = "D (disk sleep)", Moved
			}),
			"task 101 (main/1) ran on at checkpoint 1: state D (disk sleep)",
		},
		{
			"one in D that no stop is on its way to", both(1, func(k *Task) {
				k.State, k.Motion = "D (disk sleep)", Still
			}),
			"task 101 (main/1) ran on at checkpoint 1: state D (disk sleep)",
		},
		{
			"one that had no CPU to come to its stop", both(1, func(k *Task) {
				k.State, k.Motion = "R (running)", Starved
			}),
			"",
		},
		{"a group stop is a stop", both(1, func(k *Task) { k.State = "T (stopped)" }), ""},
		{"one on its way out runs", both(1, func(k *Task) { runs(k); k.Flags = Exiting }), ""},
		{"one that is killed runs", both(1, func(k *Task) { runs(k); k.Killed = true }), ""},
		{"another process runs free", func(s *sketch) { s.addOther(103, "S (sleeping)", 0) }, ""},
		{"half of another process runs", func(s *sketch) {
			s.addOther(103, "t (tracing stop)", 7)
			s.addOther(104, "S (sleeping)", 0)
		}, "task 104 ran on"},
	})
}

func TestRunningReportsTasksThatStandAfterAResume(t *testing.T) {
	testRule(t, "running", stoppedOnce, []variant{
		{
			"a thread", func(s *sketch) { s.stop().Left.Tasks = s.stop().Stood.Tasks[1:2] },
			"task 101 (main/1) was left stopped at checkpoint 1: state t (tracing stop)",
		},
	})
}

func TestTheLooksOfARunAreShownInTheirOrder(t *testing.T) {
	s := stoppedOnce()
	hung(s)
	s.stop().Stood.At, s.stop().After.At = 31*time.Second, 34*time.Second
	s.stop().Stood.Tasks, s.stop().After.Tasks = s.stop().Stood.Tasks[:1], s.stop().After.Tasks[:1]
	s.Account.Cut, s.dump = time.Minute, s.dump[:1]
	assert.Equal(t, s.opened(t).ShowLooks(), `at checkpoint 1, standing, at 31.000000 s:
  task 100 (main): state t (tracing stop), traced by thread 7
at checkpoint 1, after the list [102 100 101], at 34.000000 s:
  task 100 (main): state t (tracing stop), traced by thread 7
the program's end, when it did not come, at 60.000000 s:
  task 100 (main): state S (sleeping), at futex_do_wait, syscall 202
`)
}

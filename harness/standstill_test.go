package harness

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// stoppedOnce is the launched program, stopped and listed when 100, 101 and 102 live, and resumed.
func stoppedOnce() *sketch {
	s := launched()
	s.mode = fixtures.Stops
	s.can = append(s.can, Stop, Threads)
	tasks := func() []procTask {
		var all []procTask
		for _, tid := range []event.TID{100, 101, 102} {
			all = append(all, procTask{tid: tid, pid: 100, state: "t (tracing stop)", tracer: 7})
		}
		return all
	}
	s.standstills = []standstill{{where: "at checkpoint 1", stood: tasks(), listed: []event.TID{102, 100, 101}, after: tasks(), during: interval{32, 33}}}
	return s
}

func (s *sketch) still() *standstill { return &s.standstills[0] }

// both changes what /proc showed of a task before and after the list.
func both(n int, change func(*procTask)) func(*sketch) {
	return func(s *sketch) {
		change(&s.still().stood[n])
		change(&s.still().after[n])
	}
}

// another is a task of another process of the program.
func another(s *sketch, tid event.TID, state string, tracer event.TID) {
	t := procTask{tid: tid, pid: 103, state: state, tracer: tracer}
	s.still().stood, s.still().after = append(s.still().stood, t), append(s.still().after, t)
}

func unlist(s *sketch, tid event.TID) {
	for i, listed := range s.still().listed {
		if listed == tid {
			s.still().listed = append(s.still().listed[:i], s.still().listed[i+1:]...)
			return
		}
	}
	panic("it is not listed")
}

func TestSnapshotAccusesOfAListThatIsNotProcs(t *testing.T) {
	testRule(t, "snapshot", stoppedOnce, []broken{
		{"a task is missing", func(s *sketch) { unlist(s, 102) }, "task 102 (main/2) was not listed at checkpoint 1: state t (tracing stop)"},
		{"all are", func(s *sketch) { s.still().listed = nil }, "task 100 (main) was not listed"},
		{"one is listed twice", func(s *sketch) { s.still().listed = append(s.still().listed, 101) }, "task 101 (main/1) was listed 2 times at checkpoint 1"},
		{"one that is gone", func(s *sketch) { s.still().listed = append(s.still().listed, 103) }, "task 103 (main/2/1) was listed at checkpoint 1, and the program has no such task then"},
		{"one that lives, although /proc did not show it", func(s *sketch) {
			s.still().listed, s.still().during = append(s.still().listed, 103), interval{26, 27}
		}, ""},
		{"one that never was", func(s *sketch) { s.still().listed = append(s.still().listed, 1) }, "task 1 was listed at checkpoint 1, and the program has no such task then"},
		{"a leader that has ended", both(0, func(k *procTask) { k.state = "Z (zombie)" }), "task 100 (main) was listed at checkpoint 1, and had ended"},
		{"which is not missed", func(s *sketch) {
			both(0, func(k *procTask) { k.state = "Z (zombie)" })(s)
			unlist(s, 100)
		}, ""},
		{"nor is one on its way out", func(s *sketch) { both(1, func(k *procTask) { k.flags = exiting })(s); unlist(s, 101) }, ""},
		{"which may be listed", both(1, func(k *procTask) { k.flags = exiting }), ""},
		{"nor one that went out meanwhile", func(s *sketch) { s.still().after = s.still().after[:2]; unlist(s, 102) }, ""},
		{"nor one that is killed", func(s *sketch) { both(1, func(k *procTask) { k.killed = true })(s); unlist(s, 101) }, ""},
		{"nor one of the kernel's", func(s *sketch) { both(2, func(k *procTask) { k.flags = ioWorker })(s); unlist(s, 102) }, ""},
		{"nor another process, of which it has nobody", func(s *sketch) { another(s, 103, "S (sleeping)", 0) }, ""},
		{"but another of which it has somebody", func(s *sketch) {
			another(s, 103, "t (tracing stop)", 7)
			another(s, 104, "S (sleeping)", 0)
		}, "task 104 was not listed"},
	})
}

// A debugger that announces no births is held to its lists.
func TestCompleteIsJudgedByListsWhereBirthsAreNotTold(t *testing.T) {
	tellsNoBirths := func() *sketch {
		s := stoppedOnce()
		s.can, s.said = Abilities{Stop, Threads}, "100: ready"
		return s
	}
	testRule(t, "complete", tellsNoBirths, []broken{
		{"a task is missing", func(s *sketch) { unlist(s, 102) }, "task 102 (main/2) was not listed at checkpoint 1"},
		{"one that went out meanwhile", func(s *sketch) { s.still().after = s.still().after[:2]; unlist(s, 102) }, ""},
	})
	testRule(t, "sound", tellsNoBirths, []broken{
		{"one that never was", func(s *sketch) { s.still().listed = append(s.still().listed, 999) }, "listed at checkpoint 1: the program had no task 999"},
	})
	verdict, how := tellsNoBirths().judged(t, "complete")
	assert.Equal(t, verdict, Pass)
	assert.Equal(t, how, "by its lists of threads, since it tells no births")
	never := tellsNoBirths()
	never.standstills = nil
	verdict, _ = never.judged(t, "complete")
	assert.Equal(t, verdict, NotOffered)
}

func TestSnapshotDoesNotAskForHiddenTasks(t *testing.T) {
	testRule(t, "snapshot", stoppedOnce, []broken{{"born untraced", func(s *sketch) { untraced(s); unlist(s, 102) }, ""}})
	testRule(t, "stopped", stoppedOnce, []broken{{"born untraced", func(s *sketch) {
		untraced(s)
		both(2, func(k *procTask) { k.state, k.tracer = "S (sleeping)", 0 })(s)
	}, ""}})
}

func TestStoppedAccusesOfATaskThatRuns(t *testing.T) {
	runs := func(k *procTask) { k.state = "S (sleeping)" }
	testRule(t, "stopped", stoppedOnce, []broken{
		{"a thread", both(2, runs), "task 102 (main/2) ran on at checkpoint 1: state S (sleeping)"},
		{"main", both(0, func(k *procTask) { k.state = "R (running)" }), "task 100 (main) ran on at checkpoint 1: state R (running)"},
		{"the parent of a vfork waits in D", both(1, func(k *procTask) { k.state = "D (disk sleep)" }), ""},
		{"a group stop is a stop", both(1, func(k *procTask) { k.state = "T (stopped)" }), ""},
		{"one on its way out runs", both(1, func(k *procTask) { runs(k); k.flags = exiting }), ""},
		{"one that is killed runs", both(1, func(k *procTask) { runs(k); k.killed = true }), ""},
		{"another process runs free", func(s *sketch) { another(s, 103, "S (sleeping)", 0) }, ""},
		{"half of another process runs", func(s *sketch) {
			another(s, 103, "t (tracing stop)", 7)
			another(s, 104, "S (sleeping)", 0)
		}, "task 104 ran on"},
	})
}

func TestRunningAccusesOfWhoStandsAfterAResume(t *testing.T) {
	testRule(t, "running", stoppedOnce, []broken{
		{"a thread", func(s *sketch) { s.still().left = s.still().stood[1:2] }, "task 101 (main/1) was left stopped at checkpoint 1: state t (tracing stop)"},
	})
}

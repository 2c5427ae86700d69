//go:build amd64 || arm64

package innocent

import (
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
)

// Innocents are all. The comment says what the tracer does, and why that is right.
var Innocents = []Innocent{
	// It attaches to no process of which another tracer has a part, and says which.
	{Name: "refuses-what-is-taken", ways: func() ways { return ways{refuse: takenBy} }},
	// It has the kernel stop no task at its exit. A death is known when wait4 tells it.
	{Name: "learns-deaths-by-wait", Widened: "exit", ways: below(byWait)},
	// So does this one, and it tells the deaths of threads when it must.
	{Name: "tells-deaths-late", ways: with(tellsDeathsLate, byWait)},
	// So does this one, and it says nothing any more when it is asked to let go: a death that
	// wait4 has not told by then is never told.
	{Name: "says-no-more-at-detach", Widened: "exit", ways: saysNoMore},
	// It lets tasks stand at their exits for a while. Their deaths are told long before the kernel
	// has them.
	{Name: "lingers-at-exits", ways: below(lingering)},
	// It tells a birth, and all that comes after, at the next stop.
	{Name: "tells-births-in-batches", ways: tellsInBatches},
	// It attaches to threads, and lists them, in any order.
	{Name: "lists-in-any-order", ways: func() ways {
		return ways{
			options: tracer.Options{Kernel: shuffling}, list: shuffled[event.TID],
		}
	}},
	// It cannot stop the program. At an attach each task stops for a moment, by itself.
	{
		Name: "never-stops-all", Lacks: stops,
		ways: func() ways {
			return ways{options: tracer.Options{Kernel: briefly}, resumes: true}
		},
	},
	// It stops the tasks one by one, and lets them go so, with a pause before each.
	{Name: "stops-one-by-one", ways: below(slow)},
	// Its thread runs when no other has anything to do.
	{Name: "is-starved", TimeScale: 20, ways: below(starved)},
	// It names no processes.
	{Name: "names-no-pids", ways: above(changes(withoutPID))},
	// It names no creators.
	{
		Name: "names-no-creators", Lacks: judge.Abilities{judge.Creators},
		ways: above(changes(withoutCreator)),
	},
	// It knows no status.
	{
		Name: "tells-no-status", Lacks: judge.Abilities{judge.Statuses},
		ways: above(changes(withoutStatus)),
	},
	// It says of no exec by which task it was.
	{Name: "tells-execs-without-former", ways: above(changes(withoutFormer))},
	// So does this one, and it learns of each exec late: an attach or a detach may come between.
	{
		Name: "learns-execs-late",
		ways: with(above(changes(withoutFormer)), execsLate),
	},
	// It tells no event, and lists threads.
	{Name: "only-lists", Lacks: judge.AllFields, ways: above(saysNothing)},
	// It has a task that is to go on make one step first.
	{Name: "steps-before-it-continues", TimeScale: 2, ways: below(stepping)},
	// It stops each task at each system call, and learns of stops by SIGCHLD.
	{Name: "stops-at-system-calls", TimeScale: 12, ways: func() ways {
		return ways{
			options: tracer.Options{Method: tracer.Syscalls, Notify: tracer.SIGCHLD},
		}
	}},
	// It is a process of its own, which is told to let go by SIGTERM.
	{Name: "traces-by-itself", Lacks: stops, args: []string{}},
	// It launches by PTRACE_TRACEME, and attaches as the last one does. It cannot keep a group stop
	// of the program (PTRACE_LISTEN is EIO): beyond the quick set, two fixtures are about that.
	{Name: "launches-by-traceme", Lacks: stops, args: []string{"--traceme"}},
}

// stops are what a tracer does not offer that stops nothing.
var stops = judge.Abilities{judge.Stop, judge.Threads, judge.Step}

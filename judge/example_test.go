package judge_test

import (
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
)

// A program makes two threads, and the debugger that launched it reports one of them.
func ExampleOpen() {
	created := func(at time.Duration, child event.TID) judge.Record {
		birth := event.Event{Kind: event.Clone, PID: 100, TID: 100, Child: child}
		return judge.Record{Event: birth, At: at}
	}
	want, err := event.ParseWant("main: clone main/1..2")
	if err != nil {
		fmt.Println(err)
		return
	}
	e := &judge.Evidence{
		Form: judge.FormVersion, Kernel: "6.1.0", Scenario: "two_threads", Mode: fixtures.Launch,
		Debugger: judge.Debugger{
			Name: "mydbg", Abilities: judge.Abilities{judge.Births, judge.Creators},
		},
		Declared: judge.Declaration{Wants: []event.Want{want}},
		Control:  judge.Control{Exact: true, Status: event.Exited(0)},
		Progress: judge.Progress{State: judge.Done}, End: judge.End{State: judge.Ended},
		Attach:  judge.Interval{State: judge.NotAsked},
		Detach:  judge.Interval{State: judge.NotAsked},
		Program: judge.Program{State: judge.Over, Gate: 500, Status: event.Exited(0)},
		Words: judge.Words{
			{Event: event.Event{Kind: event.Ready, PID: 100, TID: 100}},
			{Event: event.Event{Kind: event.Clone, PID: 100, TID: 100, Child: 101}},
		},
		Ledger: []judge.Announcement{
			{State: judge.Born, TID: 100, PID: 100, Creator: judge.UnknownCreator, Came: 1},
			{State: judge.Born, TID: 101, PID: 100, Creator: 0, Came: 2},
			{State: judge.Born, TID: 102, PID: 100, Creator: 0, Came: 3},
		},
		Account: judge.Account{
			Source: judge.Perf, Records: []judge.Record{created(1000, 101), created(2000, 102)},
			Cut: 1 << 40,
		},
	}
	for _, r := range judge.Open(e).Rulings() {
		if r.Verdict == judge.Fail {
			fmt.Println(r.Verdict, r.Rule)
			fmt.Println(r.Reason)
		}
	}
	// Output:
	// FAIL complete
	// task 102 (main/2), created by main, was not reported
}

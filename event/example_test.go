package event_test

import (
	"fmt"

	"github.com/tidcheck/tidcheck/event"
)

// A family names the tasks of a trace by their births. A tid that is used twice has two names.
func ExampleFamily() {
	trace, err := event.ParseTrace(`
		4711: ready
		4711: clone 4712
		4711/4712: exit 0
		4711: clone 4712
		4711/4712: killed SIGKILL
	`)
	if err != nil {
		fmt.Println(err)
		return
	}
	var family event.Family
	for _, e := range trace {
		labelled, err := family.Add(e)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(labelled)
	}
	fmt.Println(family.Form())
	_, err = family.Add(event.Event{Kind: event.Exit, PID: 4711, TID: 4712})
	fmt.Println(err)
	// Output:
	// main 4711: ready
	// main 4711: clone main/1 4712
	// main/1 4711/4712: exit 0
	// main 4711: clone main/2 4712
	// main/2 4711/4712: killed SIGKILL
	// main: clone main/1, clone main/2
	// main/1: exit 0
	// main/2: killed SIGKILL
	// impossible event "4711/4712: exit 0": no living task has the tid 4712
}

// Want lines say for given parameters what a run should have been.
func ExampleExpand() {
	var wants []event.Want
	for _, line := range []string{"main: clone main/1..n, exit 0", "main/1..n: exit 0"} {
		want, err := event.ParseWant(line)
		if err != nil {
			fmt.Println(err)
			return
		}
		wants = append(wants, want)
	}
	expected, err := event.Expand(wants, event.Params{"n": 2}, [2]int{6, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	trace, err := event.ParseTrace("7: ready\n7: clone 8\n7/8: exit 0\n7: exit 0")
	if err != nil {
		fmt.Println(err)
		return
	}
	family, err := event.NewFamily(trace)
	if err != nil {
		fmt.Println(err)
		return
	}
	form := family.Form()
	want, got := expected.Compare(form, event.Traced)
	fmt.Printf("want %q\n", want)
	fmt.Printf("got  %q\n", got)
	// Output:
	// want ["main: clone main/1, clone main/2, exit 0" "main/1: exit 0" "main/2: exit 0"]
	// got  ["main: clone main/1, exit 0" "main/1: exit 0"]
}

// A line of JSON carries the same as a line of text, and the time.
func ExampleParseJSON() {
	l, err := event.ParseJSON([]byte(
		`{"kind":"clone","pid":4711,"tid":4711,"child":4712,"path":"main","child_path":"main/1"}`))
	fmt.Println(l, err)
	// Output: main 4711: clone main/1 4712 <nil>
}

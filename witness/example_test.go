package witness_test

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/witness"
)

// The process waits for its go before it has children, so that the account misses none. What is
// printed depends on the kernel, which may also refuse.
func ExampleOpen() {
	cmd := exec.Command("sh", "-c", "echo ready; read go; true & wait")
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil || cmd.Start() != nil {
		return
	}
	out.Read(make([]byte, len("ready\n"))) // its own exec is over
	w, err := witness.Open(cmd.Process.Pid)
	in.Close()
	cmd.Wait()
	if err != nil {
		fmt.Println(err)
		return
	}
	records, err := w.Close()
	for _, r := range records {
		fmt.Println(r.At, r.Event)
	}
	fmt.Println(err)
}

// The connector also tells how tasks ended. What is printed depends on the kernel, which may
// refuse.
func ExampleConnect() {
	cmd := exec.Command("sh", "-c", "echo ready; read go; false & wait")
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil || cmd.Start() != nil {
		return
	}
	out.Read(make([]byte, len("ready\n"))) // its own exec is over
	c, err := witness.Connect(cmd.Process.Pid)
	in.Close()
	cmd.Wait()
	if err != nil {
		fmt.Println(err)
		return
	}
	records, tracings, err := c.Close()
	for _, r := range records {
		fmt.Println(r.At, r.Event)
	}
	fmt.Println(len(tracings), "attaches and detaches,", err)
}

// A recorded account, with the paths that a family gives to its tasks. The account has no exit
// codes, and an Exec names the thread group only.
func ExampleRecord() {
	record := func(at time.Duration, e event.Event) witness.Record {
		return witness.Record{Event: e, At: at * time.Microsecond}
	}
	records := []witness.Record{
		record(3, event.Event{Kind: event.Exec, PID: 4711, TID: 4711}),
		record(40, event.Event{Kind: event.Clone, PID: 4711, TID: 4711, Child: 4712}),
		record(75, event.Event{Kind: event.Fork, PID: 4711, TID: 4712, Child: 4713}),
		record(90, event.Event{Kind: event.Exit, PID: 4713, TID: 4713, Status: event.Unknown}),
		record(95, event.Event{Kind: event.Exit, PID: 4711, TID: 4712, Status: event.Unknown}),
	}
	var family event.Family
	if _, err := family.Add(event.Event{Kind: event.Ready, PID: 4711, TID: 4711}); err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range records {
		labelled, err := family.Add(r.Event)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.At, labelled)
	}
	// Output:
	// 3µs main 4711: exec
	// 40µs main 4711: clone main/1 4712
	// 75µs main/1 4711/4712: fork main/1/1 4713
	// 90µs main/1/1 4713: exit ?
	// 95µs main/1 4711/4712: exit ?
}

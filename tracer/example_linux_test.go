//go:build amd64 || arm64

package tracer_test

import (
	"fmt"
	"os/exec"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// A shell forks twice. Its births and ends are printed by birth paths, which are the same in each
// run: task ids are not.
func Example() {
	var trace event.Trace
	cmd := exec.Command("sh", "-c", "(exit 3) & wait; (exit 4); exit 5")
	t, err := tracer.Launch(cmd, tracer.Options{
		Events: func(e event.Event) {
			if e.Kind != event.Signal { // each SIGCHLD is one
				trace = append(trace, e)
			}
		},
	})
	if err == nil {
		err = t.Resume() // until then it is held before its first instruction
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	status, err := t.Wait()
	if err != nil {
		fmt.Println(err)
		return
	}
	family, err := event.NewFamily(trace)
	if err != nil {
		fmt.Println(err)
	}
	for _, line := range family.Form().Lines() {
		fmt.Println(line)
	}
	fmt.Println("status", status)
	// Output:
	// main: fork main/1, fork main/2, exit 5
	// main/1: exit 3
	// main/2: exit 4
	// status 5
}

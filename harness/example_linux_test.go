package harness_test

import (
	"context"
	"fmt"
	"regexp"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/harness"
)

// The reference tracer launches a program that makes ten threads, and keeps every rule.
func ExampleRunAll() {
	o := harness.Options{Match: regexp.MustCompile("^fork/launch$")}
	debuggers := []harness.Debugger{reference.Debugger{}}
	_, err := harness.RunAll(context.Background(), debuggers, o, func(results []harness.Result) {
		for _, r := range results {
			fmt.Println(r.Rule, r.Verdict)
		}
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// session PASS
	// complete PASS
	// sound PASS
	// once PASS
	// parent PASS
	// order PASS
	// exit PASS
	// running PASS
	// transparent PASS
	// bounded PASS
}

package harness

import "github.com/tidcheck/tidcheck/event"

// A control is what a fixture does without a debugger, on this machine and kernel.
type control struct {
	expected event.Expected
	exact    bool    // its births are the same in each run
	outcome  outcome // with its lines labelled
	refusal  error   // why there is no witness, nil if there is
}

// source names the truth that a control run has.
func (c *control) source() string {
	if c.refusal != nil {
		return "announced"
	}
	return "witnessed"
}

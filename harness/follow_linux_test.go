package harness_test

import (
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
	"gotest.tools/v3/assert"
)

// A debugger that follows the parent alone lets go of each child. The child runs free, does all
// that it does without a debugger, and its own children are missed.
func TestProcessesThatAreNotFollowedRunFree(t *testing.T) {
	for name, missed := range map[string]string{
		"fork_child_threads/launch": "(main/2/4), created by main/2, was not reported",
		"fork_child_threads/stops":  "(main/2/4), created by main/2, was not reported",
		"daemon/launch":             "(main/1/1), created by main/1, was not reported",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := reference.Debugger{Options: tracer.Options{Processes: tracer.FollowParent}}
			got, details := outcomes(harness.RunWithin(t, d, scenario(t, name), harness.Limit))
			const kept = "running transparent bounded sound once parent order"
			for rule := range strings.FieldsSeq(kept) {
				assert.Equal(t, got[rule], judge.Verdict(""), "%s: %s", rule, details[rule])
			}
			assert.Equal(t, got["complete"], judge.Fail)
			assert.Assert(t, strings.Contains(details["complete"], missed), "got %q, want %q in it",
				details["complete"], missed)
		})
	}
}

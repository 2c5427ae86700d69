//go:build linux && (amd64 || arm64)

package tiny_test

import (
	"regexp"
	"testing"

	"example.org/tiny"
	"github.com/tidcheck/tidcheck/harness"
)

// This is all that it takes: subtests scenario/mode/rule, what is not offered skipped with its
// reason.
func TestTiny(t *testing.T) {
	harness.Test(t, tiny.Debugger{}, harness.Options{
		Match: regexp.MustCompile(
			`^(thread_nested|thread_sequence|fork|fork_from_thread|vfork_child_exec|exec_from_t` +
				`hread|exec_repeated|exit_code|signal_one_thread|locked)/`),
	})
}

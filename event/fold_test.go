package event_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

func TestFormsAreWrittenAsWants(t *testing.T) {
	for _, c := range []struct {
		name, form string
		want       []string
	}{
		{"siblings that do the same", `
			main: clone main/1, clone main/2, clone main/3, exit 0
			main/1: exit 0
			main/2: exit 0
			main/3: exit 0`, []string{"main: clone main/1..3, exit 0", "main/1..3: exit 0"}},
		{"siblings that have children", `
			main: clone main/1, fork main/2, fork main/3, exit 0
			main/1: clone main/1/1, exit 0
			main/1/1: exit 0
			main/2: clone main/2/1, exit 0
			main/2/1: exit 0
			main/3: clone main/3/1, exit 0
			main/3/1: killed SIGKILL`, []string{
			"main: clone main/1, fork main/2..3, exit 0", "main/1..3: clone ./1, exit 0",
			"main/1/1: exit 0", "main/2/1: exit 0", "main/3/1: killed SIGKILL",
		}},
		{"ends that differ, execs and waits", `
			main: vfork main/1, vforkdone, exec, exit 7, end 9
			main/1: exec, exit 0`, []string{
			"main: vfork main/1, vforkdone, exec, exit 7, end 9", "main/1: exec, exit 0",
		}},
		{"signals are left out, and tasks without other events", `
			main: clone main/1, signal SIGUSR1, clone main/2, exit 0
			main/1:
			main/2: exit 0`, []string{"main: clone main/1..2, exit 0", "main/2: exit 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			form, err := event.ParseForm(c.form)
			assert.NilError(t, err)
			assert.DeepEqual(t, form.Wants(), c.want)
			var wants []event.Want
			for _, line := range form.Wants() {
				w, err := event.ParseWant(line)
				assert.NilError(t, err)
				wants = append(wants, w)
			}
			x, err := event.Expand(wants, nil, [2]int{6, 1})
			assert.NilError(t, err)
			want, got := x.Compare(form, event.Traced)
			assert.Equal(t, cmp.Diff(want, got), "")
		})
	}
}

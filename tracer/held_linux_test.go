//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A process that the caller holds is seized, let go of, and held again at its exec.
func TestHeldProcessIsTracedFromItsExec(t *testing.T) {
	const begins = "10: seize\n10: interrupt"
	for _, c := range []struct {
		name     string
		failed   string // this request, with EIO
		release  error
		stops    string
		requests string
		want     string
	}{
		{"at once", "", nil, "10: stop\n10: exec 10", begins + "\n10: cont", "<nil>"},
		{
			"in an exec already", "", nil, "10: exec 10\n10: exec 10", begins + "\n10: cont",
			"<nil>",
		},
		{
			"after a signal", "", nil, "10: stop\n10: signal SIGHUP\n10: exec 10",
			begins + "\n10: cont\n10: cont SIGHUP", "<nil>",
		},
		{
			"it ends before", "", nil, "10: stop\n10: gone 3", begins + "\n10: cont",
			"it ended before its exec: 3",
		},
		{
			"it was killed before", "", nil, "10: gone SIGKILL", begins,
			"it ended before its exec: SIGKILL",
		},
		{
			"it is refused", "10: seize", nil, "", "10: seize",
			"ptrace(PTRACE_SEIZE): input/output error",
		},
		{
			"it cannot be stopped", "10: interrupt", nil, "", begins,
			"task 10: ptrace(PTRACE_INTERRUPT): input/output error",
		},
		{
			"it cannot be waited for", "10: wait", nil, "10: stop", begins,
			"wait4: input/output error",
		},
		{
			"the caller does not let it go", "", errors.New("no"), "10: stop", begins,
			"let it go: no",
		},
		{
			"it does not go on", "10: cont", nil, "10: stop", begins + "\n10: cont",
			"task 10: ptrace(PTRACE_CONT): input/output error",
		},
		{
			"a birth on the way cannot be read", "10: message", nil, "10: stop\n10: fork 20",
			begins + "\n10: cont", "task 10: ptrace(PTRACE_GETEVENTMSG): input/output error",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			k.stopped[10] = false
			if c.failed != "" {
				k.errs[c.failed] = unix.EIO
			}
			tr := &Tracer{
				kernel: k, tasks: map[int]*task{}, partlyTraced: map[int]bool{}, starting: true,
				holdNewcomers: true,
			}
			released := 0
			err := tr.launchHeld(10, func() error {
				released++
				if tr.tasks[10].at == stopNone {
					t.Error("it is let go of before it has stopped")
				}
				return c.release
			})
			if got := fmt.Sprint(err); got != c.want {
				t.Errorf("got error %s, want %s", got, c.want)
			}
			if diff := cmp.Diff(lines(c.requests), k.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			var events []string
			tr.opts.Events = func(e event.Event) { events = append(events, e.String()) }
			tr.endStart()
			if diff := cmp.Diff(lines("10: ready at 0xa00"), events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if !k.stopped[10] {
				t.Error("it is not held at its exec")
			}
			if one := tr.tasks[10]; released != 1 || one.at != stopExec || !tr.launched {
				t.Errorf("let go of %d times, at stop %d, launched %t: want it held at its exec",
					released, one.at, tr.launched)
			}
			k.lines = lines("> resume\n10: exec 10\n10: exit 0\n10: gone 0")
			more := k.follow(t, tr)
			if diff := cmp.Diff(lines("10: exec\n10: exit 0\n10: end 0"), more); diff != "" {
				t.Errorf("events after it (-want +got):\n%s", diff)
			}
		})
	}
}

package remote

import (
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"gotest.tools/v3/assert"
)

// gdb's protocol has signals that Linux lacks, such as its 7, SIGEMT. Then it is not known by which
// of Linux's the process ended, and it did not exit with 0.
func TestAnEndByASignalThatLinuxLacksIsUnknown(t *testing.T) {
	for number, want := range map[int]event.Status{9: event.Killed(9), 7: event.Unknown} {
		var last event.Event
		b := newBook(rsp.FromGDB, func(e event.Event) { last = e })
		b.take(rsp.Stop{Kind: rsp.Signalled, PID: 15, Signal: number})
		assert.Equal(t, last.Kind, event.End)
		assert.Equal(t, last.Status, want, "gdb's signal %d", number)
	}
}

// A leader's end is told once: by the server, or by its process's end.
func TestALeadersEndIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		replies []string
		want    string
	}{
		"by the process's end alone": {[]string{"W03;process:f"}, "15: exit ?|15: end 3"},
		"by itself": {
			[]string{"w00;pf.f", "W03;process:f"}, "15: exit 0|15: end 3",
		},
		"of a leader by exec after another": {
			[]string{"w00;pf.f", "T05exec:2f78;thread:pf.f;", "W03;process:f"},
			"15: exit 0|15: exec|15: exit ?|15: end 3",
		},
	} {
		var told []string
		b := newBook(rsp.FromGDB, func(e event.Event) { told = append(told, e.String()) })
		for _, reply := range c.replies {
			stop, err := parseStop([]byte(reply))
			assert.NilError(t, err)
			b.take(stop)
		}
		assert.Equal(t, strings.Join(told, "|"), c.want, name)
	}
}

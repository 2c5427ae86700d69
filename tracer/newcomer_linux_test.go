//go:build amd64 || arm64

package tracer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
)

// A creator that SIGKILL takes out of its birth event never tells of the child, which is in its
// first stop, or at its exit. It must not stay there for ever.
func TestOrphansWhoseCreatorsEventNeverComes(t *testing.T) {
	for _, c := range []struct {
		name          string
		threads       map[int]int
		stops, events string
	}{
		{
			"a process, when all else is gone", nil,
			"11: stop\n10: exit SIGKILL\n10: gone SIGKILL\n11: exit 0\n11: gone 0",
			"10: killed SIGKILL\n11: attach\n10: end SIGKILL\n11: exit 0\n11: end 0",
		},
		{
			"a process, while another lives", nil,
			"10: fork 20\n20: stop\n20: fork 30\n30: stop\n40: stop\n20: exit SIGKILL\n" +
				"20: gone SIGKILL\n" +
				"40: exit 0\n40: gone 0\n30: exit 0\n30: gone 0\n10: exit 0\n10: gone 0",
			"10: fork 20\n20: fork 30\n20: killed SIGKILL\n40: attach\n20: end SIGKILL\n" +
				"40: exit 0\n40: end 0\n30: exit 0\n30: end 0\n10: exit 0\n10: end 0",
		},
		{
			"its event is there, and says nothing", nil,
			"11: stop\n10: fork 11 !\n10: gone SIGKILL\n11: exit 0\n11: gone 0",
			"10: killed SIGKILL\n11: attach\n10: end SIGKILL\n11: exit 0\n11: end 0",
		},
		{
			"a thread that exit_group ends",
			map[int]int{11: 10, 12: 10},
			"10: clone 11\n11: stop\n12: stop\n11: exit 0\n12: exit 0\n10: exit 0\n11: gone 0\n" +
				"12: gone 0\n10: gone 0",
			"10: clone 11\n10/11: exit 0\n10: exit 0\n10/12: attach\n10/12: exit 0\n10: end 0",
		},
		{
			"a thread that exit_group ends, and that was reaped before it could be looked up", nil,
			"11: stop\n11: gone 7\n10: exit 7\n10: gone 7",
			"10: exit 7\n10/11: attach\n10/11: exit 7\n10: end 7",
		},
		{
			"a process that ends otherwise, and that was reaped before it could be looked up", nil,
			"11: stop\n11: gone SIGKILL\n10: exit 7\n10: gone 7",
			"10: exit 7\n10: end 7\n11: attach\n11: killed SIGKILL\n11: end SIGKILL",
		},
		{
			"as those, while another process lives whose thread it may have been", nil,
			"10: fork 20\n20: stop\n12: stop\n12: gone 7\n10: exit 7\n10: gone 7\n" +
				"20: exit 0\n20: gone 0",
			"10: fork 20\n10: exit 7\n10: end 7\n20: exit 0\n20: end 0\n" +
				"12: attach\n12: exit 7\n12: end 7",
		},
		{
			"a thread that an exec ends",
			map[int]int{11: 10, 12: 10},
			"10: clone 11\n11: stop\n12: stop\n12: exit 0\n10: exit 0\n12: gone 0\n10: exec 11\n" +
				"10: exit 5\n10: gone 5",
			"10: clone 11\n10: exit 0\n10/12: attach\n10/12: exit 0\n10: exec from 11\n" +
				"10: exit 5\n10: end 5",
		},
		{
			"a process of a thread that an exec ends",
			map[int]int{11: 10},
			"10: clone 11\n11: stop\n12: stop\n11: exit 0\n11: gone 0\n10: exec 10\n12: exit 0\n" +
				"12: gone 0\n10: exit 5\n10: gone 5",
			"10: clone 11\n10/11: exit 0\n12: attach\n10: exec\n12: exit 0\n12: end 0\n" +
				"10: exit 5\n10: end 5",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			k.threads, k.parents = c.threads, map[int]int{11: 10, 12: 10, 20: 10, 30: 20, 40: 20}
			if diff := cmp.Diff(lines(c.events), k.follow(t, &Tracer{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// If a newcomer was killed and reaped before its birth was told, its process cannot be looked up.
// All tasks may have made it. What is found of it says nothing of other newcomers, whose births are
// to come.
func TestNewcomerThatIsGoneIsAdoptedAlone(t *testing.T) {
	k := newScript("11: stop\n12: gone SIGKILL")
	k.threads, k.parents = map[int]int{11: 10}, map[int]int{10: 1, 20: 1}
	k.stopped[10], k.stopped[20] = false, false
	var events []string
	tr := &Tracer{
		kernel: k, partlyTraced: map[int]bool{},
		tasks: map[int]*task{10: {tid: 10, pid: 10}, 20: {tid: 20, pid: 20}},
	}
	tr.opts.Events = func(e event.Event) { events = append(events, e.String()) }
	defer tr.stopRecheck()
	for range 2 {
		s, err := tr.next(-1, 0)
		if err != nil {
			t.Fatal(err)
		}
		tr.handle(s)
	}
	look := func(state10, state20 byte, more string) {
		t.Helper()
		k.states = map[int]byte{10: state10, 20: state20}
		events = nil
		for range 2 {
			for _, unborn := range tr.tasks {
				if unborn.isUnborn() {
					unborn.backlog.since = time.Time{}
				}
			}
			tr.scheduleRecheck()
			tr.recheckTasks()
		}
		if diff := cmp.Diff(lines(more), events); diff != "" {
			t.Errorf("in states %c and %c (-want +got):\n%s", state10, state20, diff)
		}
	}
	look('R', 'S', "")              // the thread that made 11 may tell of it
	look('S', 'R', "10/11: attach") // no task can tell of 11, and 20 may of 12
	look('S', 'S', "12: attach\n12: killed SIGKILL\n12: end SIGKILL")
}

// A creator that stops on request in the middle of its clone tells of the birth when it goes on, by
// the result of the call.
func TestNewcomerWhoseCreatorStandsInItsCallIsNotAdopted(t *testing.T) {
	for _, c := range []struct {
		birth event.Kind
		want  string
	}{{event.Clone, ""}, {0, "10/11: attach"}} {
		k := newScript("11: stop")
		k.threads, k.parents = map[int]int{11: 10}, map[int]int{10: 1}
		var events []string
		tr := &Tracer{
			kernel: k, partlyTraced: map[int]bool{},
			tasks: map[int]*task{
				10: {tid: 10, pid: 10, state: stopped, at: stopSignal, birth: c.birth},
			},
		}
		tr.opts.Events = func(e event.Event) { events = append(events, e.String()) }
		s, err := tr.next(-1, 0)
		if err != nil {
			t.Fatal(err)
		}
		tr.handle(s)
		tr.tasks[11].backlog.since = time.Time{}
		tr.recheckTasks()
		tr.stopRecheck()
		if diff := cmp.Diff(lines(c.want), events); diff != "" {
			t.Errorf("in a call that makes %q (-want +got):\n%s", c.birth, diff)
		}
	}
}

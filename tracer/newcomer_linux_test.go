//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"maps"
	"slices"
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
			"such a thread, beside another whose end was not seen",
			map[int]int{12: 10},
			"10: clone 12\n12: stop\n11: stop\n11: gone 7\n10: exit 7\n10: gone 7",
			"10: clone 12\n10: exit 7\n10/11: attach\n10/11: exit 7\n10: end 7",
		},
		{
			"as those, while another process lives whose thread it may have been", nil,
			"10: fork 20\n20: stop\n12: stop\n12: gone 7\n10: exit 7\n10: gone 7\n" +
				"20: exit 0\n20: gone 0",
			"10: fork 20\n10: exit 7\n10: end 7\n20: exit 0\n20: end 0\n" +
				"12: attach\n12: exit 7\n12: end 7",
		},
		{
			"a process of a parent that is not traced, after another's birth", nil,
			"20: stop\n10: fork 20\n20: exit 0\n20: gone 0\n13: stop\n10: exit 0\n10: gone 0\n" +
				"13: exit 0\n13: gone 0",
			"10: fork 20\n20: exit 0\n20: end 0\n10: exit 0\n10: end 0\n13: attach\n13: exit 0\n" +
				"13: end 0",
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
			k.threads, k.parents = c.threads, map[int]int{
				11: 10, 12: 10, 13: 1, 20: 10, 30: 20, 40: 20,
			}
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

// A newcomer's makers are asked by /proc whether they may be on the way to its birth event.
func TestNewcomerIsAnOrphanWhenNoMakerCanTellOfIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		maker task // of 10, like the newcomer
		state byte
		want  bool
	}{
		{"it sleeps", task{tid: 12, pid: 10}, 'S', true},
		{"it sleeps uninterruptibly", task{tid: 12, pid: 10}, 'D', true},
		{"it is a zombie", task{tid: 12, pid: 10}, 'Z', true},
		{"it runs", task{tid: 12, pid: 10}, 'R', false},
		{"it is in a stop that is not known yet", task{tid: 12, pid: 10}, 't', false},
		{"it is in a stop", task{tid: 12, pid: 10, state: stopped, at: stopTrap}, 't', true},
		{"it is at its end", task{tid: 12, pid: 10, state: ended}, 'R', true},
		{
			"it sleeps in a call that makes a task",
			task{tid: 12, pid: 10, birth: event.Fork},
			'S',
			false,
		},
		{"it runs in a child of that process", task{tid: 20, pid: 20}, 'R', false},
		{"it runs in another process", task{tid: 30, pid: 30}, 'R', true},
	} {
		k := newScript("")
		k.parents = map[int]int{20: 10, 30: 1}
		k.states = map[int]byte{11: 'R', c.maker.tid: c.state}
		k.threads = map[int]int{11: 10}
		k.stopped[10], k.stopped[11], k.stopped[c.maker.tid] = false, false, false
		newcomer := &task{tid: 11, pid: 10, backlog: &backlog{}} // on its way to its first stop
		tr := &Tracer{kernel: k, tasks: map[int]*task{11: newcomer, c.maker.tid: &c.maker}}
		if got := tr.isOrphan(newcomer); got != c.want {
			t.Errorf("%s: an orphan %t, want %t", c.name, got, c.want)
		}
	}
}

// The tracer looks at some tasks again and again, until the kernel has told of them or nothing more
// will be told.
func TestTasksAreLookedAtUntilNothingMoreIsTold(t *testing.T) {
	long, now := time.Time{}, time.Now().Add(time.Hour)
	recent, silent := &backlog{since: now}, &backlog{since: long}
	for _, c := range []struct {
		name   string
		tasks  []task // beside 10 and 20, which ended; threads of 20 run untraced
		state  byte   // of 10
		stops  string
		events string
		left   string // tasks
		looks  int
		again  bool // another is to come
	}{
		{"a newcomer", []task{{tid: 11, backlog: recent}}, 'S', "20: lost", "", "10 11", 1, true},
		{
			"a newcomer of which its maker may tell",
			[]task{{tid: 11, backlog: silent}},
			'R',
			"20: lost", "", "10 11", 1, true,
		},
		{
			"an orphan",
			[]task{{tid: 11, backlog: silent}},
			'S', "20: lost", "11: attach", "10 11",
			2, false,
		},
		{
			"two orphans of two makers",
			[]task{
				{tid: 11, backlog: silent}, {tid: 30, pid: 30}, {tid: 31, backlog: silent},
			},
			'S', "20: lost", "11: attach\n31: attach", "10 11 30 31", 3, false,
		},
		{
			"an orphan that is gone, beside a newcomer",
			[]task{{tid: 11, backlog: recent}, {
				tid: 12, state: ended,
				backlog: &backlog{gone: true, status: event.Exited(0)},
			}},
			'S', "20: lost", "12: attach\n12: end 0", "10 11", 2, true,
		},
		{"a leader of which nothing is said", nil, 'S', "", "", "10 20", 1, true},
		{"a leader whose id is a thread's", nil, 'S', "20: lost", "", "10", 1, false},
		{"a leader whose process has ended", nil, 'S', "20: gone 3", "20: end 3", "10", 1, false},
		{
			"a thread of such a process, whose leader lives",
			[]task{{tid: 40, pid: 40}, {tid: 41, pid: 40, state: ended}},
			'S',
			"20: lost\n40: lost\n41: lost", "", "10 40 41", 1, false,
		},
		{
			"an ended leader of a process that is traced",
			[]task{{tid: 30, pid: 30, state: ended}},
			'S', "20: lost\n30: lost", "", "10 30", 1, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			k.parents = map[int]int{11: 10, 12: 10, 30: 1, 31: 30}
			k.states = map[int]byte{10: c.state}
			k.stopped[10], k.stopped[30], k.stopped[11], k.stopped[31] = false, false, true, true
			var events []string
			tr := &Tracer{
				kernel: k, partlyTraced: map[int]bool{20: true, 40: true},
				tasks: map[int]*task{10: {tid: 10, pid: 10}, 20: {tid: 20, pid: 20, state: ended}},
			}
			for _, known := range c.tasks {
				tr.tasks[known.tid] = &known
				if known.isUnborn() {
					tr.unborn++
				}
			}
			tr.opts.Events = func(e event.Event) { events = append(events, e.String()) }
			defer tr.stopRecheck()
			tr.recheckTasks()
			if len(events) > 0 || tr.recheck != nil {
				t.Errorf("a look that was not scheduled tells %v", events)
			}
			tr.scheduleRecheck()
			for range c.looks { // a look ends at an orphan, and schedules another
				tr.recheckTasks()
			}
			slices.Sort(events) // two orphans are found in no fixed order
			if diff := cmp.Diff(lines(c.events), events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			left := fmt.Sprint(slices.Sorted(maps.Keys(tr.tasks)))
			if left != "["+c.left+"]" {
				t.Errorf("tasks that are left: got %s, want %s", left, c.left)
			}
			if isKnown := tr.tasks[20] != nil; tr.partlyTraced[20] != isKnown {
				t.Errorf("the leader is known: %t, its process partly traced: %t", isKnown,
					tr.partlyTraced[20])
			}
			if got := tr.recheck != nil; got != c.again {
				t.Errorf("another look is scheduled: %t, want %t", got, c.again)
			}
		})
	}
}

// While all tasks are held, a newcomer whose birth nothing tells of stays stopped too.
func TestNewcomersAreHeldWithAllOthers(t *testing.T) {
	for _, held := range []bool{true, false} {
		k := newScript("11: stop")
		k.parents = map[int]int{11: 10}
		k.stopped[10] = false
		tr := &Tracer{
			kernel: k, partlyTraced: map[int]bool{}, holdNewcomers: held,
			tasks: map[int]*task{10: {tid: 10, pid: 10}},
		}
		s, err := tr.next(-1, 0)
		if err != nil {
			t.Fatal(err)
		}
		tr.handle(s)
		tr.stopRecheck()
		tr.adopt(10)
		if k.stopped[11] != held {
			t.Errorf("the others are held: %t, the newcomer is stopped: %t", held, k.stopped[11])
		}
	}
}

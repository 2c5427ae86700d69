//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Of a task that is not in the process PTRACE_INTERRUPT may be ESRCH: it has executed a program
// meanwhile, and has its group's id. The event of that exec may follow, or the stop that was asked
// for instead.
func TestATaskThatExecutesWhileItIsSeizedIsToldOnce(t *testing.T) {
	const asked = "10: seize\n10: interrupt\n11: seize\n11: interrupt\n10: interrupt\n" +
		"10: setoptions"
	const told = "10: attach at 0xa00\n10/11: attach\n10: exit 0\n10: exec from 11\n10: ready"
	for _, c := range []struct{ name, stops, events string }{
		{"and its event follows", "10: exec 11", ""},
		{"and its event does not", "10: stop", ""},
		{"and another exec's does", "10: stop\n> resume\n10: exec 10", "10: exec"},
		{"and it executes another", "10: exec 11\n> resume\n10: exec 11", "10: exec"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops + "\n> resume\n10: exit 5\n10: gone 5")
			k.threads, k.lists = map[int]int{11: 10}, [][]int{{10, 11}, {10}}
			k.errs["11: interrupt"] = unix.ESRCH
			tr := attaching(k, 10)
			if err := tr.attach(10); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(lines(told), endAttach(tr)); diff != "" {
				t.Errorf("events of the attach (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(lines(asked), k.requests); diff != "" || !k.stopped[10] {
				t.Errorf("held %t, requests (-want +got):\n%s", k.stopped[10], diff)
			}
			want := lines(c.events + "\n10: exit 5\n10: end 5")
			if diff := cmp.Diff(want, k.follow(t, tr)); diff != "" {
				t.Errorf("events after it (-want +got):\n%s", diff)
			}
		})
	}
}

// While PTRACE_SEIZE waits for an exec, the exec may wait until our ended tasks are reaped. Of 10's
// tasks only 11 is one: 12 is another tracer's, and 13 lives.
func TestEndedTasksAreReapedWhileSeizingWaits(t *testing.T) {
	const us = 77
	for _, c := range []struct {
		name  string
		waits bool
		stops string
		want  []stop
	}{
		{
			"it waits", true, "11: gone 7",
			[]stop{{tid: 11, kind: stopGone, status: event.Exited(7)}},
		},
		{"it waits, and 11 is not to be had yet", true, "", nil},
		{"it goes on", false, "11: gone 7", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newScript(c.stops + "\n13: gone 0\n12: gone 0")
			k.lists = [][]int{{11, 12, 13}}
			k.states = map[int]byte{11: 'Z', 12: 'Z', 13: 'S'}
			k.status = map[int]string{
				11: "TracerPid:\t77\n", 12: "TracerPid:\t78\n", 13: "TracerPid:\t77\n",
			}
			for tid := 11; tid <= 13; tid++ {
				k.stopped[tid] = false
			}
			w := &seizeWatch{kernel: k, over: make(chan struct{}), reaped: make(chan []stop)}
			go w.watch(10, us)
			time.Sleep(patience / 2) // sleep: of the bubble's own time; it looks at each patience
			for range 4 {
				if !c.waits {
					w.progress.Add(1)
				}
				time.Sleep(patience) // sleep: of the bubble's own time
			}
			if diff := cmp.Diff(c.want, w.stop(), cmp.AllowUnexported(stop{})); diff != "" {
				t.Errorf("%s: reaped (-want +got):\n%s", c.name, diff)
			}
			if looked := k.looks > 0; looked != c.waits {
				t.Errorf("%s: /proc is looked at: %t, want %t", c.name, looked, c.waits)
			}
		})
	}
}

// A kernel in which the seizing of 12 waits until 11 is reaped.
type waiting struct {
	*script
	reaped chan struct{}
}

func (k waiting) Seize(tid, options int) error {
	if tid == 12 {
		<-k.reaped
	}
	return k.script.Seize(tid, options)
}

func (k waiting) Reap(tid int) (int, unix.WaitStatus, error) {
	got, status, err := k.script.Reap(tid)
	if got == 11 {
		close(k.reaped)
	}
	return got, status, err
}

func TestEndThatIsReapedWhileSeizingWaitsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		k := newScript("11: gone 7\n10: stop\n12: stop")
		k.threads, k.states = map[int]int{11: 10, 12: 10}, map[int]byte{11: 'Z'}
		k.lists = [][]int{{10, 11, 12}, {10, 11, 12}, {10, 12}}
		k.status = map[int]string{11: fmt.Sprintf("TracerPid:\t%d\n", unix.Gettid())}
		tr := attaching(k, 10, 11, 12)
		tr.kernel = waiting{k, make(chan struct{})}
		if err := tr.attach(10); err != nil {
			t.Fatal(err)
		}
		want := lines("10: attach at 0xa00\n10/11: attach\n10/12: attach\n10/11: exit 7\n10: ready")
		if diff := cmp.Diff(want, endAttach(tr)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

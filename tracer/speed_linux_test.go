//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestLikelyTasksAreTheLatest(t *testing.T) {
	var l likely
	for _, tid := range []int{1, 2, 3, 4, 5, 3, 3} {
		l.add(tid)
	}
	if want := [4]int{3, 5, 4, 2}; l.tids != want {
		t.Errorf("got %v, want %v", l.tids, want)
	}
}

// A noting kernel notes for which tasks it is asked, with WCLONE as "free".
type noting struct {
	*script
	asked []string
}

func (k *noting) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	what := fmt.Sprint(tid)
	if flags&unix.WNOHANG == 0 {
		what += " waits"
	}
	if flags&unix.WCLONE != 0 {
		what += " free"
	}
	k.asked = append(k.asked, what)
	return k.script.Wait(tid, flags)
}

// In a crowd the tasks that went on last are asked for one by one, before a wait for any. All get
// their turns all the same.
func TestCrowdIsAskedForItsLikelyTasksFirst(t *testing.T) {
	for _, c := range []struct {
		name   string
		crowd  int
		found  int // stops of likely tasks before
		isFree bool
		stops  string
		failed string // this wait
		want   []string
		tid    int // of the stop that is found
		then   int // stops of likely tasks, with this one
	}{
		{"few tasks", 99, 0, false, "7: stop", "", []string{"-1 waits"}, 7, 0},
		{"a crowd", 100, 2, false, "7: stop", "", []string{"7"}, 7, 3},
		{"8 is stopped, and 9 gone", 100, 2, false, "5: stop", "", []string{"7", "5"}, 5, 3},
		{"none of them", 100, 2, false, "1: stop", "", []string{"7", "5", "-1 waits"}, 1, 0},
		{
			"twice as many", 200, 2, false, "1: stop", "",
			[]string{"7", "5", "7", "5", "-1 waits"},
			1, 0,
		},
		{"one cannot be waited for", 100, 0, false, "5: stop", "7: wait", []string{"7", "5"}, 5, 1},
		{"the turn of all", 100, fairShare, false, "1: stop", "", []string{"-1"}, 1, 0},
		{
			"their turn, beside a free program", 100, fairShare, true, "7: stop", "",
			[]string{"-1 free"},
			7, 0,
		},
		{"not their turn", 100, fairShare - 1, false, "7: stop", "", []string{"7"}, 7, fairShare},
		{"their turn fails", 100, fairShare, false, "", "-1: wait", []string{"-1"}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &noting{script: newScript(c.stops)}
			if c.failed != "" {
				k.errs[c.failed] = unix.EIO
			}
			tr := &Tracer{kernel: k, tasks: map[int]*task{}, programIsFree: c.isFree}
			tr.likely = likely{tids: [4]int{7, 8, 9, 5}, found: c.found}
			for _, tid := range []int{5, 7, 8} {
				tr.tasks[tid] = &task{tid: tid, pid: tid}
			}
			tr.tasks[8].stop(stopSignal)
			for tid := 1000; len(tr.tasks) < c.crowd; tid++ {
				tr.tasks[tid] = &task{tid: tid, pid: tid}
			}
			s, err := tr.await()
			if s.tid != c.tid || errors.Is(err, unix.EIO) != (c.tid == 0) {
				t.Errorf("got a stop of %d, error %v, want one of %d", s.tid, err, c.tid)
			}
			if diff := cmp.Diff(c.want, k.asked); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			if tr.likely.found != c.then {
				t.Errorf("found so in a row: got %d, want %d", tr.likely.found, c.then)
			}
		})
	}
}

// A task that was just born, or that has just gone on, is likely to stop next.
func TestTasksThatGoOnAreLikely(t *testing.T) {
	k := newScript("10: fork 20\n20: stop")
	tr := &Tracer{kernel: k, tasks: map[int]*task{10: {tid: 10, pid: 10}}}
	for _, want := range [][4]int{{10, 20}, {20, 10}} {
		s, err := tr.await()
		if err != nil {
			t.Fatal(err)
		}
		if tr.handle(s); tr.likely.tids != want {
			t.Errorf("at %+v: got %v, want %v", s, tr.likely.tids, want)
		}
	}
}

// ignoresStops tells whether this process gets no SIGCHLD for stops.
func ignoresStops(t *testing.T) bool {
	t.Helper()
	const noCldStop, setSize = 1, 8
	var action struct {
		handler           uintptr
		flags             uint64
		restorer, signals uintptr
	}
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), 0,
		uintptr(unsafe.Pointer(&action)), setSize, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	return action.flags&noCldStop != 0
}

func TestStopsSendSIGCHLDIfATracerNeedsIt(t *testing.T) {
	var outs []func()
	want := func(what string, want bool) {
		t.Helper()
		if got := ignoresStops(t); got != want {
			t.Errorf("%s: SIGCHLD is not sent for stops: %t, want %t", what, got, want)
		}
	}
	want("no tracer", false)
	for _, notify := range []Notify{Wait, SIGCHLD, Wait} {
		outs = append(outs, countTracer(notify))
	}
	want("one of three needs it", false)
	outs[1]()
	want("none of two needs it", true)
	outs[0]()
	want("one does not need it", true)
	outs[2]()
	want("no tracer is left", false)
}

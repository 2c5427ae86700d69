//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

func TestLoopGoesOnFromWhatItKnows(t *testing.T) {
	type tasks = []task
	for _, c := range []struct {
		name     string
		method   Method
		tasks    tasks
		partly   bool // 10 is traced
		stops    string
		events   string
		requests string
	}{
		{
			"an exec of a process whose leader had ended before the attach", Events,
			tasks{{tid: 11, pid: 10}},
			true,
			"10: exec 11\n10: exit 5\n10: gone 5",
			"10: exec from 11\n10: exit 5\n10: end 5", "10: cont\n10: cont",
		},
		{
			"an exec beside a thread whose end was not seen", Events,
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 10}},
			true,
			"10: exec 10\n> hold\n10: stop\n> resume\n10: exit 5\n10: gone 5",
			"10: exec\n10: exit 5\n10: end 5",
			"10: cont\n10: interrupt\n10: cont\n10: cont",
		},
		{
			"an exec in a call whose entry was another", Syscalls,
			tasks{{tid: 10, pid: 10, birth: event.Fork}},
			true,
			"10: exec 10\n10: leave 11\n10: exit 5\n10: gone 5",
			"10: exec\n10: exit 5\n10: end 5", "10: syscall\n10: syscall\n10: syscall",
		},
		{
			"a birth whose id was an ended leader's", Events,
			tasks{{tid: 10, pid: 10}, {tid: 20, pid: 20, state: ended}},
			false,
			"10: fork 20\n20: stop\n20: exit 2\n20: gone 2\n10: exit 0\n10: gone 0",
			"10: fork 20\n20: exit 2\n20: end 2\n10: exit 0\n10: end 0",
			"10: cont\n20: cont\n20: cont\n10: cont",
		},
		{
			"an exec whose former id is not told", Events,
			tasks{{tid: 10, pid: 10}},
			true,
			"10: exec 0\n10: exit 5\n10: gone 5", "10: exec\n10: exit 5\n10: end 5",
			"10: cont\n10: cont",
		},
		{
			"an exec that is not told, beside threads that have ended", Events,
			tasks{
				{tid: 10, pid: 10, state: ended},
				{tid: 11, pid: 10, state: ended},
				{tid: 12, pid: 10, state: ended},
				{tid: 13, pid: 10, state: ended},
				{tid: 14, pid: 10, state: ended},
				{tid: 15, pid: 10},
			},
			true,
			"10: signal SIGHUP\n10: exit 5\n10: gone 5",
			"10: exec from 15\n10: signal SIGHUP\n10: exit 5\n10: end 5",
			"10: cont SIGHUP\n10: cont",
		},
		{
			"the birth of a task that stopped during the attach", Events,
			tasks{{tid: 10, pid: 10}, {
				tid: 20, state: unborn, at: stopTrap, owed: owedExitOption, backlog: &backlog{},
			}},
			false,
			"10: fork 20\n20: gone 2\n10: gone 0",
			"10: fork 20\n20: exit 2\n20: end 2\n10: exit 0\n10: end 0", "20: cont\n10: cont",
		},
		{
			"a kept group stop, out of which a task is held", Events,
			tasks{{tid: 10, pid: 10}},
			false,
			"10: group SIGTSTP\n> hold\n10: group SIGTSTP\n> resume\n10: exit 0\n10: gone 0",
			"10: exit 0\n10: end 0", "10: listen\n10: interrupt\n10: listen\n10: cont",
		},
		{
			"a birth in whose event siginfo cannot be had", Events,
			tasks{{tid: 12, pid: 12}},
			false,
			"12: fork 20\n20: stop\n20: gone 2\n12: gone 0",
			"12: fork 20\n20: exit 2\n20: end 2\n12: exit 0\n12: end 0", "12: cont\n20: cont",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			k.errs["12: siginfo"] = unix.ESRCH
			tr := &Tracer{
				opts: Options{Method: c.method}, tasks: map[int]*task{},
				partlyTraced: map[int]bool{},
			}
			if c.partly {
				tr.partlyTraced[10] = true
			}
			for _, known := range c.tasks {
				tr.tasks[known.tid] = &known
				if known.isUnborn() {
					k.stopped[known.tid] = true
					tr.unborn++
				}
			}
			if diff := cmp.Diff(lines(c.events), k.follow(t, tr)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(lines(c.requests), k.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if tr.failure != nil {
				t.Error(tr.failure)
			}
			if tr.recheck != nil {
				t.Error("a look is to come, and an exec has ended the untraced threads")
			}
		})
	}
}

// A task that is not followed runs untraced, also if it was held before.
func TestStoppedThreadIsLetGoWhenOnlyAChildIsFollowed(t *testing.T) {
	k := newScript("10: fork 20\n20: stop\n20: exit 3\n20: gone 3")
	k.stopped[11] = true
	tr := &Tracer{opts: Options{Processes: FollowChild}, tasks: map[int]*task{
		10: {tid: 10, pid: 10},
		11: {
			tid: 11, pid: 10, state: stopped, at: stopSignal, wanted: toHold,
			sig: uint8(unix.SIGHUP),
		},
	}}
	if diff := cmp.Diff(lines("10: fork 20\n20: exit 3\n20: end 3"), k.follow(t, tr)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(lines("11: detach SIGHUP\n10: detach\n20: cont\n20: cont"),
		k.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// The bar is 300 bytes a living thread for the whole command. A size class of Go's allocator is 48,
// and the next is 64.
func TestTaskFitsItsSizeClass(t *testing.T) {
	if size := unsafe.Sizeof(task{}); size > 48 {
		t.Errorf("a task has %d bytes, want at most 48", size)
	}
}

// An untraced thread may execute a program. Then the ended leader is gone without a word, so the
// tracer looks at it.
func TestEndedLeaderIsLookedAtIfThreadsRunUntraced(t *testing.T) {
	for _, c := range []struct {
		name  string
		opts  Options
		stops string
		want  bool
	}{
		{"all are traced", Options{}, "10: clone 11\n11: stop\n10: exit 0", false},
		{
			"a thread runs untraced",
			Options{Threads: FollowParent},
			"10: clone 11\n11: stop\n10: exit 0", true,
		},
		{
			"a thread runs untraced, and another ends",
			Options{Threads: FollowParent},
			"10: clone 11\n11: stop\n12: exit 0", false,
		},
		{
			"a process runs untraced",
			Options{Processes: FollowParent},
			"10: fork 20\n20: stop\n10: exit 0", false,
		},
	} {
		k := newScript(c.stops)
		k.threads = map[int]int{11: 10, 12: 10}
		tr := &Tracer{
			kernel: k, opts: c.opts, partlyTraced: map[int]bool{},
			tasks: map[int]*task{10: {tid: 10, pid: 10}, 12: {tid: 12, pid: 10}},
		}
		for len(k.lines) > 0 {
			s, err := tr.next(-1, 0)
			if err != nil {
				t.Fatal(err)
			}
			tr.handle(s)
		}
		if got := tr.recheck != nil; got != c.want {
			t.Errorf("%s: a look is to come: %t, want %t", c.name, got, c.want)
		}
		tr.stopRecheck()
	}
}

// The loop ends when nothing is left, with a wait that fails, or when all was let go of.
func TestLoopEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		tasks  map[int]*task
		cmd    *exec.Cmd
		status event.Status
		stops  string
		failed bool
		waits  int
		asked  string
		want   string
	}{
		{"with nothing", nil, nil, event.Unknown, "", false, 1, "", "<nil>"},
		{
			"with a newcomer that comes late", nil, nil, event.Unknown, "11: stop\n11: gone 0",
			false,
			3, "seize\n11: cont", "<nil>",
		},
		{"with a launched program", nil, &exec.Cmd{}, event.Exited(0), "", false, 1, "", "<nil>"},
		{"with a program that is free", nil, &exec.Cmd{}, event.Unknown, "", false, 0, "", "<nil>"},
		{
			"with a last wait that fails", nil, nil, event.Unknown, "", true, 1, "",
			"wait4: input/output error",
		},
		{
			"with a wait that fails",
			map[int]*task{10: {tid: 10, pid: 10}},
			nil, event.Unknown, "",
			true, 1, "", "wait4: input/output error",
		},
	} {
		k := newScript(c.stops)
		if c.failed {
			k.errs["-1: wait"] = unix.EIO
		}
		tr := &Tracer{kernel: k, tasks: map[int]*task{}, cmd: c.cmd, status: c.status}
		tr.waker.kernel = k
		for tid, known := range c.tasks {
			tr.tasks[tid] = known
		}
		if err := tr.run(); fmt.Sprint(err) != c.want || k.waits != c.waits {
			t.Errorf("%s: got error %v after %d waits, want %s after %d", c.name, err, k.waits,
				c.want, c.waits)
		}
		for i, request := range k.requests {
			if strings.HasSuffix(request, "seize") { // of the waker's child
				k.requests[i] = "seize"
			}
		}
		if got := strings.Join(k.requests, "\n"); got != c.asked {
			t.Errorf("%s: got the requests %q, want %q", c.name, got, c.asked)
		}
		tr.stopRecheck()
		tr.waker.close()
	}
}

func TestLoopServesARequestBeforeItWaits(t *testing.T) {
	k := newScript("10: exit 0\n10: gone 0")
	tr := &Tracer{
		kernel: k, requests: make(chan func(), 1), tasks: map[int]*task{10: {tid: 10, pid: 10}},
	}
	tr.requests <- func() { tr.released = true }
	if err := tr.run(); err != nil || k.waits > 0 {
		t.Errorf("got error %v after %d waits, want none", err, k.waits)
	}
}

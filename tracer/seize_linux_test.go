//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// attaching is a tracer of process 10 that is about to attach. The script knows these tasks.
func attaching(k *script, tids ...int) *Tracer {
	for _, tid := range tids {
		k.stopped[tid] = false
	}
	return &Tracer{
		kernel: k, tasks: map[int]*task{}, partlyTraced: map[int]bool{}, strangers: map[int]bool{},
		starting: true, holdNewcomers: true, opts: Options{Processes: FollowParent},
	}
}

// endAttach ends an attach that went well, and returns what is told of it.
func endAttach(tr *Tracer) (events []string) {
	tr.opts.Events = func(e event.Event) { events = append(events, e.String()) }
	tr.endStart()
	return events
}

// While an attach looks at /proc and seizes what it finds, the program runs.
func TestAttachMeetsAProgramThatRuns(t *testing.T) {
	const end = "\n> resume\n10: exit 0\n10: gone 0"
	const goesOn = "10: cont\n10: cont\n10: setoptions"
	const whole, two = "Threads:\t1\n", "Threads:\t2\n"
	threads := map[int]int{11: 10}
	type (
		status = map[int]string
		states = map[int]byte
		errs   = map[string]error
		lists  = [][]int
	)
	for _, c := range []struct {
		name    string
		threads map[int]int
		status  status
		states  states
		errs    errs
		lists   lists // /proc/10/task as it is looked at
		looks   int
		stops   string
		events  string // before the resume
		goesOn  string // requests from the resume on
		end     string // of the program, if not the leader ends first
	}{
		{
			"two threads, which are all", threads,
			status{10: two},
			nil, nil,
			lists{{10, 11}},
			1, "10: stop\n11: stop",
			"10: attach at 0xa00\n10/11: attach\n10: ready",
			goesOn + "\n11: cont\n11: setoptions", "",
		},
		{
			"two threads, and perhaps one more", threads,
			status{10: "Threads:\t3\n"},
			nil, nil,
			lists{{10, 11}},
			2, "10: stop\n11: stop",
			"10: attach at 0xa00\n10/11: attach\n10: ready",
			goesOn + "\n11: cont\n11: setoptions", "",
		},
		{
			"a thread that was made unseen", threads,
			status{10: two},
			nil, nil,
			lists{{10}, {10, 11}},
			2, "10: stop\n11: stop",
			"10: attach at 0xa00\n10/11: attach\n10: ready",
			goesOn + "\n11: cont\n11: setoptions", "",
		},
		{
			"the birth of a process", nil,
			status{10: whole},
			nil, nil,
			lists{{10}},
			1, "20: stop\n10: fork 20", "10: attach at 0xa00\n10: fork 20\n10: ready",
			goesOn, "",
		},
		{
			"the birth of a thread", threads,
			status{10: two},
			nil, nil,
			lists{{10}},
			1, "11: stop\n10: clone 11",
			"10: attach at 0xa00\n10: clone 11\n10: ready",
			goesOn + "\n11: cont\n11: setoptions", "",
		},
		{
			"a thread that has ended", threads,
			status{10: whole},
			nil,
			errs{"11: seize": unix.ESRCH},
			lists{{10, 11}, {10}},
			2, "10: stop", "10: attach at 0xa00\n10: ready", goesOn, "",
		},
		{
			"a thread that is killed when it is seized", threads,
			status{10: whole},
			states{11: 'Z'},
			errs{"11: interrupt": unix.ESRCH},
			lists{{10, 11}, {10}},
			2, "10: stop\n11: gone SIGKILL",
			"10: attach at 0xa00\n10/11: attach\n10/11: killed SIGKILL\n10: ready", goesOn, "",
		},
		{
			"a thread that has ended and cannot be seized", threads,
			status{10: whole},
			states{11: 'Z'},
			errs{"11: seize": unix.EPERM},
			lists{{10, 11}},
			1, "10: stop", "10: attach at 0xa00\n10: ready", goesOn, "",
		},
		{
			"a thread of the kernel's",
			map[int]int{12: 10},
			status{10: two},
			nil,
			errs{"12: seize": unix.EPERM},
			lists{{10, 12}},
			2, "10: stop", "10: attach at 0xa00\n10: ready", goesOn, "",
		},
		{
			"a thread that is ours already", threads,
			status{10: whole, 11: "TracerPid:\tours\n"},
			nil,
			errs{"11: seize": unix.EPERM},
			lists{{10, 11}},
			1, "10: stop", "10: attach at 0xa00\n10: ready", goesOn, "",
		},
		{
			"an id that is another process's by now, which may not be traced", nil,
			status{10: whole},
			nil,
			errs{"20: seize": unix.EPERM},
			lists{{10, 20}, {10}},
			2, "10: stop", "10: attach at 0xa00\n10: ready", goesOn, "",
		},
		{
			"an id that is another process's by now", nil,
			status{10: whole},
			nil, nil,
			lists{{10, 20}, {10}},
			2, "20: stop\n10: stop", "10: attach at 0xa00\n10: ready", goesOn, "",
		},
		{
			"a leader whose id is a thread's by an exec", nil,
			status{10: whole},
			nil, nil,
			lists{{10}},
			2, "10: lost\n10: stop",
			"10: attach at 0xa00\n10: exit 0\n10: attach\n10: ready", goesOn, "",
		},
		{
			"such a leader, which had stopped", nil,
			status{10: whole},
			nil, nil,
			lists{{10}},
			3, "10: stop !\n10: lost\n10: stop",
			"10: attach at 0xa00\n10: exit 0\n10: attach\n10: ready", goesOn, "",
		},
		{
			"a leader that an exec takes out of its stop", nil,
			status{10: whole},
			nil, nil,
			lists{{10}},
			2, "10: stop !\n10: exec 10", "10: attach at 0xa00\n10: exec\n10: ready",
			goesOn, "",
		},
		{
			"a leader that ends", threads,
			status{10: two},
			nil, nil,
			lists{{10, 11}},
			1, "10: exit 0\n11: stop",
			"10: attach at 0xa00\n10/11: attach\n10: exit 0\n10: ready",
			"11: cont\n11: cont\n11: setoptions", "\n> resume\n11: exit 0\n11: gone 0\n10: gone 0",
		},
		{
			"an exec, and a newcomer of which nothing is told", nil,
			status{10: whole},
			nil, nil,
			lists{{10}},
			1, "20: stop\n10: exec 10",
			"10: attach at 0xa00\n20: attach\n10: exec\n10: ready",
			goesOn + "\n20: cont\n20: setoptions", end + "\n20: gone 0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.end == "" {
				c.end = end
			}
			k := newScript(c.stops + c.end)
			k.parents = map[int]int{20: 10}
			k.threads, k.states, k.lists = c.threads, c.states, c.lists
			k.flags = map[int]int{12: 0x10} // PF_IO_WORKER
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			k.status = make(status)
			for tid, more := range c.status {
				k.status[tid] = strings.ReplaceAll(more, "ours", strconv.Itoa(unix.Gettid()))
			}
			if c.errs != nil {
				k.errs = c.errs
			}
			tr := attaching(k, slices.Concat(c.lists...)...)
			if err := tr.attach(10); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(lines(c.events), endAttach(tr)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if k.looks != c.looks {
				t.Errorf("the tasks were listed %d times, want %d", k.looks, c.looks)
			}
			if len(tr.strangers) > 0 {
				t.Errorf("strangers that are left: %v", tr.strangers)
			}
			for _, request := range k.requests {
				tid, isSeize := strings.CutSuffix(request, ": seize")
				if asked := tid + ": interrupt"; isSeize && k.errs[request] == nil &&
					!slices.Contains(k.requests, asked) {
					t.Errorf("task %s is seized, and not asked to stop", tid)
				}
			}
			k.requests = nil
			k.follow(t, tr)
			slices.Sort(k.requests) // the tasks go on in no fixed order
			if diff := cmp.Diff(lines(c.goesOn), k.requests); diff != "" {
				t.Errorf("requests from the resume on (-want +got):\n%s", diff)
			}
		})
	}
}

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

func TestAttachEndsWithWhatWentWrong(t *testing.T) {
	const refused = "the kernel refuses it: CAP_SYS_PTRACE is missing, " +
		"or a security module or seccomp filter forbids ptrace: "
	for _, c := range []struct {
		name   string
		lists  [][]int
		errs   map[string]error
		status map[int]string
		stops  string
		looks  int
		want   string
	}{
		{"no task is left", nil, nil, nil, "", 1, "it ended meanwhile: no such process"},
		{
			"no task is left to list", nil,
			map[string]error{"list": unix.ESRCH},
			nil, "", 1,
			"it ended meanwhile: no such process",
		},
		{
			"the tasks cannot be listed", nil,
			map[string]error{"list": unix.EMFILE},
			nil, "", 1,
			"too many open files",
		},
		{
			"a refusal, which is tried again",
			[][]int{{10}},
			map[string]error{"10: seize": unix.EPERM},
			nil, "", maxLooks,
			refused + "ptrace(PTRACE_SEIZE): operation not permitted",
		},
		{
			"another tracer's, which is not",
			[][]int{{10}},
			map[string]error{"10: seize": unix.EPERM},
			map[int]string{10: "TracerPid:\t77\n"},
			"",
			1, "it is already traced, by process 0 (unknown): ptrace(PTRACE_SEIZE): " +
				"operation not permitted",
		},
		{
			"another error, of a task that is not ours to have",
			[][]int{{10, 20}, {10}},
			map[string]error{"20: seize": unix.EIO},
			map[int]string{10: "TracerPid:\t1\n"},
			"10: stop", 1, "ptrace(PTRACE_SEIZE): input/output error",
		},
		{
			"a wait that fails",
			[][]int{{10}},
			map[string]error{"10: wait": unix.EIO},
			nil, "", 1,
			"wait4: input/output error",
		},
		{
			"a wait for any task that fails",
			[][]int{{10}},
			map[string]error{"-1: wait": unix.EIO},
			nil, "", 1, "wait4: input/output error",
		},
		{
			"a request that fails",
			[][]int{{10}},
			map[string]error{"10: message": unix.EIO},
			nil,
			"10: fork 20", 1, "task 10: ptrace(PTRACE_GETEVENTMSG): input/output error",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			k.lists, k.errs, k.status = c.lists, c.errs, c.status
			k.states = map[int]byte{20: 'Z'}
			err := attaching(k, 10, 20).attach(10)
			if fmt.Sprint(err) != c.want {
				t.Errorf("got error %v, want %s", err, c.want)
			}
			if k.looks != c.looks {
				t.Errorf("the tasks were listed %d times, want %d", k.looks, c.looks)
			}
		})
	}
}

func TestStrangerIsAnotherProcesses(t *testing.T) {
	k := newScript("")
	k.threads = map[int]int{11: 10}
	k.files = map[string]string{"/proc/12/status": "Name:\tx\nTgid:\t10\n"}
	k.stopped[11], k.stopped[20] = false, false
	tr := &Tracer{kernel: k, pid: 10}
	for tid, want := range map[int]bool{
		11: false,
		12: false, // it has executed a program: its id is its group's
		13: false, // it is gone
		20: true,
	} {
		if got := tr.isStranger(tid); got != want {
			t.Errorf("%d is a stranger: %t, want %t", tid, got, want)
		}
	}
}

// A birth during an attach lets go of nothing but a process of which the parent alone is followed.
func TestBirthDuringAnAttach(t *testing.T) {
	for _, how := range []Follow{FollowBoth, FollowParent, FollowChild, FollowAsk} {
		for birth, detached := range map[string]bool{
			"10: fork 20": how == FollowParent, "10: clone 11": false,
		} {
			k := newScript("20: stop\n11: stop\n" + birth)
			k.threads, k.lists = map[int]int{11: 10}, [][]int{{10}}
			k.parents = map[int]int{20: 10}
			tr := attaching(k, 10)
			tr.opts = Options{Threads: how, Processes: how, Ask: func(event.Event) Follow {
				t.Error("asked during an attach")
				return FollowBoth
			}}
			if err := tr.attach(10); err != nil {
				t.Fatal(err)
			}
			tr.stopRecheck()
			if got := slices.ContainsFunc(k.requests, func(request string) bool {
				return strings.HasSuffix(request, "detach")
			}); got != detached {
				t.Errorf("%s, %s followed: let go of %t, want %t", birth, how, got, detached)
			}
		}
	}
}

//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

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

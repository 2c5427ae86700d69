//go:build amd64 || arm64

package tracer

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

func TestDetachLetsGoOfEveryTask(t *testing.T) {
	type tasks = []task
	for _, c := range []struct {
		name     string
		how      string // "launched", "TRACEME", "syscalls"
		tasks    tasks
		stops    string
		requests string
		left     string // stops of the script that are left
	}{
		{"running", "", tasks{{tid: 10, pid: 10}}, "10: stop", "10: detach\n10: interrupt", ""},
		{
			"a signal comes first", "",
			tasks{{tid: 10, pid: 10}},
			"10: signal SIGHUP",
			"10: detach SIGHUP\n10: interrupt", "",
		},
		{"stopped at a signal", "", tasks{{
			tid: 10, pid: 10, state: stopped, at: stopSignal,
			sig: 1,
		}}, "", "10: detach SIGHUP", ""},
		{
			"in a group stop", "",
			tasks{{tid: 10, pid: 10, state: listening}},
			"10: group SIGTSTP",
			"10: detach\n10: interrupt", "",
		},
		{
			"a birth comes first", "",
			tasks{{tid: 10, pid: 10}},
			"10: fork 11\n11: stop",
			"10: detach\n10: interrupt\n11: detach", "",
		},
		{
			"a birth comes first, in a call whose result would tell of it", "syscalls",
			tasks{{tid: 10, pid: 10, birth: event.Fork}},
			"10: fork 11\n11: stop",
			"10: detach\n10: interrupt\n11: detach", "",
		},
		{
			"an end comes first", "",
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 11}},
			"10: exit 0\n11: stop",
			"10: cont\n10: interrupt\n11: detach\n11: interrupt", "",
		},
		{
			"an end comes first, launched", "launched",
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 11}},
			"10: exit 0\n11: stop",
			"10: cont\n10: interrupt\n10: setoptions\n11: detach\n11: interrupt", "",
		},
		{
			"a vfork's parent is left to the thread's end", "",
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 11, state: inVFork}},
			"10: stop\n11: vforkdone",
			"10: detach\n10: interrupt\n11: interrupt", "11: vforkdone",
		},
		{
			"a launched vfork's parent is waited for", "launched",
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 11, state: inVFork}},
			"10: stop\n10: gone 0\n11: vforkdone", "10: detach\n10: interrupt\n11: detach\n" +
				"11: interrupt", "10: gone 0",
		},
		{
			"a newcomer that is gone", "",
			tasks{{tid: 10, pid: 10}},
			"11: stop\n11: gone SIGKILL\n10: stop",
			"10: detach\n10: interrupt", "",
		},
		{
			"killed out of its stop", "",
			tasks{{tid: 10, pid: 10}},
			"10: stop !\n10: gone SIGKILL",
			"10: detach\n10: interrupt", "10: gone SIGKILL",
		},
		{
			"killed out of its stop, launched", "launched",
			tasks{{tid: 10, pid: 10}},
			"10: stop !\n10: gone SIGKILL",
			"10: detach\n10: interrupt", "",
		},
		{
			"killed out of its stop, while another is waited for", "launched",
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 11, state: inVFork}},
			"10: stop !\n11: vforkdone\n10: gone SIGKILL",
			"10: detach\n10: interrupt\n11: detach\n11: interrupt", "",
		},
		{
			"a launched task whose id an exec has taken over", "launched",
			tasks{{tid: 10, pid: 10, state: inVFork}},
			"10: lost", "10: interrupt", "",
		},
		{
			"each launched task that cannot stop is waited for", "launched",
			tasks{
				{tid: 10, pid: 10, state: inVFork},
				{tid: 11, pid: 11, state: inVFork},
				{tid: 12, pid: 12, state: inVFork},
				{tid: 13, pid: 13, state: inVFork},
			},
			"10: lost\n11: lost\n12: vforkdone\n13: vforkdone",
			"10: interrupt\n11: interrupt\n12: detach\n12: interrupt\n13: detach\n" +
				"13: interrupt", "",
		},
		{
			"after TRACEME", "TRACEME",
			tasks{{tid: 10, pid: 10}},
			"10: signal SIGSTOP",
			"10: detach\n10: tgkill SIGSTOP", "",
		},
		{
			"after TRACEME, a signal comes first", "TRACEME",
			tasks{{tid: 10, pid: 10}},
			"10: signal SIGUSR1\n10: signal SIGSTOP",
			"10: cont SIGUSR1\n10: detach\n10: tgkill SIGSTOP", "",
		},
		{
			"after TRACEME, the program's SIGSTOP comes first", "TRACEME",
			tasks{{tid: 10, pid: 10}},
			"10: signal SIGSTOP 11\n10: signal SIGSTOP",
			"10: cont SIGSTOP\n10: detach\n10: tgkill SIGSTOP", "",
		},
		{
			"after TRACEME, a birth comes first", "TRACEME",
			tasks{{tid: 10, pid: 10}},
			"11: signal SIGSTOP\n10: fork 11\n10: signal SIGSTOP",
			"10: cont\n10: detach\n10: tgkill SIGSTOP\n11: detach", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			tr := &Tracer{launched: c.how == "launched", opts: Options{TraceMe: c.how == "TRACEME"}}
			if c.how == "syscalls" {
				tr.opts.Method = Syscalls
			}
			tr.kernel, tr.pid, tr.tasks, tr.partlyTraced = k, 10, map[int]*task{}, map[int]bool{}
			for _, known := range c.tasks {
				tr.tasks[known.tid] = &known
				k.stopped[known.tid] = known.isStopped()
			}
			if err := tr.detach(); err != nil {
				t.Error(err)
			}
			slices.Sort(k.requests) // tasks are asked in no fixed order
			if diff := cmp.Diff(lines(c.requests), k.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(lines(c.left), slices.Clip(k.lines)); diff != "" &&
				len(k.lines)+len(c.left) > 0 {
				t.Errorf("stops left (-want +got):\n%s", diff)
			}
		})
	}
}

// Detach returns its own failures only. After one of them the other tasks are detached all the
// same.
func TestDetachAfterAFailureLetsGoOfEveryTask(t *testing.T) {
	for failed, want := range map[string]error{
		"before": nil, "10: detach": unix.EIO, "10: interrupt": unix.EIO, "11: detach": unix.EIO,
	} {
		k := newScript("10: stop\n11: stop\n12: stop")
		k.errs[failed] = unix.EIO
		tr := &Tracer{kernel: k, tasks: map[int]*task{}, partlyTraced: map[int]bool{}}
		for tid := 10; tid <= 12; tid++ {
			tr.tasks[tid] = &task{tid: tid, pid: 10}
			k.stopped[tid] = false
		}
		if failed == "before" {
			tr.failure = unix.EIO
		}
		if err := tr.detach(); !errors.Is(err, want) {
			t.Errorf("%s failed: got %v, want %v", failed, err, want)
		}
		if !errors.Is(tr.failure, unix.EIO) {
			t.Errorf("%s failed: Wait would tell %v, want EIO", failed, tr.failure)
		}
		detached := []string{"10: detach", "11: detach", "12: detach"}
		slices.Sort(k.requests)
		isOther := func(r string) bool { return strings.Contains(r, "interrupt") }
		got := slices.DeleteFunc(k.requests, isOther)
		if diff := cmp.Diff(detached, got); diff != "" {
			t.Errorf("%s failed (-want +got):\n%s", failed, diff)
		}
	}
}

// The end of a launched program that was let go of is for the Wait of its exec.Cmd, so no wait for
// any task is for children that are not traced.
func TestWaitsLeaveOutALaunchedProgramThatIsFree(t *testing.T) {
	for _, c := range []struct {
		name     string
		launched bool
		released []int
		want     int
	}{
		{"it is traced", true, []int{11}, 0},
		{"it is let go of", true, []int{10}, unix.WCLONE},
		{"it is let go of, and then another", true, []int{10, 11}, unix.WCLONE},
		{"it was not launched", false, []int{10}, 0},
	} {
		k := newScript("")
		tr := &Tracer{kernel: k, pid: 10, launched: c.launched, tasks: map[int]*task{}}
		for _, tid := range c.released {
			k.stopped[tid] = true
			tr.tasks[tid] = &task{tid: tid, pid: 10, state: stopped, at: stopTrap}
			if err := tr.release(tr.tasks[tid]); err != nil {
				t.Error(err)
			}
		}
		if got := tr.waitFlags(); got != c.want {
			t.Errorf("%s: got the flags %#x, want %#x", c.name, got, c.want)
		}
	}
}

func TestDetachEndsWithAWaitThatFails(t *testing.T) {
	for _, failed := range []string{"10: wait", "-1: wait"} {
		k := newScript("")
		k.errs[failed] = unix.EIO
		tr := &Tracer{kernel: k, launched: true, tasks: map[int]*task{
			10: {tid: 10, pid: 10, state: inVFork}, 11: {tid: 11, pid: 10, state: ended},
		}}
		if err := tr.detach(); !errors.Is(err, unix.EIO) {
			t.Errorf("%s fails: got error %v, want EIO", failed, err)
		}
	}
}

// A page fault sleeps in D only for a short time, and is waited for.
func TestTaskInDIsWaitedFor(t *testing.T) {
	k := newScript("10: stop")
	k.slow, k.states = 1, map[int]byte{10: 'D'}
	k.stopped[10] = false
	tr := &Tracer{kernel: k, tasks: map[int]*task{10: {tid: 10, pid: 10}}}
	if err := tr.detach(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(lines("10: interrupt\n10: detach"), k.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Only a vfork's parent is given up at once. Another sleep in D is waited for: it ends.
func TestSleepInDIsToldFromAVFork(t *testing.T) {
	for _, c := range []struct {
		wchan   string
		state   byte
		silence time.Duration
		want    bool
	}{
		{"kernel_clone", 'D', patience, true},
		{"_do_fork", 'D', patience, true},
		{"0", 'D', patience, true}, // the kernel does not say
		{"", 'D', patience, true},
		{"handle_userfault", 'D', patience, false},
		{"folio_wait_bit_common", 'D', longestSleep - 1, false},
		{"folio_wait_bit_common", 'D', longestSleep, true},
		{"kernel_clone", 'R', longestSleep, false},
	} {
		k := newScript("")
		k.stopped[10], k.states = false, map[int]byte{10: c.state}
		k.files = map[string]string{"/proc/10/wchan": c.wchan}
		tr := &Tracer{kernel: k}
		if got := tr.cannotStop([]int{10}, c.silence); got != c.want {
			t.Errorf("in state %c in %q for %s: given up %t, want %t", c.state, c.wchan, c.silence,
				got, c.want)
		}
	}
}

// A pending SIGSTOP is not sent again: a second one beside it would stop the program for good when
// it is let go of. A SIGSTOP that a SIGCONT took away is sent again.
func TestSIGSTOPIsSentAgainOnlyIfItIsLost(t *testing.T) {
	for _, c := range []struct {
		name    string
		owed    owed
		pending int
		state   byte
		want    []string
	}{
		{"it waits", owedSIGSTOP, int(unix.SIGSTOP), 'R', nil},
		{"the task is stopped at it", owedSIGSTOP, 0, 't', nil},
		{
			"another signal waits", owedSIGSTOP, int(unix.SIGUSR1), 'S',
			[]string{"10: tgkill SIGSTOP"},
		},
		{"nothing waits", owedSIGSTOP, 0, 'S', []string{"10: tgkill SIGSTOP"}},
		{"the program's own waits", 0, int(unix.SIGSTOP), 'R', []string{"10: tgkill SIGSTOP"}},
	} {
		k := newScript("")
		k.stopped[10], k.pending[10], k.states = false, c.pending, map[int]byte{10: c.state}
		tr := &Tracer{kernel: k, opts: Options{TraceMe: true}, tasks: map[int]*task{
			10: {tid: 10, pid: 10, owed: c.owed, wanted: toLetGo},
			11: {tid: 11, pid: 10, state: stopped, at: stopSignal, wanted: toHold},
		}}
		tr.resendSIGSTOP([]int{9, 10, 11}) // 9 is gone, and 11 has stopped meanwhile
		if diff := cmp.Diff(c.want, k.requests); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestKillReachesProcessesBornMeanwhile(t *testing.T) {
	for _, c := range []struct{ name, stops string }{
		{"its creator tells of it", "10: fork 11\n10: gone SIGKILL\n11: gone SIGKILL"},
		{"its creator does not", "11: stop\n10: gone SIGKILL\n11: gone SIGKILL"},
	} {
		k := newScript(c.stops)
		k.follow(t, &Tracer{killing: true})
		if !slices.Contains(k.requests, "11: kill SIGKILL") {
			t.Errorf("%s: 11 is not killed: %v", c.name, k.requests)
		}
	}
}

func TestStubIsAnExecutableFile(t *testing.T) {
	image := stubImage(1234)
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	want := elf.FileHeader{
		Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Version: elf.EV_CURRENT,
		ByteOrder: binary.LittleEndian,
		Type:      elf.ET_EXEC, Machine: stubs[runtime.GOARCH].machine, Entry: 0x400078,
	}
	if diff := cmp.Diff(want, file.FileHeader); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	load := file.Progs[0].ProgHeader
	if load.Type != elf.PT_LOAD || load.Filesz != uint64(len(image)) ||
		load.Vaddr%load.Align != load.Off%load.Align {
		t.Errorf("the file's %d bytes are loaded as %+v", len(image), load)
	}
	if got := binary.LittleEndian.Uint32(image[len(image)-4:]); got != 1234 {
		t.Errorf("gate: got %d, want 1234", got)
	}
}

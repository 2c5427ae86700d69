//go:build amd64 || arm64

package tracer

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestDetachLetsGoOfEveryTask(t *testing.T) {
	type tasks = []task
	for _, c := range []struct {
		name     string
		how      string // "launched", "TRACEME"
		tasks    tasks
		stops    string
		requests string
		left     string // of the script
	}{
		{"running", "", tasks{{tid: 10, pid: 10}}, "10: stop", "10: detach\n10: interrupt", ""},
		{"a signal comes first", "", tasks{{tid: 10, pid: 10}}, "10: signal SIGHUP", "10: detach SIGHUP\n10: interrupt", ""},
		{"stopped at a signal", "", tasks{{tid: 10, pid: 10, state: stopped, sig: 1}}, "", "10: detach SIGHUP", ""},
		{"in a group stop", "", tasks{{tid: 10, pid: 10, group: true}}, "10: group SIGTSTP", "10: detach\n10: interrupt", ""},
		{"a birth comes first", "", tasks{{tid: 10, pid: 10}}, "10: fork 11\n11: stop", "10: detach\n10: interrupt\n11: detach", ""},
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
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 11, vfork: true}},
			"10: stop\n11: vforkdone",
			"10: detach\n10: interrupt\n11: interrupt", "11: vforkdone",
		},
		{
			"a launched vfork's parent is waited for", "launched",
			tasks{{tid: 10, pid: 10}, {tid: 11, pid: 11, vfork: true}},
			"10: stop\n10: gone 0\n11: vforkdone", "10: detach\n10: interrupt\n11: detach\n11: interrupt", "10: gone 0",
		},
		{"after TRACEME", "TRACEME", tasks{{tid: 10, pid: 10}}, "10: signal SIGSTOP", "10: detach\n10: tgkill SIGSTOP", ""},
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
			"11: signal SIGSTOP\n10: fork 11\n10: signal SIGSTOP", "10: cont\n10: detach\n10: tgkill SIGSTOP\n11: detach", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			tr := &Tracer{launched: c.how == "launched", opts: Options{TraceMe: c.how == "TRACEME"}}
			tr.kernel, tr.pid, tr.tasks, tr.parted, tr.started = k, 10, map[int]*task{}, map[int]bool{}, true
			for _, known := range c.tasks {
				tr.tasks[known.tid] = &known
				k.stopped[known.tid] = known.state == stopped
			}
			if err := tr.detach(); err != nil {
				t.Error(err)
			}
			slices.Sort(k.requests) // tasks are asked in no order
			if diff := cmp.Diff(lines(c.requests), k.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(lines(c.left), slices.Clip(k.lines)); diff != "" && len(k.lines)+len(c.left) > 0 {
				t.Errorf("stops left (-want +got):\n%s", diff)
			}
		})
	}
}

// A request that failed is told of when all are let go of, and keeps none from that.
func TestDetachAfterAFailureLetsGoOfEveryTask(t *testing.T) {
	for _, failed := range []string{"before", "10: detach", "10: interrupt", "11: detach"} {
		k := newScript("10: stop\n11: stop\n12: stop")
		k.errs[failed] = unix.EIO
		tr := &Tracer{kernel: k, tasks: map[int]*task{}, parted: map[int]bool{}}
		for tid := 10; tid <= 12; tid++ {
			tr.tasks[tid] = &task{tid: tid, pid: 10}
			k.stopped[tid] = false
		}
		if failed == "before" {
			tr.failure = unix.EIO
		}
		if err := tr.detach(); !errors.Is(err, unix.EIO) {
			t.Errorf("%s failed: got %v, want EIO", failed, err)
		}
		want := []string{"10: detach", "11: detach", "12: detach"}
		slices.Sort(k.requests)
		got := slices.DeleteFunc(k.requests, func(r string) bool { return strings.Contains(r, "interrupt") })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s failed (-want +got):\n%s", failed, diff)
		}
	}
}

// A page fault's sleep in D is short. Only a vfork's parent is given up.
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

// A SIGSTOP that waits is not sent again, and one that a SIGCONT took away is: a second one beside the first would stop the
// program for good when it is let go of.
func TestSIGSTOPIsSentAgainOnlyIfItIsLost(t *testing.T) {
	for _, c := range []struct {
		name    string
		pending int
		state   byte
		want    []string
	}{
		{"it waits", int(unix.SIGSTOP), 'R', nil},
		{"the task stands at it", 0, 't', nil},
		{"another signal waits", int(unix.SIGUSR1), 'S', []string{"10: tgkill SIGSTOP"}},
		{"nothing waits", 0, 'S', []string{"10: tgkill SIGSTOP"}},
	} {
		k := newScript("")
		k.stopped[10], k.pending[10], k.states = false, c.pending, map[int]byte{10: c.state}
		owed := &task{tid: 10, pid: 10, owed: true, leaving: true}
		tr := &Tracer{kernel: k, opts: Options{TraceMe: true}, tasks: map[int]*task{10: owed}}
		tr.stopOnceMore([]int{10})
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
		Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Version: elf.EV_CURRENT, ByteOrder: binary.LittleEndian,
		Type: elf.ET_EXEC, Machine: stubMachine, Entry: 0x400078,
	}
	if diff := cmp.Diff(want, file.FileHeader); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	load := file.Progs[0].ProgHeader
	if load.Type != elf.PT_LOAD || load.Filesz != uint64(len(image)) || load.Vaddr%load.Align != load.Off%load.Align {
		t.Errorf("the file's %d bytes are loaded as %+v", len(image), load)
	}
	if got := binary.LittleEndian.Uint32(image[len(image)-4:]); got != 1234 {
		t.Errorf("gate: got %d, want 1234", got)
	}
}

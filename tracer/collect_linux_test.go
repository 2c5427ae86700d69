//go:build amd64 || arm64

package tracer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
)

// 10 is asked to stop here, and 12 where it is named. 11 runs, and wakes the tracer by its signals.
func TestStopWaitsForWhatCanStop(t *testing.T) {
	const signal, long = "\n11: signal SIGHUP", "\n> sleep 21ms\n11: signal SIGHUP" // > patience
	zombie := "10 (x) Z" + strings.Repeat(" 1", 48) + " 1792\n"
	type tasks = []task
	ten, twelve := task{tid: 10, pid: 10, wanted: toHold}, task{tid: 12, pid: 10, wanted: toHold}
	for _, c := range []struct {
		name   string
		opts   Options
		tasks  tasks
		stat   string // of 10, in /proc
		wchan  string // of 10
		stops  string
		events string
		asked  string // requests to stop
		took   time.Duration
		runs   string // tasks that have not stopped
	}{
		{"both stop", Options{}, tasks{ten, twelve}, "", "", "12: stop\n10: stop", "", "", 0, "11"},
		{
			"a thread has executed a program",
			Options{},
			tasks{ten, twelve},
			"", "",
			"12: lost\n10: exec 12", "10: exit 0\n10: exec from 12", "", 0, "",
		},
		{
			"a leader is a zombie",
			Options{},
			tasks{ten},
			zombie, "", signal + long,
			"10: exit 7", "", 21 * time.Millisecond, "10 11",
		},
		{
			"a vfork's parent",
			Options{},
			tasks{ten},
			"10 (x) D 1", "kernel_clone", signal + long,
			"", "", 21 * time.Millisecond, "10 11",
		},
		{
			"a sleep in the kernel that ends",
			Options{},
			tasks{ten},
			"10 (x) D 1", "io_schedule",
			long + long + "\n10: stop", "", "", 42 * time.Millisecond, "11",
		},
		{
			"a sleep in the kernel that does not",
			Options{},
			tasks{ten},
			"10 (x) D 1",
			"io_schedule", "> sleep 6s" + signal + "\n> sleep 6s" + signal, "", "",
			12 * time.Second, "10 11",
		},
		{
			"a sleep in the kernel, and another's stop meanwhile",
			Options{},
			tasks{ten, twelve},
			"10 (x) D 1", "io_schedule",
			"> sleep 6s" + signal + "\n12: stop\n> sleep 6s" + signal + signal + "\n10: stop", "",
			"", 12 * time.Second, "11",
		},
		{
			"a vfork begins",
			Options{},
			tasks{{tid: 10, pid: 10}, twelve},
			"", "",
			"10: vfork 20\n20: stop\n> hold 10\n12: stop\n", "10: vfork 20", "10: interrupt", 0,
			"10 11 20",
		},
		{
			"a SIGSTOP after TRACEME",
			Options{TraceMe: true},
			tasks{ten},
			"", "",
			"> hold 10" + long + "\n10: signal SIGSTOP", "", "10: tgkill SIGSTOP",
			21 * time.Millisecond, "11",
		},
		{
			"a SIGCONT takes away the SIGSTOP after TRACEME",
			Options{TraceMe: true},
			tasks{ten},
			"",
			"", "> hold 10\n10: signal SIGCONT" + long + "\n10: signal SIGSTOP",
			"10: signal SIGCONT",
			"10: tgkill SIGSTOP\n10: tgkill SIGSTOP", 21 * time.Millisecond, "11",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newScript(c.stops)
				k.threads = map[int]int{11: 10, 12: 10}
				k.files = map[string]string{"/proc/10/wchan": c.wchan}
				if c.stat != "" {
					k.files["/proc/10/task/10/stat"] = c.stat
				}
				var events []string
				tr := &Tracer{
					kernel: k, opts: c.opts, partlyTraced: map[int]bool{},
					tasks: map[int]*task{11: {tid: 11, pid: 10}},
				}
				k.tracer = tr
				for _, known := range c.tasks {
					tr.tasks[known.tid], k.stopped[known.tid] = &known, false
				}
				tr.opts.Events = func(e event.Event) {
					if e.TID != 11 {
						events = append(events, e.String())
					}
				}
				begin := time.Now()
				if err := tr.collect(nil); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				if diff := cmp.Diff(lines(c.events), events); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				asked := slices.DeleteFunc(k.requests, func(r string) bool {
					return !strings.HasSuffix(r, "interrupt") && !strings.Contains(r, "tgkill")
				})
				if diff := cmp.Diff(lines(c.asked), slices.Clip(asked)); diff != "" &&
					len(asked)+len(c.asked) > 0 {
					t.Errorf("requests to stop (-want +got):\n%s", diff)
				}
				var runs []int
				for tid, one := range tr.tasks {
					if !one.isStopped() {
						runs = append(runs, tid)
					}
				}
				slices.Sort(runs)
				if got := fmt.Sprint(runs); got != "["+c.runs+"]" {
					t.Errorf("not stopped: got %s, want %s", got, c.runs)
				}
			})
		})
	}
}

// A request for one task waits for that task alone.
func TestStopOfOneTaskWaitsForNoOther(t *testing.T) {
	k := newScript("10: stop")
	ten := &task{tid: 10, pid: 10, wanted: toHold}
	tr := &Tracer{kernel: k, tasks: map[int]*task{10: ten, 11: {tid: 11, pid: 10, wanted: toHold}}}
	if err := tr.collect(ten); err != nil || !ten.isStopped() {
		t.Errorf("got error %v, stopped %t", err, ten.isStopped())
	}
}

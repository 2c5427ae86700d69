//go:build amd64 || arm64

package harness_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// A swallower lets tasks go on without one signal; with none, it lets them go on out of group
// stops.
type swallower struct {
	tracer.Kernel
	signal unix.Signal
}

func (k swallower) Cont(tid, sig int) error {
	if sig == int(k.signal) {
		sig = 0
	}
	return k.Kernel.Cont(tid, sig)
}

func (k swallower) Listen(tid int) error {
	if k.signal == 0 {
		return k.Kernel.Cont(tid, 0)
	}
	return k.Kernel.Listen(tid)
}

// The programs see by themselves what a debugger did to their signals and stops.
func TestProgramsShowWhatWasDoneToTheirSignals(t *testing.T) {
	const realTime = unix.Signal(34)
	for _, c := range []struct {
		scenario  string
		swallowed unix.Signal
		rule      string
		want      string
	}{
		{"attach_stopped/attach_before", 0, "transparent", "after checkpoint 0: main went on: 1"},
		{"attach_stopped/detach_during", 0, "transparent", "after checkpoint 0: main went on: 1"},
		{"signal_group_stop/launch", 0, "transparent", "(process: main/1, awake: "},
		{"signal_group_stop/launch", unix.SIGSTOP, "bounded", "the program's end did not come"},
		{"signal_own_stop/launch", 0, "transparent", "thread 1: it stood: 0"},
		{"signal_own_stop/launch", unix.SIGSTOP, "transparent", "thread 1: it stood: 0"},
		{
			"signal_own_trap/launch", unix.SIGTRAP, "transparent",
			"2 signals sent, 0 handled: the debugger did not deliver them all",
		},
		{
			"signal_storm/launch", unix.SIGCHLD, "transparent",
			"(main): 1 signal sent, 0 handled: the debugger did not deliver it",
		},
		{
			"signal_storm/launch", unix.SIGPROF, "transparent",
			"2 signals sent, 1 handled: the debugger did not deliver them all",
		},
		{
			"signal_storm/launch", realTime, "transparent",
			"7 signals sent, 2 handled: the debugger did not deliver them all",
		},
		{"preempt/launch", unix.SIGURG, "bounded", "the program's end did not come"},
		{
			"attach_signal_first/attach_before", unix.SIGUSR1, "transparent",
			"(main/1): 1 signal sent, 0 handled: the debugger did not deliver it",
		},
		{
			"attach_signal_storm/attach_before", unix.SIGUSR1, "transparent",
			"the debugger did not deliver ", // it, or them all: as many as were sent by then
		},
	} {
		t.Run(c.scenario+"/"+c.swallowed.String(), func(t *testing.T) {
			t.Parallel()
			swallow := func(k tracer.Kernel) tracer.Kernel { return swallower{k, c.swallowed} }
			d := reference.Debugger{Options: tracer.Options{Kernel: swallow}}
			got, details := outcomes(harness.RunWithin(t, d, scenario(t, c.scenario),
				2*time.Second))
			assert.Equal(t, got[c.rule], judge.Fail, "%v", got)
			assert.Assert(t, strings.Contains(details[c.rule], c.want), "got %q, want %q in it",
				details[c.rule], c.want)
		})
	}
}

package scene

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

// A hang is proven, not waited for. For some time nothing of the program moved: no task of it was
// scheduled, and each stands in a stop or waits without a time limit. What the debugger did in that
// time changed nothing: no byte came from it or went to it, no process of it came or ended, and it
// hardly used a CPU or waited for one. It may wake: lldb-dap and delve do so all the time.

// A view is what is compared to find that nothing moved.
type view struct {
	said      int64
	program   []judge.Task
	debugger  map[event.TID]thread
	processes []event.TID // the debugger's own that live
	ended     bool        // it had some, and has none
}

// A thread is one of the debugger's.
type thread struct {
	judge.Task
	load    time.Duration // the time that it ran, or waited for a CPU
	counted bool          // the kernel counts that
}

func (s Scene) view(said int64) view {
	program, debugger := s.tasks()
	v := view{said: said, program: program, debugger: make(map[event.TID]thread)}
	for _, t := range debugger {
		if t.TID == t.PID && !t.Ended() {
			v.processes = append(v.processes, t.PID)
		}
	}
	for _, t := range append(debugger, tracers(program)...) {
		ran, waited, ok := procfs.CPU(t)
		v.debugger[t.TID] = thread{t, ran + waited, ok}
	}
	return v
}

func (v view) equal(other view) bool {
	return v.said == other.said && slices.Equal(v.program, other.program) &&
		slices.Equal(v.processes, other.processes)
}

// hangLooks is how often the program is looked at while a hang is being proven.
const hangLooks = 12

// AwaitHang waits until the run is proven to hang, or for the context's end; it tells which. said
// counts what debugger and suite said to each other.
func (s Scene) AwaitHang(ctx context.Context, said func() int64) bool {
	enough := s.Scale.Of(limits.Still)
	pause := enough / hangLooks
	first, last, still := s.view(said()), time.Now(), time.Duration(0)
	known := false // that the debugger has processes
	for {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
		begin := time.Now()
		now := s.view(said())
		known = known || len(now.processes) > 0
		now.ended = known && len(now.processes) == 0
		// All of us may have stood still in a longer pause.
		still += min(begin.Sub(last), 2*pause)
		last = begin
		switch {
		case !now.equal(first):
			first, still = now, 0
		case still >= enough && now.unproven(first, still) == "":
			return true
		}
		// A program of ten thousand threads is looked at less often.
		pause = max(enough/hangLooks, 10*time.Since(begin))
	}
}

// maxLoad is how much of its time a debugger that hangs may use a CPU or wait for one.
const maxLoad = 0.1

// unproven says why it is not shown that nothing more will happen, although nothing of the program
// has moved since a first view. It is empty if that is shown.
func (v view) unproven(first view, since time.Duration) string {
	if len(v.debugger) == 0 && !v.ended {
		return "no thread of the debugger's is known"
	}
	load := time.Duration(0)
	for tid, t := range v.debugger {
		switch {
		case !t.counted:
			return fmt.Sprintf("the CPU time of the debugger's task %d is not known", tid)
		case strings.HasPrefix(t.State, "R"), strings.HasPrefix(t.State, "D"):
			return fmt.Sprintf("the debugger's task %d is in state %s", tid, t.State)
		}
		load += t.load - first.debugger[tid].load
	}
	if load > time.Duration(maxLoad*float64(since)) {
		return fmt.Sprintf("the debugger was at work for %v of %v", load, since)
	}
	for _, t := range v.program {
		switch {
		case t.Ended():
		case procfs.MayHaveTimers(t):
			return fmt.Sprintf("process %d may have timers", t.PID)
		case !t.Held() && !procfs.WaitsForever(t):
			return fmt.Sprintf("task %d may have a time limit: %s", t.TID, t)
		}
	}
	return ""
}

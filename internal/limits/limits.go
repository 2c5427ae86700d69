// Package limits has the time limits of the suite, each with its reason. A run multiplies them by
// its [Scale], which --time-scale sets, unless a limit says why not.
package limits

import "time"

// A Scale multiplies limits, for a slow machine. Zero is one.
type Scale float64

// Of is a limit on this machine.
func (s Scale) Of(limit time.Duration) time.Duration {
	if s == 0 {
		return limit
	}
	return time.Duration(float64(limit) * float64(s))
}

// Of a run.
const (
	// Run is how long a run may take that needs some hundredths of a second on an idle machine
	// (WithTimeout). The debugger's own scale (harness.Paced) multiplies it too.
	Run = 5 * time.Second
	// LongRun is Run for a fixture of the long set.
	LongRun = time.Minute
	// Grace is how long something that is over may take to say so, or to give back what it holds.
	Grace = 2 * time.Second
	// End is how long a debugger may take to end when it is told to. What is left then is killed.
	End = 5 * time.Second
	// Death is how long a program that dies may take to be over.
	Death = time.Second
	// Settle is how long a task that does not stand after a stop is watched. One that is on its way
	// out looks like any other before the kernel marks it, and one may wait for a CPU.
	Settle = time.Second
	// Still is how long nothing may have changed in a run that is proven to hang. It is longer than
	// any time after which an adapter gives up a wait by itself.
	Still = 3 * time.Second
	// OwnStop is how long a task has to stand to be taken for one in a stop of the program's own.
	// At a birth a task stands for less.
	OwnStop = 20 * time.Millisecond
	// SecondLook is how long after a first look at a program that hangs a second one is taken, if
	// the debugger had a CPU for so long or sleeps: a task that is stopped for a moment at a birth
	// has moved by then.
	SecondLook = 50 * time.Millisecond
)

// Of an adapter.
const (
	// Version is how long a debugger may take to say its version. It is not scaled: no run has
	// begun that has a scale.
	Version = 20 * time.Second
	// LastWords is how long a debugger that takes no more requests may take to end: most have
	// already.
	LastWords = 500 * time.Millisecond
	// Farewell is how long a debugger that has nothing left to debug, or has closed its connection,
	// may take to end by itself.
	Farewell = 2 * time.Second
	// GDBStop is how long gdb may tell of no stop in non-stop mode before it is looked whether any
	// other thread can stop. A thread in the middle of vfork(2) stops when the child has gone, and
	// gdb does not say that it waits for that.
	GDBStop = time.Second
)

// Keeper is how long a keeper may take to kill all that is left below it. It is not scaled: only
// something that SIGKILL does not end makes it pass.
const Keeper = 20 * time.Second

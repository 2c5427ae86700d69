//go:build amd64 || arm64

package defective

import (
	"context"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Defects are all. The comment says what the tracer does wrong, the entry which rule must catch it,
// and whether the tracer hangs.
var Defects = []Defect{
	// It waits for leaders alone, and no other thread goes on from its first stop.
	{"waits-for-leader-only", "running", true, below(waitsForLeader)},
	// It attaches to the leader alone.
	{"attaches-leader-only", "complete", false, below(attachesLeaderOnly)},
	// It lists the threads once, attaches to those, and looks for no more.
	{"attaches-in-one-pass", "complete", false, below(attachesInOnePass)},
	// It looks for threads until it finds no more, and not again when those have stopped.
	{"looks-before-stops", "complete", false, below(looksBeforeStops)},
	// It fails when a thread that it has listed is gone.
	{"fails-on-esrch", "session", false, below(failsOnESRCH)},
	// It fails when a thread ends that it has attached to and that has not stopped yet.
	{"fails-on-death", "session", false, below(failsOnDeath)},
	// It drops the stop of a thread whose birth it was not told yet.
	{"drops-unknown-stop", "running", true, below(dropsUnknown)},
	// It detaches from a newborn before that has stopped, and forgets it.
	{"detaches-newborn-early", "running", true, detachesHastily},
	// It takes the message of every event for a new thread.
	{"reads-message-at-every-event", "sound", false, readsEveryEvent},
	// It asks for the births of threads alone.
	{"sets-traceclone-only", "complete", false, below(setsCloneOnly)},
	// It takes every PTRACE_EVENT_FORK and VFORK for a process's birth.
	{"takes-fork-for-process", "sound", false, below(takesForkForProcess)},
	// It forgets a leader that ends, while other threads of its process live.
	{"removes-leader-at-its-exit", "exit", true, below(removesLeader)},
	// It says that a process has ended when its leader has.
	{"reports-leaders-exit", "exit", false, above(reportsLeadersExit)},
	// It goes on to list the threads that an exec has ended.
	{"keeps-tids-after-exec", "snapshot", false, keepsOldTIDs},
	// It tells one birth of a tid only.
	{"deduplicates-by-tid", "complete", false, above(deduplicates)},
	// It does not wait for the ends of threads.
	{"never-reaps-threads", "bounded", true, below(hoards)},
	// It takes the status of the last thread for its process's.
	{"takes-last-threads-status", "exit", false, above(takesLastStatus)},
	// It lets threads go on without their signals.
	{"swallows-signals", "transparent", false, below(swallowsSignals)},
	// It delivers each signal twice.
	{"delivers-signals-twice", "transparent", false, below(deliversTwice)},
	// It passes the attach's own SIGSTOP on to the program.
	{"reinjects-stop", "running", true, below(reinjectsStop)},
	// It leaves a thread with a SIGSTOP on its way when it detaches.
	{"leaves-stop-pending", "released", true, below(leavesStopPending)},
	// It takes the first stop of a thread that it attaches to for its SIGSTOP's, which is still on
	// its way.
	{"trusts-first-stop", "released", true, below(trustsFirstStop)},
	// It has a thread traced on when it says that it let go of all.
	{"stays-attached", "released", false, below(staysAttached)},
	// It misses every thousandth birth.
	{"misses-every-1000th-birth", "complete", false, above(missesThousandths)},
	// It tells each birth twice.
	{"reports-births-twice", "once", false, above(tellsBirthsTwice)},
	// It tells of a thread that never was.
	{"invents-a-tid", "sound", false, above(inventsTID)},
	// It takes the leader for the creator of every thread.
	{"names-wrong-creator", "parent", false, above(namesLeader)},
	// It lists a thread that has ended.
	{"lists-gone-thread", "snapshot", false, listsGone},
	// One thread runs on at a stop.
	{"leaves-one-running", "stopped", false, below(leavesOneRunning)},
	// It forgets to resume one thread.
	{"forgets-to-resume-one", "running", true, below(forgetsToResume)},
	// It tells of a thread's birth after its end.
	{"tells-birth-after-exit", "order", false, above(losesOrder)},
	// It takes every PTRACE_EVENT_CLONE for a thread's birth.
	{"takes-clone-for-thread", "sound", false, below(takesCloneForThread)},
	// It does not tell of an exec.
	{"tells-no-exec", "complete", false, above(drops(event.Exec))},
	// It tells of no death by a signal.
	{"misses-killed-threads", "exit", false, above(missesKilled)},
	// It takes every status for 0.
	{"reports-status-zero", "exit", false, above(zeroes)},
	// It takes the program's own SIGTRAP for its own.
	{"swallows-sigtrap", "transparent", false, below(swallows(unix.SIGTRAP))},
	// It takes the program's own SIGSTOP for its own.
	{"swallows-sigstop", "transparent", false, below(swallows(unix.SIGSTOP))},
	// It resumes a task that is in a group stop.
	{"resumes-group-stop", "transparent", false, below(resumesGroupStop)},
	// It kills each task that it lets go of.
	{"kills-at-detach", "transparent", false, below(killsAtDetach)},
	// It lists one thread less than there are.
	{"lists-one-too-few", "snapshot", false, listsTooFew},
	// It tells of an exec that never was.
	{"invents-an-exec", "sound", false, above(inventsExec)},
	// It tells each exec twice.
	{"tells-execs-twice", "once", false, above(tellsTwice(event.Exec))},
	// It takes the process's leader for the task that executes.
	{"names-leader-as-former", "sound", false, above(namesLeaderAsFormer)},
	// It takes every vfork for a fork.
	{"takes-vfork-for-fork", "sound", false, above(takesVforkForFork)},
	// It does not tell that a vfork's creator goes on.
	{"tells-no-vforkdone", "complete", false, above(drops(event.VForkDone))},
	// It tells the end of the first process alone.
	{"tells-first-end-only", "exit", false, above(tellsFirstEndOnly)},
	// It tells each task's end at its birth.
	{"tells-ends-at-birth", "exit", false, above(tellsEndsAtBirth)},
	// It names a thread's id as its process's when it lists it at an attach.
	{"names-wrong-process", "sound", false, above(namesWrongProcess)},
	// It says that the attach is complete once it has the leader.
	{"is-ready-early", "complete", false, above(isReadyEarly)},
	// It says that it has attached before it has.
	{"attaches-late", "complete", false, attachesLate},
	// It says that it has let go of the program before it has.
	{"lets-go-late", "released", false, letsGoLate},
	// It tells each signal twice.
	{"tells-signals-twice", "once", false, above(tellsTwice(event.Signal))},
	// It tells no signal.
	{"tells-no-signal", "complete", false, above(drops(event.Signal))},
	// It hangs at the third birth.
	{"hangs", "bounded", true, hangs},
}

// Seldom are defects that show at one of so many births, by chance.
func Seldom(births int) []Defect {
	at := func(wrong func(tell) tell) func(context.Context) seams {
		return above(seldom(births, wrong))
	}
	return []Defect{
		{"misses-births", "complete", false, at(drops(event.Clone))},
		{"reports-births-twice", "once", false, at(tellsBirthsTwice)},
		{"names-wrong-creator", "parent", false, at(namesLeader)},
		{"tells-birth-after-exit", "order", false, at(losesOrder)},
	}
}

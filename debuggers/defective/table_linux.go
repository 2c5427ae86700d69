//go:build amd64 || arm64

package defective

import (
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Defects are all, each with the rule that must catch it.
var Defects = []Defect{
	{"waits-for-leader-only", "it waits for leaders alone, and no other thread goes on from its first stop", "running", shows("thread_sequence/launch", "exit_code/launch"), true, waitsForLeader},
	{"attaches-leader-only", "it attaches to the leader alone", "complete", shows("attach_idle/attach_before", "attach_births/attach_before"), false, below(attachesLeaderOnly)},
	{"attaches-in-one-pass", "it lists the threads once, attaches to those, and looks for no more", "complete", shows("attach_births/attach_during"), false, below(attachesInOnePass)},
	{"looks-before-stops", "it looks for threads until it finds no more, and not again when those that it has attached to have stopped", "complete", shows("attach_mid_birth/attach_before", "attach_mid_birth/detach_during"), false, below(looksBeforeStops)},
	{"fails-on-esrch", "it fails when a thread that it has listed is gone", "complete", shows("attach_churn/attach_during"), false, below(failsOnESRCH)},
	{"fails-on-death", "it fails when a thread ends that it has attached to and that has not stopped yet", "complete", shows("attach_dying/attach_before", "attach_dying/detach_during"), false, below(failsOnDeath)},
	{"drops-unknown-stop", "it drops the stop of a thread whose birth it was not told yet", "running", shows("thread_storm/launch"), true, dropsUnknown},
	{"detaches-newborn-early", "it detaches from a newborn before that has stopped, and forgets it", "running", shows("thread_wide/launch"), true, detachesHastily},
	{"reads-message-at-every-event", "it takes the message of every event for a new thread", "sound", shows("exit_code/launch", "vfork_child_exec/launch"), false, readsEveryEvent},
	{"sets-traceclone-only", "it asks for the births of threads alone", "complete", shows("fork_from_thread/launch", "spawn/launch"), false, below(setsCloneOnly)},
	{"takes-fork-for-process", "it takes every PTRACE_EVENT_FORK and VFORK for a process's birth", "sound", shows("thread_by_vfork_flag/launch", "thread_with_exit_signal/launch"), false, below(takesForkForProcess)},
	{"removes-leader-at-its-exit", "it forgets a leader that ends, while other threads of its process live", "exit", shows("exit_leader_first/launch", "exec_from_thread/launch"), true, removesLeader},
	{"reports-leaders-exit", "it says that a process has ended when its leader has", "exit", shows("exit_leader_first/launch", "exit_leader_status/launch"), false, above(reportsLeadersExit)},
	{"keeps-tids-after-exec", "it goes on to list the threads that an exec has ended", "snapshot", shows("exec_repeated/stops"), false, keepsOldTIDs},
	{"deduplicates-by-tid", "it tells one birth of a tid only", "complete", shows("thread_tid_reuse/launch"), false, above(deduplicates)},
	{"never-reaps-threads", "it does not wait for the ends of threads", "bounded", shows("thread_sequence/launch", "exit_unreaped_then_exec/launch"), true, hoards},
	{"takes-last-threads-status", "it takes the status of the last thread for its process's", "exit", shows("exit_code/launch"), false, above(takesLastStatus)},
	{"swallows-signals", "it lets threads go on without their signals", "transparent", shows("signal_one_thread/launch", "thread_signals_blocked/launch"), false, below(swallowsSignals)},
	{"delivers-signals-twice", "it delivers each signal twice", "transparent", shows("signal_one_thread/launch", "thread_signals_blocked/launch"), false, below(deliversTwice)},
	{"reinjects-stop", "it passes the attach's own SIGSTOP on to the program", "running", shows("attach_idle/attach_before", "fork/attach_before"), true, below(reinjectsStop)},
	{"leaves-stop-pending", "it leaves a thread with a SIGSTOP on its way when it detaches", "released", shows("attach_idle/detach_during", "fork/detach_during"), true, below(leavesStopPending)},
	{"trusts-first-stop", "it takes the first stop of a thread that it attaches to for its SIGSTOP's, which is still on its way", "released", shows("attach_idle/orphaned", "attach_blocked_syscalls/orphaned"), true, below(trustsFirstStop)},
	{"stays-attached", "it has a thread traced on when it says that it let go of all", "released", shows("attach_idle/detach_during", "fork/detach_during", "thread_traced_flag/detach_during"), false, below(staysAttached)},
	{"misses-every-1000th-birth", "it misses every thousandth birth", "complete", shows("thread_storm/launch"), false, above(missesEvery(1000))},
	{"reports-births-twice", "it tells each birth twice", "once", shows("fork/launch", "attach_idle/launch"), false, above(tellsBirthsTwice)},
	{"invents-a-tid", "it tells of a thread that never was", "sound", shows("fork/launch", "attach_idle/launch"), false, above(inventsTID)},
	{"names-wrong-creator", "it takes the leader for the creator of every thread", "parent", shows("thread_nested/launch", "thread_storm/launch"), false, above(namesLeader)},
	{"lists-gone-thread", "it lists a thread that has ended", "snapshot", shows("thread_sequence/stops", "exit_code/stops"), false, listsGone},
	{"leaves-one-running", "one thread runs on at a stop", "stopped", shows("attach_idle/stops", "attach_idle/attach_before"), false, below(leavesOneRunning)},
	{"forgets-to-resume-one", "it forgets to resume one thread", "running", shows("attach_idle/stops", "attach_idle/attach_before"), true, forgetsToResume},
	{"tells-birth-after-exit", "it tells of a thread's birth after its end", "order", shows("fork/launch", "thread_nested/launch"), false, above(losesOrder)},
	{"takes-clone-for-thread", "it takes every PTRACE_EVENT_CLONE for a thread's birth", "sound", shows("process_sharing_memory/launch"), false, below(takesCloneForThread)},
	{"tells-no-exec", "it does not tell of an exec", "complete", shows("exec_from_leader/launch", "exec_from_thread/launch"), false, above(drops(event.Exec))},
	{"misses-killed-threads", "it tells of no death by a signal", "exit", shows("exit_sigkill/launch", "exit_fatal_signal/launch"), false, above(missesKilled)},
	{"reports-status-zero", "it takes every status for 0", "exit", shows("exit_code/launch", "exit_sigkill/launch"), false, above(zeroes)},
	{"swallows-sigtrap", "it takes the program's own SIGTRAP for its own", "transparent", shows("signal_own_trap/launch"), false, below(swallows(unix.SIGTRAP))},
	{"swallows-sigstop", "it takes the program's own SIGSTOP for its own", "transparent", shows("signal_own_stop/launch"), false, below(swallows(unix.SIGSTOP))},
	{"resumes-group-stop", "it lets go on who stands in a group stop", "transparent", shows("signal_group_stop/launch"), false, below(resumesGroupStop)},
	{"kills-at-detach", "it kills whom it lets go of", "transparent", shows("attach_idle/detach_during"), false, below(killsAtDetach)},
	{"lists-one-too-few", "it lists one thread less than there are", "snapshot", shows("attach_idle/stops", "attach_idle/attach_before"), false, listsTooFew},
	{"hangs", "it hangs at the third birth", "bounded", shows("fork/launch", "thread_nested/launch"), true, hangs},
}

func shows(scenarios ...string) []string { return scenarios }

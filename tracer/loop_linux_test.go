//go:build amd64 || arm64

package tracer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

func TestWaitStatusesAreClassified(t *testing.T) {
	at := func(event int, sig unix.Signal) unix.WaitStatus {
		return unix.WaitStatus(event<<16 | int(sig)<<8 | 0x7f)
	}
	const trap, chld, hup = unix.SIGTRAP, unix.SIGCHLD, unix.SIGHUP
	for _, c := range []struct {
		name   string
		status unix.WaitStatus
		want   stop
	}{
		{"exit code", 7 << 8, stop{kind: stopGone, status: event.Exited(7)}},
		{"fatal signal", 9, stop{kind: stopGone, status: event.Killed(9)}},
		{"fatal signal with a core", 11 | 0x80, stop{kind: stopGone, status: event.Killed(11)}},
		{
			"clone", at(unix.PTRACE_EVENT_CLONE, unix.SIGTRAP),
			stop{kind: stopBirth, birth: event.Clone, code: 0x305},
		},
		{
			"fork", at(unix.PTRACE_EVENT_FORK, unix.SIGTRAP),
			stop{kind: stopBirth, birth: event.Fork, code: 0x105},
		},
		{
			"vfork", at(unix.PTRACE_EVENT_VFORK, unix.SIGTRAP),
			stop{kind: stopVFork, birth: event.VFork, code: 0x205},
		},
		{
			"vfork done", at(unix.PTRACE_EVENT_VFORK_DONE, unix.SIGTRAP),
			stop{kind: stopVForkDone, code: 0x505},
		},
		{"exec", at(unix.PTRACE_EVENT_EXEC, unix.SIGTRAP), stop{kind: stopExec, code: 0x405}},
		{"exit event", at(unix.PTRACE_EVENT_EXIT, unix.SIGTRAP), stop{kind: stopExit, code: 0x605}},
		{
			"trap", at(unix.PTRACE_EVENT_STOP, unix.SIGTRAP),
			stop{kind: stopTrap, sig: trap, code: 0x8005},
		},
		{
			"group stop", at(unix.PTRACE_EVENT_STOP, unix.SIGTTIN),
			stop{kind: stopGroup, sig: unix.SIGTTIN, code: 0x8015},
		},
		{"signal", at(0, unix.SIGHUP), stop{kind: stopSignal, sig: hup}},
		{"a SIGTRAP of the program's own", at(0, unix.SIGTRAP), stop{kind: stopSignal, sig: trap}},
		{"SIGCHLD", at(0, unix.SIGCHLD), stop{kind: stopSignal, sig: chld}},
		{"the last real-time signal", at(0, 64), stop{kind: stopSignal, sig: 64}},
	} {
		c.want.tid = 10
		if diff := cmp.Diff(c.want, classify(10, c.status),
			cmp.AllowUnexported(stop{})); diff != "" {
			t.Errorf("%s, %#x (-want +got):\n%s", c.name, uint32(c.status), diff)
		}
	}
}

// lines are the lines of a table's cell.
func lines(cell string) []string {
	var all []string
	for line := range strings.Lines(cell) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

func TestLoopTakesStopsInEveryOrder(t *testing.T) {
	threads := map[int]int{11: 10, 12: 10}
	for _, c := range []struct {
		name     string
		threads  map[int]int
		opts     Options
		stops    string
		events   string
		requests string
	}{
		{
			"creator's event first", threads,
			Options{},
			"10: clone 11\n11: stop\n11: exit 0\n11: gone 0\n10: exit 3\n10: gone 3",
			"10: clone 11\n10/11: exit 0\n10: exit 3\n10: end 3",
			"10: cont\n11: cont\n11: cont\n10: cont",
		},
		{
			"child's first stop first", threads,
			Options{},
			"11: stop\n10: clone 11\n11: exit 0\n11: gone 0\n10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: exit 0\n10: exit 0\n10: end 0",
			"11: cont\n10: cont\n11: cont\n10: cont",
		},
		{
			"child process stopped and killed before its event", nil,
			Options{},
			"11: stop\n11: exit SIGKILL\n11: gone SIGKILL\n10: fork 11\n10: exit 0\n10: gone 0",
			"10: fork 11\n11: killed SIGKILL\n11: end SIGKILL\n10: exit 0\n10: end 0",
			"11: cont\n10: cont\n10: cont",
		},
		{
			"two births in the other's order", threads,
			Options{},
			"12: stop\n11: stop\n10: clone 11\n10: clone 12\n11: exit 0\n12: exit 0\n12: gone 0\n" +
				"11: gone 0\n10: exit 0\n10: gone 0",
			"10: clone 11\n10: clone 12\n10/11: exit 0\n10/12: exit 0\n10: exit 0\n10: end 0",
			"11: cont\n10: cont\n12: cont\n10: cont\n11: cont\n12: cont\n10: cont",
		},
		{
			"thread announced as a fork", threads,
			Options{},
			"10: fork 11\n11: stop\n11: exit 0\n11: gone 0\n10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: exit 0\n10: exit 0\n10: end 0",
			"10: cont\n11: cont\n11: cont\n10: cont",
		},
		{
			"thread announced as a vfork", threads,
			Options{},
			"10: vfork 11\n11: stop\n11: exit 0\n11: gone 0\n10: vforkdone\n10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: exit 0\n10: vforkdone\n10: exit 0\n10: end 0",
			"10: cont\n11: cont\n11: cont\n10: cont\n10: cont",
		},
		{
			"threads announced as forks, after their first stop and at their end", threads,
			Options{},
			"11: stop\n12: stop\n12: exit SIGKILL\n10: fork 11\n10: fork 12\n12: gone SIGKILL\n" +
				"11: exit 0\n11: gone 0\n10: exit 0\n10: gone 0",
			"10: clone 11\n10: clone 12\n10/12: killed SIGKILL\n10/11: exit 0\n10: exit 0\n" +
				"10: end 0",
			"12: cont\n11: cont\n10: cont\n10: cont\n11: cont\n10: cont",
		},
		{
			"process announced as a clone", nil,
			Options{},
			"10: clone 11\n11: stop\n11: exit 1\n11: gone 1\n10: exit 0\n10: gone 0",
			"10: fork 11\n11: exit 1\n11: end 1\n10: exit 0\n10: end 0",
			"10: cont\n11: cont\n11: cont\n10: cont",
		},
		{
			"exec off main", threads,
			Options{},
			"10: clone 11\n11: stop\n10: clone 12\n12: stop\n11: exit 0\n10: exit 0\n11: gone 0\n" +
				"10: exec 12\n10: exit 5\n10: gone 5",
			"10: clone 11\n10: clone 12\n10/11: exit 0\n10: exit 0\n10: exec from 12\n" +
				"10: exit 5\n10: end 5",
			"10: cont\n11: cont\n10: cont\n12: cont\n11: cont\n10: cont\n10: cont\n10: cont",
		},
		{
			"exec by the leader", threads,
			Options{},
			"10: clone 11\n11: stop\n11: exit 0\n11: gone 0\n10: exec 10\n10: exit 5\n10: gone 5",
			"10: clone 11\n10/11: exit 0\n10: exec\n10: exit 5\n10: end 5",
			"10: cont\n11: cont\n11: cont\n10: cont\n10: cont",
		},
		{
			"leader gone first", threads,
			Options{},
			"10: clone 11\n11: stop\n10: exit 7\n11: exit 9\n11: gone 9\n10: gone 9",
			"10: clone 11\n10: exit 7\n10/11: exit 9\n10: end 9",
			"10: cont\n11: cont\n10: cont\n11: cont",
		},
		{
			"signal passed on", nil,
			Options{},
			"10: signal SIGUSR1\n10: signal SIGRTMIN+3\n10: exit SIGRTMIN+3\n10: gone SIGRTMIN+3",
			"10: signal SIGUSR1\n10: signal SIGRTMIN+3\n10: killed SIGRTMIN+3\n10: end SIGRTMIN+3",
			"10: cont SIGUSR1\n10: cont SIGRTMIN+3\n10: cont",
		},
		{
			"group stop kept, and ended", nil,
			Options{},
			"10: signal SIGTSTP\n10: group SIGTSTP\n10: stop\n10: signal SIGCONT\n10: exit 0\n" +
				"10: gone 0",
			"10: signal SIGTSTP\n10: signal SIGCONT\n10: exit 0\n10: end 0",
			"10: cont SIGTSTP\n10: listen\n10: cont\n10: cont SIGCONT\n10: cont",
		},
		{
			"group stop after TRACEME", nil,
			Options{TraceMe: true},
			"10: signal SIGSTOP\n10: sigstop?\n10: exit 0\n10: gone 0",
			"10: signal SIGSTOP\n10: exit 0\n10: end 0", "10: cont SIGSTOP\n10: cont\n10: cont",
		},
		{
			"first stop after TRACEME", threads,
			Options{TraceMe: true},
			"10: clone 11\n11: signal SIGSTOP\n11: signal SIGSTOP\n11: exit 0\n11: gone 0\n" +
				"10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: signal SIGSTOP\n10/11: exit 0\n10: exit 0\n10: end 0",
			"10: cont\n11: cont\n11: cont SIGSTOP\n11: cont\n10: cont",
		},
		{
			"the program's SIGSTOP before the first stop after TRACEME", threads,
			Options{TraceMe: true},
			"10: clone 11\n11: signal SIGSTOP 10\n11: signal SIGSTOP\n11: exit 0\n11: gone 0\n" +
				"10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: signal SIGSTOP\n10/11: exit 0\n10: exit 0\n10: end 0",
			"10: cont\n11: cont SIGSTOP\n11: cont\n11: cont\n10: cont",
		},
		{
			"signal before the first stop after TRACEME", threads,
			Options{TraceMe: true},
			"10: clone 11\n11: signal SIGUSR1\n11: signal SIGSTOP\n11: exit 0\n11: gone 0\n" +
				"10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: signal SIGUSR1\n10/11: exit 0\n10: exit 0\n10: end 0",
			"10: cont\n11: cont SIGUSR1\n11: cont\n11: cont\n10: cont",
		},
		{
			"killed out of every stop", threads,
			Options{},
			"10: clone 11\n11: stop !\n10: signal SIGHUP !\n11: exit SIGKILL !\n" +
				"11: gone SIGKILL\n10: exit SIGKILL !\n10: gone SIGKILL",
			"10: clone 11\n10: signal SIGHUP\n10/11: killed SIGKILL\n10: killed SIGKILL\n" +
				"10: end SIGKILL",
			"10: cont\n11: cont\n10: cont SIGHUP\n11: cont\n10: cont",
		},
		{
			"births by system calls", threads,
			Options{Method: Syscalls},
			"10: enter 56 0x10000\n10: clone 99\n11: stop\n10: leave 11\n11: leave 0\n" +
				"10: enter 56 0\n10: leave -11\n10: enter 1 0\n10: leave 7\n" +
				"11: exit 0\n11: gone 0\n10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: exit 0\n10: exit 0\n10: end 0",
			"10: syscall\n10: syscall\n11: syscall\n10: syscall\n11: syscall\n10: syscall\n" +
				"10: syscall\n10: syscall\n10: syscall\n11: syscall\n10: syscall",
		},
		{
			"a birth in a call, at which its creator is held", nil,
			Options{Method: Syscalls},
			"10: enter 57 0\n> hold\n10: fork 20\n> resume\n10: leave 20\n20: stop\n20: exit 2\n" +
				"20: gone 2\n10: exit 0\n10: gone 0",
			"10: fork 20\n20: exit 2\n20: end 2\n10: exit 0\n10: end 0",
			"10: syscall\n10: interrupt\n10: syscall\n10: syscall\n20: syscall\n20: syscall\n" +
				"10: syscall",
		},
		{
			"a birth by a call's result, which comes before the first stop", nil,
			Options{Method: Syscalls},
			"10: enter 57 0\n10: fork 20\n10: leave 20\n10: leave 30\n20: stop\n20: exit 2\n" +
				"20: gone 2\n10: exit 0\n10: gone 0",
			"10: fork 20\n20: exit 2\n20: end 2\n10: exit 0\n10: end 0",
			"10: syscall\n10: syscall\n10: syscall\n10: syscall\n20: syscall\n20: syscall\n" +
				"10: syscall",
		},
		{
			"a vfork by system calls, told by its event", nil,
			Options{Method: Syscalls},
			"10: enter 58 0\n10: vfork 11\n11: stop\n11: enter 57 0\n11: fork 99\n12: stop\n" +
				"11: leave 12\n12: exit 2\n12: gone 2\n" +
				"11: exec 11\n11: leave 0\n10: vforkdone\n10: leave 11\n11: exit 0\n11: gone 0\n" +
				"10: exit 0\n10: gone 0",
			"10: vfork 11\n11: fork 12\n12: exit 2\n12: end 2\n11: exec\n10: vforkdone\n" +
				"11: exit 0\n11: end 0\n10: exit 0\n10: end 0",
			"10: syscall\n10: syscall\n11: syscall\n11: syscall\n11: syscall\n12: syscall\n" +
				"11: syscall\n12: syscall\n" +
				"11: syscall\n11: syscall\n10: syscall\n10: syscall\n11: syscall\n10: syscall",
		},
		{
			"killed out of a birth, and at its end by now", threads,
			Options{},
			"10: clone 11 !!\n11: stop\n10: exit SIGKILL\n11: exit SIGKILL\n11: gone SIGKILL\n" +
				"10: gone SIGKILL",
			"10: killed SIGKILL\n10/11: attach\n10/11: killed SIGKILL\n10: end SIGKILL",
			"10: cont\n11: cont",
		},
		{
			"killed out of an exec, and at its end by now", nil,
			Options{},
			"10: exec 10 !!\n10: exit SIGKILL\n10: gone SIGKILL",
			"10: killed SIGKILL\n10: end SIGKILL", "10: cont",
		},
		{
			"a leader whose end by an exec was not seen", threads,
			Options{},
			"10: clone 11\n11: stop\n10: exec 11\n10: exit 5\n10: gone 5",
			"10: clone 11\n10: exit 0\n10: exec from 11\n10: exit 5\n10: end 5",
			"10: cont\n11: cont\n10: cont\n10: cont",
		},
		{
			"an exec that the kernel was not asked to tell of", threads,
			Options{},
			"10: clone 11\n11: stop\n10: clone 12\n12: stop\n10: fork 20\n20: stop\n" +
				"11: exit 0\n10: exit 0\n10: signal SIGHUP\n10: exit 5\n10: gone 5\n" +
				"20: gone SIGKILL",
			"10: clone 11\n10: clone 12\n10: fork 20\n10/11: exit 0\n10: exit 0\n" +
				"10: exec from 12\n" +
				"10: signal SIGHUP\n10: exit 5\n10: end 5\n20: killed SIGKILL\n20: end SIGKILL",
			"10: cont\n11: cont\n10: cont\n12: cont\n10: cont\n20: cont\n11: cont\n10: cont\n" +
				"10: cont SIGHUP\n10: cont",
		},
		{
			"such an exec, and no stop after it", threads,
			Options{},
			"10: clone 11\n11: stop\n10: exit 0\n10: gone 5",
			"10: clone 11\n10: exit 0\n10: end 5", "10: cont\n11: cont\n10: cont",
		},
		{
			"only the parent followed", threads,
			Options{Threads: FollowParent, Processes: FollowParent},
			"10: clone 11\n11: stop\n20: stop\n10: fork 20\n10: exit 0\n10: gone 0",
			"10: clone 11\n10: fork 20\n10: exit 0\n10: end 0",
			"10: cont\n11: detach\n20: detach\n10: cont\n10: cont",
		},
		{
			"the answer of Ask decides, which knows the creator", threads,
			Options{Processes: FollowAsk, Ask: func(birth event.Event) Follow {
				if birth.PID == 10 && birth.TID == 11 && birth.Child == 20 {
					return FollowParent
				}
				return FollowBoth
			}},
			"10: clone 11\n11: stop\n11: fork 20\n20: stop\n10: exit 0\n10: gone 0",
			"10: clone 11\n10/11: fork 20\n10: exit 0\n10: end 0",
			"10: cont\n11: cont\n11: cont\n20: detach\n10: cont",
		},
		{
			"nothing is asked where all are followed", threads,
			Options{Ask: func(event.Event) Follow { return FollowParent }},
			"10: clone 11\n11: stop\n10: fork 20\n20: stop\n20: gone 0\n10: exit 0\n10: gone 0",
			"10: clone 11\n10: fork 20\n20: exit 0\n20: end 0\n10: exit 0\n10: end 0",
			"10: cont\n11: cont\n10: cont\n20: cont\n10: cont",
		},
		{
			"all are followed where there is nothing to ask", threads,
			Options{Threads: FollowAsk, Processes: FollowAsk},
			"10: clone 11\n11: stop\n10: fork 20\n20: stop\n20: gone 0\n10: exit 0\n10: gone 0",
			"10: clone 11\n10: fork 20\n20: exit 0\n20: end 0\n10: exit 0\n10: end 0",
			"10: cont\n11: cont\n10: cont\n20: cont\n10: cont",
		},
		{
			"only the child followed, at a process's birth, when the leader has ended", threads,
			Options{Processes: FollowChild},
			"10: clone 11\n11: stop\n10: exit 0\n11: fork 20\n20: stop\n10: gone 0\n20: gone 3",
			"10: clone 11\n10: exit 0\n10/11: fork 20\n10: end 0\n20: exit 3\n20: end 3",
			"10: cont\n11: cont\n10: cont\n11: detach\n20: cont",
		},
		{
			"only the child followed, at a thread's birth", threads,
			Options{Threads: FollowChild},
			"10: clone 11\n11: stop\n11: clone 12\n12: stop\n12: exit 0\n12: gone 0",
			"10: clone 11\n10/11: clone 12\n10/12: exit 0",
			"10: detach\n11: cont\n11: detach\n12: cont\n12: cont",
		},
		{
			"only the child followed, at a process's birth", threads,
			Options{Processes: FollowChild},
			"10: clone 11\n11: stop\n11: fork 20\n10: stop\n20: stop\n20: exit 3\n20: gone 3",
			"10: clone 11\n10/11: fork 20\n20: exit 3\n20: end 3",
			"10: cont\n11: cont\n10: interrupt\n11: detach\n10: detach\n20: cont\n20: cont",
		},
		{
			"a task that is let go of makes another", threads,
			Options{Processes: FollowChild},
			"10: clone 11\n11: stop\n11: fork 20\n10: clone 12\n12: stop\n20: stop\n20: exit 3\n" +
				"20: gone 3",
			"10: clone 11\n10/11: fork 20\n20: exit 3\n20: end 3",
			"10: cont\n11: cont\n10: interrupt\n11: detach\n10: detach\n12: detach\n20: cont\n" +
				"20: cont",
		},
		{
			"killed without an event", nil,
			Options{},
			"10: gone SIGKILL",
			"10: killed SIGKILL\n10: end SIGKILL", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			k.threads = c.threads
			events := k.follow(t, &Tracer{opts: c.opts})
			if diff := cmp.Diff(lines(c.events), events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(lines(c.requests), k.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A step begins at a stop of process 10, and ends at its trap or at another stop. Codes of a trap
// are those of signal.h.
func TestStepEndsAtItsTrapOrAtAnotherStop(t *testing.T) {
	const end = "\n> resume\n10: exit 0\n10: gone 0"
	const leavesTrap = "10: step\n10: interrupt\n10: cont\n"
	for _, c := range []struct {
		name     string
		opts     Options
		pending  unix.Signal
		err      string // of this request
		stops    string
		events   string // before the end
		requests string
		answer   string
	}{
		{
			"after an instruction",
			Options{},
			0, "", "10: trap 2\n10: stop" + end, "",
			leavesTrap + "10: cont\n10: cont", "<nil>",
		},
		{
			"at a hardware breakpoint",
			Options{},
			0, "", "10: trap 1\n10: stop" + end, "",
			leavesTrap + "10: cont\n10: cont", "<nil>",
		},
		{
			"after a system call",
			Options{},
			0, "", "10: trap 5\n10: stop" + end, "",
			leavesTrap + "10: cont\n10: cont", "<nil>",
		},
		{
			"of a trap that another namespace's process may have sent",
			Options{},
			0, "",
			"10: signal SIGTRAP\n10: stop" + end, "", leavesTrap + "10: cont\n10: cont", "<nil>",
		},
		{
			"after TRACEME",
			Options{TraceMe: true},
			0, "", "10: trap 2" + end, "",
			"10: step\n10: cont\n10: cont", "<nil>",
		},
		{
			"after a trap and a signal of the program's own",
			Options{},
			0, "",
			"10: trap 0\n10: trap 128\n10: signal SIGHUP\n10: trap 2\n10: stop" + end,
			"10: signal SIGTRAP\n10: signal SIGTRAP\n10: signal SIGHUP",
			"10: step\n10: step SIGTRAP\n10: step SIGTRAP\n10: step SIGHUP\n10: interrupt\n" +
				"10: cont\n10: cont\n10: cont", "<nil>",
		},
		{
			"at a trap of which nothing is known, which is the program's",
			Options{},
			0,
			"10: siginfo", "10: trap 2\n10: stop" + end, "10: signal SIGTRAP",
			"10: step\n10: step SIGTRAP\n10: cont\n10: cont", "<nil>",
		},
		{
			"at a stop that was asked for",
			Options{},
			0, "", "10: stop" + end, "",
			"10: step\n10: cont\n10: cont", "<nil>",
		},
		{
			"after such a stop, when the trap is still to come",
			Options{},
			unix.SIGTRAP, "",
			"10: stop\n10: trap 2\n10: stop" + end, "",
			"10: step\n10: cont\n10: interrupt\n10: cont\n10: cont\n10: cont", "<nil>",
		},
		{
			"at a group stop",
			Options{},
			0, "", "10: group SIGTSTP\n> resume\n10: trap 2" + end,
			"10: signal SIGTRAP", "10: step\n10: listen\n10: cont SIGTRAP\n10: cont", "<nil>",
		},
		{
			"at a group stop, when the trap is still to come",
			Options{},
			unix.SIGTRAP, "",
			"10: group SIGTSTP\n> resume\n10: signal SIGHUP\n10: trap 0\n10: trap 2\n" +
				"10: trap 2" + end,
			"10: signal SIGHUP\n10: signal SIGTRAP\n10: signal SIGTRAP",
			"10: step\n10: listen\n10: cont SIGHUP\n10: cont SIGTRAP\n10: cont\n" +
				"10: cont SIGTRAP\n" +
				"10: cont", "<nil>",
		},
		{
			"at a group stop after TRACEME",
			Options{TraceMe: true},
			0, "", "10: sigstop?" + end, "",
			"10: step\n10: cont\n10: cont", "<nil>",
		},
		{
			"after an exec",
			Options{},
			0, "", "10: exec 10\n10: trap 2\n10: stop" + end, "10: exec",
			"10: step\n" + leavesTrap + "10: cont\n10: cont", "<nil>",
		},
		{
			"after a birth in a call whose result would tell of it, and a resume",
			Options{Method: Syscalls},
			0, "",
			"10: enter 57 0\n> step 10\n> resume 10\n10: fork 20\n20: stop\n20: gone 0\n" +
				"10: trap 5\n10: stop" + end,
			"10: fork 20\n20: exit 0\n20: end 0",
			"10: step\n10: step\n10: step\n20: syscall\n10: interrupt\n10: cont\n10: syscall\n" +
				"10: syscall", "<nil>",
		},
		{
			"after a birth at which its task is let go of",
			Options{Processes: FollowChild},
			0, "",
			"10: fork 20\n20: stop\n10: signal SIGHUP\n10: trap 2\n10: stop\n> resume\n20: gone 0",
			"10: fork 20\n10: signal SIGHUP\n20: exit 0\n20: end 0",
			"10: step\n10: step\n10: step SIGHUP\n10: interrupt\n10: cont\n10: detach\n20: cont",
			"<nil>",
		},
		{
			"with the task's end",
			Options{},
			0, "", "10: exit 0\n10: gone 0", "",
			"10: step\n10: cont", ErrEnded.Error(),
		},
		{
			"with an end of which nothing was said before",
			Options{},
			0, "", "10: gone 0", "",
			"10: step", ErrEnded.Error(),
		},
		{
			"with a request that fails: the step",
			Options{},
			0, "10: step", "10: gone 0", "",
			"10: step", "task 10: ptrace(PTRACE_SINGLESTEP): input/output error",
		},
		{
			"with a request that fails: to leave the trap",
			Options{},
			0, "10: cont",
			"10: trap 2\n10: gone 0", "",
			leavesTrap, "task 10: ptrace(PTRACE_CONT): input/output error",
		},
		{
			"with a request that fails: to stop after the trap",
			Options{},
			0, "10: interrupt",
			"10: trap 2\n10: gone 0", "",
			"10: step\n10: interrupt", "task 10: ptrace(PTRACE_INTERRUPT): input/output error",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript("> step 10\n" + c.stops)
			k.stopped[10], k.pending[10] = true, int(c.pending)
			if c.err != "" {
				k.errs[c.err] = unix.EIO
			}
			tr := &Tracer{opts: c.opts, tasks: map[int]*task{
				10: {tid: 10, pid: 10, state: stopped, at: stopTrap, wanted: toHold},
			}}
			events := k.follow(t, tr)
			want := lines(c.events)
			if c.opts.Processes != FollowChild {
				want = append(want, "10: exit 0", "10: end 0")
			}
			if diff := cmp.Diff(want, events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(lines(c.requests), k.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			select {
			case err := <-k.stepped:
				if fmt.Sprint(err) != c.answer {
					t.Errorf("the step ends with %v, want %s", err, c.answer)
				}
			default:
				t.Error("the step does not end")
			}
			if len(tr.steps) > 0 {
				t.Error("a step is left")
			}
		})
	}
}

// An exec ends all other threads, without a word of them.
func TestStepOfAThreadThatAnExecEnds(t *testing.T) {
	k := newScript("> step 11\n10: exec 10\n10: exit 0\n10: gone 0")
	k.stopped[11] = true
	tr := &Tracer{tasks: map[int]*task{
		10: {tid: 10, pid: 10}, 11: {tid: 11, pid: 10, state: stopped, at: stopTrap},
	}}
	if diff := cmp.Diff(lines("10: exec\n10: exit 0\n10: end 0"), k.follow(t, tr)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	select {
	case err := <-k.stepped:
		if !errors.Is(err, errNoTask) {
			t.Errorf("the step ends with %v, want %v", err, errNoTask)
		}
	default:
		t.Error("the step does not end")
	}
}

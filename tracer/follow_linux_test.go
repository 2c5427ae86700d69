//go:build amd64 || arm64

package tracer_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// A tracer that follows a part of a program ends when that part has ended, and the rest runs on. So
// the program's own status is not taken from the tracer.
func TestOnlySomeAreFollowed(t *testing.T) {
	const parent, child = tracer.FollowParent, tracer.FollowChild
	for _, c := range []struct {
		argv               string
		threads, processes tracer.Follow
		told, status       string // told is ? where the tracer saw no end of the first process
		wants              []string
	}{
		{"sequence 3", parent, parent, "0", "0", []string{"main: clone main/1..3, exit 0"}},
		{"sequence 3", child, child, "?", "0", []string{"main: clone main/1", "main/1: exit 0"}},
		{
			"processes", parent, parent, "0", "0",
			[]string{"main: fork main/1, vfork main/2, vforkdone, exit 0"},
		},
		{"processes", child, child, "?", "0", []string{"main: fork main/1", "main/1: exit 3"}},
		{
			"clones", parent, parent, "0", "0",
			[]string{"main: clone main/1, vforkdone, clone main/2, fork main/3, exit 0"},
		},
		// An untraced thread that calls exit_group ends the followed ones, as ever.
		{"ends group 43", parent, parent, "43", "43", []string{"main: clone main/1, exit 43"}},
		{
			"ends leader 44", parent, parent, "44", "44",
			[]string{"main: clone main/1, exit 0, end 44"},
		},
		{"ends group 43", child, child, "?", "43", []string{
			"main: clone main/1",
			"main/1: exit 43",
		}},
		// An untraced thread's exec takes the process out of sight, but its end is told since it is
		// our child.
		{
			"execs thread", parent, parent, "5", "5",
			[]string{"main: clone main/1..9, exit 0, end 5"},
		},
		{
			"execs orphan", parent, parent, "5", "5",
			[]string{"main: clone main/1..9, exit 0, end 5"},
		},
		{"execs leader", parent, parent, "5", "5", []string{"main: clone main/1..8, exec, exit 5"}},
		// A followed thread that executes a program is followed on, under the untraced leader's id.
		{"execs thread", child, child, "?", "5", []string{"main: clone main/1", "main/1: exit 0"}},
	} {
		for _, method := range []tracer.Method{tracer.Events, tracer.Syscalls} {
			name := strings.Join([]string{c.argv, c.threads.String(), method.String()}, "/")
			t.Run(name, func(t *testing.T) {
				within(t, 30*time.Second)
				argv := strings.Fields(c.argv)
				cmd := command(t, argv[0], argv[1:]...)
				how := tracer.Options{Method: method, Threads: c.threads, Processes: c.processes}
				l, told := follow(t, how, cmd)
				if told.String() != c.told {
					t.Errorf("the tracer's status: got %s, want %s", told, c.told)
				}
				cmd.Wait() // an error where the tracer has reaped it
				want := "exit status " + c.status
				if got := cmd.ProcessState.String(); told == event.Unknown && got != want {
					t.Errorf("the program's end: got %s, want %s", got, want)
				}
				wantForm(t, l.form(t), c.wants...)
				wantGone(t, cmd.Process.Pid)
			})
		}
	}
}

func TestSetFollowChangesWhatIsFollowed(t *testing.T) {
	within(t, 20*time.Second)
	l := &log{}
	tr, err := tracer.Launch(command(t, "processes"), l.options(tracer.Options{}))
	ok(t, err, tr.SetFollow(tracer.FollowBoth, tracer.FollowParent), tr.Resume())
	if status, err := tr.Wait(); status != 0 || err != nil {
		t.Errorf("the trace ends with %s, %v, want 0", status, err)
	}
	for _, e := range l.trace {
		if int(e.TID) != tr.PID() {
			t.Errorf("told of a process that runs untraced: %s", e)
		}
	}
	wantForm(t, l.form(t), "main: fork main/1, vfork main/2, vforkdone, exit 0")
}

// A launched program that was let go of is still our child. Its end is for its own Wait, also while
// the tracer waits for other tasks.
func TestProgramThatWasLetGoOfIsNotReaped(t *testing.T) {
	for _, notify := range []tracer.Notify{tracer.Wait, tracer.SIGCHLD} {
		within(t, 10*time.Second)
		cmd := exec.Command("sh", "-c", "exec 3<&0; (read line <&3; exit 4) & exit 3")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		input, err := cmd.StdinPipe()
		ok(t, err)
		l := &log{}
		tr, err := tracer.Launch(cmd, l.options(tracer.Options{
			Notify:    notify,
			Processes: tracer.FollowChild,
		}))
		ok(t, err)
		ok(t, tr.Resume())
		ok(t, unix.Waitid(unix.P_PID, tr.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil))
		_, err = tr.Threads() // answered after a wait for any
		ok(t, err, input.Close())
		if status, err := tr.Wait(); err != nil || status != event.Unknown {
			t.Errorf("%s: the trace ends with %s, %v; want an unknown status", notify, status, err)
		}
		cmd.Wait()
		if got := cmd.ProcessState.String(); got != "exit status 3" {
			t.Errorf("%s: the program's end: got %s, want exit status 3", notify, got)
		}
		wantForm(t, l.form(t), "main: fork main/1", "main/1: exit 4")
		wantGone(t, tr.PID())
	}
}

func TestAskDecidesWhatIsFollowed(t *testing.T) {
	within(t, 30*time.Second)
	var asked []string
	l, status := follow(t, tracer.Options{
		Threads: tracer.FollowAsk, Processes: tracer.FollowAsk,
		Ask: func(birth event.Event) tracer.Follow {
			asked = append(asked, birth.Kind.String())
			if birth.PID == 0 || birth.Child == 0 {
				t.Errorf("asked of %q", birth)
			}
			return []tracer.Follow{tracer.FollowParent, tracer.FollowBoth}[len(asked)-1]
		},
	}, command(t, "processes"))
	if diff := cmp.Diff([]string{"fork", "vfork"}, asked); diff != "" || status != 0 {
		t.Errorf("status %s, asked (-want +got):\n%s", status, diff)
	}
	wantForm(t, l.form(t), "main: fork main/1, vfork main/2, vforkdone, exit 0",
		"main/2: exec, exit 4")
}

// A task that is born during an attach is taken like one that is found. Ask is not called for it,
// since its birth is told only at the end of the attach.
func TestBothAreFollowedDuringAnAttach(t *testing.T) {
	within(t, 60*time.Second)
	for _, how := range []tracer.Follow{tracer.FollowParent, tracer.FollowChild, tracer.FollowAsk} {
		for _, storm := range []string{"4 4 0 0", "2 1 2 0"} {
			p := start(t, "storm", strings.Fields(storm)...)
			for range often(10) {
				l := &log{}
				opts := l.options(tracer.Options{Threads: how, Processes: how})
				opts.Ask = func(birth event.Event) tracer.Follow {
					t.Errorf("asked of %q during an attach", birth)
					return tracer.FollowBoth
				}
				tr, err := tracer.Attach(p.pid, opts)
				ok(t, err)
				wantHeld(t, p.pid, l)
				ok(t, tr.Detach())
				wantReleased(t, p.pid)
				if t.Failed() {
					t.Fatalf("follow %s, storm %s", how, storm)
				}
			}
			p.finish(t)
		}
	}
}

// The kernel attaches such a thread to the tracer, and tells no event of its birth. It must not
// stay in its first stop for ever.
func TestTraceeWithoutAnEventIsTakenIn(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			within(t, 30*time.Second)
			l, status := follow(t, way.how, command(t, "flagged"))
			if status != 0 {
				t.Errorf("status: got %s, want 0", status)
			}
			if way.how.Method == tracer.Syscalls { // the call's result tells
				wantForm(t, l.form(t), "main: clone main/1, exit 0", "main/1: exit 6")
			} else {
				wantForm(t, l.form(t), "main: exit 0", "@1: exit 6")
			}
		})
	}
}

// If the kernel was not asked to tell of execs, an exec off main is known by a stop under the ended
// leader's id.
func TestUntoldExec(t *testing.T) {
	within(t, 30*time.Second)
	for _, how := range []string{"thread", "orphan"} {
		l, status := follow(t, tracer.Options{Kernel: tracer.WithoutExecEvents},
			command(t, "execs", how))
		if status.String() != "5" {
			t.Errorf("status: got %s, want 5", status)
		}
		wantForm(t, l.form(t), "main: clone main/1..9, exit 0", "main/1..8: exit 0",
			"main/9: exec, exit 5")
	}
}

func TestKeptGroupStopIsListedAsOne(t *testing.T) {
	within(t, 10*time.Second)
	p := start(t, "storm", "2", "0", "0", "0")
	unix.Kill(p.pid, unix.SIGSTOP)
	unix.Waitid(unix.P_PID, p.pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	tr := attach(t, p.pid, &log{})
	ok(t, tr.Resume())
	for _, thread := range threads(t, tr) {
		if thread.State != tracer.GroupStop {
			t.Errorf("%+v: want it in a group stop", thread)
		}
	}
	ok(t, tr.Detach(), unix.Kill(p.pid, unix.SIGCONT))
	p.finish(t)
}

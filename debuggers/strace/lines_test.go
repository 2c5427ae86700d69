package strace

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		line string
		want []statement
	}{
		{"strace: Process 15 attached", []statement{{kind: attached, tid: 15}}},
		{"strace: Process 15 attached with 4 threads", []statement{{kind: attached, tid: 15}}},
		{"strace: Process 15 detached", []statement{{kind: detached, tid: 15}}},
		{"strace: attach: ptrace(PTRACE_SEIZE, 15): Operation not permitted", []statement{{kind: message, text: "attach: ptrace(PTRACE_SEIZE, 15): Operation not permitted"}}},
		{"strace: Process -15 attached", []statement{{kind: message, text: "Process -15 attached"}}},
		{"15    +++ exited with 42 +++", []statement{{kind: exited, tid: 15, status: event.Exited(42)}}},
		{"15    +++ killed by SIGSEGV (core dumped) +++", []statement{{kind: exited, tid: 15, status: event.Killed(11)}}},
		{"15    +++ killed by SIGRT_2 +++", []statement{{kind: exited, tid: 15, status: event.Killed(34)}}},
		{"15    +++ killed by SIGNONSENSE +++", []statement{{kind: exited, tid: 15, status: event.Unknown}}},
		{"15    +++ superseded by execve in pid 17 +++", []statement{{kind: superseded, tid: 15, number: 17}}},
		{"15    +++ superseded by execve in pid -17 +++", nil},
		{"15    +++ exited with care +++", nil},
		{"15    +++", nil},
		{"15    --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=15, si_uid=0} ---", []statement{{kind: signalled, tid: 15, signal: 10}}},
		{"15    --- SIGRTMIN {si_signo=SIGRTMIN, si_code=SI_TKILL} ---", []statement{{kind: signalled, tid: 15, signal: 32}}},
		{"15    --- stopped by SIGSTOP ---", nil},
		{"15    fork() = 17", []statement{{kind: entered, tid: 15, name: "fork", text: ") = 17"}, {kind: returned, tid: 15, name: "fork", number: 17}}},
		{"15    vfork( <unfinished ...>", []statement{{kind: entered, tid: 15, name: "vfork"}}},
		{"15    <... vfork resumed>)              = 17", []statement{{kind: returned, tid: 15, name: "vfork", number: 17}}},
		{"15    <... vfork resumed>)              = ? ERESTARTNOINTR (To be restarted)", nil},
		{"15    <... clone resumed>, child_tidptr=0x7f) = 2 /* 17 in strace's PID NS */", []statement{{kind: returned, tid: 15, name: "clone", number: 17}}},
		{"15    <... clone resumed>, child_tidptr=0x7f) = -1 EAGAIN (Resource temporarily unavailable)", []statement{{kind: returned, tid: 15, name: "clone", number: -1}}},
		{"15    exit(7)                           = ?", []statement{{kind: entered, tid: 15, name: "exit", text: "7)                           = ?", number: 7}}},
		{"15    exit_group(-1 <unfinished ...>", []statement{{kind: entered, tid: 15, name: "exit_group", text: "-1", number: -1}}},
		{"15    exit()", nil},
		{"15    execve(0x7f, 0x7f, 0x7f) = 0", []statement{
			{kind: entered, tid: 15, name: "execve", text: "0x7f, 0x7f, 0x7f) = 0"}, {kind: returned, tid: 15, name: "execve"},
		}},
		{"-15   +++ exited with 0 +++", nil},
		{"0     +++ exited with 0 +++", nil},
		{"4294967297 +++ exited with 0 +++", nil},
		{"process: 15, thread: 17", nil},
		{"15 men on a dead man's chest (a song)", nil},
		{"15", nil},
		{"", nil},
		{"\xff\xfe(", nil},
	} {
		got := parse(c.line)
		assert.Assert(t, cmp.Equal(c.want, got, cmp.AllowUnexported(statement{})), "%q: %s", c.line, cmp.Diff(c.want, got, cmp.AllowUnexported(statement{})))
	}
}

// What strace says of itself interrupts the calls that it prints.
func TestJoin(t *testing.T) {
	var j joiner
	var got []string
	for line := range strings.Lines(`15 clone(flags=SIGCHLDstrace: Process 17 attached
strace: Process 18 attached
, child_tidptr=0x7f) = 17
15 vfork(strace: Process 19 attached
 <unfinished ...>
15 write(2, "strace: Process 7 and more", 26) = 26
19 exit_group(0strace: Process 20 attached
strace: Process 20 detached
)                     = ?
`) {
		whole, err := j.add(strings.TrimSuffix(line, "\n"))
		assert.NilError(t, err)
		got = append(got, whole...)
	}
	assert.DeepEqual(t, got, []string{
		"strace: Process 17 attached", "strace: Process 18 attached", "15 clone(flags=SIGCHLD, child_tidptr=0x7f) = 17",
		"strace: Process 19 attached", "15 vfork( <unfinished ...>",
		`15 write(2, "strace: Process 7 and more", 26) = 26`,
		"strace: Process 20 attached", "strace: Process 20 detached", "19 exit_group(0)                     = ?",
	})
}

func TestACallThatNeverEndsIsRefused(t *testing.T) {
	var j joiner
	part := strings.Repeat("x", maxCall/2) + "strace: Process 7 attached"
	for range 2 {
		_, err := j.add(part)
		assert.NilError(t, err)
	}
	_, err := j.add(part)
	assert.ErrorContains(t, err, "a call takes more than 65536 bytes")
}

// tell gives what a teller makes of some lines.
func tell(t *testing.T, target event.TID, text string) string {
	t.Helper()
	told, j := newTeller(target), joiner{}
	for line := range strings.Lines(text) {
		whole, err := j.add(strings.TrimSuffix(line, "\n"))
		assert.NilError(t, err)
		for _, w := range whole {
			for _, s := range parse(w) {
				told.take(s)
			}
		}
	}
	var b strings.Builder
	for _, e := range told.Events() {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

func TestTell(t *testing.T) {
	for _, c := range []struct {
		name       string
		target     event.TID
		text, want string
	}{
		{"a thread", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone3({flags=CLONE_VM|CLONE_THREAD}strace: Process 16 attached
 <unfinished ...>
16 --- SIGUSR1 {si_signo=SIGUSR1} ---
15 <... clone3 resumed> => {parent_tid=[16]}, 88) = 16
16 exit(0) = ?
16 +++ exited with 0 +++
15 exit_group(3) = ?
15 +++ exited with 3 +++
`, "0/15: ready\n0/15: clone 16\n0/16: signal SIGUSR1\n0/16: exit 0\n0/15: exit 3\n0/15: end 3\n"},
		{"processes; strace attaches to one when its call has returned", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 16
strace: Process 16 attached
16 exit_group(1) = ?
16 +++ exited with 1 +++
15 vfork(strace: Process 17 attached
 <unfinished ...>
17 +++ killed by SIGKILL +++
15 <... vfork resumed>) = 17
`, "0/15: ready\n0/15: fork 16\n0/16: exit 1\n0/16: end 1\n0/15: vfork 17\n0/17: killed SIGKILL\n"},
		{"a creator that ends before strace attaches to its child", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 fork() = 16
15 exit_group(0) = ?
15 +++ exited with 0 +++
strace: Process 16 attached
16 +++ exited with 1 +++
`, "0/15: ready\n0/15: fork 16\n0/15: exit 0\n0/15: end 0\n0/16: exit 1\n0/16: end 1\n"},
		{"a creator that is killed in its call", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
 <unfinished ...>
15 +++ killed by SIGKILL +++
`, "0/15: ready\n0/16: attach\n0/15: killed SIGKILL\n0/15: end SIGKILL\n"},
		{"a thread in another pid namespace, whose id strace did not find", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 2
`, "0/15: ready\n0/16: attach\n"},
		{"an untraced thread, and then a traced one with its tid", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREAD|CLONE_UNTRACED) = 16
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
`, "0/15: ready\n0/15: clone 16\n"},
		{"a birth that fails", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREAD) = -1 EAGAIN (Resource temporarily unavailable)
`, "0/15: ready\n"},
		{"exec off main", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
16 execve(0x7f, 0x7f, 0x7f <unfinished ...>
15 +++ superseded by execve in pid 16 +++
15 <... execve resumed>) = 0
15 execve(0x7f, 0x7f, 0x7f) = -1 ENOENT (No such file or directory)
15 execve(0x7f, 0x7f, 0x7f) = 0
15 +++ exited with 3 +++
`, "0/15: ready\n0/15: clone 16\n0/15: exit ?\n0/15: exec from 16\n0/15: exec\n0/15: exit 3\n0/15: end 3\n"},
		{"a leader that ends first, and the status of the last", 0, `15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
15 exit(7) = ?
16 exit(9) = ?
16 +++ exited with 9 +++
15 +++ exited with 9 +++
`, "0/15: ready\n0/15: clone 16\n0/15: exit 7\n0/16: exit 9\n0/15: end 9\n"},
		{"an attach: threads are named when they do something, or are let go", 15, `strace: Process 15 attached with 3 threads
15 clone(flags=CLONE_THREADstrace: Process 18 attached
) = 18
17 +++ exited with 0 +++
strace: Process 15 detached
strace: Process 16 detached
`, "0/17: attach\n0/16: attach\n0/15: attach\n0/15: ready\n0/15: clone 18\n0/17: exit 0\n"},
		{"a word of pid 1", 15, "1 +++ exited with 0 +++\n", "0/1: attach\n0/1: exit 0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, tell(t, c.target, c.text), c.want)
		})
	}
}

func FuzzLines(f *testing.F) {
	for _, text := range []string{
		"15 clone(flags=SIGCHLDstrace: Process 17 attached\n, child_tidptr=0x7f) = 17", "15 <... vfork resumed>) = ? ERESTARTNOINTR",
		"15 exit_group(0", "15 +++ superseded by execve in pid 17 +++\n15 <... execve resumed>) = 0", "15 --- SIGRT_31 {", "15 = (/* ) = 3 /* in strace's PID NS */",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		told, j := newTeller(15), joiner{}
		statements := 0
		for line := range strings.Lines(text) {
			whole, err := j.add(strings.TrimSuffix(line, "\n"))
			if err != nil {
				return
			}
			for _, w := range whole {
				for _, s := range parse(w) {
					if s.kind != message && s.tid <= 0 {
						t.Errorf("%q: tid %d", w, s.tid)
					}
					told.take(s)
					statements++
				}
			}
		}
		for _, e := range told.Events() {
			if e.Kind == 0 {
				t.Errorf("%v is no event", e)
			}
		}
		if n := len(told.Events()); n > 4*statements {
			t.Errorf("%d events of %d statements", n, statements)
		}
	})
}

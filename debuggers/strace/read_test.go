package strace

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/adapter"
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
		{
			"strace: attach: ptrace(PTRACE_SEIZE, 15): Operation not permitted",
			[]statement{{
				kind: message,
				text: "attach: ptrace(PTRACE_SEIZE, 15): Operation not permitted",
			}},
		},
		{
			"strace: Process -15 attached",
			[]statement{{kind: message, text: "Process -15 attached"}},
		},
		{
			"15    +++ exited with 42 +++",
			[]statement{{kind: exited, tid: 15, status: event.Exited(42)}},
		},
		{
			"15    +++ killed by SIGSEGV (core dumped) +++",
			[]statement{{kind: exited, tid: 15, status: event.Killed(11)}},
		},
		{
			"15    +++ killed by SIGRT_2 +++",
			[]statement{{kind: exited, tid: 15, status: event.Killed(34)}},
		},
		{
			"15    +++ killed by SIGRT_32 +++",
			[]statement{{kind: exited, tid: 15, status: event.Killed(64)}},
		},
		{
			"15    +++ killed by SIGRT_33 +++",
			[]statement{{kind: exited, tid: 15, status: event.Unknown}},
		},
		{
			"15    +++ killed by SIGNONSENSE +++",
			[]statement{{kind: exited, tid: 15, status: event.Unknown}},
		},
		{
			"15    +++ superseded by execve in pid 17 +++",
			[]statement{{kind: superseded, tid: 15, number: 17}},
		},
		{"15    +++ superseded by execve in pid -17 +++", nil},
		{"15    +++ exited with care +++", nil},
		{"15    +++", nil},
		{
			"15    --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=15, si_uid=0} ---",
			[]statement{{kind: signalled, tid: 15, signal: 10}},
		},
		{
			"15    --- SIGRTMIN {si_signo=SIGRTMIN, si_code=SI_TKILL} ---",
			[]statement{{kind: signalled, tid: 15, signal: 32}},
		},
		{"15    --- stopped by SIGSTOP ---", nil},
		{
			"15    fork() = 17",
			[]statement{
				{kind: entered, tid: 15, name: "fork", text: ") = 17"},
				{kind: returned, tid: 15, name: "fork", number: 17},
			},
		},
		{"15    vfork( <unfinished ...>", []statement{{kind: entered, tid: 15, name: "vfork"}}},
		{
			"15    <... vfork resumed>)              = 17",
			[]statement{{kind: returned, tid: 15, name: "vfork", number: 17}},
		},
		{"15    <... vfork resumed>)              = ? ERESTARTNOINTR (To be restarted)", nil},
		{
			"15    <... clone resumed>, child_tidptr=0x7f) = 2 /* 17 in strace's PID NS */",
			[]statement{{kind: returned, tid: 15, name: "clone", number: 17}},
		},
		{
			"15    <... clone resumed>, child_tidptr=0x7f) = -1 EAGAIN (Resource temporarily " +
				"unavailable)",
			[]statement{{kind: returned, tid: 15, name: "clone", number: -1}},
		},
		{
			"15    exit(7)                           = ?",
			[]statement{{
				kind: entered, tid: 15, name: "exit",
				text: "7)                           = ?", number: 7,
			}},
		},
		{
			"15    exit_group(-1 <unfinished ...>",
			[]statement{{kind: entered, tid: 15, name: "exit_group", text: "-1", number: -1}},
		},
		{"15    exit()", nil},
		{"15    execve(0x7f, 0x7f, 0x7f) = 0", []statement{
			{
				kind: entered, tid: 15, name: "execve",
				text: "0x7f, 0x7f, 0x7f) = 0",
			}, {kind: returned, tid: 15, name: "execve"},
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
		got, _ := parse("strace: ", c.line)
		assert.Assert(
			t, cmp.Equal(c.want, got, cmp.AllowUnexported(statement{})), "%q: %s", c.line,
			cmp.Diff(c.want, got, cmp.AllowUnexported(statement{})))
	}
}

// What strace says of itself comes in the middle of the calls that it prints.
// A line of a task that is traced has a form that is known here, or the reading ends with it.
func TestALineOfAStrangeFormIsUnknown(t *testing.T) {
	for line, strange := range map[string]event.TID{
		"15 --- stopped by SIGSTOP ---": 0, "15 ????( <unfinished ...>": 0, "15 exit(": 0,
		"15 <... ???? resumed>) = ?": 0, "15 <... vfork resumed>) = ?": 0,
		"15 <detached ...>": 0, "15 execve(0x7, 0x7, 0x7 <detached ...>": 0,
		"15 <... clone resumed> <unfinished ...>": 0, "15 +++ exited with 0 +++": 0,
		"15 [ Process PID=15 runs in 32 bit mode. ]": 0, "15 [ Process ]": 15,
		"men and mice": 0, "strace: something new": 0,
		"15 +++ exited with care +++": 15, "15 === became 17 ===": 15, "15 --- paused ---": 15,
		"15 +++ superseded by execve in pid -17 +++": 15, "15 men on a dead man's chest": 15,
	} {
		_, got := parse("strace: ", line)
		assert.Check(t, got == strange, "%q: %d", line, got)
	}
	w := newWords("strace", 15)
	assert.NilError(t, w.line([]byte("15 men on a dead man's chest")), "the program's own")
	assert.NilError(t, w.line([]byte("strace: Process 15 attached")))
	err := w.line([]byte("15 === became 17 ==="))
	assert.Assert(t, errors.As(err, new(adapter.Unknown)), "%v", err)
}

func TestJoin(t *testing.T) {
	j := joiner{self: "strace: "}
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
		got = append(got, whole)
	}
	assert.DeepEqual(t, got, []string{
		"strace: Process 17 attached", "strace: Process 18 attached",
		"15 clone(flags=SIGCHLD, child_tidptr=0x7f) = 17",
		"strace: Process 19 attached", "15 vfork( <unfinished ...>",
		`15 write(2, "strace: Process 7 and more", 26) = 26`,
		"strace: Process 20 attached", "strace: Process 20 detached",
		"19 exit_group(0)                     = ?",
	})
}

func TestACallThatNeverEndsIsRefused(t *testing.T) {
	j := joiner{self: "strace: "}
	part := strings.Repeat("x", maxCall/2) + "strace: Process 7 attached"
	for range 2 {
		_, err := j.add(part)
		assert.NilError(t, err)
	}
	_, err := j.add(part)
	assert.ErrorContains(t, err, "a call takes more than 65536 bytes")
}

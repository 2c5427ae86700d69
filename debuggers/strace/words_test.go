package strace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

// tell gives the events that are made of some lines.
func tell(t *testing.T, target event.TID, text string) string {
	t.Helper()
	s := newWords("strace", target)
	for line := range strings.Lines(text) {
		assert.NilError(t, s.line([]byte(strings.TrimSuffix(line, "\n"))))
	}
	var b strings.Builder
	for _, e := range s.Words().Trace() {
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
		{
			"a thread", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone3({flags=CLONE_VM|CLONE_THREAD}strace: Process 16 attached
 <unfinished ...>
16 --- SIGUSR1 {si_signo=SIGUSR1} ---
15 <... clone3 resumed> => {parent_tid=[16]}, 88) = 16
16 exit(0) = ?
16 +++ exited with 0 +++
15 exit_group(3) = ?
15 +++ exited with 3 +++
`, "0/15: ready\n0/15: clone 16\n0/16: signal SIGUSR1\n0/16: exit 0\n0/15: exit 3\n0/15: end 3\n",
		},
		{
			"processes; strace attaches to one when its call has returned", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 16
strace: Process 16 attached
16 exit_group(1) = ?
16 +++ exited with 1 +++
15 vfork(strace: Process 17 attached
 <unfinished ...>
17 +++ killed by SIGKILL +++
15 <... vfork resumed>) = 17
`, "0/15: ready\n0/15: fork 16\n0/16: exit 1\n0/16: end 1\n0/15: vfork 17\n0/17: killed SIGKILL\n" +
				"0/17: end SIGKILL\n",
		},
		{
			"a thread that ends before the call that made it returns", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone3({flags=CLONE_THREAD}, 88strace: Process 17 attached
 <unfinished ...>
17 +++ exited with 0 +++
15 <... clone3 resumed>) = 17
`, "0/15: ready\n0/15: clone 17\n0/17: exit 0\n",
		},
		{
			"a creator that ends before strace attaches to its child", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 fork() = 16
15 exit_group(0) = ?
15 +++ exited with 0 +++
strace: Process 16 attached
16 +++ exited with 1 +++
`, "0/15: ready\n0/15: fork 16\n0/15: exit 0\n0/15: end 0\n0/16: exit 1\n0/16: end 1\n",
		},
		{
			"a creator that is killed in its call", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
 <unfinished ...>
15 +++ killed by SIGKILL +++
`, "0/15: ready\n0/16: attach\n0/15: killed SIGKILL\n0/15: end SIGKILL\n",
		},
		{
			"a process whose creator ends in its call", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 vfork(strace: Process 16 attached
 <unfinished ...>
15 <... vfork resumed>) = ?
15 +++ killed by SIGKILL +++
16 exit_group(3) = ?
16 +++ exited with 3 +++
`, "0/15: ready\n0/16: attach\n0/15: killed SIGKILL\n0/15: end SIGKILL\n0/16: exit 3\n0/16: end " +
				"3\n",
		},
		{
			"a process whose creator has ended in its call", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(child_stack=NULL, flags=CLONE_PARENT_SETTID|SIGCHLD <unfinished ...>
15 <... clone resumed> <unfinished ...>) = ?
15 +++ killed by SIGKILL +++
strace: Process 16 attached
16 exit(3 <unfinished ...>
16 <... exit resumed>) = ?
16 +++ exited with 3 +++
`, "0/15: ready\n0/15: killed SIGKILL\n0/15: end SIGKILL\n0/16: attach\n0/16: exit 3\n0/16: end " +
				"3\n",
		},
		{
			"a task that may be a thread, of two calls that never return", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
16 clone(flags=CLONE_THREAD <unfinished ...>
15 fork(strace: Process 17 attached
 <unfinished ...>
17 +++ exited with 0 +++
`, "0/15: ready\n0/15: clone 16\n0/17: attach\n0/17: exit 0\n",
		},
		{
			"a process of one of two calls, of which the other has made a thread", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
15 clone(flags=CLONE_THREAD <unfinished ...>
16 vfork(strace: Process 17 attached
strace: Process 18 attached
 <unfinished ...>
15 <... clone resumed>) = 17
16 <... vfork resumed>) = ?
16 +++ exited with 0 +++
18 +++ exited with 3 +++
`, "0/15: ready\n0/15: clone 16\n0/15: clone 17\n0/18: attach\n0/16: exit 0\n" +
				"0/18: exit 3\n0/18: end 3\n",
		},
		{
			"a thread whose creator's call strace does not tell, as with --seccomp-bpf after an " +
				"exec", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
16 vfork( <unfinished ...>
strace: Process 17 attached
16 <... vfork resumed>) = ?
16 +++ exited with 0 +++
strace: Process 18 attached
18 +++ exited with 0 +++
17 +++ exited with 3 +++
`, "0/15: ready\n0/15: clone 16\n0/17: attach\n0/16: exit 0\n0/18: attach\n0/18: exit 0\n" +
				"0/17: exit 3\n0/17: end 3\n",
		},
		{
			"a thread in another pid namespace, whose id strace did not find", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 2
`, "0/15: ready\n0/16: attach\n",
		},
		{
			"an untraced thread, and then a traced one with its tid", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREAD|CLONE_UNTRACED) = 16
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
`, "0/15: ready\n0/15: clone 16\n",
		},
		{
			"a birth that fails", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREAD) = -1 EAGAIN (Resource temporarily unavailable)
`, "0/15: ready\n",
		},
		{
			"exec off main", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
16 execve(0x7f, 0x7f, 0x7f <unfinished ...>
15 +++ superseded by execve in pid 16 +++
15 <... execve resumed>) = 0
15 execve(0x7f, 0x7f, 0x7f) = -1 ENOENT (No such file or directory)
15 execve(0x7f, 0x7f, 0x7f) = 0
15 +++ exited with 3 +++
`, "0/15: ready\n0/15: clone 16\n0/15: exit ?\n0/15: exec from 16\n0/15: exec\n" +
				"0/15: exit 3\n0/15: end 3\n",
		},
		{
			"a leader that ends first, and the status of the last", 0,
			`15 execve(0x7f, 0x7f, 0x7f) = 0
15 clone(flags=CLONE_THREADstrace: Process 16 attached
) = 16
15 exit(7) = ?
16 exit(9) = ?
16 +++ exited with 9 +++
15 +++ exited with 9 +++
`, "0/15: ready\n0/15: clone 16\n0/15: exit 7\n0/16: exit 9\n0/15: end 9\n",
		},
		{
			"an attach: threads are named when they do something, or are let go", 15,
			`strace: Process 15 attached with 3 threads
15 clone(flags=CLONE_THREADstrace: Process 18 attached
) = 18
17 +++ exited with 0 +++
strace: Process 15 detached
strace: Process 16 detached
`, "0/17: attach\n0/16: attach\n0/15: attach\n0/15: ready\n0/15: clone 18\n0/17: exit 0\n",
		},
		{"a word of pid 1", 15, "1 +++ exited with 0 +++\n", "0/1: attach\n0/1: exit 0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, tell(t, c.target, c.text), c.want)
		})
	}
}

// A strace that is started by its path names itself by that.
func TestAStraceByItsPath(t *testing.T) {
	w := newWords("/opt/strace", 0)
	for _, line := range []string{
		"15 execve(0x7f, 0x7f, 0x7f) = 0",
		"15 clone(flags=CLONE_THREAD/opt/strace: Process 16 attached",
		") = 16", "/opt/strace: out of luck",
	} {
		assert.NilError(t, w.line([]byte(line)))
	}
	assert.DeepEqual(t, w.Words().Trace(), event.Trace{
		{Kind: event.Ready, TID: 15}, {Kind: event.Clone, TID: 15, Child: 16},
	})
	assert.Equal(t, w.message, "out of luck")
}

func FuzzLines(f *testing.F) {
	for _, text := range []string{
		"15 clone(flags=SIGCHLDstrace: Process 17 attached\n, child_tidptr=0x7f) = 17",
		"15 <... vfork resumed>) = ? ERESTARTNOINTR",
		"15 exit_group(0",
		"15 +++ superseded by execve in pid 17 +++\n15 <... execve resumed>) = 0",
		"15 --- SIGRT_31 {", "15 = (/* ) = 3 /* in strace's PID NS */",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		told, j := newWords("strace", 15), joiner{self: "strace: "}
		statements := 0
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			whole, err := j.add(line)
			if err != nil {
				return
			}
			said, strange := parse(j.self, whole)
			for _, s := range said {
				if s.kind != message && s.tid <= 0 {
					t.Errorf("%q: tid %d", whole, s.tid)
				}
				statements++
			}
			if err := told.line([]byte(line)); err != nil && strange == 0 {
				t.Error(err)
			}
		}
		for _, e := range told.Words().Trace() {
			if e.Kind == 0 {
				t.Errorf("%v is no event", e)
			}
		}
		if n := len(told.Words().Trace()); n > 4*statements {
			t.Errorf("%d events of %d statements", n, statements)
		}
	})
}

// What each version wrote of the same programs, as it came, tells the same; -update writes the
// events down.
func TestWhatVersionsWrite(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	assert.NilError(t, err)
	assert.Check(t, len(files) >= 8)
	for _, file := range files {
		text, err := os.ReadFile(file)
		assert.NilError(t, err)
		s := newWords("/strace", 0)
		for line := range strings.Lines(string(text)) {
			assert.NilError(t, s.line([]byte(strings.TrimSuffix(line, "\n"))))
		}
		var told strings.Builder
		for _, e := range s.Words().Trace() {
			told.WriteString(e.String() + "\n")
		}
		golden.Assert(t, told.String(), strings.TrimPrefix(file, "testdata/")+".events")
	}
}

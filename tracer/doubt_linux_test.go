//go:build amd64 || arm64

package tracer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// What the loop makes of answers that the kernel gives rarely.

func TestWhatCannotBeAskedAtAStopIsAFailure(t *testing.T) {
	for asked, c := range map[string]struct{ stop, request string }{
		"10: message":     {"10: clone 11", "PTRACE_GETEVENTMSG"},
		"10: syscallinfo": {"10: enter 57 0", "PTRACE_GET_SYSCALL_INFO"},
	} {
		k := newScript(c.stop + "\n10: exit 0 !\n10: gone 0")
		k.errs[asked] = unix.EIO
		tr := &Tracer{opts: Options{Method: Syscalls}}
		if diff := cmp.Diff(lines("10: exit 0\n10: end 0"), k.follow(t, tr)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		want := "task 10: ptrace(" + c.request + "): input/output error"
		if tr.failure == nil || tr.failure.Error() != want {
			t.Errorf("got the failure %v, want %s", tr.failure, want)
		}
	}
}

// A newcomer that was reaped before its creator's event cannot be asked for its process: the event
// alone tells what was born.
func TestANewcomerThatIsGoneIsWhatItsCreatorsEventSays(t *testing.T) {
	for kind, want := range map[string]string{
		"clone": "10: clone 11\n10/11: killed SIGKILL\n10: exit 0\n10: end 0",
		"fork":  "10: fork 11\n11: killed SIGKILL\n11: end SIGKILL\n10: exit 0\n10: end 0",
	} {
		k := newScript("11: gone SIGKILL\n10: " + kind + " 11\n10: exit 0\n10: gone 0")
		k.files = map[string]string{"/proc/11/status": ""}
		if diff := cmp.Diff(lines(want), k.follow(t, &Tracer{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// A leader that cannot stop any more has its status in /proc, unless it was reaped while that was
// read.
func TestAZombieLeadersStatusIsThatOfProc(t *testing.T) {
	between := strings.Repeat(" 1", 48) // the fields after the state and before the exit code
	for _, c := range []struct {
		name, stat string
		want       string
	}{
		{"whole", "10 (x) Z" + between + " 1792\n", "10: exit 7"},
		{"without the last field", "10 (x) Z" + between + "\n", ""},
		{"it lives", "10 (x) S" + between + " 1792\n", ""},
	} {
		k := newScript("")
		thread := strings.Replace(c.stat, "10", "11", 1) // its status is told at its own end
		k.files = map[string]string{
			"/proc/10/task/10/stat": c.stat, "/proc/11/task/11/stat": thread,
		}
		var events []string
		tr := &Tracer{
			kernel: k, pid: 10, partlyTraced: map[int]bool{},
			tasks: map[int]*task{10: {tid: 10, pid: 10}, 11: {tid: 11, pid: 10}},
		}
		tr.opts.Events = func(e event.Event) { events = append(events, e.String()) }
		news := tr.endZombies([]int{9, 11, 10})
		if got := strings.Join(events, "\n"); got != c.want || news != (c.want != "") {
			t.Errorf("%s: got %q, news %t, want %q", c.name, got, news, c.want)
		}
	}
}

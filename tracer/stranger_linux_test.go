//go:build amd64 || arm64

package tracer

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A stranger, 20 here, may make a child before its first stop, and the child's first stop may come
// before the stranger's. Neither is told, and both are let go of.
func TestStrangersAndTheirChildrenAreLetGoOf(t *testing.T) {
	const end = "\n10: exit 0\n10: gone 0"
	for _, c := range []struct{ name, stops, detached string }{
		{"alone", "20: stop" + end, "20: detach"},
		{"at a signal", "20: signal SIGHUP" + end, "20: detach SIGHUP"},
		{"at its end", "20: gone 0" + end, ""},
		{"its event comes first", "20: fork 21\n21: stop" + end, "20: detach\n21: detach"},
		{"its child's stop comes first", "21: stop\n20: fork 21" + end, "21: detach\n20: detach"},
		{"the child of a vfork", "21: stop\n20: vfork 21" + end, "21: detach\n20: detach"},
		{
			"its child is killed before its event",
			"21: stop\n21: gone SIGKILL\n20: fork 21" + end, "20: detach",
		},
		{
			"its child is killed at its event",
			"21: stop !\n20: fork 21\n21: gone SIGKILL" + end, "21: detach\n20: detach",
		},
		{"killed out of its stop", "20: stop !\n20: gone SIGKILL" + end, "20: detach"},
		{"after the program's end", "21: stop" + end + "\n20: fork 21", "21: detach\n20: detach"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			k.parents = map[int]int{21: 20}
			tr := &Tracer{strangers: map[int]bool{20: true}}
			events := k.follow(t, tr)
			if diff := cmp.Diff([]string{"10: exit 0", "10: end 0"}, events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			detached := slices.DeleteFunc(k.requests,
				func(r string) bool { return r == "10: cont" })
			if diff := cmp.Diff(lines(c.detached), slices.Clip(detached)); diff != "" &&
				len(detached)+len(c.detached) > 0 {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if len(tr.strangers) > 0 {
				t.Errorf("strangers that are left: %v", tr.strangers)
			}
		})
	}
}

// While a stranger has not stopped, a task of unknown birth may be its child: it is not adopted.
func TestAStrangersChildIsNoOrphan(t *testing.T) {
	k := newScript("21: stop")
	k.parents = map[int]int{21: 20}
	k.stopped[10] = false
	tr := &Tracer{
		kernel: k, tasks: map[int]*task{10: {tid: 10, pid: 10}},
		strangers: map[int]bool{20: true},
	}
	s, err := tr.next(-1, 0)
	if err != nil {
		t.Fatal(err)
	}
	tr.handle(s)
	if tr.isOrphan(tr.tasks[21]) {
		t.Error("a stranger's child is taken for an orphan")
	}
	delete(tr.strangers, 20)
	if !tr.isOrphan(tr.tasks[21]) {
		t.Error("without the stranger its child is no orphan")
	}
}

func TestAStrangerThatIsKeptIsAFailure(t *testing.T) {
	k := newScript("20: stop\n20: gone 0\n10: exit 0\n10: gone 0")
	k.errs["20: detach"] = unix.EIO
	tr := &Tracer{strangers: map[int]bool{20: true}}
	k.follow(t, tr)
	if !errors.Is(tr.failure, unix.EIO) {
		t.Errorf("got failure %v, want EIO", tr.failure)
	}
}

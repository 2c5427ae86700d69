//go:build amd64 || arm64

package tracer_test

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

func TestProgramsHaveTheirForms(t *testing.T) {
	for _, c := range []struct {
		argv   string
		status string
		wants  []string
	}{
		{"sequence 3", "0", []string{"main: clone main/1..3, exit 0", "main/1..3: exit 0"}},
		{"tree 3 3", "0", []string{
			"main: clone main/1..3, exit 0", "main/1..3: clone main/i/1..3, exit 0",
			"main/1..3/1..3: clone ./1..3, exit 0", "main/1..3/1..3/1..3: exit 0",
		}},
		{"processes", "0", []string{
			"main: fork main/1, vfork main/2, vforkdone, exit 0",
			"main/1: exit 3", "main/2: exec, exit 4",
		}},
		{"clones", "0", []string{
			"main: clone main/1, vforkdone, clone main/2, fork main/3, exit 0", "main/1: exit 5",
			"main/2: exit 6", "main/3: exit 7",
		}},
		{"execs leader", "5", []string{"main: clone main/1..8, exec, exit 5", "main/1..8: exit 0"}},
		{"execs thread", "5", []string{
			"main: clone main/1..9, exit 0", "main/1..8: exit 0",
			"main/9: exec, exit 5",
		}},
		{"execs orphan", "5", []string{
			"main: clone main/1..9, exit 0", "main/1..8: exit 0",
			"main/9: exec, exit 5",
		}},
		{"ends code 42", "42", []string{"main: exit 42"}},
		{"ends group 43", "43", []string{"main: clone main/1, exit 43", "main/1: exit 43"}},
		{"ends leader 44", "44", []string{"main: clone main/1, exit 0, end 44", "main/1: exit 44"}},
		{"ends signal 9", "SIGKILL", []string{"main: killed SIGKILL"}},
		{"ends signal 11", "SIGSEGV", []string{"main: signal SIGSEGV, killed SIGSEGV"}},
		{"ends signal 34", "SIGRTMIN", []string{"main: signal SIGRTMIN, killed SIGRTMIN"}},
	} {
		for _, way := range ways {
			t.Run(c.argv+"/"+way.name, func(t *testing.T) {
				within(t, 30*time.Second)
				argv := strings.Fields(c.argv)
				l, status := follow(t, way.how, command(t, argv[0], argv[1:]...))
				if status.String() != c.status {
					t.Errorf("status: got %s, want %s", status, c.status)
				}
				wantForm(t, l.form(t), c.wants...)
			})
		}
	}
}

func wantForm(t *testing.T, form event.Form, wants ...string) {
	t.Helper()
	var all []event.Want
	for _, line := range wants {
		w, err := event.ParseWant(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	expected, err := event.Expand(all, nil, [2]int{6, 0})
	if err != nil {
		t.Fatal(err)
	}
	want, got := expected.Compare(form, event.Traced)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyThreads(t *testing.T) {
	const creators = 8
	for i, way := range ways {
		n, each := often([]int{2000, 800, 200, 200, 200, 200}[i]),
			[]int{500, 200, 50, 50, 100, 50}[i]
		t.Run("one after the other/"+way.name, func(t *testing.T) {
			l, status := follow(t, way.how, command(t, "sequence", strconv.Itoa(n)))
			counts := map[event.Kind]int{}
			for _, e := range l.trace {
				counts[e.Kind]++
			}
			want := map[event.Kind]int{
				event.Ready: 1, event.Clone: n, event.Exit: n + 1,
				event.End: 1,
			}
			if diff := cmp.Diff(want, counts); diff != "" || status != 0 {
				t.Errorf("status %s, events (-want +got):\n%s", status, diff)
			}
			wantForm(t, l.form(t), fmt.Sprintf("main: clone main/1..%d, exit 0", n),
				fmt.Sprintf("main/1..%d: exit 0", n))
		})
		t.Run("creators at once/"+way.name, func(t *testing.T) {
			l, _ := follow(t, way.how, command(t, "creators", strconv.Itoa(creators),
				strconv.Itoa(each)))
			wantForm(t, l.form(t), fmt.Sprintf("main: clone main/1..%d, exit 0", creators),
				fmt.Sprintf("main/1..%d: clone ./1..%d, exit 0", creators, each),
				fmt.Sprintf("main/1..%d/1..%d: exit 0", creators, each))
		})
		t.Run("many alive/"+way.name, func(t *testing.T) {
			l, _ := follow(t, way.how, command(t, "tree", "1000", "1"))
			wantForm(t, l.form(t), "main: clone main/1..1000, exit 0", "main/1..1000: exit 0")
		})
	}
}

func TestSignalsAreHandledAsUntraced(t *testing.T) {
	untraced, err := command(t, "signals", "2000").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			var output strings.Builder
			cmd := command(t, "signals", "2000")
			cmd.Stdout = &output
			l, _ := follow(t, way.how, cmd)
			told := 0
			for _, e := range l.trace {
				if e.Kind == event.Signal && e.Signal.String() == "SIGUSR1" {
					told++
				}
			}
			if got, want := output.String(), string(untraced); got != want ||
				strconv.Itoa(told)+"\n" != want {
				t.Errorf("the program handled %q, %d were told, want %q", got, told, want)
			}
		})
	}
}

// Signals may come at any time in a launch. They are passed on, and none is taken for the exec.
func TestLaunchInAStormOfSignals(t *testing.T) {
	group := start(t, "storm", "0", "0", "0", "0")
	for _, way := range ways[:2] {
		t.Run(way.name, func(t *testing.T) {
			within(t, 60*time.Second)
			for range often(100) {
				cmd := exec.Command("true")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group.pid}
				var over atomic.Bool
				ended := make(chan struct{})
				go func() {
					for !over.Load() {
						unix.Kill(-group.pid, unix.SIGWINCH)
					}
					close(ended)
				}()
				l := &log{}
				tr, err := tracer.Launch(cmd, l.options(way.how))
				over.Store(true)
				<-ended
				ok(t, err)
				if all := threads(t, tr); len(all) != 1 || all[0].Name != "true" ||
					all[0].State != tracer.Stopped {
					t.Errorf("after the launch: %+v, want true, stopped", all)
				}
				ok(t, tr.Resume())
				if status, err := tr.Wait(); err != nil || status != 0 {
					t.Errorf("the end: got %s, %v, want 0", status, err)
				}
				for _, e := range l.trace {
					if e.Kind == event.Exec {
						t.Error("the launch's own exec was told")
					}
				}
			}
		})
	}
	group.finish(t)
}

// Only SEIZE can keep a group stop: the child of stops.c would run on without it.
func TestGroupStopIsKept(t *testing.T) {
	within(t, 30*time.Second)
	for range 50 {
		l, status := follow(t, tracer.Options{}, command(t, "stops"))
		if status != 0 {
			t.Fatalf("status: got %s, want 0", status)
		}
		wantForm(t, l.form(t), "main: fork main/1, exit 0",
			"main/1: signal SIGSTOP, signal SIGCONT, exit 0")
	}
}

//go:build amd64 || arm64

package tracer_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// A tracer's wait for any child would take the children of exec.Command, of its own thread and of
// threads that exec.Command used before. And exec.Command's wait would take a tracer's stops.
func TestTracersDoNotDisturbExecCommand(t *testing.T) {
	within(t, 60*time.Second)
	const rounds, tracers, runners, threads = 20, 8, 8, 20
	for range rounds {
		var all sync.WaitGroup
		for n := range tracers {
			all.Go(func() {
				l := &log{}
				tr, err := tracer.Launch(command(t, "sequence", fmt.Sprint(threads)),
					l.options(ways[n%2].how))
				if err != nil {
					t.Error(err)
					return
				}
				tr.Resume()
				if status, err := tr.Wait(); status != 0 || err != nil {
					t.Errorf("a tracer ends with %s, %v", status, err)
				}
				if want := 1 + threads + threads + 1 + 1; len(l.trace) != want {
					t.Errorf("a tracer saw %d events, want %d: %v", len(l.trace), want, l.trace)
				}
			})
		}
		for range runners {
			all.Go(func() {
				for range 5 {
					if err := exec.Command("true").Run(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
}

// wakers are the children by which tracers of this process are woken.
func wakers() (pids []int) {
	for _, p := range children() {
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.tid))
		if bytes.Contains(cmdline, []byte("tidcheck-waker")) {
			pids = append(pids, p.tid)
		}
	}
	return pids
}

func TestTracerGoesOnWithoutItsWaker(t *testing.T) {
	within(t, 60*time.Second)
	for _, sig := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP, unix.SIGTERM} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprint(sig, " before Resume ", before), func(t *testing.T) {
				p := start(t, "storm", "2", "2", "0", "0")
				for n := range 10 {
					opts, reached := at(100+n, tracer.Options{})
					tr, err := tracer.Attach(p.pid, opts)
					if err != nil {
						t.Fatal(err)
					}
					if before {
						signalWakers(t, sig)
					}
					if err := tr.Resume(); err != nil {
						t.Error(err)
					}
					<-reached
					if !before {
						signalWakers(t, sig)
					}
					if err := tr.Detach(); err != nil {
						t.Error(err)
					}
				}
				p.finish(t)
			})
		}
	}
}

func signalWakers(t *testing.T, sig unix.Signal) {
	t.Helper()
	pids := wakers()
	if len(pids) == 0 {
		t.Error("no tracer has a child of its own")
	}
	for _, pid := range pids {
		unix.Kill(pid, sig)
	}
}

// A parked program makes no stops: only the new waker can wake the tracer.
func TestWakerIsReplaced(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "storm", "2", "0", "0", "0")
	before := testproc.OpenFiles(t)
	tr, err := tracer.Attach(p.pid, tracer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := tr.Resume(); err != nil {
			t.Error(err)
		}
		for _, pid := range wakers() {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
	if err := tr.Detach(); err != nil {
		t.Error(err)
	}
	if after := testproc.OpenFiles(t); after != before {
		t.Errorf("%d open files before, %d after", before, after)
	}
	wantReleased(t, p.pid)
	p.finish(t)
}

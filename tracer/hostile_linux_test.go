//go:build amd64 || arm64

package tracer_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

func TestProgramThatPtracesItsFamily(t *testing.T) {
	for _, way := range ways {
		for _, c := range []struct {
			child string
			wants []string
		}{
			{"traced", []string{"main: fork main/1, exit 23", "main/1: exit 5"}},
			{"free", []string{"main: exit 23"}}, // CLONE_UNTRACED: its parent traces it
		} {
			t.Run(c.child+"/"+way.name, func(t *testing.T) {
				within(t, 10*time.Second)
				l, status := follow(t, way.how, command(t, "ptraces", c.child))
				if status.String() != "23" {
					t.Errorf("status: got %s, want 23", status)
				}
				wantForm(t, l.form(t), c.wants...)
			})
		}
	}
}

// never is more events than any program here makes.
const never = 1 << 30

func TestLaunchedProgramThatKillsItsTracer(t *testing.T) {
	for _, killer := range []string{"main", "thread", "child"} {
		for _, way := range []string{"launch", "traceme"} {
			t.Run(killer+"/"+way, func(t *testing.T) {
				within(t, 20*time.Second)
				input, ours, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer ours.Close() // its end would end the program
				defer input.Close()
				program := command(t, "killer", killer)
				wantKilledProgram(t, killedTracer(t, input,
					fmt.Sprint(way, " ", never, " ", strings.Join(program.Args, " "))))
			})
		}
	}
}

func TestAttachedProgramThatKillsItsTracer(t *testing.T) {
	for _, killer := range []string{"main", "thread", "child"} {
		t.Run(killer, func(t *testing.T) {
			within(t, 20*time.Second)
			p := start(t, "killer", killer, "parked")
			holder := startTracer(t, nil, fmt.Sprint("attach ", never, " ", p.pid))
			if _, err := p.input.Write([]byte{0}); err != nil {
				t.Error(err)
			}
			holder.wantKilled(t)
			wantReleased(t, p.pid)
			p.finish(t)
		})
	}
}

// pidsCgroup makes a cgroup that has room for so many tasks, and returns its cgroup.procs.
func pidsCgroup(t *testing.T, most string) (procs string) {
	t.Helper()
	var reasons []error
	for _, root := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} { // v1, v2
		dir := filepath.Join(root, fmt.Sprint("tidcheck-tracer-", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			reasons = append(reasons, err)
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil { // EBUSY: a task is left in it
				t.Error(err)
			}
		})
		// No O_CREAT: it is the kernel's file.
		limit, err := os.OpenFile(filepath.Join(dir, "pids.max"), os.O_WRONLY, 0)
		if err == nil {
			_, err = limit.WriteString(most)
			limit.Close()
		}
		if err == nil {
			return filepath.Join(dir, "cgroup.procs")
		}
		reasons = append(reasons, err)
	}
	t.Skip("no pids cgroup can be made: ", errors.Join(reasons...))
	return ""
}

func TestProgramThatExhaustsProcessIDs(t *testing.T) {
	for _, bound := range []string{"nproc", "cgroup"} {
		for _, way := range ways {
			t.Run(bound+"/"+way.name, func(t *testing.T) {
				within(t, 20*time.Second)
				by := "24"
				if bound == "cgroup" {
					by = pidsCgroup(t, "24")
				}
				var output, complaint strings.Builder
				cmd := command(t, "exhausts", bound, by)
				cmd.Stdout, cmd.Stderr = &output, &complaint
				l, status := follow(t, way.how, cmd)
				if status.String() != "23" {
					t.Fatalf("status: got %s, want 23: %s", status, complaint.String())
				}
				counts := map[event.Kind]int{}
				for _, e := range l.trace {
					counts[e.Kind]++
				}
				threads, forks := counts[event.Clone], counts[event.Fork]
				if got, want := fmt.Sprintln(threads, forks), output.String(); got != want {
					t.Errorf("threads and processes: %s were told, the program says %s", got, want)
				}
				if all := threads + forks; os.Getuid() == 0 && all == 0 ||
					counts[event.Exit] != all+1 || counts[event.End] != forks+1 {
					t.Errorf("%d threads, %d processes, %d ends of tasks, %d of processes", threads,
						forks, counts[event.Exit], counts[event.End])
				}
				l.form(t)
				wantGone(t, cmd.Process.Pid)
			})
		}
	}
}

// wantUntraced tells whether a group's tasks are not traced. They may be stopped by the program's
// own signals.
func wantUntraced(t *testing.T, pgid int) {
	t.Helper()
	for _, p := range procs(func(p proc) bool { return p.pgrp == pgid }) {
		if p.tracer != 0 || p.state == 't' {
			t.Errorf("task %d is left with TracerPid %d, in state %c", p.tid, p.tracer, p.state)
		}
	}
}

// A program that never stands still is attached to, and let go of: at once, or some events later.
func TestAttachToHostilePrograms(t *testing.T) {
	for _, c := range []struct {
		program  string
		released func(*testing.T, int)
	}{{"floods", wantUntraced}, {"execloop", wantReleased}} {
		t.Run(c.program, func(t *testing.T) {
			rounds := often(20)
			within(t, time.Duration(rounds)*2*time.Second)
			p := start(t, c.program)
			for round := range rounds {
				events := rand.New(rand.NewPCG(uint64(round), 0)).IntN(200)
				attachUntil(t, p.pid, events)
				c.released(t, p.pid)
				if t.Failed() {
					t.Fatalf("round %d, let go after %d events", round, events)
				}
			}
			p.finish(t)
		})
	}
}

func attachUntil(t *testing.T, pid, events int) {
	t.Helper()
	var l log
	reached, more := make(chan struct{}), -1
	how := l.options(tracer.Options{})
	tell := how.Events
	how.Events = func(e event.Event) {
		tell(e)
		if more--; more == 0 {
			close(reached)
		}
	}
	tr, err := tracer.Attach(pid, how)
	if err != nil {
		t.Fatal(err)
	}
	wantHeld(t, pid, &l)
	if events > 0 {
		more = events
		if err := tr.Resume(); err != nil {
			t.Fatal(err)
		}
		<-reached
	}
	if err := tr.Detach(); err != nil {
		t.Error(err)
	}
	if _, err := event.NewFamily(l.trace); err != nil {
		t.Error(err)
	}
}

func TestHostileProgramsAreLaunchedAndEnd(t *testing.T) {
	for _, c := range []struct {
		program string
		ends    []string
	}{
		{"floods", []string{"its own", "detach", "kill"}},
		{"execloop", []string{"its own", "detach", "kill"}},
	} {
		for _, way := range ways {
			for _, end := range c.ends {
				t.Run(c.program+"/"+way.name+"/"+end, func(t *testing.T) {
					within(t, 30*time.Second)
					p := prepare(t, c.program)
					how, reached := at(300, way.how)
					tr, err := tracer.Launch(p.Cmd, how)
					if err != nil {
						t.Fatal(err)
					}
					p.pid = tr.PID()
					if err := tr.Resume(); err != nil {
						t.Fatal(err)
					}
					p.ready(t)
					<-reached
					endHostile(t, p, tr, end)
					wantGone(t, p.pid)
				})
			}
		}
	}
}

func endHostile(t *testing.T, p *program, tr *tracer.Tracer, end string) {
	t.Helper()
	want := "?"
	switch end {
	case "detach":
		if err := tr.Detach(); err != nil {
			t.Error(err)
		}
		wantUntraced(t, p.pid)
		p.finish(t)
	case "kill":
		want = "SIGKILL"
		if err := tr.Kill(); err != nil {
			t.Error(err)
		}
	default:
		want = "23"
		p.input.Close()
	}
	if status, err := tr.Wait(); err != nil || status.String() != want {
		t.Errorf("the end: got %s, %v, want %s", status, err, want)
	}
}

func TestProgramThatHidesItself(t *testing.T) {
	for _, how := range []string{"undumpable", "another"} {
		if how == "another" && os.Getuid() != 0 {
			t.Log("not root: no program can become another user's")
			continue
		}
		for _, way := range ways {
			t.Run(how+"/"+way.name, func(t *testing.T) {
				within(t, 10*time.Second)
				l, status := follow(t, way.how, command(t, "hides", how))
				if status.String() != "23" {
					t.Errorf("status: got %s, want 23", status)
				}
				wantForm(t, l.form(t), "main: clone main/1..4, exit 23", "main/1..4: exit 0")
			})
		}
		t.Run(how+"/attached", func(t *testing.T) {
			within(t, 10*time.Second)
			p := start(t, "hides", how, "parked")
			l := &log{}
			tr, err := tracer.Attach(p.pid, l.options(tracer.Options{}))
			if os.Getuid() != 0 {
				wantRefused(t, err)
				p.finish(t)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantHeld(t, p.pid, l)
			if err := tr.Resume(); err != nil {
				t.Fatal(err)
			}
			p.input.Close()
			if status, err := tr.Wait(); err != nil || status.String() != "23" {
				t.Errorf("the end: got %s, %v, want 23", status, err)
			}
			if diff := cmp.Diff([]string{
				"main: clone main/1, clone main/2, exit 23",
				"main/1: exit 0", "main/2: exit 0",
			}, l.form(t).Lines()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func wantRefused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, unix.EPERM) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v, want one line that is EPERM", err)
	}
}

// Root may attach to all processes, so the test is run again as an ordinary user.
func TestProgramThatHidesItselfFromAnOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("we are an ordinary user: TestProgramThatHidesItself is this test")
	}
	within(t, 60*time.Second)
	exe, err := os.Open("/proc/self/exe") // go test's directory is closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.v", "-test.count=1",
		"-test.run=^TestProgramThatHidesItself$")
	cmd.ExtraFiles = []*os.File{exe}
	cmd.Env = append(os.Environ(), "TMPDIR=/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 64323, Gid: 64323}}
	said, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, fs.ErrPermission):
		t.Skip("cannot become an ordinary user: ", err)
	case err != nil:
		t.Errorf("as an ordinary user: %v\n%s", err, said)
	case !strings.Contains(string(said),
		"--- PASS: TestProgramThatHidesItself/undumpable/attached"):
		t.Errorf("as an ordinary user nothing was attached to:\n%s", said)
	}
}

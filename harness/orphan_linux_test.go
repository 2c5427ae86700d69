//go:build amd64 || arm64

package harness_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// A mortal debugger is the reference with a death of its own.
type mortal struct {
	reference.Debugger
	die death // nil if it cannot
}

// A death is told how the reference dies, and which process it traces.
type death func(ctx context.Context, dies func(context.Context) error, pid int) error

func (d mortal) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s, err := d.Debugger.Start(ctx, target)
	if s == nil || err != nil {
		return nil, err
	}
	if d.die == nil {
		return dying{s, harness.Unsupported{}.Die}, nil
	}
	return dying{s, func(ctx context.Context) error { return d.die(ctx, s.Die, target.PID) }}, nil
}

type dying struct {
	harness.Session
	die func(context.Context) error
}

func (s dying) Die(ctx context.Context) error { return s.die(ctx) }

// A leaderless kernel lists no leader, so that the tracer does not attach to it.
type leaderless struct{ tracer.Kernel }

func (k leaderless) Tasks(pid int) ([]int, error) {
	tids, err := k.Kernel.Tasks(pid)
	return tids[1:], err
}

func TestADebuggersDeathLeavesTheProgramAsItWas(t *testing.T) {
	type dies = func(context.Context) error
	asItDoes := func(ctx context.Context, die dies, _ int) error { return die(ctx) }
	fails := func(context.Context, dies, int) error { return errors.New("not today") }
	lives := func(context.Context, dies, int) error { return nil }
	hangs := func(ctx context.Context, _ dies, _ int) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	stopsFirst := func(ctx context.Context, die dies, pid int) error {
		return errors.Join(unix.Tgkill(pid, pid, unix.SIGSTOP), die(ctx))
	}
	withoutLeader := func(k tracer.Kernel) tracer.Kernel { return leaderless{k} }
	forgetful := reference.Debugger{Options: tracer.Options{Kernel: withoutLeader}}
	for name, c := range map[string]struct {
		d            harness.Debugger
		verdict      judge.Verdict // of the rule; of all rules, if that is a pass
		rule, detail string
	}{
		"a thread's": {
			mortal{die: asItDoes}, judge.Pass, "complete", "by /proc, when it was killed",
		},
		"a process's": {outside{}, judge.Pass, "complete", "by /proc, when it was killed"},
		"a process that was not started for the run": {
			outside{free: true},
			judge.Unsupported, "released",
			"was not started for this run: unsupported operation",
		},
		"one that traced nothing": {
			idle{},
			judge.Untested, "released",
			"no task of the program had a tracer when its debugger was to be killed",
		},
		"one that fails at its end": {
			idle{errors.New("half a line")},
			judge.Fail, "session",
			"the debugger failed: half a line",
		},
		"it cannot die": {mortal{}, judge.Unsupported, "released", "die: unsupported operation"},
		"it fails to die": {
			mortal{die: fails},
			judge.Fail, "session",
			"the debugger failed: the debugger's death: not today",
		},
		"it does not die": {
			mortal{die: lives},
			judge.Fail, "released",
			"(main) is still traced: state t (tracing stop)",
		},
		"it hangs": {
			mortal{die: hangs},
			judge.Fail, "bounded",
			"the debugger's death did not come",
		},
		"it left one alone": {
			mortal{forgetful, asItDoes},
			judge.Fail, "complete",
			"(main) was not attached to: state S (sleeping)",
		},
		"a stop is on its way": {
			mortal{die: stopsFirst},
			judge.Fail, "released",
			"(main) is stopped since: state T (stopped)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scenario(t, "attach_idle/orphaned")
			judged, limit := 0, time.Second
			if c.verdict == judge.Pass {
				limit = harness.Limit
			}
			for _, r := range harness.RunWithin(t, c.d, s, limit) {
				isOfWords := r.Rule == "sound" || r.Rule == "once" // and it may have said nothing
				if c.verdict == judge.Pass && !isOfWords {
					assert.Check(t, r.Verdict == judge.Pass, "%s: %s", r.Rule, r.Detail)
				}
				if r.Rule == c.rule {
					judged++
					assert.Check(t, r.Verdict == c.verdict, "%s: %s", r.Rule, r.Detail)
					assert.Check(t, strings.Contains(r.Detail, c.detail),
						"got %q, want %q in it", r.Detail, c.detail)
				}
			}
			assert.Equal(t, judged, 1)
		})
	}
}

// A program that traces itself is not killed for that.
func TestTheProgramsOwnTracerIsNotItsDebugger(t *testing.T) {
	s := scenario(t, "attach_one_taken/attach_before")
	s.Mode = fixtures.Orphaned
	got, details := outcomes(harness.RunWithin(t, idle{}, s, harness.Limit))
	assert.DeepEqual(t, got,
		map[string]judge.Verdict{
			"complete": judge.Fail, "released": judge.Untested,
			"sound": judge.Untested, "once": judge.Unsupported, // it said nothing
		})
	assert.Assert(t, strings.Contains(details["complete"], "(main) was not attached to: "), "%v",
		details)
}

// An idle debugger attaches to nothing, and may fail at its end.
type idle struct{ fails error }

func (idle) Name() string                            { return "idle" }
func (idle) Version(context.Context) (string, error) { return "1", nil }
func (d idle) Start(context.Context, harness.Target) (harness.Session, error) {
	return elsewhere{end: func() error { return d.fails }}, nil
}

// An attacher attaches by PTRACE_ATTACH, notes the stops that come until SIGSTOP's, and lets go.
type attacher struct {
	idle
	stops map[event.TID][]unix.Signal
}

func (d attacher) Start(_ context.Context, target harness.Target) (harness.Session, error) {
	failed := make(chan error)
	tracer.OnThread(func() { failed <- d.attach(target.PID) })
	return elsewhere{end: func() error { return nil }}, <-failed
}

func (d attacher) attach(pid int) error {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		err = errors.Join(err, os.NewSyscallError("PTRACE_ATTACH", unix.PtraceAttach(tid)))
		for stop := unix.Signal(0); err == nil && stop != unix.SIGSTOP; {
			if stop != 0 {
				err = unix.PtraceCont(tid, int(stop))
			}
			var status unix.WaitStatus
			if _, waited := unix.Wait4(tid, &status, unix.WALL, nil); err == nil {
				err = waited
			}
			stop = status.StopSignal()
			d.stops[event.TID(tid)] = append(d.stops[event.TID(tid)], stop)
		}
		err = errors.Join(err, unix.PtraceDetach(tid))
	}
	return err
}

// The fixture has a signal on its way when a debugger attaches by PTRACE_ATTACH.
func TestASignalComesBeforeTheStopOfAnAttach(t *testing.T) {
	d := attacher{stops: make(map[event.TID][]unix.Signal)}
	got, details := outcomes(harness.RunWithin(t, d, scenario(t, "attach_signal_first/orphaned"),
		harness.Limit))
	assert.Equal(t, got["transparent"], judge.Verdict(""), "%v", details)
	var stops [][]unix.Signal
	for _, tid := range slices.Sorted(maps.Keys(d.stops)) {
		stops = append(stops, d.stops[tid])
	}
	assert.DeepEqual(t, stops, [][]unix.Signal{{unix.SIGSTOP}, {unix.SIGUSR1, unix.SIGSTOP}})
}

// An outside debugger traces in a process of its own, which is the test binary. If it is free it
// was not started through the target.
type outside struct{ free bool }

func (outside) Name() string                            { return "outside" }
func (outside) Version(context.Context) (string, error) { return "1", nil }

func (d outside) Start(_ context.Context, target harness.Target) (harness.Session, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env := append(target.Env, testproc.Role+"=attach", "PID="+strconv.Itoa(target.PID))
	if d.free {
		return startFree(self, env)
	}
	said, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer said.Close()
	p, err := target.Start(harness.Spec{Argv: []string{self}, Env: env, Stdout: ours})
	ours.Close()
	if err != nil {
		return nil, err
	}
	if err := p.Release(); err != nil {
		return nil, err
	}
	_, err = said.Read(make([]byte, 1))
	return elsewhere{end: func() error {
		err := p.Signal(unix.SIGKILL)
		<-p.Done()
		return err
	}}, err
}

func startFree(self string, env []string) (harness.Session, error) {
	cmd := exec.Command(self)
	cmd.Env = env
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, err = out.Read(make([]byte, 1))
	return elsewhere{end: func() error {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
		// Its tracer's own child was killed with it, and comes to us.
		for err := error(nil); err != unix.ECHILD; {
			_, err = unix.Wait4(-cmd.Process.Pid, nil, 0, nil)
		}
		return nil
	}}, err
}

// An elsewhere is a session of which nothing is asked but its end.
type elsewhere struct {
	harness.Session
	end func() error
}

func (elsewhere) Can() judge.Abilities { return nil }
func (elsewhere) Words() judge.Words   { return nil }
func (elsewhere) Version() string      { return "" }
func (e elsewhere) End() error         { return e.end() }

package gdb

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
	"gotest.tools/v3/assert"
)

// faked is the fake without gdb's time scale.
type faked struct {
	Debugger
	spoilt string
}

func (f faked) Name() string { return f.spoilt }

func (faked) TimeScale() float64 { return 1 }

func fakeOf(spoilt ...string) faked {
	d := Debugger{Path: os.Args[0]}
	for _, s := range spoilt {
		d.Args = append(d.Args, "--fake="+s)
	}
	return faked{d, strings.Join(spoilt, " ")}
}

// fakes runs a scenario under one fake for each way to spoil it, all at once. It gives each rule's
// verdict and detail, by the fake's name.
func fakes(t *testing.T, scenario string, spoilt ...string) map[string]map[string]string {
	t.Helper()
	var all []harness.Debugger
	for _, s := range spoilt {
		all = append(all, fakeOf(s))
	}
	o := harness.Options{TimeScale: 0.4, Jobs: 8}
	return adaptertest.Verdicts(t, scenario, o, all...)
}

// The tests below prove nothing if the fake is accused when it is right.
func TestARightFakeIsNotAccused(t *testing.T) {
	// A stop that is asked for as soon as it may be must not take the program for one that stands.
	const late = "-exec-continue@late"
	for scenario, spoilt := range map[string]string{
		"fork/launch": "", "attach_idle/stops": late, "exit_code/launch": "",
		"fork/detach_during": "", "attach_births/attach_during": "",
	} {
		adaptertest.Right(t, scenario, fakes(t, scenario, spoilt)[spoilt])
	}
}

func TestAGdbThatFailsIsAccusedInOneLine(t *testing.T) {
	const last = "it ended with 3: it was the fake's last hour"
	const late = " did not come"
	const starts, failed = "the debugger's start", "the debugger failed: the debugger's start: "
	for scenario, cases := range map[string][]adaptertest.Case{
		"fork/launch": {
			{"start@hang", "bounded", starts + late},
			{"start@die", "session", last},
			{"starti@die", "session", failed + "starti: " + last},
			{"starti@huge", "session bounded", starts}, // too much, or not in time
			{"starti@flood", "session bounded", starts},
			{"starti@=thread-cre", "bounded", starts + late}, // half a line
			{"starti@=\xff\xfe\n", "session", failed},
			{
				"starti@ID^error,msg=\"not \xff now\"\n", "session",
				failed + `starti: "not \xff now"`,
			},
			{"starti@999^error,msg=\"whose?\"\n", "bounded", starts + late},
			{
				"starti@+=thread-exited,id=\"-3\",group-id=\"i1\"\n", "session",
				failed +
					"starti: line 31 of its output: thread-exited: id: -3 is no number for one",
			},
			{
				"starti@+=thread-created,id=\"1\",group-id=\"i9\"\n", "session",
				`thread-created: there is no group "i9"`,
			},
			{
				"starti@+=thread-group-started,id=\"i1\",pid=\"-7\"\n", "session",
				"thread-group-started: pid: -7 is no number for one",
			},
			{
				"-exec-continue@+~\"[New Thread 0x1 (LWP 1)]\\n\"\n", "sound",
				"the kernel created no task 1",
			},
			{
				"-exec-continue@+~\"[New Thread 0x1 (LWP -4)]\\n\"\n", "",
				`tidcheck's adapter does not know "Thread 0x1 (LWP -4)": "~\"[New Thread`,
			},
			{"-exec-continue@+~\"[New LWP 99999999999]\\n\"\n", "session", "value out of range"},
			{
				"-exec-continue@+=thread-group-started,id=\"i8\",pid=\"1\"\n", "sound",
				"the kernel created no task 1",
			},
			{
				"-exec-continue@+&\"x.c:7: internal-error: it is\\nand more\"\n", "session",
				"of its output: x.c:7: internal-error: it is",
			},
			{"-exec-continue@+=running,x\n", "session", "expected = after x"}, // broken grammar
			{"-exec-continue@die", "session", last},
			{"-exec-continue@hang", "bounded", "the debugger's resume" + late},
			{
				"ended@die", "session",
				"the debugger failed: the debugger's word that the program is over: " + last,
			},
			{"ended@hang", "bounded", "the debugger's word that the program is over" + late},
			{
				"ended@=thread-group-exited,id=\"i1\",exit-code=\"09\"\n", "session",
				"invalid syntax",
			},
		},
		"attach_idle/stops": {
			{"-exec-interrupt@hang", "bounded", "the debugger's stop" + late},
			{"-exec-interrupt@die", "session", last},
			{"-thread-info@hang", "bounded", "the debugger's list of threads" + late},
			{
				"-thread-info@ID^done,threads=[{target-id=\"LWP -5\"}]\n", "",
				"the debugger's list of threads: -thread-info: tidcheck's adapter does not know " +
					`"LWP -5"`,
			},
			{
				"-thread-info@ID^done,threads=[{target-id=\"LWP 1\"}]\n", "sound",
				"listed at checkpoint 0: task 1; the kernel created no such task",
			},
			{"-thread-info@ID^done\n", "snapshot", "was not listed at checkpoint 0"},
		},
		"fork/detach_during": {
			{"-target-detach@hang", "bounded", "the debugger's detach" + late},
			{
				"-target-detach@die", "session",
				"the debugger failed: the debugger's detach: -target-detach: " + last,
			},
			{"-target-attach@ID^error,msg=\"no\"\n", "session", failed + `-target-attach: "no"`},
		},
	} {
		adaptertest.Accused(t, scenario, fakes(t, scenario, adaptertest.Fakes(cases)...), cases)
	}
}

// visit starts a fake on a program that is there, and shows its session to f.
func visit(t *testing.T, d harness.Debugger, f func(ctx context.Context, s *session)) {
	t.Helper()
	o := harness.Options{TimeScale: 6}
	adaptertest.WithTarget(t, "attach_idle/attach_before", o, func(target harness.Target) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		s, err := d.Start(ctx, target)
		assert.NilError(t, err)
		defer s.End() // what it says was looked at
		assert.NilError(t, s.Resume(ctx))
		f(ctx, s.(*session))
	})
}

// The thread that an interrupt names may end before gdb reads the command.
func TestAnInterruptIsGivenToAThreadThatLives(t *testing.T) {
	const ended = "~\"[Thread 0x1 (LWP 7) " +
		"exited]\\n\"\n=thread-exited,id=\"1\",group-id=\"i1\"\nID^error,msg=\"Thread id: 1 has " +
		"terminated\"\n"
	visit(t, fakeOf("-exec-interrupt@"+ended), func(ctx context.Context, s *session) {
		assert.NilError(t, s.Stop(ctx))
		tids, err := s.Threads(ctx)
		assert.NilError(t, err)
		assert.Check(t, len(tids) > 2, "%v", tids)
	})
}

// In non-stop mode gdb stops the threads that it knows. Of a thread that was born meanwhile it says
// that it runs.
func TestAThreadThatIsBornDuringAnInterruptIsInterruptedToo(t *testing.T) {
	const born = "ID^done\n*stopped,thread-id=\"1\",stopped-threads=\"all\"\n=thread-created,id" +
		"=\"77\",group-id=\"i1\"\n*running,thread-id=\"77\"\n"
	d := fakeOf("-exec-interrupt@" + born)
	d.NonStop = true
	visit(t, d, func(ctx context.Context, s *session) {
		assert.NilError(t, s.Stop(ctx))
		s.Lock()
		defer s.Unlock()
		assert.Check(t, s.still())
	})
}

// If gdb tells of a fork only while it lets go of the parent, the child is to be let go of too.
func TestAProcessThatIsBornInADetachIsLetGoOf(t *testing.T) {
	const born = "=thread-group-started,id=\"i9\",pid=\"77\"\n"
	visit(t, fakeOf("-target-detach@+"+born), func(ctx context.Context, s *session) {
		assert.NilError(t, s.Detach(ctx))
		assert.Assert(t, !s.has("i9"))
	})
}

// A stop is not over because gdb says nothing for a while: a thread that can stop is waited for.
func TestAStopIsNotGivenUpWhileAThreadCanStop(t *testing.T) {
	o := harness.Options{TimeScale: 2}
	adaptertest.WithTarget(t, "fork/attach_before", o, func(target harness.Target) {
		started, err := fakeOf("").Start(t.Context(), target)
		assert.NilError(t, err)
		defer started.End()
		s := started.(*session)
		assert.Assert(t, s.still(), "it stands after the attach")
		s.Lock()
		first := s.live()[0]
		s.threads[first].stands = false
		s.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 3*target.Scaled(limits.GDBStop)/2)
		defer cancel()
		assert.ErrorIs(t, s.settle(ctx, first), context.DeadlineExceeded)

		s.Lock()
		s.threads[first].tid = 1 << 22 // no task: it has ended
		s.Unlock()
		assert.NilError(t, s.settle(t.Context(), first))
	})
}

// A signal of the program's own may stop it while it is to stand. gdb's own SIGINT, by which it
// interrupts, is another: its sender is gdb.
func TestASignalOfTheProgramsThatMeetsAStopIsDelivered(t *testing.T) {
	stop := func(signal string) string {
		return "-exec-interrupt@ID^done\n*stopped,reason=\"signal-received\",signal-name=\"" +
			signal + "\",thread-id=\"1\",stopped-threads=\"all\"\n"
	}
	const bySelf = `-data-evaluate-expression@ID^done,value="1"` + "\n"
	const gone = `-data-evaluate-expression@ID^error,msg="no such thread"` + "\n"
	goOn := func(ctx context.Context, s *session) error { return s.Resume(ctx) }
	leave := func(ctx context.Context, s *session) error { return s.Detach(ctx) }
	for _, c := range []struct {
		about   string
		spoilt  []string
		then    func(context.Context, *session) error
		deliver string
	}{
		{"its SIGTRAP", []string{stop("SIGTRAP")}, goOn, "0: clone 77"},
		{"its SIGTRAP, and a detach", []string{stop("SIGTRAP")}, leave, "0: clone 77"},
		{"its SIGINT", []string{stop("SIGINT"), bySelf}, goOn, "0: clone 77"},
		{"its SIGINT, and a detach", []string{stop("SIGINT"), bySelf}, leave, "0: clone 77"},
		{"gdb's SIGINT", nil, goOn, ""},
		{"gdb's SIGINT, and a detach", nil, leave, ""},
		{"one whose thread has ended", []string{stop("SIGINT"), gone}, goOn, ""},
	} {
		visit(t, fakeOf(c.spoilt...), func(ctx context.Context, s *session) {
			before := len(s.Words())
			assert.NilError(t, s.Stop(ctx), c.about)
			assert.NilError(t, c.then(ctx, s), c.about)
			got := ""
			for _, e := range s.Words().Trace()[before:] {
				e.PID = 0
				got += e.String()
			}
			assert.Equal(t, got, c.deliver, c.about)
		})
	}
}

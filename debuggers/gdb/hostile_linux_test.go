package gdb

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// faked is the fake, which takes no longer for what it does than others do.
type faked struct {
	Debugger
	spoilt string
}

func (f faked) Name() string { return f.spoilt }

func (faked) TimeScale() float64 { return 1 }

func fakeOf(spoilt string) faked {
	return faked{Debugger{Path: os.Args[0], Args: []string{"--fake=" + spoilt}}, spoilt}
}

// fakes runs a scenario under a fake for each way to spoil it, all at once, and gives each rule's verdict and detail by it.
func fakes(t *testing.T, scenario string, spoilt ...string) map[string]map[string]string {
	t.Helper()
	var all []harness.Debugger
	for _, s := range spoilt {
		all = append(all, fakeOf(s))
	}
	o := harness.Options{TimeScale: 0.4, Jobs: 8}
	return adaptertest.Verdicts(t, scenario, o, all...)
}

// The tests below are worth something only if the fake is not accused when it is right.
func TestARightFakeIsNotAccused(t *testing.T) {
	const late = "-exec-continue@late" // who stops the program as soon as it may must not take it for one that stands
	for scenario, spoilt := range map[string]string{
		"fork/launch": "", "attach_idle/stops": late, "exit_code/launch": "", "fork/detach_during": "", "attach_births/attach_during": "",
	} {
		adaptertest.Right(t, scenario, fakes(t, scenario, spoilt)[spoilt])
	}
}

func TestAGdbThatFailsIsAccusedInOneLine(t *testing.T) {
	const last = "it ended with 3: it was the fake's last hour"
	const late = " did not come within 2s"
	const starts, failed = "the debugger's start", "the debugger failed: the debugger's start: "
	for scenario, cases := range map[string][]adaptertest.Case{
		"fork/launch": {
			{"start@hang", "bounded", starts + late},
			{"start@die", "complete", last},
			{"starti@die", "complete", failed + "starti: " + last},
			{"starti@huge", "complete bounded", "of its output is longer than 16777216 bytes"},
			{"starti@flood", "complete bounded", "it printed more than 67108864 bytes"},
			{"starti@=thread-cre", "bounded", starts + late}, // half a line
			{"starti@=\xff\xfe\n", "complete", failed},
			{"starti@ID^error,msg=\"not \xff now\"\n", "complete", failed + `starti: "not \xff now"`},
			{"starti@999^error,msg=\"whose?\"\n", "bounded", starts + late},
			{"starti@+=thread-exited,id=\"-3\",group-id=\"i1\"\n", "complete", failed + "starti: line 31 of its output: thread-exited: id: -3 is no number for one"},
			{"starti@+=thread-created,id=\"1\",group-id=\"i9\"\n", "complete", `thread-created: there is no group "i9"`},
			{"starti@+=thread-group-started,id=\"i1\",pid=\"-7\"\n", "complete", "thread-group-started: pid: -7 is no number for one"},
			{"-exec-continue@+~\"[New Thread 0x1 (LWP 1)]\\n\"\n", "sound", "the program had no task 1"},
			{"-exec-continue@+~\"[New Thread 0x1 (LWP -4)]\\n\"\n", "complete", `"Thread 0x1 (LWP -4)" names no task`},
			{"-exec-continue@+~\"[New LWP 99999999999]\\n\"\n", "complete", "value out of range"},
			{"-exec-continue@+=thread-group-started,id=\"i8\",pid=\"1\"\n", "sound", "the program had no task 1"},
			{"-exec-continue@+&\"x.c:7: internal-error: it is\\nand more\"\n", "complete", "of its output: x.c:7: internal-error: it is"},
			{"-exec-continue@die", "complete", last},
			{"-exec-continue@hang", "bounded", "the debugger's resume" + late},
			{"ended@die", "complete", "the debugger failed: the debugger's word that the program is over: " + last},
			{"ended@hang", "bounded", "the debugger's word that the program is over" + late},
			{"ended@=thread-group-exited,id=\"i1\",exit-code=\"09\"\n", "complete", "invalid syntax"},
		},
		"attach_idle/stops": {
			{"-exec-interrupt@hang", "bounded", "the debugger's stop" + late},
			{"-exec-interrupt@die", "complete", last},
			{"-thread-info@hang", "bounded", "the debugger's list of threads" + late},
			{"-thread-info@ID^done,threads=[{target-id=\"LWP -5\"}]\n", "complete", `-thread-info: "LWP -5" names no task`},
			{"-thread-info@ID^done,threads=[{target-id=\"LWP 1\"}]\n", "sound", "listed at checkpoint 0: the program had no task 1"},
			{"-thread-info@ID^done\n", "snapshot", "was not listed at checkpoint 0"},
		},
		"fork/detach_during": {
			{"-target-detach@hang", "bounded", "the debugger's detach" + late},
			{"-target-detach@die", "complete", "the debugger failed: the debugger's detach: -target-detach: " + last},
			{"-target-attach@ID^error,msg=\"no\"\n", "complete", failed + `-target-attach: "no"`},
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

// A thread by way of which gdb is to stop the program may end before gdb reads of it.
func TestAnInterruptIsGivenToAThreadThatLives(t *testing.T) {
	const ended = "~\"[Thread 0x1 (LWP 7) exited]\\n\"\n=thread-exited,id=\"1\",group-id=\"i1\"\nID^error,msg=\"Thread id: 1 has terminated\"\n"
	visit(t, fakeOf("-exec-interrupt@"+ended), func(ctx context.Context, s *session) {
		assert.NilError(t, s.Stop(ctx))
		assert.Equal(t, s.interrupts, 0, "the refused one is not waited for")
		tids, err := s.Threads(ctx)
		assert.NilError(t, err)
		assert.Check(t, len(tids) > 2, "%v", tids)
	})
}

// In non-stop mode gdb stops those that it knows, and tells of one that was born meanwhile that it runs.
func TestWhoIsBornDuringAnInterruptIsInterruptedToo(t *testing.T) {
	const born = "ID^done\n*stopped,thread-id=\"1\",stopped-threads=\"all\"\n=thread-created,id=\"77\",group-id=\"i1\"\n*running,thread-id=\"77\"\n"
	d := fakeOf("-exec-interrupt@" + born)
	d.NonStop = true
	visit(t, d, func(ctx context.Context, s *session) {
		assert.NilError(t, s.Stop(ctx))
		s.mu.Lock()
		defer s.mu.Unlock()
		assert.Check(t, s.still())
	})
}

// A fork that gdb tells of only while it lets go of the parent is to be let go of too.
func TestAProcessThatIsBornInADetachIsLetGoOf(t *testing.T) {
	const born = "=thread-group-started,id=\"i9\",pid=\"77\"\n"
	visit(t, fakeOf("-target-detach@+"+born), func(ctx context.Context, s *session) {
		assert.NilError(t, s.Detach(ctx))
		assert.Assert(t, !s.has("i9"))
	})
}

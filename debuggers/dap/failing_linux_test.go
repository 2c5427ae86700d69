package dap

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestAnAdapterThatFails(t *testing.T) {
	const flood = "Content-Length: 104857600\r\n\r\n"
	for _, c := range []struct{ name, plan, want string }{
		{
			"dies at the greeting", "initialize:die",
			"request initialize: it ended with 3: cannot go on",
		},
		{"dies at the opening", "launch:die", "request launch: it ended with 3: cannot go on"},
		{
			"dies when configured", "configurationDone:die",
			"request configurationDone: it ended with 3: cannot go on",
		},
		{"refuses", "launch:deny", "request launch: not now"},
		{
			"refuses what is configured", "configurationDone:deny",
			"request configurationDone: not now",
		},
		{
			"prints words", "launch:Segmentation fault\n",
			`request launch: message 2 of its output: "Segmentation fault" is no header`,
		},
		{
			"answers what was not asked",
			"launch:" + said(
				`{"seq":0,"type":"response","request_seq":99,"success":true,"command":"next"}`),
			"request launch: message 2 of its output: an answer to request 99, which has none " +
				"to come",
		},
		{
			"announces a huge message", "launch:" + flood,
			"request launch: message 2 of its output: it has 104857600 bytes, and may have 1048576",
		},
		{
			"says at once that it is over", "launch:" + said(exited),
			"the debugger said that the program is over",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start(t, "fork/launch", planning(c.plan),
				func(_ context.Context, _ harness.Session, err error) {
					assert.Error(t, err, c.want)
				})
		})
	}
}

// An adapter that refuses a program debugs nothing: there is no session, and the adapter has ended
// before the program goes on. Which programs it may refuse, the suite decides.
func TestARefusedAttachLeavesNoAdapterBehind(t *testing.T) {
	start(t, "attach_one_taken/attach_before", planning("attach:deny"),
		func(_ context.Context, s harness.Session, err error) {
			assert.Error(t, err, "request attach: not now")
			assert.Assert(t, s == nil)
		})
	start(t, "attach_one_taken/attach_before", planning("initialize:deny"),
		func(_ context.Context, s harness.Session, err error) {
			assert.Error(t, err, "request initialize: not now")
			assert.Assert(t, s != nil, "it refused us, not the program")
		})
	for scenario, want := range map[string]judge.Verdict{
		"attach_one_taken/attach_before": judge.Pass, "attach_idle/attach_before": judge.Fail,
	} {
		results, err := run(t.Context(), planning("attach:deny"), scenario, harness.Options{})
		assert.NilError(t, err)
		for _, r := range results {
			if r.Rule == "session" {
				assert.Equal(t, r.Verdict, want, r.Detail)
				assert.Assert(t, strings.Contains(r.Detail, "request attach: not now"), r.Detail)
			}
		}
	}
}

func TestAnAdapterThatFailsLater(t *testing.T) {
	resume := func(ctx context.Context, s harness.Session) error { return s.Resume(ctx) }
	stop := func(ctx context.Context, s harness.Session) error {
		return errors.Join(s.Resume(ctx), s.Stop(ctx))
	}
	list := func(ctx context.Context, s harness.Session) error {
		_, err := s.Threads(ctx)
		return err
	}
	leave := func(ctx context.Context, s harness.Session) error { return s.Detach(ctx) }
	wait := func(ctx context.Context, s harness.Session) error {
		return errors.Join(s.Resume(ctx), s.Wait(ctx))
	}
	for _, c := range []struct {
		name, plan string
		do         func(context.Context, harness.Session) error
		want       string
	}{
		{
			"dies at a resume", "continue:die", resume,
			"request continue: it ended with 3: cannot go on",
		},
		{"refuses to resume", "continue:deny", resume, "request continue: not now"},
		{"dies at a stop", "pause:die", stop, "request pause: it ended with 3: cannot go on"},
		{"refuses to list", "threads:deny", list, "request threads: not now"},
		{
			"answers for another request",
			"threads:" + said(
				`{"seq":0,"type":"response","request_seq":4,"success":true,"command":"pause"}`),
			list, "request threads: the answer is one to pause",
		},
		{
			"lists nonsense",
			"threads:" + said(
				`{"seq":0,"type":"response","request_seq":4,"success":true,"command":"threads",`+
					`"body":{"threads":[{"id":"x"}]}}`),
			list, "request threads: message 6 of its output: ",
		},
		{
			"dies at a detach", "disconnect:die", leave,
			"request disconnect: it ended with 3: cannot go on",
		},
		{
			"says half a word and ends", "continue:Content-Length: 10\r\n\r\n{", wait,
			"of its output: ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start(t, "fork/attach_before", planning(c.plan),
				func(ctx context.Context, s harness.Session, err error) {
					assert.NilError(t, err)
					begin := time.Now()
					assert.ErrorContains(t, c.do(ctx, s), c.want)
					assert.Assert(t, time.Since(begin) < 15*time.Second, "it is known in time")
				})
		})
	}
}

// A request to an adapter that says nothing lasts until its time is over.
func TestAnAdapterThatHangs(t *testing.T) {
	const patience = 50 * time.Millisecond
	for _, command := range []string{"initialize", "attach", "configurationDone"} {
		startWithin(t, patience, "fork/attach_before", planning(command+":hang"),
			func(_ context.Context, s harness.Session, err error) {
				assert.ErrorContains(t, err, "context deadline exceeded")
				assert.Assert(t, s != nil, "%s: it is there to be ended", command)
			})
	}
	for command, do := range map[string]func(context.Context, harness.Session) error{
		"continue": func(ctx context.Context, s harness.Session) error { return s.Resume(ctx) },
		"pause":    func(ctx context.Context, s harness.Session) error { return s.Stop(ctx) },
		"threads": func(ctx context.Context, s harness.Session) error {
			_, err := s.Threads(ctx)
			return err
		},
		"disconnect": func(ctx context.Context, s harness.Session) error { return s.Detach(ctx) },
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			start(t, "fork/attach_before", planning(command+":hang"),
				func(ctx context.Context, s harness.Session, err error) {
					assert.NilError(t, err)
					if command == "pause" {
						assert.NilError(t, s.Resume(ctx))
					}
					short, cancel := context.WithTimeout(ctx, patience)
					defer cancel()
					assert.Error(t, do(short, s), "request "+command+": context deadline exceeded")
					assert.NilError(t, s.End())
				})
		})
	}
}

func TestAThreadThatRefusesToStopTwiceIsTheAdaptersFailure(t *testing.T) {
	start(t, "fork/attach_before", planning("alone:7 8 9;pause:deny"),
		func(_ context.Context, _ harness.Session, err error) {
			assert.ErrorContains(t, err, "the stop of thread")
			assert.ErrorContains(t, err, "not now")
		})
}

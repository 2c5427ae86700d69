//go:build amd64 || arm64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// After PTRACE_TRACEME a signal can come before the exec: it is passed on, and the exec is an
// event.
func TestFirstStopAfterTraceMe(t *testing.T) {
	for _, c := range []struct{ name, stops, requests string }{
		{"the exec", "10: trap 0", "10: setoptions"},
		{
			"a signal, then the exec", "10: signal SIGHUP\n10: exec 10",
			"10: setoptions\n10: cont SIGHUP",
		},
		{
			"a SIGTRAP of another process, then the exec", "10: signal SIGTRAP 99\n10: exec 10",
			"10: setoptions\n10: cont SIGTRAP",
		},
		{
			"a signal of its own, then the exec", "10: signal SIGHUP 10\n10: exec 10",
			"10: setoptions\n10: cont SIGHUP",
		},
		{
			"a SIGTRAP of the kernel, then the exec", "10: trap 2\n10: exec 10",
			"10: setoptions\n10: cont SIGTRAP",
		},
		{
			"a group stop, then the exec", "10: signal SIGSTOP 99\n10: sigstop?\n10: exec 10",
			"10: setoptions\n10: cont SIGSTOP\n10: cont",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newScript(c.stops)
			tr := &Tracer{
				opts: Options{TraceMe: true}, kernel: k, pid: 10, launched: true, starting: true,
				tasks: map[int]*task{},
			}
			if err := tr.traceFromExec(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(lines(c.requests), k.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if len(tr.early) != 1 || tr.early[0].Kind != event.Ready ||
				tr.tasks[10].at != stopExec {
				t.Errorf("got events %v, the program at stop %d; want it ready", tr.early,
					tr.tasks[10].at)
			}
		})
	}
}

// A stubGate lets the stub go by a byte of one.
type stubGate struct {
	err     error
	written []byte
}

func (g *stubGate) Write(b []byte) (int, error) {
	g.written = append(g.written, b...)
	return len(b), g.err
}

func TestLaunchByTraceMeSaysWhatWentWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		gate   stubGate
		failed string // this request
		want   string
	}{
		{"nothing", stubGate{}, "", "<nil>"},
		{"the gate", stubGate{err: unix.EPIPE}, "", "let it go: broken pipe"},
		{"the wait", stubGate{}, "10: wait", "wait4: input/output error"},
		{
			"the options",
			stubGate{},
			"10: setoptions",
			"ptrace(PTRACE_SETOPTIONS): input/output error",
		},
	} {
		k := newScript("10: trap 0")
		if c.failed != "" {
			k.errs[c.failed] = unix.EIO
		}
		tr := &Tracer{
			opts: Options{TraceMe: true}, kernel: k, starting: true, tasks: map[int]*task{},
		}
		if err := tr.launchTraceMe(10, &c.gate); fmt.Sprint(err) != c.want {
			t.Errorf("%s: got error %v, want %s", c.name, err, c.want)
		}
		if tr.pid != 10 || !tr.launched || string(c.gate.written) != "\x01" {
			t.Errorf("%s: process %d, launched %t, the gate got %q", c.name, tr.pid, tr.launched,
				c.gate.written)
		}
	}
}

func TestEndBeforeTheExecAfterTraceMe(t *testing.T) {
	for _, stops := range []string{"10: gone 13", "10: signal SIGHUP\n10: exit SIGHUP\n" +
		"10: gone SIGHUP"} {
		k := newScript(stops)
		tr := &Tracer{
			opts: Options{TraceMe: true}, kernel: k, pid: 10, launched: true, starting: true,
			tasks: map[int]*task{},
		}
		var early *earlyEnd
		if err := tr.traceFromExec(); !errors.As(err, &early) || len(tr.tasks) > 0 {
			t.Errorf("%s: got error %v and tasks %v, want an early end", stops, err, tr.tasks)
		}
	}
}

// A SIGSTOP that ends a stop is the tracer's own, or the kernel's for a newcomer.
func TestWhoseASIGSTOPIs(t *testing.T) {
	const tkill, kill = -6, 0
	us, another := int32(os.Getpid()), int32(os.Getpid()+1)
	for info, want := range map[Siginfo]bool{
		{Code: kill, PID: 0}:   true, // the kernel's
		{Code: tkill, PID: us}: true, {Code: kill, PID: us}: false,
		{Code: tkill, PID: another}: false, {Code: kill, PID: another}: false,
	} {
		if got := isOurs(info); got != want {
			t.Errorf("%+v is ours: %t, want %t", info, got, want)
		}
	}
}

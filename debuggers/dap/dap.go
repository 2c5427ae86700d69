// Package dap plugs in any debugger that is a debug adapter: a program that speaks the Debug
// Adapter Protocol on its standard input and output. It is asked to stop a program at its start,
// or to attach to one, then for threads, pauses, to continue and to disconnect.
//
// The protocol uses the adapter's own thread numbers. If they are not kernel tids, Debugger.TIDs is
// an expression that the adapter evaluates to the tids.
package dap

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
)

// Debugger is a debug adapter.
type Debugger struct {
	Called string   // its name in results; "dap" if empty
	Path   string   // the program, looked up in PATH
	Args   []string // its arguments
	Env    []string // what its environment has besides the isolated one
	// TIDs is an expression that the adapter evaluates as if its user typed it. The answer lists
	// pairs of a thread's number and its kernel id: (1, 4711), (2, 4712). It is empty for an
	// adapter whose numbers are the kernel's.
	TIDs string
	// Births says that the adapter announces threads, by events, under the kernel's numbers.
	Births bool
	// Continues says that the adapter tells by an event when a program goes on that it was told to
	// continue; it loses a pause that comes before.
	Continues bool
	// About is an expression whose answer has the version of an adapter that does not know
	// --version.
	About string
	// Launch and Attach are arguments for these requests, besides program, args, pid and
	// stopOnEntry. If they say that stopOnEntry is false, no stop is awaited at an attach: the
	// program is paused.
	Launch, Attach map[string]any
	// Breakpoint is a function at whose entry a breakpoint stands; none if empty. A run in which
	// the adapter never says that it is verified is UNSUPPORTED: there may be no such function.
	Breakpoint string
	Scale      float64 // see harness.Paced; zero is 2
}

// Name is Called.
func (d Debugger) Name() string { return cmp.Or(d.Called, "dap") }

// TimeScale is Scale: an adapter reads symbols at each start.
func (d Debugger) TimeScale() float64 { return cmp.Or(d.Scale, 2) }

// runsOn says that the adapter knows no stopOnEntry, by the user's word: the program runs on after
// an attach, until a pause.
func (d Debugger) runsOn() bool { return d.Attach["stopOnEntry"] == false }

func (d Debugger) program() adapter.Program { return adapter.Program{Path: d.Path, Env: d.Env} }

var versionNumber = regexp.MustCompile(`(\d+(?:\.\d+)+[-+.~\w]*)`)

// Version is what the adapter says of itself, "unknown" if that has no number.
func (d Debugger) Version(ctx context.Context) (string, error) {
	if d.Path == "" {
		return "", errors.New("no debug adapter is named")
	}
	path, err := d.program().Find()
	if err != nil {
		return "", err
	}
	asking := append(slices.Clip(d.Args), "--version")
	version, err := d.program().Version(ctx, versionNumber, asking...)
	switch {
	case err == nil:
		return version, nil
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
	case d.About == "":
		return "unknown", nil // it does not know --version
	default:
		version, err = d.about(ctx, path)
	}
	if err != nil {
		return "", fmt.Errorf("the version of %s: %w", path, err)
	}
	return cmp.Or(versionNumber.FindString(version), "unknown"), nil
}

// about is what the adapter answers when it is asked about itself.
func (d Debugger) about(ctx context.Context, path string) (said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limits.Version)
	defer cancel()
	var asked bytes.Buffer
	leave := &dap.DisconnectRequest{Request: request("disconnect")}
	for i, r := range []dap.RequestMessage{d.initialize(), evaluate(d.About, 0), leave} {
		r.GetRequest().Seq = i + 1
		if err := dap.WriteProtocolMessage(&asked, r); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, path, d.Args...)
	cmd.Env = slices.Concat(os.Environ(), d.Env, []string{"HOME=/nonexistent", "LC_ALL=C.UTF-8"})
	cmd.Stdin, cmd.WaitDelay = &asked, limits.Grace
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return "", err
	}
	answered := errors.New("it did not answer")
	err = eachMessage(out, func(_ []byte, m dap.Message) error {
		switch m := m.(type) {
		case *dap.EvaluateResponse:
			said = m.Body.Result
			return answered
		case *dap.ErrorResponse:
			return failure(m)
		}
		return nil
	})
	cmd.Process.Kill() // it may have ended
	cmd.Wait()         // by our signal
	if said != "" {
		return said, nil
	}
	return "", cmp.Or(context.Cause(ctx), err, answered)
}

// Start starts the adapter and has it launch the target's program, or attach to it. Then the
// program stands.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	s := &session{debugger: d, launched: target.PID == 0}
	s.pid = event.TID(target.PID)
	var err error
	s.Tool, err = d.program().Start(target, d.Args, s.read)
	if err != nil {
		return nil, err
	}
	go s.deliver()
	err = s.begin(ctx, target)
	if s.unwilling && target.PID != 0 {
		s.leave(ctx)
		return nil, err // there is nothing to debug
	}
	if err != nil {
		return s, err
	}
	pid := s.now().pid
	s.Add(event.Event{Kind: event.Ready, PID: pid, TID: pid})
	return s, nil
}

package keeper

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tidcheck/tidcheck/event"
)

// A Spec is a program to start. Its path is looked up in PATH, as exec.Command does.
type Spec struct {
	Argv []string
	// Env is its environment; if a variable is set twice, the last value counts. Nil is ours, or
	// the target's if the program is started for one.
	Env                   []string
	Dir                   string   // its working directory; empty is ours, or / if ours was removed
	Stdin, Stdout, Stderr *os.File // nil is /dev/null
}

// A Process was started by a keeper, in a process group of its own.
type Process struct {
	PID int

	gate   *os.File // a byte lets it execute its program
	done   chan struct{}
	status event.Status
	err    error // why it could not be executed
}

// Release lets a held process execute its program.
func (p *Process) Release() error {
	_, err := p.gate.Write([]byte{0})
	return errors.Join(err, p.gate.Close())
}

// Done is closed when the process has ended and was waited for.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the process's end. The error is the context's cause, or says why its program could
// not be executed.
func (p *Process) Wait(ctx context.Context) (event.Status, error) {
	select {
	case <-p.done:
		return p.status, p.err
	case <-ctx.Done():
		return event.Unknown, context.Cause(ctx)
	}
}

// Err says why the program could not be executed. It is nil as long as the process lives.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// lookPath finds a program as a shell would, and makes its path absolute, since the keeper changes
// to the program's folder first.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

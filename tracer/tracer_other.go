//go:build !linux || !(amd64 || arm64)

package tracer

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"

	"github.com/tidcheck/tidcheck/event"
)

// Kernel is the kernel as a tracer sees it; there is none on this system.
type Kernel interface{}

// A Tracer cannot be had on this system, so that no method of one is ever called.
type Tracer struct{ methods }

type methods interface {
	PID() int
	Done() <-chan struct{}
	Wait() (event.Status, error)
	SetFollow(threads, processes Follow) error
	Threads() ([]Thread, error)
	Stop() error
	Resume() error
	StopThread(tid int) error
	ResumeThread(tid int) error
	DetachThread(tid int) error
	Step(ctx context.Context, tid int) error
	Detach() error
	Kill() error
	Abandon() error
}

func unsupported() error {
	return fmt.Errorf("trace on %s/%s: %w", runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}

// Launch is unsupported on this system.
func Launch(*exec.Cmd, Options) (*Tracer, error) { return nil, unsupported() }

// LaunchHeld is unsupported on this system.
func LaunchHeld(int, func() error, Options) (*Tracer, error) { return nil, unsupported() }

// Attach is unsupported on this system.
func Attach(int, Options) (*Tracer, error) { return nil, unsupported() }

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

// A Tracer cannot be had on this system.
type Tracer struct{}

func unsupported() error {
	return fmt.Errorf("trace on %s/%s: %w", runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}

// Launch is unsupported on this system.
func Launch(*exec.Cmd, Options) (*Tracer, error) { return nil, unsupported() }

// LaunchHeld is unsupported on this system.
func LaunchHeld(int, func() error, Options) (*Tracer, error) { return nil, unsupported() }

// Attach is unsupported on this system.
func Attach(int, Options) (*Tracer, error) { return nil, unsupported() }

// SetFollow is unsupported on this system.
func (*Tracer) SetFollow(threads, processes Follow) error { return unsupported() }

// Stop is unsupported on this system.
func (*Tracer) Stop() error { return unsupported() }

// Threads is unsupported on this system.
func (*Tracer) Threads() ([]Thread, error) { return nil, unsupported() }

// ResumeThread is unsupported on this system.
func (*Tracer) ResumeThread(int) error { return unsupported() }

// StopThread is unsupported on this system.
func (*Tracer) StopThread(int) error { return unsupported() }

// DetachThread is unsupported on this system.
func (*Tracer) DetachThread(int) error { return unsupported() }

// Step is unsupported on this system.
func (*Tracer) Step(context.Context, int) error { return unsupported() }

// PID is zero on this system.
func (*Tracer) PID() int { return 0 }

// Resume is unsupported on this system.
func (*Tracer) Resume() error { return unsupported() }

// Detach is unsupported on this system.
func (*Tracer) Detach() error { return unsupported() }

// Kill is unsupported on this system.
func (*Tracer) Kill() error { return unsupported() }

// Abandon is unsupported on this system.
func (*Tracer) Abandon() error { return unsupported() }

// Done is closed on this system.
func (*Tracer) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// Wait is unsupported on this system.
func (*Tracer) Wait() (event.Status, error) { return event.Unknown, unsupported() }

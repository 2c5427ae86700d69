//go:build !linux

package keeper

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// A Keeper is for Linux.
type Keeper struct{}

func unsupported() error {
	return fmt.Errorf("start the keeper on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// New fails with [errors.ErrUnsupported], as all of a Keeper's methods do.
func New(string) (*Keeper, error) { return nil, unsupported() }

func (*Keeper) Start(Spec) (*Process, error)                 { return nil, unsupported() }
func (*Keeper) Output(context.Context, Spec) (string, error) { return "", unsupported() }
func (*Keeper) Close() error                                 { return unsupported() }
func (*Keeper) Home() (string, error)                        { return "", unsupported() }

// Signal is for Linux.
func (*Process) Signal(syscall.Signal) error { return unsupported() }

//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
)

func openConsole(_, _ *os.File) (*console, error) { return nil, errors.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }

func inForeground() bool { return false }

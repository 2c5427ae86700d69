//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
)

func openTerminal(*os.File, *os.File) (*console, error) { return nil, errors.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }

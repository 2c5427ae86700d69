//go:build !linux || !(amd64 || arm64)

package main

import (
	"context"
	"errors"
)

func tryPtrace(context.Context) (string, error) { return "", errors.ErrUnsupported }
func tryAttach(context.Context) (string, error) { return "", errors.ErrUnsupported }
func tryCgroup(context.Context) (string, error) { return "", errors.ErrUnsupported }

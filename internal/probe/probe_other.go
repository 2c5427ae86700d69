//go:build !linux

// Package probe tries what only a try can tell of a machine; nothing of it is to be had here.
package probe

import "errors"

// Try tells that a fixture's need is not to be had.
func Try(string) error { return errors.ErrUnsupported }

// Cgroup tells that there is no cgroup.
func Cgroup() (string, error) { return "", errors.ErrUnsupported }

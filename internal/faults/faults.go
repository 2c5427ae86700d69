// Package faults tells what an error of a debugger's means. An error may say it by a method, as
// those of package adapter do.
package faults

import (
	"errors"
	"syscall"
)

// IsOurs tells whether an adapter did not understand its debugger (the error has a method OurFault)
// or our process may have no more files open.
func IsOurs(err error) bool {
	var ours interface{ OurFault() }
	return errors.As(err, &ours) || errors.Is(err, syscall.EMFILE) ||
		errors.Is(err, syscall.ENFILE)
}

// IsRefusal tells whether an error of a debugger that was to attach is its clear word that it does
// not: by a method Refuses, or since it has no such method and comes without a session.
func IsRefusal(err error, hasSession bool) bool {
	var says interface{ Refuses() bool }
	switch {
	case errors.Is(err, errors.ErrUnsupported) || IsOurs(err):
		return false
	case errors.As(err, &says):
		return says.Refuses()
	}
	return !hasSession
}

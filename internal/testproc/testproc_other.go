//go:build !linux

package testproc

// UseTempThatExecutes does nothing where no test builds a program.
func UseTempThatExecutes() {}

package main

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// inForeground tells whether our process group is its terminal's, which then sends Ctrl-C to
// all of it.
func inForeground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}

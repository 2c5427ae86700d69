package main

import (
	"bufio"
	"io"
	"net/textproto"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// openConsole opens a terminal if both files are one. Else lines are read as they come, and there
// is no prompt.
func openConsole(in, out *os.File) (*console, error) {
	if term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd())) {
		return openTerminal(in, out)
	}
	return &console{
		out:     out,
		read:    textproto.NewReader(bufio.NewReader(in)).ReadLine,
		prompt:  func(string) {},
		restore: func() {},
	}, nil
}

// openTerminal opens a terminal on which the user edits lines. The terminal has its own modes again
// at the end, and while Ctrl-Z stops us.
func openTerminal(in, out *os.File) (*console, error) {
	fd := int(in.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, os.NewSyscallError("ioctl(TCGETS)", err)
	}
	setModes := func(modes *unix.Termios) error {
		return os.NewSyscallError("ioctl(TCSETS)", unix.IoctlSetTermios(fd, unix.TCSETSW, modes))
	}
	editing := forEditing(*before)
	if err := setModes(&editing); err != nil {
		return nil, err
	}
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")
	resize := func() {
		if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 {
			editor.SetSize(width, height)
		}
	}
	resize()
	changes, handled := make(chan os.Signal, 8), make(chan struct{})
	signal.Notify(changes, unix.SIGTSTP, unix.SIGCONT, unix.SIGWINCH)
	go func() {
		defer close(handled)
		for sig := range changes {
			switch sig {
			case unix.SIGTSTP:
				setModes(before)
				unix.Kill(os.Getpid(), unix.SIGSTOP) // SIGCONT follows
			case unix.SIGCONT:
				setModes(&editing)
				editor.Write(nil) // repaints the line
			case unix.SIGWINCH:
				resize()
			}
		}
	}()
	return &console{
		out: editor, read: editor.ReadLine, prompt: editor.SetPrompt,
		restore: func() {
			signal.Stop(changes)
			close(changes)
			<-handled        // a SIGCONT sets the modes no more
			setModes(before) // an error means that the terminal is gone
		},
	}, nil
}

// forEditing makes a terminal's modes those for editing lines. term.MakeRaw would also clear OPOST,
// and the program's lines would begin where the last one ended; and ISIG, and Ctrl-C would be a
// key, which comes only while a line is read.
func forEditing(modes unix.Termios) unix.Termios {
	modes.Iflag &^= unix.ICRNL | unix.INLCR | unix.IGNCR | unix.IXON
	modes.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL | unix.IEXTEN
	modes.Cc[unix.VMIN], modes.Cc[unix.VTIME] = 1, 0
	return modes
}

// ownGroup gives the program a process group of its own, so that the terminal sends Ctrl-C to the
// prompt alone.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// inForeground reports whether our process group is the terminal's foreground group. The terminal
// sends Ctrl-C to all of that group.
func inForeground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}

package main

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// openTerminal has lines edited on a terminal, and its modes put back at the end, and while we are
// stopped by Ctrl-Z.
func openTerminal(in, out *os.File) (*console, error) {
	modes, err := startModes(in)
	if err != nil {
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
	changes := make(chan os.Signal, 8)
	signal.Notify(changes, unix.SIGTSTP, unix.SIGCONT, unix.SIGWINCH)
	go func() {
		for sig := range changes {
			switch sig {
			case unix.SIGTSTP:
				modes.restore()
				unix.Kill(os.Getpid(), unix.SIGSTOP) // and SIGCONT follows
			case unix.SIGCONT:
				modes.edit()
				editor.Write(nil) // paints the line again
			case unix.SIGWINCH:
				resize()
			}
		}
	}()
	return &console{
		out: editor, read: editor.ReadLine, prompt: editor.SetPrompt,
		restore: func() {
			signal.Stop(changes)
			modes.end()
		},
	}, nil
}

// modes are a terminal's: those it had, and those in which lines are edited.
type modes struct {
	fd             int
	before, inEdit unix.Termios
	mu             sync.Mutex
	ended          bool
}

// startModes is not term.MakeRaw: that would have the program's lines begin where the last one ended
// (OPOST), and Ctrl-C, which must come through while no line is read, be a key (ISIG).
func startModes(in *os.File) (*modes, error) {
	m := &modes{fd: int(in.Fd())}
	t, err := unix.IoctlGetTermios(m.fd, unix.TCGETS)
	if err != nil {
		return nil, os.NewSyscallError("ioctl(TCGETS)", err)
	}
	m.before, m.inEdit = *t, *t
	m.inEdit.Iflag &^= unix.ICRNL | unix.INLCR | unix.IGNCR | unix.IXON
	m.inEdit.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL | unix.IEXTEN
	m.inEdit.Cc[unix.VMIN], m.inEdit.Cc[unix.VTIME] = 1, 0
	return m, m.edit()
}

func (m *modes) edit() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return nil
	}
	return os.NewSyscallError("ioctl(TCSETS)", unix.IoctlSetTermios(m.fd, unix.TCSETSW, &m.inEdit))
}

func (m *modes) restore() {
	unix.IoctlSetTermios(m.fd, unix.TCSETSW, &m.before) // an error: the terminal is gone
}

func (m *modes) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	m.restore()
}

// ownGroup keeps a terminal's Ctrl-C, which is for the prompt, from the program.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

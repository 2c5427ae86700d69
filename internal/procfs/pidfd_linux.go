package procfs

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"time"
	"unsafe"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A Process is held by a pidfd: it is never mistaken for a later process with its id.
type Process struct{ file *os.File }

// OpenProcess opens a process; the error is unix.ESRCH if it is gone. Close closes it.
func OpenProcess(pid event.TID) (*Process, error) {
	fd, err := unix.PidfdOpen(int(pid), unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	return &Process{os.NewFile(uintptr(fd), "process")}, nil
}

// Close closes the pidfd.
func (p *Process) Close() error { return p.file.Close() }

// AwaitEnd waits for the process's end, whichever process is its parent. The error is the context's
// cause.
func (p *Process) AwaitEnd(ctx context.Context) error {
	conn, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	gaveUp := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(gaveUp)
		p.file.SetReadDeadline(time.Unix(1, 0))
	})
	defer func() {
		if !stop() {
			<-gaveUp
			p.file.SetReadDeadline(time.Time{}) // the next wait has its own time
		}
	}()
	err = conn.Read(func(fd uintptr) bool {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, 0)
		return n > 0 && err == nil
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// ExitStatus is how a process ended that was reaped. It is Unknown if the kernel does not keep that
// (before Linux 6.15).
func (p *Process) ExitStatus() event.Status {
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, p.file.Fd(), unix.PIDFD_GET_INFO,
		uintptr(unsafe.Pointer(&info)))
	if errno != 0 || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return event.Unknown
	}
	return event.StatusOf(uint32(info.Exit_code))
}

// Kill sends SIGKILL. The error is unix.ESRCH if the process has ended, unix.EPERM if it may not be
// killed.
func (p *Process) Kill() error {
	return unix.PidfdSendSignal(int(p.file.Fd()), unix.SIGKILL, nil, 0)
}

// MemoryFile is a file without a name, which goes with the last process that has it open. Other
// processes of ours open it by SharedPath.
func MemoryFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate("tidcheck-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Content is all that was written to a memory file so far.
func Content(f *os.File) string {
	text, _ := io.ReadAll(io.NewSectionReader(f, 0, math.MaxInt64)) // of memory: it does not fail
	return string(text)
}

// SharedPath is the path by which other processes open a file of ours.
func SharedPath(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }

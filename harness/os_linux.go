package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// ownedByUs tells whether a file is this user's.
func ownedByUs(info fs.FileInfo) bool {
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(status.Uid) == os.Geteuid()
}

// memoryFile is a file without a name, which goes with the last who has it open. Other
// processes of ours open it by sharedPath.
func memoryFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate("tidcheck-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func sharedPath(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }

// openProcess opens a process as a pidfd; awaitEnd waits for its end, whoever its parent is.
func openProcess(pid int) (*os.File, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	return os.NewFile(uintptr(fd), "process"), nil
}

func awaitEnd(ctx context.Context, process *os.File) error {
	conn, err := process.SyscallConn()
	if err != nil {
		return err
	}
	gaveUp := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(gaveUp)
		process.SetReadDeadline(time.Unix(1, 0))
	})
	defer func() {
		if !stop() {
			<-gaveUp
			process.SetReadDeadline(time.Time{}) // who waits next has a time of his own
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

// exitStatus is how a process ended that was reaped, Unknown where the kernel does not keep it.
func exitStatus(process *os.File) event.Status {
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, process.Fd(), unix.PIDFD_GET_INFO, uintptr(unsafe.Pointer(&info)))
	if errno != 0 || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return event.Unknown
	}
	return event.StatusOf(uint32(info.Exit_code))
}

// lockFile takes a lock that goroutines and processes exclude each other by; it goes with its holder.
func lockFile(name string) (unlock func(), err error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		if err = unix.Flock(int(file.Fd()), unix.LOCK_EX); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, os.NewSyscallError("flock", err)
	}
	return func() { file.Close() }, nil
}

// signalGroup signals the process group that a keeper's child leads.
func signalGroup(pid int, sig syscall.Signal) error {
	return os.NewSyscallError("kill", unix.Kill(-pid, sig))
}

// tryNeed tries one of fixtures.Probes; the error says why it is not to be had.
func tryNeed(need string) error {
	switch need {
	case "witness":
		if from := witnessed(context.Background()); from != "perf" {
			return errors.New(from)
		}
		return nil
	case "cgo":
		return cgo()
	case "userfaultfd":
		fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC, 0, 0)
		return tried("userfaultfd", "vm.unprivileged_userfaultfd", fd, errno)
	}
	var params [120]byte // struct io_uring_params: all zero is a plain ring
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	return tried("io_uring_setup", "kernel.io_uring_disabled", fd, errno)
}

// tried is what came of a system call that gives a file, which is closed; the setting may forbid it.
func tried(call, setting string, fd uintptr, errno syscall.Errno) error {
	switch errno {
	case 0:
		return os.NewSyscallError("close", unix.Close(int(fd)))
	case unix.EPERM:
		return fmt.Errorf("%w: see %s", os.NewSyscallError(call, errno), setting)
	default:
		return os.NewSyscallError(call, errno)
	}
}

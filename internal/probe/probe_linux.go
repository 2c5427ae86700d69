// Package probe tries what only a try can tell of a machine: whether its kernel has something, and
// lets us use it. A fixture's head asks for such things by needs:.
package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"github.com/tidcheck/tidcheck/internal/procfs"
	"golang.org/x/sys/unix"
)

var probes = map[string]func() error{
	"io_uring": ioURing, "userfaultfd": userfaultfd, "ia32": ia32, "freezer": freezer,
	"timers": timers, "syscall_dispatch": syscallDispatch,
}

// Try tells by its error why something that a fixture needs is not to be had here.
func Try(need string) error {
	try, ok := probes[need]
	if !ok {
		return fmt.Errorf("%w: there is no way to try %s", errors.ErrUnsupported, need)
	}
	return try()
}

func userfaultfd() error {
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC, 0, 0)
	return file("userfaultfd", "vm.unprivileged_userfaultfd", fd, errno)
}

func ioURing() error {
	var params [120]byte // struct io_uring_params: all zero is a plain ring
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	return file("io_uring_setup", "kernel.io_uring_disabled", fd, errno)
}

// file is what came of a system call that gives a file, which is closed. A setting may forbid it.
func file(call, setting string, fd uintptr, errno syscall.Errno) error {
	if errno == 0 {
		return os.NewSyscallError("close", unix.Close(int(fd)))
	}
	err := os.NewSyscallError(call, errno)
	if errno == unix.EPERM {
		err = fmt.Errorf("%w: see %s", err, setting)
	}
	return err
}

// ia32 executes a program for i386 that ends with 7. A kernel without such programs gives ENOEXEC;
// the parameter ia32_emulation=0 forbids them (arch/x86/entry/common.c).
func ia32() error {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "386" { // an emulator is not the kernel
		return errors.New("it is x86's")
	}
	f, err := procfs.MemoryFile("ia32")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(ends32()); err != nil {
		return err
	}
	err = exec.Command(procfs.SharedPath(f)).Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() == 7 {
		return nil
	}
	return fmt.Errorf("a program for i386 was to end with 7: %w", err)
}

// ends32 is the ELF file of a program for i386: a header, one segment that is the whole file, and
// exit(7) by int $0x80.
func ends32() []byte {
	code := []byte{0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80}
	const at, header, segment = 0x8048000, 52, 32
	size := uint32(header + segment + len(code))
	elf := append([]byte("\x7fELF\x01\x01\x01"), make([]byte, 9)...)
	for _, word := range []uint16{2 /* ET_EXEC */, 3 /* EM_386 */} {
		elf = binary.LittleEndian.AppendUint16(elf, word)
	}
	for _, word := range []uint32{1, at + header + segment, header, 0, 0} {
		elf = binary.LittleEndian.AppendUint32(elf, word)
	}
	for _, word := range []uint16{header, segment, 1, 0, 0, 0} {
		elf = binary.LittleEndian.AppendUint16(elf, word)
	}
	for _, word := range []uint32{1 /* PT_LOAD */, 0, at, at, size, size, 5 /* r-x */, 4096} {
		elf = binary.LittleEndian.AppendUint32(elf, word)
	}
	return append(elf, code...)
}

// freezer tells whether a cgroup can be made below our own, and left again. Each has a freezer from
// Linux 5.2 on. None is made: it would stay if we were killed then.
func freezer() error {
	parent, err := Cgroup()
	if err != nil {
		return err
	}
	if err := unix.Access(parent, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("make a cgroup: %w", &os.PathError{Op: "access", Path: parent, Err: err})
	}
	procs := filepath.Join(parent, "cgroup.procs") // to leave it again
	return os.NewSyscallError("access", unix.Access(procs, unix.W_OK))
}

// Cgroup is our cgroup's folder in the tree of version 2. Its error says why there is none.
func Cgroup() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	_, own, _ := strings.Cut("\n"+string(groups), "\n0::")
	own, _, _ = strings.Cut(own, "\n")
	for line := range strings.Lines(string(mounts)) {
		if words := strings.Fields(line); len(words) > 2 && words[2] == "cgroup2" {
			return filepath.Join(words[1], own), nil
		}
	}
	return "", errors.New("no cgroup2 file system is mounted")
}

// timers makes a timer that sends nothing. A kernel may be built without (CONFIG_POSIX_TIMERS).
func timers() error {
	event := struct {
		value         uintptr
		signo, notify int32
		_             [48]byte
	}{notify: 1 /* SIGEV_NONE */}
	var id int32
	_, _, errno := unix.Syscall(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC,
		uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&id)))
	if errno != 0 {
		return os.NewSyscallError("timer_create", errno)
	}
	_, _, errno = unix.Syscall(unix.SYS_TIMER_DELETE, uintptr(id), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("timer_delete", errno)
	}
	return nil
}

// syscallDispatch turns the calling thread's dispatch off, which it is. Not every machine's kernel
// has it (prctl(2)).
func syscallDispatch() error {
	const off = 0
	return os.NewSyscallError("prctl(PR_SET_SYSCALL_USER_DISPATCH)",
		unix.Prctl(unix.PR_SET_SYSCALL_USER_DISPATCH, off, 0, 0, 0))
}

package build

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownedByUs tells whether a file is this user's.
func ownedByUs(info fs.FileInfo) bool {
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(status.Uid) == os.Geteuid()
}

// mayExecute says why programs in a folder cannot be written or executed.
func mayExecute(dir string) error {
	var where unix.Statfs_t
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return err
	}
	if err := unix.Statfs(dir, &where); err == nil && where.Flags&unix.ST_NOEXEC != 0 {
		return errors.New("it is mounted noexec")
	}
	return nil
}

// lockFile takes a lock that goroutines and processes exclude each other by. The kernel frees it
// when its holder ends.
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

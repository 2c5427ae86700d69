package procfs

import "golang.org/x/sys/unix"

const sysVfork = unix.SYS_VFORK

// These system calls are of the older architectures alone.
func init() {
	untimedWaits[unix.SYS_PAUSE] = untimed{}
	untimedWaits[unix.SYS_POLL] = untimed{endless, 2}
	untimedWaits[unix.SYS_SELECT] = untimed{null, 4}
	untimedWaits[unix.SYS_EPOLL_WAIT] = untimed{endless, 3}
}

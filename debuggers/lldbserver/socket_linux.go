package lldbserver

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// socketPair are the two ends of a connection, the second of which is for another process.
func socketPair() (ours net.Conn, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	end := os.NewFile(uintptr(pair[0]), "our end")
	defer end.Close() // the connection has its own copy
	theirs = os.NewFile(uintptr(pair[1]), "the server's end")
	if ours, err = net.FileConn(end); err != nil {
		theirs.Close()
	}
	return ours, theirs, err
}

//go:build !linux

package lldbserver

import (
	"errors"
	"net"
	"os"
)

func socketPair() (ours net.Conn, theirs *os.File, err error) {
	return nil, nil, errors.ErrUnsupported
}

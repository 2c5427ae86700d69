package witness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// The proc connector tells of the whole machine. One subscription serves all accounts of this
// process that go on at the same time: each more would have the kernel copy every notice once more.
//
// It is unfiltered, since the notices are counted per CPU over all kinds: a gap in a CPU's sequence
// is a loss.

// A subscription is a socket that listens to the proc connector, and the accounts that it serves.
type subscription struct {
	fd, stop int           // stop is an eventfd that ends read
	rests    bool          // read may rest, since the socket has room for long enough
	done     chan struct{} // closed when read has ended

	mu       sync.Mutex
	accounts []*Connector
	next     map[uint32]uint32 // the sequence number that is due, by CPU
	missing  uint64            // notices that gaps in the sequences show to be lost
	overruns uint64            // how often the socket had no room
	err      error             // why read ended before its time
}

// subscribed is this process's subscription, nil while no account goes on.
var subscribed struct {
	mu  sync.Mutex
	one *subscription
}

// A connectorKernel is what differs between kernels and their settings. Tests have others than
// realConnector.
type connectorKernel struct {
	socket func() (fd int, err error)
	bind   func(fd int) error
	// room enlarges the socket's buffer as far as it may, and tells whether that is as far as we
	// want.
	room func(fd int) bool
	send func(fd int, request []byte) error
}

var realConnector = connectorKernel{
	socket: func() (int, error) {
		const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
		return unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|flags, unix.NETLINK_CONNECTOR)
	},
	bind: func(fd int) error {
		const group = 1 << (idxProc - 1)
		return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: group})
	},
	room: enlarge,
	send: func(fd int, request []byte) error {
		return unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	},
}

// errUnacknowledged is why a subscription is refused without a word.
var errUnacknowledged = errors.New("the kernel does not acknowledge the subscription: it serves " +
	"the first user and pid namespaces alone")

// subscribe opens a socket and has the kernel acknowledge that it sends. That events arrive proves
// nothing: another listener may have the kernel send, and which it leaves out is not known then.
func (k connectorKernel) subscribe() (s *subscription, err error) {
	s = &subscription{fd: -1, stop: -1, done: make(chan struct{}), next: make(map[uint32]uint32)}
	defer func() {
		if err != nil {
			s.release()
			s = nil
		}
	}()
	if s.fd, err = k.socket(); err != nil {
		s.fd = -1
		return s, connectorRefusal("socket(NETLINK_CONNECTOR)", err)
	}
	if err := k.bind(s.fd); err != nil {
		return s, connectorRefusal("bind(CN_IDX_PROC)", err)
	}
	s.rests = k.room(s.fd)
	// Acknowledgements go to all listeners: the number tells ours.
	ack := rand.Uint32()
	if err := k.send(s.fd, listenRequest(true, ack)); err != nil {
		return s, connectorRefusal("send(PROC_CN_MCAST_LISTEN)", err)
	}
	if err := s.awaitAck(ack + 1); err != nil {
		return s, err
	}
	if s.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		s.stop = -1
		return s, os.NewSyscallError("eventfd", err)
	}
	go s.read()
	return s, nil
}

// connectorRefusal adds to an error what it means.
func connectorRefusal(call string, errno error) error {
	err := os.NewSyscallError(call, errno)
	switch errno {
	case unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT:
		return fmt.Errorf("%w: the kernel has no connector: %w", err, errors.ErrUnsupported)
	case unix.ECONNREFUSED:
		return fmt.Errorf("%w: the kernel has no proc connector, or serves the first network "+
			"namespace alone: %w", err, errors.ErrUnsupported)
	case unix.EPERM, unix.EACCES:
		return fmt.Errorf("%w: ordinary users may listen from Linux 6.6 on, others need "+
			"CAP_NET_ADMIN", err)
	}
	return err
}

// awaitAck reads the kernel's answer to our request. The kernel handles a request while it is sent,
// so the answer is there, behind events of others.
func (s *subscription) awaitAck(ack uint32) error {
	for {
		notices, overruns, err := s.drain(nil)
		if err != nil {
			return err
		}
		s.overruns += overruns
		for i := range notices {
			s.tell(&notices[i])
		}
		isOurs := func(n notice) bool { return n.what == whatAck && n.ack == ack }
		i := slices.IndexFunc(notices, isOurs)
		switch {
		case i >= 0 && notices[i].errno != 0:
			return connectorRefusal("PROC_CN_MCAST_LISTEN", unix.Errno(notices[i].errno))
		case i >= 0:
			return nil
		case s.overruns > 0:
			return errors.New("the socket had no room for the kernel's acknowledgement")
		case len(notices) < maxBatch: // nothing is left
			return fmt.Errorf("%w: %w", errUnacknowledged, errors.ErrUnsupported)
		}
	}
}

const rmemMaxFile = "/proc/sys/net/core/rmem_max"

// wantedBuffer is room for some 40,000 notices, of which each takes up 768 bytes of the double. A
// busy machine makes as many in a third of a second, and the reader may wait that long for a CPU.
const wantedBuffer = 16 << 20

// enlarge gives a socket as much room as it may have. With the default, 20,000 threads beside four
// busy processes lost notices 2 times of 2.
func enlarge(fd int) bool {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, wantedBuffer) == nil {
		return true // it needs CAP_NET_ADMIN
	}
	// A greater size is cut down to rmem_max, which may be more than we want.
	most, _ := strconv.Atoi(strings.TrimSpace(system.setting(rmemMaxFile)))
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, max(most, wantedBuffer))
	return most >= wantedBuffer
}

// drain reads what has arrived, and counts how often the socket had no room.
func (s *subscription) drain(into []notice) (notices []notice, overruns uint64, err error) {
	var b [4096]byte // a notice has 76 bytes
	for notices = into; len(notices) < maxBatch; {
		n, err := unix.Read(s.fd, b[:])
		switch err {
		case nil:
			if notices, err = decodeNotices(notices, b[:n]); err != nil {
				return notices, overruns, err
			}
		case unix.EAGAIN:
			return notices, overruns, nil
		case unix.ENOBUFS: // told once; what is in the socket can still be read
			overruns++
		case unix.EINTR:
		default:
			return notices, overruns, os.NewSyscallError("read(NETLINK_CONNECTOR)", err)
		}
	}
	return notices, overruns, nil
}

// maxBatch is how many notices are taken at once, so that the accounts' ends are not held up.
const maxBatch = 512

// read gives the notices to the accounts until stop is readable.
func (s *subscription) read() {
	defer close(s.done)
	runtime.LockOSThread() // for good: the thread has its own scheduling, and ends with read
	hurry()
	fds := []unix.PollFd{
		{Fd: int32(s.stop), Events: unix.POLLIN}, {Fd: int32(s.fd), Events: unix.POLLIN},
	}
	var notices []notice
	for fds[0].Revents == 0 {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue // Go's handlers have SA_RESTART, which has no effect on poll (signal(7))
		}
		var overruns uint64
		var err error
		notices, overruns, err = s.drain(notices[:0])
		s.mu.Lock()
		s.overruns += overruns
		for i := range notices {
			s.tell(&notices[i])
		}
		s.err = err
		for _, c := range s.accounts {
			c.wake()
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
		if s.rests {
			unix.Poll(fds[:1], rest) // any error means no rest
		}
	}
}

// rest is how many milliseconds go by before the next reading, where the socket has room for 100
// times as many notices as come in that time. A reading for each notice took a fifth of a suite's
// own CPU time. --time-scale does not apply: a slower machine makes fewer notices.
const rest = 2

// hurry has this thread run soon whenever there is something to read. The kernel throws away what a
// full socket cannot take, and beside busy processes a thread waits for its CPU for longer than the
// usual net.core.rmem_max lasts.
func hurry() {
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
	if unix.SchedSetAttr(0, attr, 0) == nil {
		return // it needs CAP_SYS_NICE
	}
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL {
		return
	}
	attr.Runtime = 100_000 // ns: a short slice is due early (EEVDF, from Linux 6.12 on)
	unix.SchedSetAttr(0, attr, 0)
}

// tell looks for a gap before a notice, and gives it to the accounts.
func (s *subscription) tell(n *notice) {
	if due, known := s.next[n.cpu]; known && n.seq != due {
		s.missing += uint64(n.seq - due)
	}
	s.next[n.cpu] = n.seq + 1
	for _, c := range s.accounts {
		c.follow(n)
	}
}

// release frees what subscribe took.
func (s *subscription) release() {
	for _, fd := range []int{s.fd, s.stop} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// end ends a subscription that serves no account.
func (s *subscription) end(k connectorKernel) {
	unix.Write(s.stop, binary.NativeEndian.AppendUint64(nil, 1)) // no error: it is an eventfd
	<-s.done
	// Kernels before 6.6 count listeners, and do not see that a socket is closed.
	k.send(s.fd, listenRequest(false, 0))
	s.release()
}

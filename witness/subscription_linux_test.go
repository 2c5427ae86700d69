package witness

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// small is the real kernel with the least room in the socket.
func small() connectorKernel {
	k := realConnector
	k.room = func(fd int) bool {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 0) != nil
	}
	return k
}

func TestLossIsTold(t *testing.T) {
	k := startKeeper(t, family(t), "seq", "1000")
	c, err := connect(int(k.pid), small())
	if err != nil && !strings.Contains(err.Error(), "no room") {
		t.Skip("the kernel has no proc connector for us: ", err)
	}
	if err != nil {
		t.Skip("the machine is too busy for a small socket: ", err)
	}
	c.from.mu.Lock() // the reader waits
	k.run(t)
	c.from.mu.Unlock()
	_, _, err = c.Close()
	var lost *LostError
	if !errors.As(err, &lost) || !lost.Connector {
		t.Errorf("got error %v, want a LostError of the connector", err)
	}
	// The next account begins anew.
	pid, births, got, err := connected(t, "seq", "10")
	compare(t, programmed(pid, byUnknown(births)), got, err)
}

func TestAccountsOfOneProcessShareASubscription(t *testing.T) {
	const n = 4
	var keepers []*keeper
	var accounts []*Connector
	for range n {
		k := startKeeper(t, family(t), "seq", "200")
		keepers, accounts = append(keepers, k), append(accounts, connectTo(t, k, realConnector))
	}
	births := make([][][2]event.TID, n)
	var group sync.WaitGroup
	for i, k := range keepers {
		if accounts[i].from != accounts[0].from {
			t.Error("each account has a socket of its own")
		}
		group.Go(func() { births[i] = k.run(t) })
	}
	group.Wait()
	for i, c := range accounts {
		got, _, err := c.Close()
		compare(t, programmed(keepers[i].pid, byUnknown(births[i])), got, err)
	}
}

// answering is a kernel that puts datagrams into the socket when it is asked to send.
func answering(t *testing.T, answer func(ack uint32) []byte) connectorKernel {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	return connectorKernel{
		socket: func() (int, error) { return fds[0], nil },
		bind:   func(int) error { return nil },
		room:   func(int) bool { return false },
		send: func(_ int, request []byte) error {
			ack := *(*uint32)(unsafe.Pointer(&request[netlinkSize+12]))
			if b := answer(ack); b != nil {
				_, err := unix.Write(fds[1], b)
				return err
			}
			return nil
		},
	}
}

func TestRefusalsOfTheConnectorSayWhy(t *testing.T) {
	acknowledged := func(errno uint32) func(uint32) []byte {
		return func(ack uint32) []byte {
			return connector(1, 1, 0, ack+1, words(uint32(0), ^uint32(0), uint64(5), errno))
		}
	}
	refuse := func(call string, errno unix.Errno) connectorKernel {
		k := answering(t, acknowledged(0))
		socket := k.socket
		switch call {
		case "socket":
			k.socket = func() (int, error) { return -1, errno }
		case "bind":
			k.bind = func(int) error { return errno }
		case "send":
			k.send = func(int, []byte) error { return errno }
		default:
			k.socket = socket
		}
		return k
	}
	for _, c := range []struct {
		name   string
		kernel connectorKernel
		is     error
		want   string
	}{
		{
			"not built in", refuse("socket", unix.EPROTONOSUPPORT), errors.ErrUnsupported,
			"socket(NETLINK_CONNECTOR): protocol not supported: the kernel has no connector",
		},
		{
			"an ordinary user before Linux 6.6", refuse("bind", unix.EPERM), fs.ErrPermission,
			"from Linux 6.6 on, others need CAP_NET_ADMIN",
		},
		{
			"a network namespace", refuse("send", unix.ECONNREFUSED), errors.ErrUnsupported,
			"the first network namespace alone",
		},
		{
			"a refusal by acknowledgement", answering(t, acknowledged(uint32(unix.EPERM))),
			fs.ErrPermission, "PROC_CN_MCAST_LISTEN: operation not permitted",
		},
		{
			"a pid namespace: nothing comes", answering(t, func(uint32) []byte { return nil }),
			errors.ErrUnsupported, "the first user and pid namespaces alone",
		},
		{
			"a pid namespace: another listener has events come", answering(t, func(uint32) []byte {
				return procEvent(whatExec, 1, 1, 10, 10)
			}),
			errors.ErrUnsupported, "the first user and pid namespaces alone",
		},
		{
			"another listener's acknowledgement", answering(t, func(ack uint32) []byte {
				return acknowledged(0)(ack + 1)
			}),
			errors.ErrUnsupported, "does not acknowledge",
		},
		{
			"nonsense", answering(t, func(uint32) []byte { return []byte{1} }), nil,
			"decode the proc connector's words",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := connect(os.Getpid(), c.kernel)
			if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got error %v, want one with %q", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v is not %v", err, c.is)
			}
			if subscribed.one != nil {
				t.Error("a subscription is left")
			}
		})
	}
}

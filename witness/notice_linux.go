package witness

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// What the proc connector sends, from linux/netlink.h, linux/connector.h and linux/cn_proc.h. A
// datagram holds netlink messages, each with a header (length u32, type and flags u16, seq and pid
// u32). In it is a connector message (idx, val, seq, ack u32, len and flags u16), and in that a
// proc_event (what, cpu u32, time u64) with up to six u32 more, which depend on what.
const (
	netlinkSize   = unix.SizeofNlMsghdr
	connectorSize = 20
	procSize      = 16

	idxProc = 1 // CN_IDX_PROC, CN_VAL_PROC
	valProc = 1

	whatAck    = 0 // PROC_EVENT_NONE
	whatFork   = 0x1
	whatExec   = 0x2
	whatPtrace = 0x100
	whatExit   = 0x80000000
)

// wordsOf is how many u32 each kind of proc_event has at least.
var wordsOf = map[uint32]int{whatAck: 1, whatFork: 4, whatExec: 2, whatPtrace: 4, whatExit: 3}

// A notice is one proc_event. What its fields mean depends on what:
//
//   - whatFork: pid and tid are the new task's. by is the id of its real parent: the creator of a
//     process, or the parent of a thread's process. byPID is that task's thread group.
//   - whatExit: status is the task's own.
//   - whatPtrace: by is the tracer's thread, zero at a detach.
//   - whatAck: ack is one more than in the request, and errno what came of that.
//
// Others matter for their places in the sequence alone.
type notice struct {
	what       uint32
	cpu, seq   uint32 // seq is the notice's place among all of its CPU
	ack, errno uint32
	at         time.Duration
	pid, tid   event.TID
	byPID, by  event.TID
	status     event.Status
}

// decodeNotices appends the notices of a datagram. Messages that are not the proc connector's are
// skipped. An error says what is malformed; the notices before it are returned too.
func decodeNotices(into []notice, b []byte) ([]notice, error) {
	for at := 0; at < len(b); {
		rest := b[at:]
		malformed := func(format string, args ...any) error {
			return fmt.Errorf("decode the proc connector's words: at %d: "+format,
				append([]any{at}, args...)...)
		}
		if len(rest) < netlinkSize {
			return into, malformed("%d bytes are no header", len(rest))
		}
		size := uint64(binary.NativeEndian.Uint32(rest))
		if size < netlinkSize || size > uint64(len(rest)) {
			return into, malformed("length %d, not %d to %d", size, netlinkSize, len(rest))
		}
		if binary.NativeEndian.Uint16(rest[4:]) == unix.NLMSG_DONE { // the connector's type
			n, ours, err := decodeNotice(rest[netlinkSize:size])
			if err != nil {
				return into, malformed("%w", err)
			}
			if ours {
				into = append(into, n)
			}
		}
		at += int(size+unix.NLMSG_ALIGNTO-1) &^ (unix.NLMSG_ALIGNTO - 1)
	}
	return into, nil
}

// decodeNotice decodes a connector message. It is not ours if another part of the kernel sent it.
func decodeNotice(b []byte) (n notice, ours bool, err error) {
	if len(b) < connectorSize {
		return n, false, fmt.Errorf("%d bytes are no connector message", len(b))
	}
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
	if word(0) != idxProc || word(1) != valProc {
		return n, false, nil
	}
	n.seq, n.ack = word(2), word(3)
	size := int(binary.NativeEndian.Uint16(b[16:]))
	b = b[connectorSize:]
	if size > len(b) || size < procSize {
		const format = "a proc_event of %d bytes, not %d to %d"
		return n, false, fmt.Errorf(format, size, procSize, len(b))
	}
	n.what, n.cpu = word(0), word(1)
	n.at = time.Duration(binary.NativeEndian.Uint64(b[8:]))
	if least := procSize + 4*wordsOf[n.what]; size < least {
		return n, false, fmt.Errorf("a proc_event %#x of %d bytes, not %d", n.what, size, least)
	}
	b = b[procSize:size]
	id := func(i int) event.TID { return event.TID(int32(word(i))) }
	switch n.what {
	case whatAck:
		n.errno = word(0)
	case whatFork:
		n.by, n.byPID, n.tid, n.pid = id(0), id(1), id(2), id(3)
	case whatExec:
		n.tid, n.pid = id(0), id(1)
	case whatPtrace:
		n.tid, n.pid, n.by, n.byPID = id(0), id(1), id(2), id(3)
	case whatExit:
		n.tid, n.pid, n.status = id(0), id(1), event.StatusOf(word(2))
	}
	return n, true, nil
}

// listenRequest asks the connector to send, or no longer to send. Its acknowledgement has ack + 1.
func listenRequest(listen bool, ack uint32) []byte {
	op := uint32(2) // PROC_CN_MCAST_IGNORE
	if listen {
		op = 1 // PROC_CN_MCAST_LISTEN
	}
	put := binary.NativeEndian.AppendUint32
	b := put(nil, netlinkSize+connectorSize+4)
	b = binary.NativeEndian.AppendUint16(b, unix.NLMSG_DONE)
	b = append(b, 0, 0)   // flags
	b = put(put(b, 0), 0) // seq, and the sender's port: the kernel knows it
	b = put(put(b, idxProc), valProc)
	b = put(put(b, 0), ack)
	b = binary.NativeEndian.AppendUint16(b, 4)
	b = append(b, 0, 0)
	return put(b, op)
}

package witness

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// The records, from perf_event_open(2). Each begins with a header (type u32, misc u16, size u16)
// and ends with what sample_id_all adds (pid and tid u32 of the task that wrote it, time u64).
// Between them a FORK or EXIT has pid, ppid, tid, ptid u32 and time u64; a COMM has pid, tid u32
// and the name; a LOST has id and lost u64.
const (
	recordLost = unix.PERF_RECORD_LOST
	recordComm = unix.PERF_RECORD_COMM
	recordExit = unix.PERF_RECORD_EXIT
	recordFork = unix.PERF_RECORD_FORK

	headerSize = 8
	idSize     = 16
)

// minSize is the least size of a well-formed record of each type.
var minSize = map[uint32]int{
	recordLost: headerSize + 16 + idSize,
	recordComm: headerSize + 8 + idSize,
	recordExit: headerSize + 24 + idSize,
	recordFork: headerSize + 24 + idSize,
}

// decode reads whole records, and adds up what LOST records say. Other types are skipped. An error
// says what is malformed; the records before it are returned too.
func decode(b []byte) (records []Record, lost uint64, err error) {
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < headerSize {
			return records, lost, fmt.Errorf("decode perf records: at %d: %d bytes are no header",
				at, len(rest))
		}
		typ := binary.NativeEndian.Uint32(rest)
		misc := binary.NativeEndian.Uint16(rest[4:])
		size := int(binary.NativeEndian.Uint16(rest[6:]))
		if least := max(headerSize, minSize[typ]); size < least || size > len(rest) {
			return records, lost, fmt.Errorf("decode perf records: at %d: "+
				"type %d has size %d, not %d to %d", at, typ, size, least, len(rest))
		}
		body := rest[headerSize:size]
		if typ == recordLost {
			lost += binary.NativeEndian.Uint64(body[8:])
		} else if e, ok := decodeEvent(typ, misc, body); ok {
			// All types have the time that sample_id_all adds; COMM has no other.
			clock := binary.NativeEndian.Uint64(body[len(body)-8:])
			records = append(records, Record{Event: e, At: time.Duration(clock)})
		}
		at += size
	}
	return records, lost, nil
}

func decodeEvent(typ uint32, misc uint16, body []byte) (event.Event, bool) {
	id := func(i int) event.TID { return event.TID(int32(binary.NativeEndian.Uint32(body[4*i:]))) }
	switch typ {
	case recordFork:
		pid, ppid, tid, ptid := id(0), id(1), id(2), id(3)
		kind := event.Fork
		if pid == ppid {
			kind = event.Clone
		}
		return event.Event{Kind: kind, PID: ppid, TID: ptid, Child: tid}, true
	case recordExit:
		return event.Event{Kind: event.Exit, PID: id(0), TID: id(2), Status: event.Unknown}, true
	case recordComm:
		// Without the flag it is prctl(PR_SET_NAME) or a write to /proc/PID/comm.
		isExec := misc&unix.PERF_RECORD_MISC_COMM_EXEC != 0
		return event.Event{Kind: event.Exec, PID: id(0), TID: id(1)}, isExec
	}
	return event.Event{}, false
}

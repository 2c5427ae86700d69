package witness

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// words writes numbers as the kernel has them in memory.
func words(fields ...any) (b []byte) {
	for _, f := range fields {
		var err error
		if b, err = binary.Append(b, binary.NativeEndian, f); err != nil {
			panic(err)
		}
	}
	return b
}

// netlink wraps a message in a netlink header of any type.
func netlink(typ uint16, body []byte) []byte {
	size := uint32(netlinkSize + len(body))
	return append(words(size, typ, uint16(0), uint32(0), uint32(0)), body...)
}

// connector wraps a proc_event in a connector message and a netlink header.
func connector(idx, val, seq, ack uint32, event []byte) []byte {
	head := words(idx, val, seq, ack, uint16(len(event)), uint16(0))
	return netlink(unix.NLMSG_DONE, append(head, event...))
}

// procEvent writes a whole message on CPU 1, as long as the kernel's: with six words.
func procEvent(what, seq uint32, clock uint64, fields ...uint32) []byte {
	all := make([]uint32, 6)
	copy(all, fields)
	return connector(1, 1, seq, 0, words(what, uint32(1), clock, all))
}

func TestNoticesAreDecoded(t *testing.T) {
	for _, c := range []struct {
		name     string
		datagram []byte
		want     []notice
	}{
		{"nothing", nil, nil},
		{
			"an acknowledgement",
			connector(1, 1, 4, 9, words(uint32(0), ^uint32(0), uint64(5), uint32(1))),
			[]notice{{what: whatAck, cpu: ^uint32(0), seq: 4, ack: 9, errno: 1, at: 5}},
		},
		{
			"a process", procEvent(whatFork, 3, 5, 11, 10, 12, 12),
			[]notice{{what: whatFork, cpu: 1, seq: 3, at: 5, by: 11, byPID: 10, tid: 12, pid: 12}},
		},
		{
			"a thread", procEvent(whatFork, 3, 5, 1, 1, 12, 10),
			[]notice{{what: whatFork, cpu: 1, seq: 3, at: 5, by: 1, byPID: 1, tid: 12, pid: 10}},
		},
		{
			"an exec", procEvent(whatExec, 3, 5, 10, 10),
			[]notice{{what: whatExec, cpu: 1, seq: 3, at: 5, tid: 10, pid: 10}},
		},
		{
			"an exit", procEvent(whatExit, 3, 5, 12, 10, 7<<8, 17, 1, 1),
			[]notice{{
				what: whatExit, cpu: 1, seq: 3, at: 5, tid: 12, pid: 10, status: event.Exited(7),
			}},
		},
		{
			"an end by a signal with a core", procEvent(whatExit, 3, 5, 12, 10, 0x80|11),
			[]notice{{
				what: whatExit, cpu: 1, seq: 3, at: 5, tid: 12, pid: 10, status: event.Killed(11),
			}},
		},
		{
			"an attach", procEvent(whatPtrace, 3, 5, 12, 10, 21, 20),
			[]notice{{
				what: whatPtrace, cpu: 1, seq: 3, at: 5, tid: 12, pid: 10, by: 21, byPID: 20,
			}},
		},
		{
			"a renaming counts only", procEvent(0x200, 3, 5, 12, 10),
			[]notice{{what: 0x200, cpu: 1, seq: 3, at: 5}},
		},
		{
			"two messages, the first of a size that is padded",
			join(connector(1, 1, 6, 0, append(words(uint32(4), uint32(2), uint64(5)), 1, 2)),
				[]byte{0, 0}, procEvent(whatExec, 3, 5, 10, 10)),
			[]notice{
				{what: 4, cpu: 2, seq: 6, at: 5},
				{what: whatExec, cpu: 1, seq: 3, at: 5, tid: 10, pid: 10},
			},
		},
		{"another connector", connector(3, 1, 3, 0, nil), nil},
		{"another type of message", netlink(unix.NLMSG_NOOP, nil), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := decodeNotices(nil, c.datagram)
			diff := cmp.Diff(c.want, got, cmp.AllowUnexported(notice{}))
			if err != nil || diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestMalformedNoticesAreRefused(t *testing.T) {
	good := procEvent(whatExec, 3, 5, 10, 10)
	short := func(what uint32, n int) []byte {
		return connector(1, 1, 0, 0, words(what, uint32(1), uint64(5), make([]uint32, n)))
	}
	for _, c := range []struct {
		name     string
		datagram []byte
		want     string
	}{
		{"less than a header", join(good, []byte{1, 2}), "at 76: 2 bytes are no header"},
		{"a length of zero", join(good, make([]byte, 16)), "at 76: length 0, not 16 to 16"},
		{"a length beyond the end", good[:70], "length 76, not 16 to 70"},
		{"no connector message", netlink(unix.NLMSG_DONE, make([]byte, 19)), "19 bytes are no"},
		{
			"a proc_event beyond the end",
			netlink(unix.NLMSG_DONE, words(uint32(1), uint32(1), uint64(0), uint16(40), uint16(0))),
			"a proc_event of 40 bytes, not 16 to 0",
		},
		{
			"a proc_event without a time", connector(1, 1, 0, 0, make([]byte, 15)),
			"a proc_event of 15 bytes, not 16 to 15",
		},
		{"a short acknowledgement", short(whatAck, 0), "a proc_event 0x0 of 16 bytes, not 20"},
		{"a short birth", short(whatFork, 3), "a proc_event 0x1 of 28 bytes, not 32"},
		{"a short exec", short(whatExec, 1), "a proc_event 0x2 of 20 bytes, not 24"},
		{"a short attach", short(whatPtrace, 3), "a proc_event 0x100 of 28 bytes, not 32"},
		{"a short exit", short(whatExit, 2), "a proc_event 0x80000000 of 24 bytes, not 28"},
	} {
		_, err := decodeNotices(nil, c.datagram)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func FuzzDecodeNotices(f *testing.F) {
	f.Add(join(procEvent(whatFork, 3, 5, 11, 10, 12, 12), procEvent(whatExit, 4, 6, 12, 12)))
	f.Add(connector(1, 1, 4, 9, words(uint32(0), ^uint32(0), uint64(5), uint32(1))))
	f.Add(netlink(unix.NLMSG_DONE, make([]byte, 19)))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		notices, err := decodeNotices(nil, datagram)
		if n := len(datagram) / (netlinkSize + connectorSize + procSize); len(notices) > n {
			t.Errorf("%d notices in %d bytes", len(notices), len(datagram))
		}
		if err == nil && len(datagram) > 0 && len(datagram) < netlinkSize {
			t.Errorf("%d bytes are a message", len(datagram))
		}
		d := newDescent(10, 0)
		for i := range notices { // whatever comes, it is followed
			d.follow(&notices[i])
		}
		d.inOrder()
	})
}

func TestARequestIsAsTheKernelReadsIt(t *testing.T) {
	for listen, op := range map[bool]uint32{true: 1, false: 2} {
		got := listenRequest(listen, 7)
		if diff := cmp.Diff(connector(1, 1, 0, 7, words(op)), got); diff != "" {
			t.Errorf("listen %v (-want +got):\n%s", listen, diff)
		}
	}
}

func bornAt(at time.Duration, pid, tid, byPID, by event.TID) notice {
	return notice{what: whatFork, at: at, pid: pid, tid: tid, byPID: byPID, by: by}
}

func endedAt(at time.Duration, pid, tid event.TID, code int) notice {
	return notice{what: whatExit, at: at, pid: pid, tid: tid, status: event.Exited(code)}
}

func execAt(at time.Duration, pid event.TID) notice {
	return notice{what: whatExec, at: at, pid: pid, tid: pid}
}

func TestTheDescendantsArePickedOutOfTheMachinesNotices(t *testing.T) {
	for _, c := range []struct {
		name    string
		notices []notice
		want    string // "TIME EVENT" a line
	}{
		{
			"a thread's creator is unknown",
			[]notice{bornAt(2, 10, 11, 1, 1), endedAt(3, 10, 11, 4)},
			"2 10/0: clone 11\n3 10/11: exit 4\n",
		},
		{
			"a process, and what descends from it",
			[]notice{
				bornAt(2, 12, 12, 10, 10), bornAt(3, 13, 13, 12, 12), bornAt(4, 13, 14, 12, 12),
				execAt(5, 13), endedAt(6, 13, 13, 0), endedAt(7, 13, 14, 9),
			},
			"2 10: fork 12\n3 12: fork 13\n4 13/0: clone 14\n5 13/14: exit 9\n5 13: exec\n" +
				"6 13: exit 0\n",
		},
		{
			"all else is left out",
			[]notice{
				bornAt(2, 20, 20, 1, 1), bornAt(3, 1, 21, 0, 0), execAt(4, 20),
				endedAt(5, 20, 20, 0),
			},
			"",
		},
		{
			"and what was before the account",
			[]notice{endedAt(0, 10, 10, 1), execAt(2, 10)},
			"2 10: exec\n",
		},
		{
			"a process is over with its last task, whichever that is",
			[]notice{
				bornAt(2, 10, 11, 1, 1), endedAt(3, 10, 10, 7), bornAt(4, 10, 12, 1, 1),
				endedAt(5, 10, 11, 0), endedAt(6, 10, 12, 9), bornAt(7, 10, 13, 1, 1),
			},
			"2 10/0: clone 11\n3 10: exit 7\n4 10/0: clone 12\n5 10/11: exit 0\n6 10/12: exit 9\n",
		},
		{
			"a tid is used again before its end is told",
			[]notice{
				bornAt(2, 10, 11, 1, 1), bornAt(5, 10, 11, 1, 1), endedAt(6, 10, 11, 3),
				endedAt(7, 10, 11, 4),
			},
			"2 10/0: clone 11\n5 10/11: exit 3\n5 10/0: clone 11\n7 10/11: exit 4\n",
		},
		{
			"a process's id is another program's before its end is told",
			[]notice{
				bornAt(2, 12, 12, 10, 10), bornAt(5, 12, 12, 1, 1), endedAt(6, 12, 12, 3),
				execAt(7, 12), endedAt(8, 12, 12, 4),
			},
			"2 10: fork 12\n5 12: exit 3\n",
		},
		{
			"main executes beside a thread whose end comes late",
			[]notice{bornAt(2, 10, 11, 1, 1), execAt(5, 10), endedAt(6, 10, 11, 0)},
			"2 10/0: clone 11\n5 10/11: exit 0\n5 10: exec\n",
		},
		{
			"a thread executes",
			[]notice{
				bornAt(2, 10, 11, 1, 1), bornAt(3, 10, 12, 1, 1), endedAt(4, 10, 11, 0),
				endedAt(5, 10, 10, 0), execAt(6, 10), endedAt(7, 10, 10, 3),
			},
			"2 10/0: clone 11\n3 10/0: clone 12\n4 10/11: exit 0\n5 10: exit 0\n6 10: exec\n" +
				"7 10: exit 3\n",
		},
		{
			"a thread executes beside one whose end comes late",
			[]notice{
				bornAt(2, 10, 11, 1, 1), bornAt(3, 10, 12, 1, 1), endedAt(5, 10, 10, 0),
				execAt(6, 10), endedAt(7, 10, 11, 2), endedAt(8, 10, 10, 3),
			},
			"2 10/0: clone 11\n3 10/0: clone 12\n5 10: exit 0\n6 10/11: exit 2\n6 10: exec\n" +
				"8 10: exit 3\n",
		},
		{
			"a thread executes beside one whose end comes after that of all",
			[]notice{
				bornAt(2, 10, 11, 1, 1), bornAt(3, 10, 12, 1, 1), endedAt(5, 10, 10, 0),
				execAt(6, 10), endedAt(7, 10, 10, 3), endedAt(8, 10, 12, 2),
			},
			"2 10/0: clone 11\n3 10/0: clone 12\n5 10: exit 0\n6 10/12: exit 2\n6 10: exec\n" +
				"7 10: exit 3\n",
		},
		{
			"a thread executes, and the leader's end is sent after that",
			[]notice{
				bornAt(2, 10, 11, 1, 1), execAt(6, 10), endedAt(5, 10, 10, 4),
				endedAt(8, 10, 10, 3),
			},
			"2 10/0: clone 11\n5 10: exit 4\n6 10: exec\n8 10: exit 3\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDescent(10, 1)
			for i := range c.notices {
				d.follow(&c.notices[i])
			}
			late := len(d.late)
			if diff := cmp.Diff(c.want, written(d.inOrder())); diff != "" || late > 0 {
				t.Errorf("%d ends are awaited (-want +got):\n%s", late, diff)
			}
		})
	}
}

// written is an account, "TIME EVENT" a line.
func written(records []Record) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString(strings.TrimSuffix(r.At.String(), "ns") + " " + r.Event.String() + "\n")
	}
	return b.String()
}

func TestAGapInACPUsSequenceIsALoss(t *testing.T) {
	s := &subscription{next: make(map[uint32]uint32)}
	for _, n := range []struct {
		cpu, seq uint32
		missing  uint64
	}{
		{0, 7, 0},
		{1, 3, 0},
		{0, 8, 0},
		{1, 6, 2},
		{0, 9, 2},
		{0, 11, 3},
		{2, ^uint32(0), 3}, // it wraps
		{2, 0, 3},
	} {
		s.tell(&notice{cpu: n.cpu, seq: n.seq})
		if s.missing != n.missing {
			t.Errorf("after %d on CPU %d: got %d missing, want %d", n.seq, n.cpu, s.missing,
				n.missing)
		}
	}
}

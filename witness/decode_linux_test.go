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

// raw writes a record as the kernel does: a header, the fields, and what sample_id_all adds.
func raw(typ uint32, misc uint16, clock uint64, fields ...any) []byte {
	var body []byte
	for _, f := range append(fields, uint32(1), uint32(1), clock) {
		var err error
		if body, err = binary.Append(body, binary.NativeEndian, f); err != nil {
			panic(err)
		}
	}
	return sized(typ, misc, headerSize+len(body), body)
}

// sized writes a record whose header has any size.
func sized(typ uint32, misc uint16, size int, body []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, typ)
	b = binary.NativeEndian.AppendUint16(b, misc)
	b = binary.NativeEndian.AppendUint16(b, uint16(size))
	return append(b, body...)
}

// task writes a FORK or an EXIT record.
func task(typ uint32, clock uint64, pid, ppid, tid, ptid uint32) []byte {
	return raw(typ, 0, clock, pid, ppid, tid, ptid, clock+1)
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

var name = [16]byte{'t', 'r', 'u', 'e'}

func TestRecordsAreDecoded(t *testing.T) {
	for _, c := range []struct {
		name string
		ring []byte
		want []Record
		lost uint64
	}{
		{"nothing", nil, nil, 0},
		{
			"a thread", task(recordFork, 5, 10, 10, 12, 11),
			[]Record{{event.Event{Kind: event.Clone, PID: 10, TID: 11, Child: 12}, 5}},
			0,
		},
		{
			"a process, by a thread", task(recordFork, 5, 12, 10, 12, 11),
			[]Record{{event.Event{Kind: event.Fork, PID: 10, TID: 11, Child: 12}, 5}},
			0,
		},
		{
			"a death", task(recordExit, 5, 10, 1, 12, 1),
			[]Record{{event.Event{Kind: event.Exit, PID: 10, TID: 12, Status: event.Unknown}, 5}},
			0,
		},
		{
			"a death of a task without an id", task(recordExit, 5, 0xffffffff, 0, 0xffffffff, 0),
			[]Record{{event.Event{Kind: event.Exit, PID: -1, TID: -1, Status: event.Unknown}, 5}},
			0,
		},
		{
			"an exec",
			raw(recordComm, unix.PERF_RECORD_MISC_COMM_EXEC, 5, uint32(10), uint32(10), name),
			[]Record{{event.Event{Kind: event.Exec, PID: 10, TID: 10}, 5}},
			0,
		},
		{"a renaming", raw(recordComm, 0, 5, uint32(10), uint32(10), name), nil, 0},
		{
			"losses", join(
				raw(recordLost, 0, 5, uint64(1), uint64(3)),
				raw(recordLost, 0, 6, uint64(1), uint64(4)),
			),
			nil, 7,
		},
		{
			"an unknown type", join(sized(99, 0, 8, nil), task(recordExit, 5, 1, 1, 1, 1)),
			[]Record{{event.Event{Kind: event.Exit, PID: 1, TID: 1, Status: event.Unknown}, 5}},
			0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, lost, err := decode(c.ring)
			if err != nil || lost != c.lost {
				t.Errorf("got %d lost and error %v, want %d lost", lost, err, c.lost)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	good := task(recordFork, 5, 10, 10, 12, 11)
	for _, c := range []struct {
		name string
		ring []byte
		want string
	}{
		{"less than a header", join(good, []byte{1, 2, 3}), "at 48: 3 bytes are no header"},
		{"size zero", join(good, sized(99, 0, 0, nil)), "at 48: type 99 has size 0, not 8 to 8"},
		{"a size less than the header's", sized(99, 0, 7, nil), "size 7, not 8 to 8"},
		{"a size beyond the end", good[:40], "size 48, not 48 to 40"},
		{"a short FORK", sized(recordFork, 0, 47, good[8:47]), "size 47, not 48 to 47"},
		{"a short EXIT", sized(recordExit, 0, 47, good[8:47]), "size 47, not 48 to 47"},
		{"a short COMM", sized(recordComm, 0, 31, good[8:39]), "size 31, not 32 to 39"},
		{"a short LOST", sized(recordLost, 0, 39, good[8:47]), "size 39, not 40 to 47"},
	} {
		if _, _, err := decode(c.ring); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestRingsAreUnrolled(t *testing.T) {
	data := []byte("cdef----ab")
	for _, c := range []struct {
		tail, head uint64
		want       string
	}{
		{8, 14, "abcdef"},
		{8, 8, ""},
		{8, 10, "ab"},
		{1 << 40 / 10 * 10, 1<<40/10*10 + 4, "cdef"},
		{8, 18, "abcdef----"},
		{1<<64 - 8, 1<<64 - 6, "ab"},
	} {
		got, err := unroll([]byte("log "), data, c.tail, c.head)
		if want := "log " + c.want; err != nil || string(got) != want {
			t.Errorf("from %d to %d: got %q, %v, want %q", c.tail, c.head, got, err, want)
		}
	}
	for _, c := range [][2]uint64{{8, 19}, {8, 7}} {
		if got, err := unroll(nil, data, c[0], c[1]); err == nil {
			t.Errorf("from %d to %d: got %q, want an error", c[0], c[1], got)
		}
	}
}

func TestRingsAreMergedByTimeInTheirOwnOrder(t *testing.T) {
	at := func(tid event.TID, at time.Duration) Record { return Record{event.Event{TID: tid}, at} }
	got := merge([][]Record{
		{at(1, 10), at(2, 30), at(3, 29), at(4, 50)}, // the clock steps back by 1
		{at(5, 10), at(6, 30), at(7, 40)},
		nil,
	})
	want := []Record{at(1, 10), at(5, 10), at(2, 30), at(3, 30), at(6, 30), at(7, 40), at(4, 50)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(join(task(recordFork, 5, 10, 10, 12, 11), task(recordExit, 6, 10, 10, 12, 11)))
	f.Add(join(
		raw(recordLost, 0, 5, uint64(1), uint64(3)),
		raw(recordComm, unix.PERF_RECORD_MISC_COMM_EXEC, 5, uint32(10), uint32(10), name),
	))
	f.Add(sized(99, 0, 0, nil))
	f.Fuzz(func(t *testing.T, ring []byte) {
		records, _, err := decode(ring)
		if n := len(ring) / minSize[recordComm]; len(records) > n {
			t.Fatalf("%d bytes hold %d records at most, got %d", len(ring), n, len(records))
		}
		again, _, _ := decode(join(ring, task(recordExit, 1, 1, 1, 1, 1)))
		if err == nil && len(again) != len(records)+1 {
			t.Fatalf("one more record: got %d after %d", len(again), len(records))
		}
	})
}

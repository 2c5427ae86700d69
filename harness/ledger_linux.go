package harness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A ledger is the file in which a fixture announces its tasks; cfixtures/fixture.h
// has its layout and says what the fields mean.
type ledger struct {
	file   *os.File
	memory []byte
	head   *ledgerHead
	slots  []ledgerSlot
}

type ledgerHead struct {
	capacity, claimed, open, reached, hosts, came atomic.Uint32
	_                                             [10]uint32
}

type ledgerSlot struct {
	tid, pid, creator, alive, sent, handled, exec, came atomic.Uint32
}

// ledgerCapacity is how many tasks a ledger has room for; the file is sparse.
const ledgerCapacity = 1 << 16

// allOpen lets a program pass every checkpoint.
const allOpen = math.MaxUint32

// givenUp marks the count of reached checkpoints when nobody waits for more.
const givenUp = 1 << 31

func newLedger() (*ledger, error) {
	head := unsafe.Sizeof(ledgerHead{})
	size := int(head + ledgerCapacity*unsafe.Sizeof(ledgerSlot{}))
	file, err := memoryFile("ledger")
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(int64(size)); err != nil {
		file.Close()
		return nil, err
	}
	memory, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		file.Close()
		return nil, os.NewSyscallError("mmap", err)
	}
	l := &ledger{file: file, memory: memory, head: (*ledgerHead)(unsafe.Pointer(&memory[0]))}
	l.slots = unsafe.Slice((*ledgerSlot)(unsafe.Pointer(&memory[head])), ledgerCapacity)
	l.head.capacity.Store(ledgerCapacity)
	return l, nil
}

func (l *ledger) close() error { return errors.Join(unix.Munmap(l.memory), l.file.Close()) }

// letPass opens all checkpoints below this one.
func (l *ledger) letPass(below uint32) {
	l.head.open.Store(below)
	wake(&l.head.open)
}

// hasReached tells whether the program has come to a checkpoint.
func (l *ledger) hasReached(checkpoint uint32) bool {
	return l.head.reached.Load()&^givenUp > checkpoint
}

// await waits until the program has reached a checkpoint.
func (l *ledger) await(ctx context.Context, checkpoint uint32) error {
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		l.head.reached.Or(givenUp)
		wake(&l.head.reached)
	})
	defer func() {
		if !stop() {
			<-woken // it writes to the ledger, which may be closed next
		}
	}()
	for {
		reached := l.head.reached.Load()
		switch {
		case reached&^givenUp > checkpoint:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("await checkpoint %d of the program: %w", checkpoint, context.Cause(ctx))
		}
		unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&l.head.reached)), 0 /* FUTEX_WAIT */, uintptr(reached), 0, 0, 0)
	}
}

func wake(word *atomic.Uint32) {
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), 1 /* FUTEX_WAKE */, math.MaxInt32, 0, 0, 0)
}

// read copies what has been announced so far: the fixture's own tasks, then its host's.
func (l *ledger) read() (announced, error) {
	claimed, hosts := int(l.head.claimed.Load()), int(l.head.hosts.Load())
	if claimed+hosts > len(l.slots) {
		return nil, fmt.Errorf("the program claimed %d slots of its ledger's %d", claimed+hosts, len(l.slots))
	}
	all := make(announced, claimed)
	for i := range all {
		s := &l.slots[i]
		all[i] = announcement{
			tid: event.TID(s.tid.Load()), pid: event.TID(s.pid.Load()), creator: int(s.creator.Load()) - 1,
			sent: int(s.sent.Load()), handled: int(s.handled.Load()), exec: s.exec.Load() != 0, came: int(s.came.Load()),
		}
	}
	for i := range hosts {
		s := &l.slots[len(l.slots)-1-i]
		all = append(all, announcement{tid: event.TID(s.tid.Load()), pid: event.TID(s.pid.Load()), creator: -1, host: true})
	}
	return all, nil
}

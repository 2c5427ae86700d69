// Package ledger reads the file in which a fixture's tasks announce themselves, and lets the
// program pass its checkpoints through it. cfixtures/fixture.h has its layout and says what the
// fields mean; [fixture.Ledger] is the same in Go.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures/fixture"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
	"golang.org/x/sys/unix"
)

// A Ledger is the file in which a fixture's tasks announce themselves.
type Ledger struct {
	file   *os.File
	memory []byte
	shared *fixture.Ledger // in the memory
}

// AllOpen lets a program pass every checkpoint.
const AllOpen = math.MaxUint32

// givenUp marks the count of reached checkpoints when Await has given up.
const givenUp = 1 << 31

// New is an empty ledger, with every checkpoint closed.
func New() (*Ledger, error) {
	const size = int(unsafe.Sizeof(fixture.Ledger{}))
	file, err := procfs.MemoryFile("ledger")
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(int64(size)); err != nil {
		file.Close()
		return nil, err
	}
	memory, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED)
	if err != nil {
		file.Close()
		return nil, os.NewSyscallError("mmap", err)
	}
	l := &Ledger{file, memory, (*fixture.Ledger)(unsafe.Pointer(&memory[0]))}
	l.shared.Capacity.Store(uint32(len(l.shared.Slots)))
	return l, nil
}

// Path is the path by which the program opens the ledger.
func (l *Ledger) Path() string { return procfs.SharedPath(l.file) }

// MappedBy tells whether a process has the ledger mapped: it is one of the program's, or was forked
// from one.
func (l *Ledger) MappedBy(pid event.TID) bool {
	info, err := l.file.Stat()
	if err != nil {
		return false
	}
	inode := strconv.FormatUint(info.Sys().(*syscall.Stat_t).Ino, 10)
	maps, _ := os.ReadFile(filepath.Join("/proc", pid.String(), "maps"))
	for line := range strings.Lines(string(maps)) {
		// addresses, permissions, offset, device, inode and name
		f := strings.Fields(line)
		if len(f) > 5 && f[4] == inode && f[5] == "/memfd:tidcheck-ledger" {
			return true
		}
	}
	return false
}

// Close frees the memory; the program keeps its own mapping.
func (l *Ledger) Close() error { return errors.Join(unix.Munmap(l.memory), l.file.Close()) }

// LetPass opens all checkpoints below this one.
func (l *Ledger) LetPass(below uint32) {
	l.shared.Open.Store(below)
	fixture.FutexWake(&l.shared.Open)
}

// HasReached tells whether the program has come to a checkpoint.
func (l *Ledger) HasReached(checkpoint uint32) bool {
	return l.shared.Reached.Load()&^givenUp > checkpoint
}

// Await waits until the program has reached a checkpoint.
func (l *Ledger) Await(ctx context.Context, checkpoint uint32) error {
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		l.shared.Reached.Or(givenUp)
		fixture.FutexWake(&l.shared.Reached)
	})
	defer func() {
		if !stop() {
			<-woken // it writes to the ledger, which the caller may close next
		}
	}()
	for {
		reached := l.shared.Reached.Load()
		switch {
		case reached&^givenUp > checkpoint:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("await checkpoint %d of the program: %w", checkpoint,
				context.Cause(ctx))
		}
		fixture.FutexWait(&l.shared.Reached, reached)
	}
}

// Read copies what has been announced so far: the fixture's own tasks, then its host's.
func (l *Ledger) Read() ([]judge.Announcement, error) {
	claimed, hosts := int(l.shared.Claimed.Load()), int(l.shared.Hosts.Load())
	slots := &l.shared.Slots
	if claimed+hosts > len(slots) {
		return nil, fmt.Errorf("the program claimed %d slots of its ledger's %d", claimed+hosts,
			len(slots))
	}
	all := make([]judge.Announcement, claimed, claimed+hosts)
	for i := range all {
		all[i] = read(&slots[i])
	}
	for i := range hosts {
		a := read(&slots[len(slots)-1-i])
		if a.State != judge.Claimed {
			a.State = judge.Host
		}
		a.Creator = judge.UnknownCreator
		all = append(all, a)
	}
	return all, nil
}

func read(s *fixture.Slot) judge.Announcement {
	handled := int(s.Handled.Load()) // first: each is sent before it is handled
	a := judge.Announcement{
		State: judge.Born, TID: event.TID(s.TID.Load()), PID: event.TID(s.PID.Load()),
		Creator: int(s.Creator.Load()) - 1, Came: int(s.Came.Load()),
		Sent: int(s.Sent.Load()), Handled: handled,
	}
	switch {
	case a.TID == 0:
		a.State = judge.Claimed
	case s.Exec.Load() != 0:
		a.State = judge.Executed
	}
	return a
}

package witness

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A ring is one CPU's event and the memory in which the kernel leaves its records.
type ring struct {
	fd   int
	mem  []byte // the control page, and then the data
	log  []byte // the records taken out so far
	full bool   // there was no room for another record when records were last taken out
}

// openRings opens an event for each CPU and maps their rings, all of the same size. It starts with
// pages of data in each, and halves that while the user's budget is too small: perf_event_mlock_kb
// for each CPU, then RLIMIT_MEMLOCK. A first ring that took the whole budget would leave none for
// the last. With an error it returns the rings that it has opened.
func (k kernel) openRings(pid int, cpus []int, pages int) (rings []*ring, counted bool, err error) {
	for ; ; pages /= 2 {
		// A watermark is fixed when the event is opened, before the ring's size is known.
		rings, counted, err = k.openEvents(pid, cpus, uint32(pages*os.Getpagesize()/8))
		if err != nil {
			return rings, counted, err
		}
		if err = k.mapRings(rings, pages); err != unix.EPERM || pages <= 1 {
			return rings, counted, k.mmapRefusal(err)
		}
		closeRings(rings)
	}
}

// mapRings maps the rings with pages of data in each.
func (k kernel) mapRings(rings []*ring, pages int) (err error) {
	for _, r := range rings {
		if r.mem, err = k.mmap(r.fd, (1+pages)*os.Getpagesize()); err != nil {
			return err
		}
	}
	return nil
}

// mmapRefusal adds to an error of mmap what to do about it.
func (k kernel) mmapRefusal(errno error) error {
	err := os.NewSyscallError("mmap(perf ring)", errno)
	if errno != unix.EPERM {
		return err
	}
	limit := "?"
	if l, err := memlock(); err == nil {
		limit = fmt.Sprint(l / 1024)
	}
	return fmt.Errorf("%w: raise RLIMIT_MEMLOCK (it is %s KiB) or "+
		"kernel.perf_event_mlock_kb (it is %s), or give CAP_IPC_LOCK",
		err, limit, k.setting(mlockFile))
}

// accountsPerCPU is how many accounts for each CPU go on at the same time when many programs are
// judged. An ordinary user's first account must leave memory for the last, whose records would be
// lost otherwise.
const accountsPerCPU = 4

// ringPages is how many pages each ring of an account starts with, a power of two: wanted, or
// fewer if a fair share of the budget, in bytes, is less.
func ringPages(wanted, cpus int, budget uint64) int {
	const least = 8
	pages := budget / uint64(accountsPerCPU*cpus) / uint64(cpus) / uint64(os.Getpagesize())
	for wanted > least && uint64(1+wanted) > pages {
		wanted /= 2
	}
	return wanted
}

// budget is how many bytes all rings of this process may have (perf_mmap in kernel/events/core.c).
func (k kernel) budget() uint64 {
	perCPU, errSetting := strconv.ParseUint(k.setting(mlockFile), 10, 32)
	limit, errLimit := memlock()
	if errSetting != nil || errLimit != nil || limit == unix.RLIM_INFINITY || hasIPCLock() {
		return math.MaxUint64
	}
	return limit + perCPU<<10*uint64(runtime.NumCPU())
}

// memlock is RLIMIT_MEMLOCK in bytes.
func memlock() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit)
	return limit.Cur, err
}

// hasIPCLock tells whether this process has CAP_IPC_LOCK, which lifts the budget.
func hasIPCLock() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	err := unix.Capget(&header, &sets[0])
	return err == nil && sets[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}

func closeRings(rings []*ring) {
	for _, r := range rings {
		if r.mem != nil {
			unix.Munmap(r.mem)
		}
		unix.Close(r.fd)
	}
}

// drain moves the ring's records to the log.
func (r *ring) drain() error {
	control := (*unix.PerfEventMmapPage)(unsafe.Pointer(&r.mem[0]))
	data := r.mem[os.Getpagesize():]
	// The load pairs with the barrier in perf_output_put_handle: what is below head is written.
	// The store below gives the space back: the kernel may overwrite what was read.
	head := atomic.LoadUint64(&control.Data_head)
	tail := atomic.LoadUint64(&control.Data_tail)
	if head == tail {
		return nil
	}
	var err error
	if r.log, err = unroll(r.log, data, tail, head); err != nil {
		return err
	}
	r.full = uint64(len(data))-(head-tail) < maxRecord
	atomic.StoreUint64(&control.Data_tail, head)
	return nil
}

// maxRecord is more bytes than a record and the LOST record before it take.
const maxRecord = 128

// unroll appends the bytes between two positions of a ring. Positions count from the ring's
// creation and do not wrap with it.
func unroll(log, data []byte, tail, head uint64) ([]byte, error) {
	n, size := head-tail, uint64(len(data))
	if n > size {
		return log, fmt.Errorf("read a perf ring: it has room for %d bytes and claims %d", size, n)
	}
	from := tail % size
	first := min(n, size-from)
	log = append(log, data[from:from+first]...)
	return append(log, data[:n-first]...), nil
}

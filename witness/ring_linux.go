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
	mem  []byte // the control page, and the data
	log  []byte // the records taken out so far
	full bool   // when records were last taken out, no more would have fitted
}

// mapRings gives all the rings one size. The memory is charged to a budget of
// the user's (perf_event_mlock_kb a CPU, then RLIMIT_MEMLOCK); a first ring that
// took all of it would leave none for the last.
func (k kernel) mapRings(rings []*ring, pages int) error {
	for ; ; pages /= 2 {
		err := k.mapAll(rings, (1+pages)*os.Getpagesize())
		if err == nil {
			return nil
		}
		for _, r := range rings {
			r.unmap()
		}
		if err != unix.EPERM {
			return os.NewSyscallError("mmap(perf ring)", err)
		}
		if pages <= 1 {
			return k.mapRefusal(err)
		}
	}
}

// atOnce is how many accounts a CPU are under way at once when much is judged. The first of an ordinary user's
// must not take what the last needs, whose records would be lost.
const atOnce = 4

// pagesOf is how many pages each ring starts with: the wanted, or a fair share of a budget in bytes, a power of two.
func pagesOf(wanted, cpus int, budget uint64) int {
	const least = 8
	share := budget / uint64(atOnce*cpus) / uint64(cpus) / uint64(os.Getpagesize())
	for wanted > least && uint64(1+wanted) > share {
		wanted /= 2
	}
	return wanted
}

// budget is how many bytes all rings of this process may have (perf_mmap in kernel/events/core.c).
func (k kernel) budget() uint64 {
	var memlock unix.Rlimit
	kib, err := strconv.ParseUint(k.setting(mlockFile), 10, 32)
	if err != nil || mayLock() || unix.Getrlimit(unix.RLIMIT_MEMLOCK, &memlock) != nil || memlock.Cur == unix.RLIM_INFINITY {
		return math.MaxUint64
	}
	return memlock.Cur + kib<<10*uint64(runtime.NumCPU())
}

// mayLock tells whether we have CAP_IPC_LOCK, for whom there is no budget.
func mayLock() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) == nil && sets[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}

func (k kernel) mapAll(rings []*ring, length int) (err error) {
	for _, r := range rings {
		if r.mem, err = k.mmap(r.fd, length); err != nil {
			return err
		}
	}
	return nil
}

func (k kernel) mapRefusal(errno error) error {
	limit := "?"
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l) == nil {
		limit = fmt.Sprint(l.Cur / 1024)
	}
	return fmt.Errorf("%w: raise RLIMIT_MEMLOCK (it is %s KiB) or kernel.perf_event_mlock_kb (it is %s), or give CAP_IPC_LOCK",
		os.NewSyscallError("mmap(perf ring)", errno), limit, k.setting(mlockFile))
}

func (r *ring) unmap() {
	if r.mem != nil {
		unix.Munmap(r.mem)
	}
	r.mem = nil
}

// drain moves the ring's records to the log.
func (r *ring) drain() error {
	control := (*unix.PerfEventMmapPage)(unsafe.Pointer(&r.mem[0]))
	data := r.mem[os.Getpagesize():]
	// The load pairs with the barrier in perf_output_put_handle: what is below
	// head is written. The store after it hands the space back: what we have
	// read may be overwritten.
	head := atomic.LoadUint64(&control.Data_head)
	tail := atomic.LoadUint64(&control.Data_tail)
	if head == tail {
		return nil
	}
	log, err := unroll(r.log, data, tail, head)
	if err != nil {
		return err
	}
	r.log = log
	r.full = uint64(len(data))-(head-tail) < longest
	atomic.StoreUint64(&control.Data_tail, head)
	return nil
}

// longest is more than a record and the LOST record before it take.
const longest = 128

// unroll appends what stands between two positions of a ring, which count on
// from its creation.
func unroll(log, data []byte, tail, head uint64) ([]byte, error) {
	n, size := head-tail, uint64(len(data))
	if n > size {
		return log, fmt.Errorf("read a perf ring: it holds %d bytes and claims %d", size, n)
	}
	from := tail % size
	first := min(n, size-from)
	log = append(log, data[from:from+first]...)
	return append(log, data[:n-first]...), nil
}

package witness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A kernel is what differs between kernels and their settings. Tests have others than system.
type kernel struct {
	open    func(attr *unix.PerfEventAttr, pid, cpu int) (fd int, err error)
	mmap    func(fd, length int) ([]byte, error)
	lost    func(fd int) (uint64, error)
	disable func(fd int) error
	setting func(file string) string // a file's text, "?" if it cannot be read
}

const (
	onlineFile   = "/sys/devices/system/cpu/online"
	paranoidFile = "/proc/sys/kernel/perf_event_paranoid"
	mlockFile    = "/proc/sys/kernel/perf_event_mlock_kb"
)

// system is the kernel of this machine.
var system = kernel{
	open: func(attr *unix.PerfEventAttr, pid, cpu int) (int, error) {
		return unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	},
	mmap: func(fd, length int) ([]byte, error) {
		return unix.Mmap(fd, 0, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	},
	lost: lost,
	disable: func(fd int) error {
		err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_DISABLE, 0)
		return os.NewSyscallError("ioctl(PERF_EVENT_IOC_DISABLE)", err)
	},
	setting: func(file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			return "?"
		}
		return strings.TrimSpace(string(b))
	},
}

// attributes ask for records of tasks and nothing else. The watermark, in bytes, is how full a ring
// is when its reader is woken. That is early: where many tasks are ready to run, 0.3 s have gone by
// before the reader came to run, and a program that does nothing but make threads fills 3 MB in a
// second.
func attributes(watermark uint32) unix.PerfEventAttr {
	return unix.PerfEventAttr{
		Type:        unix.PERF_TYPE_SOFTWARE,
		Size:        uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config:      unix.PERF_COUNT_SW_DUMMY,
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME,
		Read_format: unix.PERF_FORMAT_LOST,
		Bits: unix.PerfBitTask | unix.PerfBitComm | unix.PerfBitInherit |
			unix.PerfBitSampleIDAll | unix.PerfBitUseClockID | unix.PerfBitWatermark |
			// At perf_event_paranoid 2 ordinary users may not observe the kernel.
			unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
		Wakeup:  watermark,
		Clockid: unix.CLOCK_MONOTONIC,
	}
}

// openEvents opens one event for each CPU: an inherited event without a CPU can have no ring.
// counted tells whether the kernel counts the records that it loses. With an error it returns the
// events that it has opened.
func (k kernel) openEvents(
	pid int, cpus []int, watermark uint32,
) (rings []*ring, counted bool, err error) {
	attr := attributes(watermark)
	for i, cpu := range cpus {
		fd, err := k.open(&attr, pid, cpu)
		if err == unix.EINVAL && i == 0 {
			attr.Read_format = 0 // PERF_FORMAT_LOST came with Linux 6.0
			fd, err = k.open(&attr, pid, cpu)
		}
		if err != nil {
			return rings, false, k.refusal(err)
		}
		rings = append(rings, &ring{fd: fd})
	}
	return rings, attr.Read_format != 0, nil
}

// refusal adds to an error of perf_event_open what to do about it.
func (k kernel) refusal(errno error) error {
	err := os.NewSyscallError("perf_event_open", errno)
	switch {
	case errno == unix.ENOSYS || errno == unix.ENOENT:
		return fmt.Errorf("%w: the kernel has no perf events: %w", err, errors.ErrUnsupported)
	case errno != unix.EACCES && errno != unix.EPERM:
		return err
	}
	paranoid := k.setting(paranoidFile)
	if level, bad := strconv.Atoi(paranoid); bad == nil && level <= 2 {
		return fmt.Errorf("%w: give CAP_PERFMON (kernel.perf_event_paranoid is %d, so "+
			"the process is another user's or seccomp forbids the call)", err, level)
	}
	return fmt.Errorf("%w: set kernel.perf_event_paranoid to 2 or 1 (it is %s) "+
		"or give CAP_PERFMON", err, paranoid)
}

// lost is how many records an event, and the events inherited from it, have lost. LOST records do
// not suffice: one comes only with the next record that fits.
func lost(fd int) (uint64, error) {
	var b [16]byte // the event's count, always zero for a dummy, and the number of lost records
	n, err := unix.Read(fd, b[:])
	if err == nil && n != len(b) {
		err = io.ErrUnexpectedEOF
	}
	return binary.NativeEndian.Uint64(b[8:]), os.NewSyscallError("read(PERF_FORMAT_LOST)", err)
}

// parseCPUs reads a list such as 0-3,8,10-11 (admin-guide/cputopology in the kernel's docs).
func parseCPUs(list string) (cpus []int, err error) {
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		lo, errLo := strconv.ParseUint(from, 10, 16)
		hi, errHi := strconv.ParseUint(to, 10, 16)
		if errLo != nil || errHi != nil || hi < lo {
			return nil, fmt.Errorf("%q is no list of CPUs", list)
		}
		for cpu := lo; cpu <= hi; cpu++ {
			cpus = append(cpus, int(cpu))
		}
	}
	return cpus, nil
}

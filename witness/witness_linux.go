package witness

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// A Witness is an account that goes on until Close.
type Witness struct {
	kernel  kernel
	online  string // the list of CPUs at the start
	counted bool   // the kernel counts the records that it loses
	rings   []*ring
	stop    int           // an eventfd that ends follow; -1 if follow does not run
	done    chan struct{} // closed when follow has ended
	err     error         // of follow; may be read when done is closed
}

// options differ in tests.
type options struct {
	pages int  // pages of data to try for each ring, a power of two
	idle  bool // empty the rings in Close only
}

// Open starts an account of a process and of all that descends from it from now on. The process
// must have one thread and no children: an event belongs to one task, so that other tasks would be
// missed. An execve by the process that is not complete yet may be in the account.
//
// A refusal matches [fs.ErrPermission] and says which setting to change. A kernel without perf
// events matches [errors.ErrUnsupported].
func Open(pid int) (*Witness, error) {
	return open(pid, system, options{pages: ringPages(256, runtime.NumCPU(), system.budget())})
}

func open(pid int, k kernel, o options) (w *Witness, err error) {
	w = &Witness{kernel: k, stop: -1, done: make(chan struct{})}
	defer func() {
		if err != nil {
			w.release()
			w, err = nil, fmt.Errorf("process %d: %w", pid, err)
		}
	}()
	w.online = k.setting(onlineFile)
	cpus, err := parseCPUs(w.online)
	if err != nil {
		return w, fmt.Errorf("read %s: %w", onlineFile, err)
	}
	if w.rings, w.counted, err = k.openRings(pid, cpus, o.pages); err != nil {
		return w, err
	}
	if o.idle {
		close(w.done)
		return w, nil
	}
	if w.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return w, os.NewSyscallError("eventfd", err)
	}
	go w.follow()
	return w, nil
}

// follow empties each ring that has reached its watermark, until stop is readable.
func (w *Witness) follow() {
	defer close(w.done)
	fds := w.pollFds()
	for more := true; more && w.err == nil; {
		more, w.err = w.next(fds)
	}
}

// pollFds are stop and the rings.
func (w *Witness) pollFds() []unix.PollFd {
	fds := []unix.PollFd{{Fd: int32(w.stop), Events: unix.POLLIN}}
	for _, r := range w.rings {
		fds = append(fds, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN})
	}
	return fds
}

// next waits once, and empties the rings that have reached their watermark or whose tasks have all
// ended. It is false when stop is readable.
func (w *Witness) next(fds []unix.PollFd) (more bool, err error) {
	if _, err := unix.Poll(fds, -1); err == unix.EINTR {
		return true, nil // Go's handlers have SA_RESTART, which has no effect on poll (signal(7))
	} else if err != nil {
		return false, os.NewSyscallError("poll", err)
	}
	for i, r := range w.rings {
		p := &fds[i+1]
		if p.Revents == 0 {
			continue
		}
		if err := r.drain(); err != nil {
			return false, err
		}
		if p.Revents&^unix.POLLIN != 0 {
			p.Fd = -1 // once all tasks have ended, poll reports POLLHUP again and again
		}
	}
	return fds[0].Revents == 0, nil
}

// Close ends the account and returns it in order of time. The end of each process that has been
// waited for is in the account. The error wraps a [*LostError] if records were lost; the others are
// returned with it. After any error the account may be incomplete. A second Close is an error that
// matches [os.ErrClosed].
func (w *Witness) Close() ([]Record, error) {
	if w.rings == nil {
		return nil, fmt.Errorf("close a witness: %w", os.ErrClosed)
	}
	defer w.release()
	var errs []error
	for _, r := range w.rings {
		errs = append(errs, w.kernel.disable(r.fd))
	}
	if w.stop >= 0 {
		_, err := unix.Write(w.stop, binary.NativeEndian.AppendUint64(nil, 1))
		errs = append(errs, os.NewSyscallError("write(eventfd)", err))
		<-w.done
	}
	errs = append(errs, w.err)
	perCPU, err := w.collect()
	errs = append(errs, err)
	if now := w.kernel.setting(onlineFile); now != w.online {
		const format = "online CPUs were %s and are %s: tasks may have run unseen"
		errs = append(errs, fmt.Errorf(format, w.online, now))
	}
	return merge(perCPU), errors.Join(errs...)
}

// collect decodes what the rings had and have, and asks how many records they have lost.
func (w *Witness) collect() (perCPU [][]Record, err error) {
	var errs []error
	var lost LostError
	full := false
	for _, r := range w.rings {
		errs = append(errs, r.drain())
		records, n, err := decode(r.log)
		errs = append(errs, err)
		perCPU = append(perCPU, records)
		if w.counted {
			n, err = w.kernel.lost(r.fd)
			errs = append(errs, err)
		}
		lost.N += n
		full = full || r.full
	}
	if lost.N > 0 || full && !w.counted {
		errs = append(errs, &lost)
	}
	return perCPU, errors.Join(errs...)
}

// release frees what Open took. munmap and close do not fail here: all was opened by Open.
func (w *Witness) release() {
	closeRings(w.rings)
	if w.stop >= 0 {
		unix.Close(w.stop)
	}
	w.rings, w.stop = nil, -1
}

// merge sorts the rings' records by time, but keeps the order within each ring. There the time can
// step back by nanoseconds: the kernel's NMI-safe CLOCK_MONOTONIC does so when the clock's rate is
// adjusted (ktime_get_mono_fast_ns in kernel/time/timekeeping.c). Such a record gets the time of
// the one before it.
func merge(rings [][]Record) []Record {
	var all []Record
	for _, records := range rings {
		var last time.Duration
		for _, r := range records {
			last = max(last, r.At)
			r.At = last
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Record) int { return cmp.Compare(a.At, b.At) })
	return all
}

// Now is the time on the records' clock, CLOCK_MONOTONIC.
func Now() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // no error: the clock exists, and t is writable
	return time.Duration(t.Nano())
}

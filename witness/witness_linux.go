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

// A Witness is an account under way.
type Witness struct {
	kernel  kernel
	online  string // the list of CPUs at the start
	counted bool   // the kernel counts what it loses
	rings   []*ring
	bell    int           // an eventfd that ends follow; -1 if there is no follow
	done    chan struct{} // closed when follow has ended
	err     error         // of follow; read it after done
}

// options are for tests.
type options struct {
	pages int  // of each ring at first, a power of two
	idle  bool // leave the rings alone until Close
}

// Open starts an account of a process and all that descends from it from now
// on. The process must have one thread and no children: events belong to a
// task, and the others would be missed. An execve of it that is still under way
// may be in the account.
//
// A refusal matches [fs.ErrPermission] and says which setting to change; a
// kernel without perf events matches [errors.ErrUnsupported].
func Open(pid int) (*Witness, error) {
	return open(pid, system, options{pages: pagesOf(256, runtime.NumCPU(), system.budget())})
}

func open(pid int, k kernel, o options) (w *Witness, err error) {
	w = &Witness{kernel: k, bell: -1, done: make(chan struct{})}
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
	if w.rings, w.counted, err = k.openEvents(pid, cpus); err != nil {
		return w, err
	}
	if err := k.mapRings(w.rings, o.pages); err != nil {
		return w, err
	}
	if o.idle {
		close(w.done)
		return w, nil
	}
	if w.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return w, os.NewSyscallError("eventfd", err)
	}
	go w.follow()
	return w, nil
}

// follow empties rings that are half full until the bell rings.
func (w *Witness) follow() {
	defer close(w.done)
	fds := w.pollFds()
	for more := true; more && w.err == nil; {
		more, w.err = w.next(fds)
	}
}

// pollFds are the bell and the rings.
func (w *Witness) pollFds() []unix.PollFd {
	fds := []unix.PollFd{{Fd: int32(w.bell), Events: unix.POLLIN}}
	for _, r := range w.rings {
		fds = append(fds, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN})
	}
	return fds
}

// next waits once, and empties the rings that ask for it.
func (w *Witness) next(fds []unix.PollFd) (more bool, err error) {
	if _, err := unix.Poll(fds, -1); err == unix.EINTR {
		return true, nil // SA_RESTART, which Go's handlers have, does not cover poll (signal(7))
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
			p.Fd = -1 // POLLHUP stays on once all the tasks have ended
		}
	}
	return fds[0].Revents == 0, nil
}

// Close ends the account and returns it in order of time. The error is or
// wraps a [*LostError] when records were lost; what was not lost is returned
// with it. The end of a process that has been waited for is in the account.
func (w *Witness) Close() ([]Record, error) {
	if w.rings == nil {
		return nil, fmt.Errorf("close a witness: %w", os.ErrClosed)
	}
	defer w.release()
	var errs []error
	for _, r := range w.rings {
		errs = append(errs, w.kernel.disable(r.fd))
	}
	if w.bell >= 0 {
		_, err := unix.Write(w.bell, binary.NativeEndian.AppendUint64(nil, 1))
		errs = append(errs, os.NewSyscallError("write(eventfd)", err))
		<-w.done
	}
	errs = append(errs, w.err)
	perCPU, err := w.collect()
	errs = append(errs, err)
	if now := w.kernel.setting(onlineFile); now != w.online {
		errs = append(errs, fmt.Errorf("online CPUs were %s and are %s: tasks may have run unseen", w.online, now))
	}
	return merge(perCPU), errors.Join(errs...)
}

// collect takes what is left in the rings, and asks what they have lost.
func (w *Witness) collect() (perCPU [][]Record, err error) {
	var errs []error
	var lost LostError
	full := false
	for _, r := range w.rings {
		errs = append(errs, r.drain())
		records, told, err := decode(r.log)
		errs = append(errs, err)
		perCPU = append(perCPU, records)
		if w.counted {
			told, err = w.kernel.lost(r.fd)
			errs = append(errs, err)
		}
		lost.N += told
		full = full || r.full
	}
	if lost.N > 0 || full && !w.counted {
		errs = append(errs, &lost)
	}
	return perCPU, errors.Join(errs...)
}

// release gives back what Open took. munmap and close do not fail on what is ours.
func (w *Witness) release() {
	for _, r := range w.rings {
		r.unmap()
		unix.Close(r.fd)
	}
	if w.bell >= 0 {
		unix.Close(w.bell)
	}
	w.rings, w.bell = nil, -1
}

// merge puts the rings' records in order of time. A ring's own order stands:
// the kernel's NMI-safe CLOCK_MONOTONIC can step back by nanoseconds when the
// clock's rate is adjusted (ktime_get_mono_fast_ns in kernel/time/timekeeping.c).
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

// Now is the clock of the records.
func Now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // not on Linux: the clock exists, and t can be written
	}
	return time.Duration(t.Nano())
}

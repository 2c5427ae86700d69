//go:build amd64 || arm64

package defective

import (
	"bytes"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// tgid is the process of a task by /proc, zero where the task is gone.
func tgid(k tracer.Kernel, tid int) int {
	content, err := k.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(content, []byte("\nTgid:"))
	line, _, _ := strings.Cut(string(rest), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	return pid
}

// isEvent tells whether a task stands at one of these events (PTRACE_EVENT_…).
func isEvent(status unix.WaitStatus, events ...int) bool {
	for _, e := range events {
		if status.Stopped() && int(status)>>16 == e {
			return true
		}
	}
	return false
}

func isBirth(status unix.WaitStatus) bool {
	return isEvent(status, unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK)
}

// An answer is one of wait4's.
type answer struct {
	tid    int
	status unix.WaitStatus
}

// A deaf kernel keeps some answers of wait4 to itself: the tasks stand, and the tracer does not know. When it is mended
// it gives them all.
type deaf struct {
	tracer.Kernel
	mended *atomic.Bool
	drops  func(answer) bool
	kept   []answer
}

func (k *deaf) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	for {
		if k.mended.Load() {
			for i, a := range k.kept {
				if tid == -1 || tid == a.tid {
					k.kept = append(k.kept[:i], k.kept[i+1:]...)
					return a.tid, a.status, nil
				}
			}
		}
		got, status, err := k.Kernel.Wait(tid, flags)
		a := answer{got, status}
		if err != nil || got == 0 || k.mended.Load() || !k.drops(a) {
			return got, status, err
		}
		k.kept = append(k.kept, a)
	}
}

// waitsForLeader hears leaders only.
func waitsForLeader(mended *atomic.Bool) seams {
	return seams{kernel: func(k tracer.Kernel) tracer.Kernel {
		return &deaf{Kernel: k, mended: mended, drops: func(a answer) bool {
			return a.status.Stopped() && tgid(k, a.tid) != a.tid
		}}
	}}
}

// An acquainted kernel knows the tasks that the tracer has seized or been told of.
type acquainted struct {
	*deaf
	known map[int]bool
	last  map[int]unix.WaitStatus
}

func (k acquainted) Seize(tid, options int) error {
	err := k.deaf.Seize(tid, options)
	k.known[tid] = k.known[tid] || err == nil
	return err
}

func (k acquainted) EventMsg(tid int) (uint, error) {
	msg, err := k.deaf.EventMsg(tid)
	if err == nil && isBirth(k.last[tid]) {
		k.known[int(msg)] = true
	}
	return msg, err
}

// dropsUnknown drops the first stop of a task that comes before its creator's event.
func dropsUnknown(mended *atomic.Bool) seams {
	return seams{kernel: func(below tracer.Kernel) tracer.Kernel {
		k := acquainted{&deaf{Kernel: below, mended: mended}, make(map[int]bool), make(map[int]unix.WaitStatus)}
		k.drops = func(a answer) bool {
			k.last[a.tid] = a.status
			return a.status.Stopped() && !k.known[a.tid]
		}
		return k
	}}
}

// removesLeader hears no more of a leader that stood at its end: neither of its process's end, nor of an exec by another
// thread, which has the leader's id then.
func removesLeader(mended *atomic.Bool) seams {
	return seams{kernel: func(k tracer.Kernel) tracer.Kernel {
		removed := make(map[int]bool)
		return &deaf{Kernel: k, mended: mended, drops: func(a answer) bool {
			if removed[a.tid] {
				return true
			}
			removed[a.tid] = isEvent(a.status, unix.PTRACE_EVENT_EXIT) && tgid(k, a.tid) == a.tid
			return false
		}}
	}}
}

// A hasty kernel detaches from a newborn at its creator's event. Where the newborn has not stopped yet PTRACE_DETACH is
// ESRCH, and who does not look forgets it: it stops then, and stands.
type hasty struct {
	*deaf
	last   map[int]unix.WaitStatus
	missed map[int]bool
}

func (k hasty) EventMsg(tid int) (uint, error) {
	msg, err := k.deaf.EventMsg(tid)
	if err != nil || !isBirth(k.last[tid]) || k.mended.Load() {
		return msg, err
	}
	child := int(msg)
	if _, stood := k.last[child]; !stood {
		stopped, _, err := peek(unix.P_PID, child, unix.WSTOPPED|unix.WNOHANG)
		k.missed[child] = err == nil && stopped == 0
	}
	return msg, err
}

func detachesHastily(mended *atomic.Bool) seams {
	kernel := func(below tracer.Kernel) tracer.Kernel {
		k := hasty{&deaf{Kernel: below, mended: mended}, make(map[int]unix.WaitStatus), make(map[int]bool)}
		k.drops = func(a answer) bool {
			k.last[a.tid] = a.status
			return a.status.Stopped() && k.missed[a.tid]
		}
		return k
	}
	return seams{kernel: kernel, options: tracer.Options{Threads: tracer.FollowParent}}
}

// A hoarder waits for stops, and for the ends of leaders; ended threads it leaves, and their processes' ends never come.
type hoarder struct {
	tracer.Kernel
	mended *atomic.Bool
}

func (k hoarder) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	if tid != -1 || k.mended.Load() {
		return k.Kernel.Wait(tid, flags)
	}
	got, ended, err := peek(unix.P_ALL, 0, unix.WSTOPPED|unix.WEXITED|flags)
	if err == nil && ended && tgid(k, got) != got {
		got, _, err = peek(unix.P_ALL, 0, unix.WSTOPPED|flags)
	}
	if err != nil || got == 0 {
		return 0, 0, err
	}
	return k.Kernel.Wait(got, flags)
}

// peek is whom wait4 would tell of next, and whether that one has ended.
func peek(which, id, flags int) (tid int, ended bool, err error) {
	const exited, killed, dumped = 1, 2, 3 // CLD_…
	var info struct {
		signo, errno, code, _ int32
		pid                   int32
		_                     [108]byte // siginfo_t has 128
	}
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Waitid(which, id, (*unix.Siginfo)(unsafe.Pointer(&info)), flags|unix.WNOWAIT|unix.WALL|unix.WNOTHREAD, nil)
	}
	return int(info.pid), info.code == exited || info.code == killed || info.code == dumped, err
}

func hoards(mended *atomic.Bool) seams {
	return seams{kernel: func(k tracer.Kernel) tracer.Kernel { return hoarder{k, mended} }}
}

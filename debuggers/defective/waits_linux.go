//go:build amd64 || arm64

package defective

import (
	"context"
	"slices"

	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Defects of waiting.

// drop has the hooks keep some answers of wait4 to themselves: the tasks stand, and the tracer
// does not know. When the defect is mended they give them all.
func drop(h *hooks, drops func(tid int, status unix.WaitStatus) bool) {
	type answer struct {
		tid    int
		status unix.WaitStatus
	}
	var kept []answer
	h.wait = func(tid, flags int) (int, unix.WaitStatus, error) {
		for {
			mended := h.isMended()
			i := slices.IndexFunc(kept, func(a answer) bool { return tid == -1 || tid == a.tid })
			if mended && i >= 0 {
				a := kept[i]
				kept = slices.Delete(kept, i, i+1)
				return a.tid, a.status, nil
			}
			got, status, err := h.Kernel.Wait(tid, flags)
			if err != nil || got == 0 || h.isMended() || !drops(got, status) {
				return got, status, err
			}
			kept = append(kept, answer{got, status})
		}
	}
}

// waitsForLeader hears of leaders alone.
func waitsForLeader(k tracer.Kernel, h *hooks) {
	drop(h, func(tid int, status unix.WaitStatus) bool {
		return status.Stopped() && tgid(k, tid) != tid
	})
}

// dropsUnknown drops the first stop of a task that comes before its creator's event. It knows the
// tasks that it has seized or was told of.
func dropsUnknown(k tracer.Kernel, h *hooks) {
	known, last := make(map[int]bool), make(map[int]unix.WaitStatus)
	h.seize = func(tid, options int) error {
		err := k.Seize(tid, options)
		known[tid] = known[tid] || err == nil
		return err
	}
	h.eventMsg = func(tid int) (uint, error) {
		msg, err := k.EventMsg(tid)
		if err == nil && isBirth(last[tid]) {
			known[int(msg)] = true
		}
		return msg, err
	}
	drop(h, func(tid int, status unix.WaitStatus) bool {
		last[tid] = status
		return status.Stopped() && !known[tid]
	})
}

// removesLeader hears no more of a leader that stood at its end: neither of its process's end,
// nor of an exec by another thread, which has the leader's id then.
func removesLeader(k tracer.Kernel, h *hooks) {
	removed := make(map[int]bool)
	drop(h, func(tid int, status unix.WaitStatus) bool {
		if removed[tid] {
			return true
		}
		removed[tid] = seam.IsEvent(status, unix.PTRACE_EVENT_EXIT) && tgid(k, tid) == tid
		return false
	})
}

// detachesHastily detaches from a newborn at its creator's event. If the newborn has not stopped
// yet, PTRACE_DETACH is ESRCH, and the tracer does not look and forgets it: it stops then, and
// stands.
func detachesHastily(mended context.Context) seams {
	s := below(func(k tracer.Kernel, h *hooks) {
		last, missed := make(map[int]unix.WaitStatus), make(map[int]bool)
		h.eventMsg = func(tid int) (uint, error) {
			msg, err := k.EventMsg(tid)
			child := int(msg)
			_, stood := last[child]
			if err == nil && isBirth(last[tid]) && !h.isMended() && !stood {
				stopped, _, err := seam.Peek(unix.P_PID, child, unix.WSTOPPED|unix.WNOHANG)
				missed[child] = err == nil && stopped == 0
			}
			return msg, err
		}
		drop(h, func(tid int, status unix.WaitStatus) bool {
			last[tid] = status
			return status.Stopped() && missed[tid]
		})
	})(mended)
	s.options.Threads = tracer.FollowParent
	return s
}

// hoards waits for stops, and for the ends of leaders. It leaves ended threads alone, so their
// processes' ends never come.
func hoards(k tracer.Kernel, h *hooks) {
	h.wait = func(tid, flags int) (int, unix.WaitStatus, error) {
		if tid != -1 || h.isMended() {
			return k.Wait(tid, flags)
		}
		got, ended, err := seam.Peek(unix.P_ALL, 0, unix.WSTOPPED|unix.WEXITED|flags)
		if err == nil && ended && tgid(k, got) != got {
			got, _, err = seam.Peek(unix.P_ALL, 0, unix.WSTOPPED|flags)
		}
		if err != nil || got == 0 {
			return 0, 0, err
		}
		return k.Wait(got, flags)
	}
}

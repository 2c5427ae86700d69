//go:build amd64 || arm64

package defective

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidcheck/tidcheck/debuggers/internal/seam"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// Hooks are a kernel in which a defect may answer some requests. What it leaves alone is answered
// by the kernel below.
type hooks struct {
	tracer.Kernel
	mended context.Context // over when the session ends, which it does without the defect

	wait              func(tid, flags int) (int, unix.WaitStatus, error)
	seize, setOptions func(tid, options int) error
	cont, detach      func(tid, sig int) error
	interrupt, listen func(tid int) error
	eventMsg          func(tid int) (uint, error)
	inGroup           func(pid, tid int) bool
	tasks             func(pid int) ([]int, error)
}

func (h *hooks) Wait(tid, flags int) (int, unix.WaitStatus, error) { return h.wait(tid, flags) }
func (h *hooks) Seize(tid, options int) error                      { return h.seize(tid, options) }
func (h *hooks) Cont(tid, sig int) error                           { return h.cont(tid, sig) }
func (h *hooks) Detach(tid, sig int) error                         { return h.detach(tid, sig) }
func (h *hooks) Interrupt(tid int) error                           { return h.interrupt(tid) }
func (h *hooks) Listen(tid int) error                              { return h.listen(tid) }
func (h *hooks) EventMsg(tid int) (uint, error)                    { return h.eventMsg(tid) }
func (h *hooks) InGroup(pid, tid int) bool                         { return h.inGroup(pid, tid) }
func (h *hooks) Tasks(pid int) ([]int, error)                      { return h.tasks(pid) }

func (h *hooks) SetOptions(tid, options int) error { return h.setOptions(tid, options) }

// below plants a defect in the kernel below the tracer's loop. Its function is given that kernel,
// and the hooks above it.
func below(defect func(k tracer.Kernel, h *hooks)) func(context.Context) seams {
	return func(mended context.Context) seams {
		wrap := func(k tracer.Kernel) tracer.Kernel {
			h := &hooks{
				Kernel: k, mended: mended, wait: k.Wait, seize: k.Seize, setOptions: k.SetOptions,
				cont: k.Cont, detach: k.Detach, interrupt: k.Interrupt, listen: k.Listen,
				eventMsg: k.EventMsg, inGroup: k.InGroup, tasks: k.Tasks,
			}
			defect(k, h)
			return h
		}
		return seams{options: tracer.Options{Kernel: wrap}}
	}
}

// isMended tells whether the session ends.
func (h *hooks) isMended() bool { return h.mended.Err() != nil }

// afterWaits has a function see each stop and end that wait4 tells of, before the tracer does.
func (h *hooks) afterWaits(see func(tid int, status unix.WaitStatus)) {
	h.wait = func(tid, flags int) (int, unix.WaitStatus, error) {
		got, status, err := h.Kernel.Wait(tid, flags)
		if err == nil && got != 0 {
			see(got, status)
		}
		return got, status, err
	}
}

func isBirth(status unix.WaitStatus) bool {
	return seam.IsEvent(status,
		unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK)
}

// tgid is the process of a task by /proc, zero if the task is gone.
func tgid(k tracer.Kernel, tid int) (pid int) {
	content, _ := k.ReadFile(fmt.Sprintf("/proc/%d/status", tid)) // empty for a task that is gone
	_, rest, _ := strings.Cut(string(content), "\nTgid:")
	fmt.Sscan(rest, &pid)
	return pid
}

// send sends a signal to one task. ESRCH, the only error, says that it was killed meanwhile.
func send(k tracer.Kernel, tid int, sig unix.Signal) { k.Tgkill(tgid(k, tid), tid, int(sig)) }

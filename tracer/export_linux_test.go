//go:build amd64 || arm64

package tracer

import "golang.org/x/sys/unix"

// WithoutExecEvents is a kernel that does not tell of execs after the first birth. Threads have the
// options of their creators.
func WithoutExecEvents(k Kernel) Kernel { return withoutExec{k} }

type withoutExec struct{ Kernel }

func (k withoutExec) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	got, status, err := k.Kernel.Wait(tid, flags)
	if err == nil && status.Stopped() && status.TrapCause() == unix.PTRACE_EVENT_CLONE {
		err = k.Kernel.SetOptions(got, follow&^unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL)
	}
	return got, status, err
}

//go:build amd64 || arm64

package tracer

import "golang.org/x/sys/unix"

// ByRegisters is a kernel without PTRACE_GET_SYSCALL_INFO, as before Linux 5.3.
func ByRegisters(k Kernel) Kernel { return byRegisters{k} }

type byRegisters struct{ Kernel }

func (byRegisters) SyscallInfo(tid int, entry bool) (SyscallInfo, error) {
	return callByRegisters(tid, entry)
}

// WithoutExecEvents is a kernel that is asked not to tell of execs, at the first birth; threads have the
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

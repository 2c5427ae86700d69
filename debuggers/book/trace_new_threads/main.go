//go:build linux && (amd64 || arm64)

// Trace_new_threads is the tracer of the lesson that tidcheck grew from, less its
// sleeps. It attaches to a process's main thread and lets go of each new thread:
//
//	trace_new_threads PID
//
// It is wrong on purpose. It attaches to the main thread and waits for that alone, so it
// misses the threads that others make; it takes every stop for a clone, and so
// tells some threads again; it drops every signal; and it detaches a new thread that may
// not have stopped yet, ignores that this fails, and leaves it stopped.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: trace_new_threads PID")
		os.Exit(2)
	}
	pid, err := strconv.Atoi(os.Args[1])
	check("pid", err)

	runtime.LockOSThread() // ptrace requests come from the thread that attached
	check("attach", syscall.PtraceAttach(pid))
	var status syscall.WaitStatus
	_, err = syscall.Wait4(pid, &status, syscall.WALL, nil)
	check("wait", err)
	var regs syscall.PtraceRegs
	check("getregs", syscall.PtraceGetRegs(pid, &regs))
	fmt.Printf("tracee stopped at %x\n", regs.PC())
	check("setoptions", syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACECLONE))

	for {
		check("cont", syscall.PtraceCont(pid, 0))
		_, err := syscall.Wait4(pid, &status, syscall.WALL, nil)
		check("wait", err)
		if status.Exited() || status.Signaled() {
			fmt.Printf("tracee exited, tracee pid:%d\n", pid)
			return
		}
		isClone := int(status)>>8 == int(syscall.SIGTRAP)|syscall.PTRACE_EVENT_CLONE<<8
		fmt.Printf("tracee stopped, tracee pid:%d, status: %s, trapcause is clone: %v\n", pid, status.StopSignal(), isClone)
		thread, err := syscall.PtraceGetEventMsg(pid)
		check("geteventmsg", err)
		fmt.Printf("eventmsg: new thread lwp pid: %d\n", thread)
		_ = syscall.PtraceDetach(int(thread)) // ESRCH if it has not stopped yet: it stays traced
	}
}

func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

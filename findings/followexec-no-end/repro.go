//go:build ignore

// A program executes itself once, and ends with status 3.
//
//  1. delve follows execs ("target follow-exec -on"). The program calls execve.
//  2. The kernel reports PTRACE_EVENT_EXEC. The process is the same as before, with the same id.
//  3. When it ends, the kernel reports its wait status once. A debugger that has a second record of
//     the same process waits for an end of the first, and wait4 is ECHILD.
package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Println("good: the new program came to its end")
		os.Exit(3)
	}
	fmt.Println("BAD:", syscall.Exec("/proc/self/exe", []string{os.Args[0], "again"}, os.Environ()))
}

// Package inherited deals with what our parent left us and no exec resets: limits, and the umask.
// (A blocked or ignored signal is dealt with where it would matter: by keeper and tracer.)
package inherited

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"golang.org/x/sys/unix"
)

// UseOwnFiles lets us use the files and folders that we make from now on. With a umask of 777 an
// ordinary user cannot enter a folder of its own.
func UseOwnFiles() { unix.Umask(unix.Umask(0o077) &^ 0o700) }

// Files that a process has open besides those of its runs, and those of one run without the
// kernel's account, which has one for each CPU. A quick set at one to eight runs at once had at
// most 12 and 15.
const ownFiles, runsFiles = 24, 16

// Runs is how many runs at once the limit on open files permits: at least one, and at most want.
func Runs(want int) int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<30 {
		return want
	}
	return max(1, min(want, (int(limit.Cur)-ownFiles)/(runsFiles+runtime.NumCPU())))
}

// HasTasks says why this process may not have so many tasks more, with those that it starts. A Go
// program that gets no thread crashes, wherever it is.
func HasTasks(more int) error {
	if more == 0 {
		return nil
	}
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NPROC, &limit)
	own := procfs.Status(event.TID(os.Getpid()))
	capabilities, _ := strconv.ParseUint(own["CapEff"], 16, 64) // none if it cannot be read
	if err != nil || limit.Cur > 1<<30 || os.Getuid() == 0 || capabilities&exempt != 0 {
		return nil
	}
	used, uid := 0, strconv.Itoa(os.Getuid())
	all, _ := filepath.Glob("/proc/[0-9]*") // the pattern is good
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir)) // it has digits alone
		status := procfs.Status(event.TID(pid))    // nil: it has ended
		if real, _, _ := strings.Cut(status["Uid"], "\t"); real == uid {
			threads, _ := strconv.Atoi(status["Threads"])
			used += threads
		}
	}
	if used+more <= int(limit.Cur) {
		return nil
	}
	return fmt.Errorf("uid %s may have %d tasks (RLIMIT_NPROC), has %d, and this takes %d more: "+
		"raise the limit (ulimit -u)", uid, limit.Cur, used, more)
}

// exempt are the capabilities for which RLIMIT_NPROC does not count (kernel/fork.c, copy_process).
const exempt = 1<<unix.CAP_SYS_RESOURCE | 1<<unix.CAP_SYS_ADMIN

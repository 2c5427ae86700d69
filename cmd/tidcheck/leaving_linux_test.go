//go:build amd64 || arm64

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// leaving is a program of its own. It leaves something to a command, which it becomes:
//
//	leaving WHAT COMMAND ARG…
func leaving() {
	runtime.LockOSThread() // masks, priorities and the exec are this thread's
	env := os.Environ()
	// Another user may not enter the command's folder.
	file, err := unix.Open(os.Args[2], unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == nil {
		err = leave(os.Args[1], &env)
	}
	if err == nil {
		err = syscall.Exec(fmt.Sprint("/proc/self/fd/", file), os.Args[2:], env)
	}
	fmt.Fprintln(os.Stderr, "leaving:", err)
	os.Exit(125)
}

func leave(what string, env *[]string) error {
	limit := func(resource int, n uint64) error {
		return unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n})
	}
	switch what {
	case "nothing unusual":
	case "every signal blocked":
		every := unix.Sigset_t{}
		for i := range every.Val {
			every.Val[i] = ^uint64(0)
		}
		return unix.PthreadSigmask(unix.SIG_SETMASK, &every, nil)
	case "every signal ignored":
		ignored := [4]uintptr{1 /* SIG_IGN */}
		for sig := uintptr(1); sig <= 64; sig++ { // SIGKILL and SIGSTOP are refused
			unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&ignored)), 0, 8,
				0, 0)
		}
	case "standard files closed":
		for fd := range 3 {
			unix.Close(fd)
		}
	case "64 files":
		return limit(unix.RLIMIT_NOFILE, 64)
	case "12 tasks", "60 tasks":
		var n uint64
		fmt.Sscan(what, &n)
		if err := limit(unix.RLIMIT_NPROC, n); err != nil {
			return err
		}
		user := uintptr(1<<20 + os.Getpid()) // a user without processes
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, user, user, user); errno != 0 {
			return errno
		}
	case "a removed folder":
		dir, err := os.MkdirTemp("", "removed-")
		return errors.Join(err, os.Chdir(dir), os.Remove(dir))
	case "no environment":
		*env = nil
	case "umask 777":
		unix.Umask(0o777)
	case "no terminal and no session":
		_, err := unix.Setsid()
		return err
	case "nice 19":
		return unix.Setpriority(unix.PRIO_PROCESS, 0, 19)
	case "SCHED_BATCH":
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			return err
		}
		attr.Policy = unix.SCHED_BATCH // it is as nice as before: less is root's to ask
		return unix.SchedSetAttr(0, attr, 0)
	case "one CPU":
		var before, one unix.CPUSet
		err := unix.SchedGetaffinity(0, &before)
		for cpu := 0; one.Count() == 0 && err == nil; cpu++ {
			if before.IsSet(cpu) {
				one.Set(cpu)
			}
		}
		return errors.Join(err, unix.SchedSetaffinity(0, &one))
	default:
		return errors.New("nothing is known of: " + what)
	}
	return nil
}

// Whatever our parent left us, what we do is right, or says in one line why it cannot be done.
// Nothing hangs.
func TestWhateverOurParentLeft(t *testing.T) {
	tidcheck, err := exec.LookPath("tidcheck")
	if err != nil {
		t.Fatal(err)
	}
	threads := program(t, "threads")
	const scenarios = "^(fork|signal_one_thread|exec_from_thread|attach_idle)/"
	type command struct {
		name string
		argv []string
	}
	commands := []command{
		{"trace", []string{"trace", "--", threads, "10"}},
		{"trace by SIGCHLD", []string{"trace", "--notify", "sigchld", "--", threads, "10"}},
		{"trace a program that is missing", []string{"trace", "--", "/nowhere"}},
		{"run", []string{"run", "--run", scenarios, "reference"}},
		{"command", []string{
			"run", "--run", "^fork/launch$", "--command", tidcheck + " trace --json", "own",
		}},
	}
	if os.Getenv("TIDCHECK_DEBUGGERS") != "" {
		for _, c := range configurations("", nil) {
			if _, err := c.debuggers[0].Version(t.Context()); c.external && err == nil {
				commands = append(commands, command{
					c.name, []string{"run", "--run", "^fork/launch$", c.name},
				})
			}
		}
	}
	const noTasks, noPath = "more: raise the limit (ulimit -u)", "and set PATH, which is empty"
	for what, refusals := range map[string]map[string]string{
		"nothing unusual": nil, "every signal blocked": nil, "every signal ignored": nil,
		"standard files closed": nil, "64 files": nil, "a removed folder": nil, "umask 777": nil,
		"no terminal and no session": nil, "nice 19": nil, "SCHED_BATCH": nil, "one CPU": nil,
		"12 tasks":       {"": noTasks},
		"60 tasks":       {"run": noTasks},
		"no environment": {"run": noPath},
	} {
		t.Run(what, func(t *testing.T) {
			for _, c := range commands {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					why, refused := refusals[""]
					if !refused {
						why, refused = refusals[c.argv[0]]
					}
					missing := slices.Contains(c.argv, "/nowhere")
					if missing && !refused {
						why, refused = "/nowhere: no such file or directory", true
					}
					if strings.HasSuffix(what, " tasks") && os.Getuid() != 0 {
						t.Skip("only root can become a user without tasks")
					}
					said, status := afterLeaving(t, what, tidcheck, c.argv)
					switch {
					case refused && status != 2, !refused && status != 0:
						t.Errorf("exit status %d; it said %q", status, said)
					case what == "standard files closed":
					case refused != (said != ""), strings.Count(said, "\n") > 1,
						!strings.Contains(said, why):
						t.Errorf("it said %q, want %q in one line", said, why)
					}
				})
			}
		})
	}
}

// afterLeaving runs tidcheck after something was left to it. It returns its standard error and its
// exit status.
func afterLeaving(t *testing.T, what, tidcheck string, argv []string) (said string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "leaving", append([]string{what, tidcheck}, argv...)...)
	parent, err := os.MkdirTemp("", "left-") // TempDir's path is too long for a socket's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	temp := filepath.Join(parent, "tmp")
	err = errors.Join(os.Mkdir(temp, 0o777), os.Chmod(temp, 0o777), os.Chmod(parent, 0o755))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "TMPDIR="+temp, "GOTMPDIR=")
	cmd.Dir, cmd.WaitDelay = parent, time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		t.Errorf("it hangs: it printed %q, and said %q", stdout.String(), stderr.String())
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	if cmd.ProcessState.ExitCode() == 1 {
		t.Logf("%s", &stdout)
	}
	return stderr.String(), cmd.ProcessState.ExitCode()
}

//go:build amd64 || arm64

// Package rooms is for tests: it runs a command in a room, which is a machine that grants less.
//
// A room is built by root. The process that is to become the command gets namespaces of its own,
// and then gives up, in this order, what the room does not have: mounts, a limit, system calls (by
// a seccomp filter), capabilities, and root itself. Nothing of a room outlives its last process.
package rooms

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Room says what a command does not get. The zero value is what we have ourselves.
type Room struct {
	Name string
	User bool // it runs as an ordinary user: UserID

	NoPerf        bool // perf_event_open is EPERM
	NoConnector   bool // a network namespace of its own, where the proc connector tells nothing
	NoLockedPages bool // RLIMIT_MEMLOCK is 0
	NoUserfault   bool // userfaultfd is EPERM
	NoCgroup      bool // no cgroup can be made
	OwnPIDs       bool // a pid namespace of its own
	Container     bool // Docker's default: its seccomp filter and its capabilities
	NoExec        bool // TMPDIR is mounted noexec, and HOME is read-only
}

// UserID is the ordinary user of rooms, and its group.
const UserID = 65534

// All are the rooms that the suite is held to, first root's own, then an ordinary user's.
func All() (all []Room) {
	for _, user := range []bool{false, true} {
		of := "root"
		if user {
			of = "user"
		}
		for _, r := range []Room{
			{},
			{Name: "-without-perf", NoPerf: true},
			{Name: "-without-connector", NoPerf: true, NoConnector: true},
			{Name: "-without-locked-pages", NoLockedPages: true},
			{Name: "-without-userfault", NoUserfault: true},
			{Name: "-without-cgroup", NoCgroup: true},
			{Name: "-in-own-pids", OwnPIDs: true},
			{
				Name: "-in-container", Container: true, NoPerf: true, NoConnector: true,
				NoUserfault: true, NoCgroup: true, OwnPIDs: true,
			},
			{Name: "-without-exec", NoExec: true},
		} {
			r.Name, r.User = of+r.Name, user
			all = append(all, r)
		}
	}
	return all
}

// variable names the room that Enter enters, and the folder that Command was given.
const variable, folder = "TIDCHECK_ROOM", "TIDCHECK_ROOM_FOLDER"

// Command is argv in a room, by a program that calls Enter when it is executed with env. The folder
// gets the room's HOME and TMPDIR; it must be the room's user's. It takes root.
func Command(r Room, dir string, enter []string, env []string, argv ...string) *exec.Cmd {
	cmd := exec.Command(enter[0], append(enter[1:], argv...)...)
	home, temp := filepath.Join(dir, "home"), filepath.Join(dir, "tmp")
	cmd.Env = append(env, variable+"="+r.Name, folder+"="+dir, "HOME="+home, "TMPDIR="+temp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if r.OwnPIDs {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWPID
	}
	if r.NoConnector {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWNET
	}
	return cmd
}

// Enter makes this process the command argv in the room that its environment names. It returns only
// if that fails.
func Enter(argv []string) error {
	i := slices.IndexFunc(All(), func(r Room) bool { return r.Name == os.Getenv(variable) })
	if i < 0 {
		return fmt.Errorf("%s=%q names no room", variable, os.Getenv(variable))
	}
	if len(argv) == 0 {
		return errors.New("name a command")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	r, dir := All()[i], os.Getenv(folder)
	if r.OwnPIDs && os.Getpid() == 1 {
		return r.beInit(argv)
	}
	runtime.LockOSThread() // a filter and a user are a thread's own, and the exec is this thread's
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"mount", func() error { return r.mount(dir) }},
		{"limit", r.limit},
		{"filter", r.Filter},
		{"give up capabilities", r.giveUp},
		{"become a user", r.becomeUser},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("room %s: %s: %w", r.Name, step.what, err)
		}
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, variable) || strings.HasPrefix(v, "TIDCHECK_TEST_ROLE=")
	})
	return &os.PathError{Op: "exec", Path: path, Err: syscall.Exec(path, argv, env)}
}

// beInit is the first process of a pid namespace: the command is its child, and it reaps what comes
// to it. A pid namespace's first process is deaf to signals, which would be another room.
func (r Room) beInit(argv []string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	self, err := os.StartProcess("/proc/self/exe", append([]string{os.Args[0]}, argv...),
		&os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case pid == self.Pid && status.Signaled():
			os.Exit(128 + int(status.Signal()))
		case pid == self.Pid:
			os.Exit(status.ExitStatus())
		}
	}
}

// mount makes the room's folders, and takes away what the room has not.
func (r Room) mount(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	home, temp := filepath.Join(dir, "home"), filepath.Join(dir, "tmp")
	if r.NoExec {
		err := unix.Mount("room", temp, "tmpfs", unix.MS_NOEXEC|unix.MS_NOSUID, "mode=1777")
		if err == nil { // files left there vanish with the mount
			err = unix.Mount("room", "/var/tmp", "tmpfs", unix.MS_NOSUID, "mode=1777")
		}
		if err == nil {
			err = readOnly(home)
		}
		if err != nil {
			return err
		}
	}
	if !r.NoCgroup {
		return nil
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if at := strings.Fields(line)[1]; strings.HasPrefix(at, "/sys/fs/cgroup") {
			if err := readOnly(at); err != nil {
				return err
			}
		}
	}
	return nil
}

// readOnly makes what is seen at a path read-only in our mount namespace.
func readOnly(path string) error {
	err := unix.Mount(path, path, "", unix.MS_BIND, "")
	if err == nil {
		err = unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	}
	if err != nil {
		return &os.PathError{Op: "mount read-only", Path: path, Err: err}
	}
	return nil
}

func (r Room) limit() error {
	if !r.NoLockedPages {
		return nil
	}
	return unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{})
}

// containerCapabilities are those that Docker leaves to root (moby, daemon/pkg/oci/caps).
const containerCapabilities = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FSETID |
	1<<unix.CAP_FOWNER | 1<<unix.CAP_MKNOD | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_SETGID |
	1<<unix.CAP_SETUID | 1<<unix.CAP_SETFCAP | 1<<unix.CAP_SETPCAP |
	1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SYS_CHROOT | 1<<unix.CAP_KILL |
	1<<unix.CAP_AUDIT_WRITE

// giveUp leaves the capabilities of a container, to our process and to all that it executes.
func (r Room) giveUp() error {
	if !r.Container {
		return nil
	}
	for c := range unix.CAP_LAST_CAP + 1 {
		if containerCapabilities&(1<<c) == 0 {
			// EINVAL: an older kernel does not know it
			err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
			if err != nil && err != unix.EINVAL {
				return os.NewSyscallError("prctl(PR_CAPBSET_DROP)", err)
			}
		}
	}
	low := uint32(containerCapabilities & (1<<32 - 1))
	sets := [2]unix.CapUserData{{Effective: low, Permitted: low}}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return os.NewSyscallError("capset", unix.Capset(&header, &sets[0]))
}

// becomeUser changes this thread alone: the exec ends the others.
func (r Room) becomeUser() error {
	if !r.User {
		return nil
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0)
	if errno == 0 {
		_, _, errno = unix.RawSyscall(unix.SYS_SETRESGID, UserID, UserID, UserID)
	}
	if errno == 0 {
		_, _, errno = unix.RawSyscall(unix.SYS_SETRESUID, UserID, UserID, UserID)
	}
	if errno != 0 {
		return os.NewSyscallError("setresuid", errno)
	}
	return nil
}

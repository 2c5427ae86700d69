//go:build amd64 || arm64

package rooms

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// namespaces are the flags of clone(2) that ask for new namespaces.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP

// containerRefuses are calls that Docker's default profile refuses (moby, profiles/seccomp), of
// which a debugger or a test may make use. The whole list is longer.
var containerRefuses = []uint32{
	unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_BPF, unix.SYS_IO_URING_SETUP,
	unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_MOUNT, unix.SYS_UMOUNT2,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_PIVOT_ROOT, unix.SYS_KEYCTL, unix.SYS_ADD_KEY,
	unix.SYS_REQUEST_KEY, unix.SYS_FANOTIFY_INIT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_SYSLOG,
	unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	unix.SYS_MOVE_PAGES, unix.SYS_MBIND,
}

// personalities are those that Docker's profile permits; a debugger's ADDR_NO_RANDOMIZE is none.
var personalities = []uint32{0, 0x8, 0x20000, 0x20008, 0xffffffff}

// Filter has the room's system calls refused to this process for good: by EPERM, as Docker does.
// For an ordinary user it sets no_new_privs on the calling thread first.
func (r Room) Filter() error {
	program := r.program()
	if program == nil {
		return nil
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if os.Geteuid() != 0 {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return os.NewSyscallError("prctl(PR_SET_NO_NEW_PRIVS)", err)
		}
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}

// program is the filter, nil if nothing is refused.
func (r Room) program() []unix.SockFilter {
	var refused []uint32
	if r.NoPerf {
		refused = append(refused, unix.SYS_PERF_EVENT_OPEN)
	}
	if r.NoUserfault {
		refused = append(refused, unix.SYS_USERFAULTFD)
	}
	if r.Container {
		refused = containerRefuses
	}
	if refused == nil {
		return nil
	}
	const number, arch, firstArgument = 0, 4, 16 // in a little-endian struct seccomp_data
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	ret := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	equal := func(k uint32, yes, no uint8) unix.SockFilter {
		const code = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		return unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no}
	}
	allow := ret(unix.SECCOMP_RET_ALLOW)
	refuse := ret(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	machine := map[string]uint32{
		"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64,
	}[runtime.GOARCH]
	program := []unix.SockFilter{load(arch), equal(machine, 1, 0), allow, load(number)}
	for _, call := range refused {
		program = append(program, equal(call, 0, 1), refuse)
	}
	if !r.Container {
		return append(program, allow)
	}
	// clone3 has its flags in memory, where no filter can see them.
	program = append(program, equal(unix.SYS_CLONE3, 0, 1),
		ret(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))
	program = append(program, equal(unix.SYS_CLONE, 0, 4), load(firstArgument),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: namespaces, Jf: 1},
		refuse, allow)
	program = append(program, equal(unix.SYS_PERSONALITY, 1, 0), allow, load(firstArgument))
	for _, p := range personalities {
		program = append(program, equal(p, 0, 1), allow)
	}
	return append(program, refuse)
}

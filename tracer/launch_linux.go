//go:build amd64 || arm64

package tracer

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// Launch starts cmd and holds it before its program's first instruction; Resume lets it go, and
// until then its death is not noticed. The program dies with the tracer, and with our process.
//
// Use the tracer's Wait, Detach and Kill: cmd.Wait would take the tracer's stops from it. Only
// after the program was let go of, by Detach or at FollowChild, cmd.Wait gives the program's end.
// The error is that of the start, as of exec.Cmd.Start, or says why the kernel refuses to trace.
func Launch(cmd *exec.Cmd, opts Options) (*Tracer, error) {
	return begin("launch "+cmd.Path, opts, func(t *Tracer) error { return t.launch(cmd) })
}

// LaunchHeld traces a process from its next exec on, and holds it there like Launch. The caller has
// started the process and holds it, for example by a pipe that it reads from. LaunchHeld calls
// release once, when the process is traced, and that must let it go. The process dies with the
// tracer. The error says that it ended before its exec, or why the kernel refuses to trace it.
func LaunchHeld(pid int, release func() error, opts Options) (*Tracer, error) {
	opts.TraceMe = false // it is seized
	return begin(fmt.Sprintf("launch process %d", pid), opts, func(t *Tracer) error {
		return t.launchHeld(pid, release)
	})
}

func (t *Tracer) launch(cmd *exec.Cmd) error {
	gate, err := startHeld(cmd)
	if err != nil {
		return err
	}
	defer gate.Close()
	t.cmd = cmd
	if t.opts.TraceMe {
		err = t.launchTraceMe(cmd.Process.Pid, gate)
	} else {
		err = t.launchHeld(cmd.Process.Pid, func() error {
			_, err := gate.Write([]byte{0})
			return err
		})
	}
	if early, ok := errors.AsType[*earlyEnd](err); ok && early.status.Code() > 0 {
		return unix.Errno(early.status.Code()) // the stub's exit code is the errno of its exec
	}
	return err
}

// An earlyEnd is a process that ended before the exec that it was to be traced from.
type earlyEnd struct{ status event.Status }

func (e *earlyEnd) Error() string { return "it ended before its exec: " + e.status.String() }

func (t *Tracer) launchHeld(pid int, release func() error) error {
	t.pid, t.launched = pid, true
	if err := t.kernel.Seize(pid, follow|unix.PTRACE_O_EXITKILL); err != nil {
		return refusal(t.kernel, pid, err)
	}
	k := &task{tid: pid, pid: pid, wanted: toHold}
	t.tasks[pid] = k
	// It may be in an exec yet, our stub's own: os/exec returns when that closes a pipe, which is
	// before PTRACE_EVENT_EXEC. Its next stop is that event, or the one that we ask for, after it;
	// not both, since any stop answers PTRACE_INTERRUPT.
	if err := t.interrupt(k); err != nil {
		return err
	}
	if _, err := t.toNextStop(k); err != nil {
		return err
	}
	if err := release(); err != nil {
		return fmt.Errorf("let it go: %w", err)
	}
	return t.toExec(k)
}

// toExec lets a stopped process go on to its exec, and holds it there.
func (t *Tracer) toExec(k *task) error {
	for at := stopNone; at != stopExec; {
		k.wanted = toRun
		err := t.settle(k)
		k.wanted = toHold
		if err == nil {
			at, err = t.toNextStop(k)
		}
		if err != nil {
			return err
		}
	}
	t.announceReady(k)
	return nil
}

// announceReady tells that a program has not executed its first instruction yet.
func (t *Tracer) announceReady(k *task) {
	t.early = nil // the signals of what ran before the program
	t.emit(event.Event{Kind: event.Ready, PC: t.pc(k.tid)}, k)
}

// toNextStop waits for the next stop of a process on its way to its program. Signals are its own.
func (t *Tracer) toNextStop(k *task) (stopKind, error) {
	s, err := t.next(k.tid, 0)
	if err != nil {
		return stopGone, err
	}
	t.handle(s)
	if s.kind == stopGone {
		return stopGone, &earlyEnd{s.status}
	}
	return s.kind, t.failure
}

func (t *Tracer) pc(tid int) uint64 {
	pc, _ := t.kernel.PC(tid) // zero where the kernel cannot say
	return pc
}

// startHeld starts cmd behind a stub: a program of a few instructions that reads one byte from a
// pipe, its gate, and then executes its arguments. Go has no hook between fork and exec, and a
// program can be seized from its first instruction only if it is held before its exec.
//
// A byte that is written to the gate lets the program go: zero, or one to call PTRACE_TRACEME
// first. Closing the gate unwritten ends the stub, so it does not outlive us. If the program cannot
// be executed, the stub's exit code is the errno.
func startHeld(cmd *exec.Cmd) (gate *os.File, err error) {
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	held, gate, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the stub's gate: %w", err)
	}
	defer held.Close()
	image, err := memoryFile(stubImage(3 + len(cmd.ExtraFiles)))
	if err != nil {
		gate.Close()
		return nil, fmt.Errorf("make the stub: %w", err)
	}
	defer image.Close()

	path, args, files := cmd.Path, cmd.Args, cmd.ExtraFiles
	defer func() { cmd.Path, cmd.Args, cmd.ExtraFiles = path, args, files }()
	cmd.Args = append([]string{path}, args...)
	cmd.Path = fmt.Sprintf("/proc/self/fd/%d", 3+len(files)+1)
	cmd.ExtraFiles = append(files[:len(files):len(files)], held, image)
	if err := cmd.Start(); err != nil {
		gate.Close()
		if at, ok := errors.AsType[*fs.PathError](err); ok && at.Path == cmd.Path {
			at.Path = path // what was asked for; ours says nothing to the user
		}
		return nil, err
	}
	return gate, nil
}

// memoryFile is an executable file without a name.
func memoryFile(content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("tidcheck-stub", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3 all such files are executable
		fd, err = unix.MemfdCreate("tidcheck-stub", unix.MFD_CLOEXEC)
	}
	if err != nil {
		refused := os.NewSyscallError("memfd_create", err)
		if err == unix.EACCES {
			refused = fmt.Errorf("set vm.memfd_noexec to 0 or 1: %w", refused)
		}
		return nil, refused
	}
	file := os.NewFile(uintptr(fd), "tidcheck-stub")
	if _, err := file.Write(content); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// stubImage is the stub's executable file, for a gate that is open as descriptor gate.
func stubImage(gate int) []byte {
	const base, headers = 0x400000, 64 + 56
	stub := stubs[runtime.GOARCH]
	size := uint64(headers + len(stub.code) + 4)
	var image bytes.Buffer
	ident := [elf.EI_NIDENT]byte{
		0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT),
	}
	for _, part := range []any{
		elf.Header64{
			Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(stub.machine),
			Version: uint32(elf.EV_CURRENT),
			Entry:   base + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		},
		elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
			Vaddr: base, Paddr: base, Filesz: size, Memsz: size, Align: 0x1000,
		},
		[]byte(stub.code),
		uint32(gate),
	} {
		binary.Write(&image, binary.LittleEndian, part) // a bytes.Buffer takes all
	}
	return image.Bytes()
}

// stubs are the stub's program for each architecture, followed in its image by the number of the
// gate's descriptor; the image's own descriptor is the next:
//
//	read(gate, &byte, 1) == 1, else exit_group(-result)
//	close(gate), close(gate+1)
//	if byte != 0: ptrace(PTRACE_TRACEME) == 0, else exit_group(-result)
//	execve(argv[0], &argv[1], envp), else exit_group(-result)
var stubs = map[string]struct {
	machine elf.Machine
	code    string
}{
	"amd64": {
		elf.EM_X86_64, "" +
			"\x8b\x3d\x69\x00\x00\x00" + // mov edi,[rip+0x69]
			"\x48\x8d\x74\x24\xf8" + // lea rsi,[rsp-0x8]
			"\xba\x01\x00\x00\x00" + // mov edx,0x1
			"\x31\xc0" + // xor eax,eax
			"\x0f\x05" + // syscall
			"\x48\x83\xf8\x01" + // cmp rax,0x1
			"\x75\x4a" + // jne 64
			"\x8b\x3d\x4f\x00\x00\x00" + // mov edi,[rip+0x4f]
			"\xb8\x03\x00\x00\x00" + // mov eax,0x3
			"\x0f\x05" + // syscall
			"\x8b\x3d\x42\x00\x00\x00" + // mov edi,[rip+0x42]
			"\xff\xc7" + // inc edi
			"\xb8\x03\x00\x00\x00" + // mov eax,0x3
			"\x0f\x05" + // syscall
			"\x80\x7c\x24\xf8\x00" + // cmp BYTE PTR [rsp-0x8],0x0
			"\x74\x0d" + // je 4a
			"\x31\xff" + // xor edi,edi
			"\xb8\x65\x00\x00\x00" + // mov eax,0x65
			"\x0f\x05" + // syscall
			"\x85\xc0" + // test eax,eax
			"\x75\x1a" + // jne 64
			"\x48\x8b\x7c\x24\x08" + // 4a: mov rdi,[rsp+0x8]
			"\x48\x8d\x74\x24\x10" + // lea rsi,[rsp+0x10]
			"\x48\x8b\x0c\x24" + // mov rcx,[rsp]
			"\x48\x8d\x54\xcc\x10" + // lea rdx,[rsp+rcx*8+0x10]
			"\xb8\x3b\x00\x00\x00" + // mov eax,0x3b
			"\x0f\x05" + // syscall
			"\xf7\xd8" + // 64: neg eax
			"\x89\xc7" + // mov edi,eax
			"\xb8\xe7\x00\x00\x00" + // mov eax,0xe7
			"\x0f\x05", // syscall
	},
	"arm64": {
		elf.EM_AARCH64, "" +
			"\xb3\x03\x00\x18" + // ldr w19, 74
			"\xe0\x03\x13\xaa" + // mov x0, x19
			"\xe1\x43\x00\xd1" + // sub x1, sp, #0x10
			"\x22\x00\x80\xd2" + // mov x2, #0x1
			"\xe8\x07\x80\xd2" + // mov x8, #0x3f
			"\x01\x00\x00\xd4" + // svc #0x0
			"\x1f\x04\x00\xf1" + // cmp x0, #0x1
			"\x61\x02\x00\x54" + // b.ne 68
			"\xe0\x03\x13\xaa" + // mov x0, x19
			"\x28\x07\x80\xd2" + // mov x8, #0x39
			"\x01\x00\x00\xd4" + // svc #0x0
			"\x60\x06\x00\x91" + // add x0, x19, #0x1
			"\x28\x07\x80\xd2" + // mov x8, #0x39
			"\x01\x00\x00\xd4" + // svc #0x0
			"\xe4\x03\x5f\x38" + // ldurb w4, [sp, #-16]
			"\xa4\x00\x00\x34" + // cbz w4, 50
			"\x00\x00\x80\xd2" + // mov x0, #0x0
			"\xa8\x0e\x80\xd2" + // mov x8, #0x75
			"\x01\x00\x00\xd4" + // svc #0x0
			"\xe0\x00\x00\xb5" + // cbnz x0, 68
			"\xe0\x07\x40\xf9" + // 50: ldr x0, [sp, #8]
			"\xe1\x43\x00\x91" + // add x1, sp, #0x10
			"\xe3\x03\x40\xf9" + // ldr x3, [sp]
			"\x22\x0c\x03\x8b" + // add x2, x1, x3, lsl #3
			"\xa8\x1b\x80\xd2" + // mov x8, #0xdd
			"\x01\x00\x00\xd4" + // svc #0x0
			"\xe0\x03\x00\xcb" + // 68: neg x0, x0
			"\xc8\x0b\x80\xd2" + // mov x8, #0x5e
			"\x01\x00\x00\xd4", // svc #0x0
	},
}

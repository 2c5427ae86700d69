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

	"golang.org/x/sys/unix"
)

// The stub is a program of a few instructions that reads one byte from a pipe, its
// gate, and then executes its arguments. Go has no hook between fork and exec, and a
// program can be seized from its first instruction only if it is held before
// its exec; if we die first, the gate closes and the stub ends.
//
// stubImage is its executable file for a gate that is open as descriptor gate.
func stubImage(gate int) []byte {
	const base, headers = 0x400000, 64 + 56
	size := uint64(headers + len(stubCode) + 4)
	var image bytes.Buffer
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	for _, part := range []any{
		elf.Header64{
			Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(stubMachine), Version: uint32(elf.EV_CURRENT),
			Entry: base + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		},
		elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
			Vaddr: base, Paddr: base, Filesz: size, Memsz: size, Align: 0x1000,
		},
		stubCode,
		uint32(gate),
	} {
		binary.Write(&image, binary.LittleEndian, part) // a bytes.Buffer takes all
	}
	return image.Bytes()
}

// startHeld starts cmd behind a stub. The gate lets it execute its program when a
// byte is written to it; closing it unwritten ends it. If its program cannot be
// executed the stub's exit code is the errno.
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
	if err == unix.EACCES {
		return nil, fmt.Errorf("set vm.memfd_noexec to 0 or 1: %w", os.NewSyscallError("memfd_create", err))
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "tidcheck-stub")
	if _, err := file.Write(content); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// Package keeper starts programs below one small process, so that nothing outlives a run.
//
// A keeper is a process whose program is cfixtures/keeper.c, which defines its messages. It starts
// what it is told to start, and is the subreaper of all that descends from it. It kills them all
// when its socket to us closes, even if we are killed with SIGKILL.
package keeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"golang.org/x/sys/unix"
)

// A Keeper is the process below which a run takes place.
type Keeper struct {
	cmd     *exec.Cmd
	conn    *net.UnixConn // of SOCK_SEQPACKET
	home    string        // a folder that it removes at its end, if there is one
	stderr  *os.File      // what it wrote there; a file, so that nothing copies to it
	started chan startReply

	mu        sync.Mutex
	processes map[int]*Process
	closed    bool       // Close was called
	starting  sync.Mutex // one start at a time
	gates     []*os.File // of all that was started; not all of it is released
}

type startReply struct {
	process *Process
	err     error
}

// packetSize is the most that the keeper takes to start a program.
const packetSize = 1 << 17

// New starts the keeper's program, which package build builds. It is not in our process group, so
// that a terminal's Ctrl-C is for us alone to act on. Close ends it.
func New(program string) (*Keeper, error) {
	// The name is known before there is a keeper: no folder is made without a keeper to remove it.
	name := fmt.Sprintf("tidcheck-home-%d-%x", os.Getpid(), rand.Uint64())
	home, err := filepath.Abs(filepath.Join(os.TempDir(), name))
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "keeper")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, err
	}
	k := &Keeper{
		home: home, conn: conn.(*net.UnixConn),
		started: make(chan startReply, 1), processes: make(map[int]*Process),
	}
	if k.stderr, err = procfs.MemoryFile("keeper's complaint"); err != nil {
		k.conn.Close()
		return nil, err
	}
	k.cmd = &exec.Cmd{
		Path: program, Args: []string{program, home}, Env: []string{}, Dir: "/", Stderr: k.stderr,
		ExtraFiles: []*os.File{theirs}, SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := k.cmd.Start(); err != nil {
		k.conn.Close()
		k.stderr.Close()
		return nil, fmt.Errorf("start the keeper: %w", err)
	}
	go k.listen()
	return k, nil
}

// Home is an empty folder that the keeper removes at its end. The first call makes it; after Close
// it is an error that matches [fs.ErrClosed].
func (k *Keeper) Home() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := fs.ErrClosed
	if !k.closed {
		err = os.Mkdir(k.home, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder for what is run: %w", err)
	}
	return k.home, nil
}

// PID is the keeper's process.
func (k *Keeper) PID() int { return k.cmd.Process.Pid }

// listen takes the keeper's packets until the socket closes.
func (k *Keeper) listen() {
	packet := make([]byte, 128)
	for {
		n, err := k.conn.Read(packet)
		if err != nil {
			k.lost()
			return
		}
		var word string
		var pid, number int
		fmt.Sscanf(string(packet[:n]), "%s %d %d", &word, &pid, &number)
		k.take(word, pid, number)
	}
}

func (k *Keeper) take(word string, pid, number int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.processes[pid]
	switch {
	case word == "started":
		p = &Process{PID: pid, done: make(chan struct{}), status: event.Unknown}
		k.processes[pid] = p
		k.started <- startReply{process: p}
	case word == "failed" && pid < 0:
		k.started <- startReply{err: os.NewSyscallError("fork", syscall.Errno(number))}
	case word == "failed" && p != nil:
		p.err = syscall.Errno(number)
	case word == "ended" && p != nil:
		p.status = event.StatusOf(uint32(number))
		delete(k.processes, pid)
		close(p.done)
	}
}

// lost ends the waits for processes whose keeper has ended.
func (k *Keeper) lost() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for pid, p := range k.processes {
		p.err = errors.New("the keeper has ended")
		delete(k.processes, pid)
		close(p.done)
	}
	close(k.started)
}

// Start starts a program and holds it before its exec, until Release.
func (k *Keeper) Start(spec Spec) (*Process, error) {
	path, err := lookPath(spec.Argv[0])
	if err != nil {
		return nil, err
	}
	packet, err := spec.packet(path)
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	held, gate, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer held.Close()
	var fds []int
	for _, f := range []*os.File{spec.Stdin, spec.Stdout, spec.Stderr, held} {
		fds = append(fds, int(cmp.Or(f, null).Fd()))
	}
	k.starting.Lock()
	defer k.starting.Unlock()
	p, err := k.ask(packet, fds)
	if err != nil {
		gate.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	p.gate = gate
	k.gates = append(k.gates, gate)
	return p, nil
}

// packet is what the keeper is sent to start the program at a path.
func (spec Spec) packet(path string) (_ []byte, err error) {
	if spec.Dir == "" {
		if spec.Dir, err = os.Getwd(); errors.Is(err, fs.ErrNotExist) {
			spec.Dir, err = "/", nil
		}
		if err != nil {
			return nil, err
		}
	}
	words := append([]string{strconv.Itoa(len(spec.Argv)), path}, spec.Argv[1:]...)
	// Each variable once, with its last value: getenv(3) takes the first.
	env := (&exec.Cmd{Dir: spec.Dir, Env: spec.Env}).Environ()
	words = append(append(words, spec.Dir), env...)
	packet := []byte(strings.Join(words, "\x00") + "\x00")
	if len(packet) > packetSize {
		return nil, fmt.Errorf("start %s: its arguments and environment are longer than %d bytes: "+
			"unset what is large", path, packetSize)
	}
	return packet, nil
}

// ask has the keeper start a program, and waits for its answer.
func (k *Keeper) ask(packet []byte, fds []int) (*Process, error) {
	_, _, err := k.conn.WriteMsgUnix(packet, unix.UnixRights(fds...), nil)
	if err != nil && !errors.Is(err, unix.EPIPE) {
		return nil, err // at EPIPE it has ended, and listen finds that too
	}
	reply, ok := <-k.started
	if !ok {
		return nil, fmt.Errorf("the keeper has ended: %s", k.complaint())
	}
	return reply.process, reply.err
}

func (k *Keeper) complaint() string { return strings.TrimSpace(procfs.Content(k.stderr)) }

// errStolen is what a debugger in our own process does that waits for any child.
var errStolen = errors.New("code in this process has waited for any child, and got the keeper: " +
	"a tracer waits by __WNOTHREAD, on a thread without other children (tracer.OnThread)")

// Close ends all that was started and all that descends from it.
func (k *Keeper) Close() error {
	defer k.stderr.Close()
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.conn.Close()
	k.starting.Lock()
	for _, gate := range k.gates {
		gate.Close() // an error means that it was released
	}
	k.starting.Unlock()
	alarm := time.AfterFunc(limits.Keeper, func() { k.cmd.Process.Kill() })
	defer alarm.Stop()
	err := k.cmd.Wait()
	k.cmd.Process.Release() // its pidfd, which only a Wait that reaps closes
	if errors.Is(err, syscall.ECHILD) {
		return errStolen
	}
	if err != nil {
		return fmt.Errorf("the keeper could not end what is below it: %w %s", err, k.complaint())
	}
	return nil
}

// Output runs a program to its end and returns what it printed, on both of its outputs.
func (k *Keeper) Output(ctx context.Context, spec Spec) (string, error) {
	out, err := procfs.MemoryFile("output")
	if err != nil {
		return "", err
	}
	defer out.Close()
	spec.Stdout, spec.Stderr = out, out
	p, err := k.Start(spec)
	if err == nil {
		err = p.Release()
	}
	if err != nil {
		return "", err
	}
	status, err := p.Wait(ctx)
	if err == nil && status != event.Exited(0) {
		err = fmt.Errorf("%s: status %s", spec.Argv[0], status)
	}
	return procfs.Content(out), err
}

// Signal signals the process's group. It does nothing once the process has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	err := unix.Kill(-p.PID, sig)
	if err == unix.ESRCH {
		return nil // it has ended, and the keeper's word of that is on its way
	}
	return os.NewSyscallError("kill", err)
}

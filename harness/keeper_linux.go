package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A keeper is the process below which a run takes place; cfixtures/keeper.c is its
// program and says how it is spoken to.
type keeper struct {
	cmd     *exec.Cmd
	conn    *os.File // a SOCK_SEQPACKET socket
	home    string   // a folder that it removes at its end, if there is one
	stderr  strings.Builder
	started chan startReply

	mu        sync.Mutex
	processes map[int]*Process
	starting  sync.Mutex // one start at a time
	gates     []*os.File // of all that was started; not all of it is released
}

type startReply struct {
	process *Process
	err     error
}

// keeperPatience is how long a keeper may take to kill all that is left. Only
// something that SIGKILL does not end makes it pass.
const keeperPatience = 20 * time.Second

// packetSize is the most that the keeper takes to start a program.
const packetSize = 1 << 17

// newKeeper starts the keeper's program. It is not in our process group, so that
// a terminal's Ctrl-C is for us alone to act on.
func newKeeper(program string) (*keeper, error) {
	home, err := homeName()
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "keeper")
	defer theirs.Close()
	if err := unix.SetNonblock(pair[0], true); err != nil { // so that Close ends a Read
		unix.Close(pair[0])
		return nil, os.NewSyscallError("fcntl(O_NONBLOCK)", err)
	}
	k := &keeper{home: home, conn: os.NewFile(uintptr(pair[0]), "keeper"), started: make(chan startReply, 1), processes: make(map[int]*Process)}
	k.cmd = &exec.Cmd{
		Path: program, Args: []string{program, home}, Env: []string{}, Dir: "/", Stderr: &k.stderr,
		ExtraFiles: []*os.File{theirs}, SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := k.cmd.Start(); err != nil {
		k.conn.Close()
		return nil, fmt.Errorf("start the keeper: %w", err)
	}
	go k.listen()
	return k, nil
}

// homes counts the homes of this process.
var homes atomic.Int64

// homeName is a name for a folder that nobody has. It is known before there is a keeper, so that no folder can be
// made without one to remove it.
func homeName() (string, error) {
	return filepath.Abs(filepath.Join(os.TempDir(), fmt.Sprintf("tidcheck-home-%d-%d-%x", os.Getpid(), homes.Add(1), rand.Uint32())))
}

// makeHome makes the keeper's folder, which it removes at its end, unless it is there.
func (k *keeper) makeHome() (string, error) {
	err := os.Mkdir(k.home, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder for what is run: %w", err)
	}
	return k.home, nil
}

// listen takes the keeper's packets until the socket closes.
func (k *keeper) listen() {
	packet := make([]byte, 128)
	for {
		n, err := k.conn.Read(packet)
		if err != nil || n == 0 {
			k.lost()
			return
		}
		var pid, number int
		word, rest, _ := strings.Cut(string(packet[:n]), " ")
		fmt.Sscanf(rest, "%d %d", &pid, &number)
		k.take(word, pid, number)
	}
}

func (k *keeper) take(word string, pid, number int) {
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

// lost ends the waits for processes whose keeper is gone.
func (k *keeper) lost() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for pid, p := range k.processes {
		p.err = errors.New("the keeper has ended")
		delete(k.processes, pid)
		close(p.done)
	}
	close(k.started)
}

// start starts a program and holds it before its exec.
func (k *keeper) start(spec Spec) (*Process, error) {
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
	fds := []int{int(null.Fd()), int(null.Fd()), int(null.Fd()), int(held.Fd())}
	for i, f := range []*os.File{spec.Stdin, spec.Stdout, spec.Stderr} {
		if f != nil {
			fds[i] = int(f.Fd())
		}
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
		if spec.Dir, err = os.Getwd(); err != nil {
			return nil, err
		}
	}
	words := []string{strconv.Itoa(len(spec.Argv)), path}
	env := (&exec.Cmd{Dir: spec.Dir, Env: spec.Env}).Environ() // each variable once, with its last value: getenv(3) takes the first
	words = append(append(append(words, spec.Argv[1:]...), spec.Dir), env...)
	packet := []byte(strings.Join(words, "\x00") + "\x00")
	if len(packet) > packetSize {
		return nil, fmt.Errorf("start %s: its arguments and environment are longer than %d bytes: unset what is large", path, packetSize)
	}
	return packet, nil
}

// ask has the keeper start a program, and waits for its answer.
func (k *keeper) ask(packet []byte, fds []int) (*Process, error) {
	if err := k.send(packet, fds); err != nil {
		return nil, err
	}
	reply, ok := <-k.started
	if !ok {
		return nil, fmt.Errorf("the keeper has ended: %s", strings.TrimSpace(k.stderr.String()))
	}
	return reply.process, reply.err
}

// send sends one packet and descriptors with it.
func (k *keeper) send(packet []byte, fds []int) error {
	conn, err := k.conn.SyscallConn()
	if err != nil {
		return err
	}
	writeErr := conn.Write(func(fd uintptr) bool {
		err = unix.Sendmsg(int(fd), packet, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		return err != unix.EAGAIN
	})
	return errors.Join(writeErr, os.NewSyscallError("sendmsg", err))
}

// errStolen is what a debugger in our own process does that waits for any child.
var errStolen = errors.New("somebody in this process has waited for any child and got ours: " +
	"a tracer waits by __WNOTHREAD, on a thread without other children (tracer.OnThread)")

// close ends all that was started and all that descends from it.
func (k *keeper) close() error {
	k.conn.Close()
	k.starting.Lock()
	for _, gate := range k.gates {
		gate.Close() // an error means that it was released
	}
	k.starting.Unlock()
	alarm := time.AfterFunc(keeperPatience, func() { k.cmd.Process.Kill() })
	defer alarm.Stop()
	err := k.cmd.Wait()
	if errors.Is(err, syscall.ECHILD) {
		return errStolen
	}
	if err != nil {
		return fmt.Errorf("the keeper could not end what is below it: %w %s", err, strings.TrimSpace(k.stderr.String()))
	}
	return nil
}

// output runs a program to its end below a keeper and returns what it printed.
func (k *keeper) output(ctx context.Context, spec Spec) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	spec.Stdout, spec.Stderr = w, w
	p, err := k.start(spec)
	w.Close()
	if err != nil {
		return "", err
	}
	printed := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(r) // an error ends the text, as our deadline is
		printed <- string(text)
	}()
	if err := p.Release(); err != nil {
		return "", err
	}
	status, err := p.Wait(ctx)
	if err != nil {
		return "", err
	}
	r.SetReadDeadline(time.Now().Add(grace)) // a compiler's daemon may keep it open
	text := <-printed
	if status != event.Exited(0) {
		return text, fmt.Errorf("%s: status %s", spec.Argv[0], status)
	}
	return text, nil
}

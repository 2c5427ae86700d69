//go:build amd64 || arm64

package tracer

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A script is a kernel without processes. It answers waits with its lines, in order:
//
//	10: clone 11      10 is at PTRACE_EVENT_CLONE, whose message is 11; also fork, vfork, exec
//	10: exit 0        at PTRACE_EVENT_EXIT; "gone 0" is the wait status after it
//	11: stop          PTRACE_EVENT_STOP with SIGTRAP
//	11: group SIGTSTP PTRACE_EVENT_STOP with another signal
//	11: signal SIGHUP a signal-delivery stop; "sigstop?" is a group stop that looks like one
//	11: signal SIGHUP 12   the same, of a signal that process 12 sent by kill(2)
//	10: vforkdone
//	10: enter 56 0x100 at the entry of a system call of amd64, with its first argument
//	10: leave 11       at its exit, with its result
//	10: trap 2         a signal-delivery stop of SIGTRAP with this si_code
//	10: lost           a wait for 10 alone is ECHILD, once: its id is another task's
//	> hold             a request before the next wait for any: see script.request
//
// With "!" at the end the task is killed out of that stop before anything can be asked. With "!!"
// it is at its PTRACE_EVENT_EXIT by then.
type script struct {
	lines    []string
	threads  map[int]int // tid to thread group; others lead their own
	parents  map[int]int
	files    map[string]string
	states   map[int]byte     // in proc(5); zero is S
	flags    map[int]int      // in proc(5)
	status   map[int]string   // more lines of /proc/TID/status
	errs     map[string]error // of requests, and of what is asked: "10: wait", "10: siginfo"
	lists    [][]int          // of /proc/PID/task: each look takes one, and the last stays
	looks    int              // at such lists
	waits    int
	slow     int // so many waits without blocking find no stop
	requests []string

	tracer  *Tracer    // whose requests the lines with ">" are
	stepped chan error // the answers of their steps
	stopped map[int]bool
	exiting map[int]bool
	free    map[int]bool // tasks that were detached
	msgs    map[int]uint
	group   map[int]bool
	infos   map[int]Siginfo
	calls   map[int]SyscallInfo
	pending map[int]int // a signal sent by Tgkill
}

func newScript(text string) *script {
	k := &script{
		stopped: map[int]bool{}, exiting: map[int]bool{}, free: map[int]bool{},
		msgs: map[int]uint{}, group: map[int]bool{}, errs: map[string]error{},
		infos: map[int]Siginfo{}, calls: map[int]SyscallInfo{}, pending: map[int]int{},
		stepped: make(chan error, 10),
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			k.lines = append(k.lines, line)
		}
	}
	return k
}

var scriptEvents = map[string]int{
	"clone": unix.PTRACE_EVENT_CLONE, "fork": unix.PTRACE_EVENT_FORK,
	"vfork":     unix.PTRACE_EVENT_VFORK,
	"vforkdone": unix.PTRACE_EVENT_VFORK_DONE, "exec": unix.PTRACE_EVENT_EXEC,
	"exit": unix.PTRACE_EVENT_EXIT,
	"stop": unix.PTRACE_EVENT_STOP, "group": unix.PTRACE_EVENT_STOP,
}

func (k *script) Wait(tid, flags int) (int, unix.WaitStatus, error) {
	if k.slow > 0 && flags&unix.WNOHANG != 0 {
		k.slow--
		return 0, 0, nil
	}
	for tid == -1 && len(k.lines) > 0 && k.lines[0][0] == '>' {
		request := strings.Fields(k.lines[0][1:])
		k.lines = k.lines[1:]
		k.request(request[0], request[1:])
	}
	if k.waits++; k.waits > 10_000 {
		panic("the tracer waits without end")
	}
	if err := k.errs[fmt.Sprintf("%d: wait", tid)]; err != nil {
		return 0, 0, err
	}
	for i, line := range k.lines {
		id, what, _ := strings.Cut(line, ": ")
		got, _ := strconv.Atoi(id)
		if flags&unix.WCLONE != 0 && k.free[got] {
			continue
		}
		if tid != -1 && tid != got {
			if flags&unix.WNOHANG != 0 {
				break // what is asked for has not happened yet
			}
			continue
		}
		if what == "lost" {
			if tid == got {
				k.lines = append(k.lines[:i:i], k.lines[i+1:]...)
				return 0, 0, unix.ECHILD
			}
			continue
		}
		if strings.Contains(what, "gone") && k.exiting[got] && k.stopped[got] {
			break // it is at its PTRACE_EVENT_EXIT, and is not gone before it goes on
		}
		k.lines = append(k.lines[:i:i], k.lines[i+1:]...)
		return got, k.stop(got, strings.Fields(what)), nil
	}
	if flags&unix.WNOHANG != 0 {
		return 0, 0, nil
	}
	return 0, 0, unix.ECHILD
}

// request is one of a user's, on the tracer's thread: "hold" and "resume" are of all tasks, or of
// the one that is named, "step" is of one. In a synctest bubble "sleep 1s" has time pass.
func (k *script) request(what string, names []string) {
	if what == "sleep" {
		long, _ := time.ParseDuration(names[0])
		time.Sleep(long) // sleep: of a bubble's own time, which costs none
		return
	}
	for tid, one := range k.tracer.tasks {
		if len(names) > 0 && names[0] != strconv.Itoa(tid) {
			continue
		}
		switch what {
		case "hold":
			k.tracer.holdTask(one)
		case "resume":
			one.want(toRun)
			k.tracer.settle(one)
		case "step":
			one.wanted = toHold
			one.owed.add(owedStep)
			k.tracer.steps[one] = k.stepped
			k.tracer.settle(one)
		}
	}
}

func (k *script) Reap(tid int) (int, unix.WaitStatus, error) { return k.Wait(tid, unix.WNOHANG) }

func (k *script) stop(tid int, words []string) unix.WaitStatus {
	killed := words[len(words)-1] == "!"
	arg := ""
	if len(words) > 1 {
		arg = words[1]
	}
	k.stopped[tid] = words[0] != "gone" && !killed
	k.exiting[tid] = words[0] == "exit"
	k.group[tid] = words[0] == "sigstop?"
	sig, _ := event.ParseSignal(arg)
	number, err := strconv.Atoi(arg)
	switch words[0] {
	case "gone":
		if err != nil {
			return unix.WaitStatus(sig)
		}
		return unix.WaitStatus(number << 8)
	case "exit":
		if number <<= 8; err != nil {
			number = int(sig)
		}
	case "enter":
		flags, _ := strconv.ParseUint(words[2], 0, 64)
		k.calls[tid] = SyscallInfo{
			Entry: true, Arch: unix.AUDIT_ARCH_X86_64,
			Number: uint64(number), Args: [2]uint64{flags},
		}
		return unix.WaitStatus((int(unix.SIGTRAP)|0x80)<<8 | 0x7f)
	case "leave":
		k.calls[tid] = SyscallInfo{Arch: unix.AUDIT_ARCH_X86_64, Result: int64(number)}
		return unix.WaitStatus((int(unix.SIGTRAP)|0x80)<<8 | 0x7f)
	case "trap":
		k.infos[tid] = Siginfo{Code: int32(number), PID: int32(tid)}
		return unix.WaitStatus(int(unix.SIGTRAP)<<8 | 0x7f)
	case "signal":
		k.infos[tid] = Siginfo{}
		if len(words) > 2 {
			sender, _ := strconv.Atoi(words[2])
			k.infos[tid] = Siginfo{PID: int32(sender)}
		}
		delete(k.pending, tid)
		return unix.WaitStatus(int(sig)<<8 | 0x7f)
	case "sigstop?":
		return unix.WaitStatus(int(unix.SIGSTOP)<<8 | 0x7f)
	}
	if k.msgs[tid] = uint(number); words[0] != "group" {
		sig = event.Signo(unix.SIGTRAP)
	}
	at := scriptEvents[words[0]]
	if words[len(words)-1] == "!!" {
		k.msgs[tid], at = 0, unix.PTRACE_EVENT_EXIT
	}
	k.infos[tid] = Siginfo{Code: int32(at<<8 | int(sig))}
	return unix.WaitStatus(scriptEvents[words[0]]<<16 | int(sig)<<8 | 0x7f)
}

// ask notes a request, which only a stopped task takes.
func (k *script) ask(tid int, lets bool, format string, args ...any) error {
	request := fmt.Sprintf("%d: ", tid) + fmt.Sprintf(format, args...)
	k.requests = append(k.requests, request)
	if err := k.errs[request]; err != nil {
		return err
	}
	if !k.stopped[tid] {
		return unix.ESRCH
	}
	k.stopped[tid] = !lets
	return nil
}

func (k *script) Seize(tid, _ int) error {
	k.ask(tid, false, "seize")
	return k.errs[fmt.Sprintf("%d: seize", tid)]
}

func (k *script) Interrupt(tid int) error {
	k.ask(tid, false, "interrupt")
	return k.errs[fmt.Sprintf("%d: interrupt", tid)]
}
func (k *script) SetOptions(tid, _ int) error { return k.ask(tid, false, "setoptions") }
func (k *script) Listen(tid int) error        { return k.ask(tid, true, "listen") }
func (k *script) Cont(tid, sig int) error     { return k.ask(tid, true, "cont%s", with(sig)) }
func (k *script) Syscall(tid, sig int) error  { return k.ask(tid, true, "syscall%s", with(sig)) }
func (k *script) Step(tid, sig int) error     { return k.ask(tid, true, "step%s", with(sig)) }

func (k *script) Detach(tid, sig int) error {
	err := k.ask(tid, true, "detach%s", with(sig))
	k.free[tid] = err == nil
	return err
}

func with(sig int) string {
	if sig == 0 {
		return ""
	}
	return " " + event.Signo(sig).String()
}

func (k *script) EventMsg(tid int) (uint, error) {
	if !k.stopped[tid] {
		return 0, unix.ESRCH
	}
	return k.msgs[tid], k.errs[fmt.Sprintf("%d: message", tid)]
}

func (k *script) Siginfo(tid int) (Siginfo, error) {
	if k.group[tid] {
		return Siginfo{}, unix.EINVAL
	}
	if err := k.errs[fmt.Sprintf("%d: siginfo", tid)]; err != nil {
		return Siginfo{}, err
	}
	return k.infos[tid], nil
}

func (k *script) SyscallInfo(tid int) (SyscallInfo, error) {
	if !k.stopped[tid] {
		return SyscallInfo{}, unix.ESRCH
	}
	return k.calls[tid], k.errs[fmt.Sprintf("%d: syscallinfo", tid)]
}
func (k *script) Peek(int, uint64) (uint64, error) { return 0, unix.EIO }

func (k *script) PC(tid int) (uint64, error) { return uint64(tid << 8), nil }
func (k *script) InGroup(pid, tid int) bool  { return k.tgid(tid) == pid }

func (k *script) Tasks(int) ([]int, error) {
	if k.looks++; k.looks > 100 {
		panic("the tracer lists tasks without end")
	}
	if len(k.lists) == 0 {
		return nil, cmp.Or(k.errs["list"], fs.ErrNotExist)
	}
	return k.lists[min(k.looks, len(k.lists))-1], nil
}

func (k *script) Kill(pid, sig int) error {
	k.requests = append(k.requests, fmt.Sprintf("%d: kill%s", pid, with(sig)))
	return nil
}

func (k *script) Tgkill(pid, tid, sig int) error {
	k.requests = append(k.requests, fmt.Sprintf("%d: tgkill%s", tid, with(sig)))
	k.pending[tid] = sig
	return nil
}

func (k *script) tgid(tid int) int {
	if pid := k.threads[tid]; pid != 0 {
		return pid
	}
	return tid
}

func (k *script) ReadFile(name string) ([]byte, error) {
	if content, ok := k.files[name]; ok {
		return []byte(content), nil
	}
	id, file, _ := strings.Cut(strings.TrimPrefix(name, "/proc/"), "/")
	tid, err := strconv.Atoi(id)
	_, known := k.stopped[tid]
	switch {
	case err != nil || !known:
	case file == "status":
		set := 1 << k.pending[tid] >> 1
		return fmt.Appendf(nil, "Name:\tx\nTgid:\t%d\nPPid:\t%d\nNSpid:\t%d\nSigPnd:\t%016x\n%s",
			k.tgid(tid), k.parents[k.tgid(tid)], tid, set, k.status[tid]), nil
	case file == fmt.Sprintf("task/%d/stat", tid):
		state := k.states[tid]
		if state == 0 {
			state = 'S'
		}
		return fmt.Appendf(nil, "%d (x) %c 1 1 1 0 -1 %d", tid, state, k.flags[tid]), nil
	}
	return nil, fs.ErrNotExist
}

// follow lets a tracer of process 10 run over the script until nothing is left.
func (k *script) follow(t *testing.T, tr *Tracer) (events []string) {
	t.Helper()
	tr.kernel, tr.pid, k.tracer = k, 10, tr
	tr.steps = map[*task]chan<- error{}
	if tr.partlyTraced == nil {
		tr.partlyTraced = map[int]bool{}
	}
	if tr.tasks == nil {
		tr.tasks = map[int]*task{10: {tid: 10, pid: 10}}
	}
	tr.opts.Events = func(e event.Event) { events = append(events, e.String()) }
	if err := tr.run(); err != nil {
		t.Errorf("the loop ends with %v; in it are still %v", err, tr.tasks)
	}
	if tr.failure != nil && len(k.errs) == 0 {
		t.Error(tr.failure)
	}
	for pid := range tr.partlyTraced {
		if slices.ContainsFunc(events, func(e string) bool {
			return strings.HasPrefix(e, fmt.Sprintf("%d: end ", pid))
		}) {
			t.Errorf("process %d has ended, and is partly traced", pid)
		}
	}
	if tr.unborn != 0 {
		t.Errorf("%d tasks are left unborn", tr.unborn)
	}
	for tid, stopped := range k.stopped {
		if stopped {
			t.Errorf("%d is left stopped", tid)
		}
	}
	return events
}

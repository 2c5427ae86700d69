package event

import (
	"fmt"
	"strconv"
)

// A Signo is a Linux signal number, as signal(7) lists them for amd64 and arm64. It has its own
// type and its own names so that a recorded trace can be read on any system.
type Signo int

const (
	sigrtmin = 34 // the first that glibc leaves to programs (signal(7))
	sigrtmax = 64
)

var signalNames = [...]string{
	1: "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
	"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
	"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
	"SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
}

// String is the signal's name. Real-time signals count from SIGRTMIN, which is 34 for programs. A
// number without a name is written as "SIG" and the number.
func (s Signo) String() string {
	switch {
	case s > 0 && int(s) < len(signalNames):
		return signalNames[s]
	case s == sigrtmin:
		return "SIGRTMIN"
	case s > sigrtmin && s <= sigrtmax:
		return "SIGRTMIN+" + strconv.Itoa(int(s-sigrtmin))
	}
	return "SIG" + strconv.Itoa(int(s))
}

// ParseSignal reads what [Signo.String] writes for the numbers 1 to 127, which a wait status has
// room for, or "SIG" and such a number, as gdb names real-time signals. Linux has those up to 64;
// what a debugger says of another is judged, and so it must be read.
func ParseSignal(name string) (Signo, error) {
	for s := Signo(1); s <= 127; s++ {
		if name == s.String() || name == "SIG"+strconv.Itoa(int(s)) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is no signal's name", name)
}

package event

import (
	"fmt"
	"strconv"
	"strings"
)

// A Signo is a Linux signal number, as signal(7) gives them for amd64 and
// arm64. It has its own type, and its own names, so that a recorded trace can
// be read on any system.
type Signo int

const (
	sigrtmin = 34 // the first that glibc and musl leave to programs
	sigrtmax = 64
)

var signalNames = [...]string{
	1: "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
	"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
	"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
	"SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
}

// String is the signal's name; real-time signals count from SIGRTMIN, which is
// 34 for programs, and what has no name is "SIG" and its number.
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

// ParseSignal reads what [Signo.String] writes.
func ParseSignal(name string) (Signo, error) {
	for n, known := range signalNames {
		if n > 0 && known == name {
			return Signo(n), nil
		}
	}
	digits, base := strings.TrimPrefix(name, "SIG"), 0
	if rest, ok := strings.CutPrefix(name, "SIGRTMIN"); ok {
		base = sigrtmin
		if rest == "" {
			return sigrtmin, nil
		}
		digits = strings.TrimPrefix(rest, "+")
	}
	n, err := strconv.Atoi(digits)
	if err != nil || digits == name || n < 0 || n+base < 1 || n+base > sigrtmax {
		return 0, fmt.Errorf("%q is no signal's name", name)
	}
	return Signo(n + base), nil
}

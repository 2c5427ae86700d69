package remote

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

// The program may send itself the signal by which a server stops it, or attaches to it. The stop
// replies of the two are the same, and siginfo says which task sent the signal. It cannot say that
// two were sent: a signal that is pending already is sent once (signal(7)). So a SIGINT that the
// program sends while that of an interrupt is pending is lost, and so it is to a user.

// A siginfo is what siginfo_t says of a signal; see sigaction(2). It is zero if the server does not
// say it.
type siginfo struct {
	signal, code int
	sender       int // the process, if a process sent it
}

// Values of si_code.
const (
	sentByKernel = 0x80 // SI_KERNEL, of PTRACE_ATTACH and of a breakpoint instruction on amd64
	sentByTgkill = -6   // SI_TKILL
)

// siginfo asks for the signal for which a thread stands.
func (c *Conn) siginfo(ctx context.Context, t rsp.Thread) (siginfo, error) {
	var answer []byte
	for _, request := range []string{"Hg" + t.String(), "qXfer:siginfo:read::0,80"} {
		if err := c.Send(request); err != nil {
			return siginfo{}, c.failed(ctx, request, err)
		}
		var err error
		if answer, err = c.Next(ctx); err != nil {
			return siginfo{}, fmt.Errorf("request %.40q: %w", request, err)
		}
		if rsp.Refused(answer) != nil {
			return siginfo{}, nil
		}
	}
	info, _, err := rsp.Part(answer)
	if err != nil || len(info) < 20 {
		return siginfo{}, err
	}
	word := func(at int) int { return int(int32(binary.NativeEndian.Uint32(info[at:]))) }
	found := siginfo{signal: word(0), code: word(8)}
	if found.code <= 0 { // SI_USER and others: a process sent it
		// Its place is 12 in a program for i386. In one for a 64-bit system there is padding, 0.
		found.sender = cmp.Or(word(12), word(16))
	}
	return found, nil
}

// own are the threads that stand at an attach for a SIGTRAP of the program's own. gdbserver tells
// SIGTRAP for the SIGSTOP of its own attach too; siginfo has the signal. A SIGTRAP by kill(2) is
// taken for an exec's: the kernel sends one like it there.
func (c *Conn) own(ctx context.Context, trapped []rsp.Thread) (own []rsp.Thread, err error) {
	for _, t := range trapped {
		info, err := c.siginfo(ctx, t)
		if err != nil {
			return nil, err
		}
		if info.signal == sigtrap && (info.code == sentByTgkill || info.code == sentByKernel) {
			own = append(own, t)
		}
	}
	return own, nil
}

// isFrom tells whether a tracer has sent the signal. The sender is 0 if it is in another pid
// namespace than the program.
func (i siginfo) isFrom(tracer int) bool {
	return i.code <= 0 && (i.sender == tracer || i.sender == 0)
}

// A glance is what /proc shows of a thread that stands for an interrupt's signal.
type glance struct {
	tracer int // the process that traces it
	// pending tells that its process is to get the signal once more. gdbserver sends an interrupt's
	// to the process group, by kill(2): so it is in ShdPnd, and what is in SigPnd is another's.
	pending bool
}

func glanceAt(t rsp.Thread, signal int) glance {
	fields := procfs.Status(event.TID(t.TID))
	tracer, _ := strconv.Atoi(fields["TracerPid"])
	pending, _ := strconv.ParseUint(fields["ShdPnd"], 16, 64)
	return glance{
		tracer:  int(procfs.TGID(event.TID(tracer))),
		pending: pending&(1<<(signal-1)) != 0,
	}
}

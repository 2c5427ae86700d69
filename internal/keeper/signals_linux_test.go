package keeper_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// inherit blocks and ignores every signal, and then is showSignals.
func inherit() {
	runtime.LockOSThread() // a mask is a thread's own, and the exec is this thread's
	every := unix.Sigset_t{}
	for i := range every.Val {
		every.Val[i] = ^uint64(0)
	}
	ignored := [4]uintptr{1 /* SIG_IGN */}
	for sig := uintptr(1); sig <= 64; sig++ { // SIGKILL and SIGSTOP are refused
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&ignored)), 0, 8, 0, 0)
	}
	err := unix.PthreadSigmask(unix.SIG_SETMASK, &every, nil)
	if err == nil {
		os.Setenv(testproc.Role, "show signals")
		err = syscall.Exec("/proc/self/exe", os.Args, os.Environ())
	}
	fmt.Println(err)
}

// showSignals prints our own blocked signals, and all lines about signals of a program that a
// keeper starts.
func showSignals() {
	own, _ := os.ReadFile("/proc/thread-self/status")
	_, own1, _ := strings.Cut(string(own), "\nSigBlk:\t")
	fmt.Print("own ", own1[:17])
	program, err := build.Keeper(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	k, err := keeper.New(program)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := k.Output(context.Background(),
		keeper.Spec{Argv: []string{"grep", "^Sig[BI]", "/proc/self/status"}})
	fmt.Print(out)
	fmt.Println(err, k.Close())
}

// What we inherited is not for the programs of a run: a fixture whose signals are blocked would
// show a debugger that delivers none.
func TestAProgramInheritsNoBlockedOrIgnoredSignal(t *testing.T) {
	testproc.Alarm(t, 20*time.Second)
	out, err := testproc.Playing("inherit").CombinedOutput()
	assert.NilError(t, err)
	lines := strings.Split(string(out), "\n")
	assert.Assert(t, strings.HasPrefix(lines[0], "own f"), "nothing was blocked: %s", out)
	assert.DeepEqual(t, lines[1:], []string{
		"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "<nil> <nil>", "",
	})
}

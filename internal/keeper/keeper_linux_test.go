package keeper_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, map[string]func(){
		"keep": keepUntilKilled, "inherit": inherit, "show signals": showSignals,
	})
}

// A testKeeper is one that the test's end closes, unless the test did.
type testKeeper struct {
	*keeper.Keeper
	program string
	closed  bool
}

func (k *testKeeper) Close() error {
	k.closed = true
	return k.Keeper.Close()
}

func newKeeper(t testing.TB) *testKeeper {
	t.Helper()
	testproc.Alarm(t, 20*time.Second)
	program, err := build.Keeper(t.Context())
	assert.NilError(t, err)
	return newKeeperOf(t, program)
}

func newKeeperOf(t testing.TB, program string) *testKeeper {
	t.Helper()
	one, err := keeper.New(program)
	assert.NilError(t, err)
	k := &testKeeper{Keeper: one, program: program}
	t.Cleanup(func() {
		if !k.closed {
			assert.Check(t, k.Close())
		}
	})
	return k
}

// script is a shell script that a test writes.
func script(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "script")
	assert.NilError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return name
}

// run runs a shell's commands below the keeper, and returns what they printed.
func (k *testKeeper) run(t testing.TB, text string) string {
	t.Helper()
	out, err := k.Output(t.Context(),
		keeper.Spec{Argv: []string{"sh", "-c", text}, Env: os.Environ()})
	assert.NilError(t, err)
	return out
}

func TestAProgramIsHeldUntilItsRelease(t *testing.T) {
	k := newKeeper(t)
	mark := filepath.Join(t.TempDir(), "mark")
	p, err := k.Start(keeper.Spec{Argv: []string{"sh", "-c", ": > " + mark}})
	assert.NilError(t, err)
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID))
	assert.NilError(t, err)
	assert.Equal(t, exe, k.program, "it is the keeper's child before its exec")
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = p.Wait(short)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = os.Stat(mark)
	assert.ErrorIs(t, err, os.ErrNotExist)

	assert.NilError(t, p.Release())
	status, err := p.Wait(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, status, event.Exited(0))
	_, err = os.Stat(mark)
	assert.NilError(t, err)
}

func TestStatusesComeThrough(t *testing.T) {
	k := newKeeper(t)
	for text, want := range map[string]event.Status{
		"exit 0": event.Exited(0), "exit 42": event.Exited(42),
		"kill -KILL $$": event.Killed(9), "kill -SEGV $$": event.Killed(11),
	} {
		p, err := k.Start(keeper.Spec{Argv: []string{"sh", "-c", text}})
		assert.NilError(t, err)
		assert.NilError(t, p.Release())
		got, err := p.Wait(t.Context())
		assert.NilError(t, err)
		assert.Equal(t, got, want, text)
	}
}

func TestAFailedExecSaysWhy(t *testing.T) {
	k := newKeeper(t)
	noFormat := filepath.Join(t.TempDir(), "script")
	assert.NilError(t, os.WriteFile(noFormat, []byte("no program"), 0o755))
	for _, c := range []struct {
		spec keeper.Spec
		want error
	}{
		{keeper.Spec{Argv: []string{noFormat}}, syscall.ENOEXEC},
		{keeper.Spec{Argv: []string{script(t, "")}, Dir: "/nowhere"}, syscall.ENOENT},
		{keeper.Spec{Argv: []string{"true"}, Dir: noFormat}, syscall.ENOTDIR},
	} {
		p, err := k.Start(c.spec)
		assert.NilError(t, err)
		assert.NilError(t, p.Release())
		_, err = p.Wait(t.Context())
		assert.ErrorIs(t, err, c.want)
		assert.ErrorIs(t, p.Err(), c.want)
	}
	_, err := k.Start(keeper.Spec{Argv: []string{"/nowhere/program"}})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestDescriptorsEnvironmentAndFolderArrive(t *testing.T) {
	k := newKeeper(t)
	dir := t.TempDir()
	spec := keeper.Spec{
		Argv: []string{
			"sh", "-c",
			`pwd; echo "$WORD|$1"; ls /proc/self/fd; readlink /proc/self/fd/0; env | sort`,
			"sh", "a b\n",
		},
		Env: []string{"WORD=x y", "PATH=" + os.Getenv("PATH")}, Dir: dir,
	}
	cmd := exec.Command(spec.Argv[0], spec.Argv[1:]...)
	cmd.Env, cmd.Dir = spec.Env, dir
	want, err := cmd.Output()
	assert.NilError(t, err)
	got, err := k.Output(t.Context(), spec)
	assert.NilError(t, err)
	assert.Equal(t, got, string(want))
	assert.Assert(t, strings.HasPrefix(got, dir+"\nx y|a b\n\n0\n1\n"), got)

	in, w, err := os.Pipe()
	assert.NilError(t, err)
	defer in.Close()
	_, err = w.WriteString("from us\n")
	assert.NilError(t, err)
	w.Close()
	out, err := k.Output(t.Context(),
		keeper.Spec{Argv: []string{"cat"}, Stdin: in, Env: []string{}})
	assert.NilError(t, err)
	assert.Equal(t, out, "from us\n")
}

// The program has the signals that it would have below os/exec, but that it blocks and ignores none
// of those that our parent left us blocked or ignored.
func TestSignalsAreAsBelowOSExec(t *testing.T) {
	k := newKeeper(t)
	argv := []string{
		"grep", "-E", "^Sig(Blk|Ign|Cgt|Pnd)|^ShdPnd|^NoNewPrivs|^Seccomp:", "/proc/self/status",
	}
	want, err := exec.Command(argv[0], argv[1:]...).Output()
	assert.NilError(t, err)
	left := regexp.MustCompile("(SigBlk|SigIgn):\t[0-9a-f]+")
	want = left.ReplaceAll(want, []byte("$1:\t0000000000000000"))
	got, err := k.Output(t.Context(), keeper.Spec{Argv: argv, Env: os.Environ()})
	assert.NilError(t, err)
	assert.Equal(t, got, string(want))
}

func TestLimitsAreAsBelowOSExec(t *testing.T) {
	want, err := exec.Command("sh", "-c", "ulimit -n; umask").Output()
	assert.NilError(t, err)
	assert.Equal(t, newKeeper(t).run(t, "ulimit -n; umask"), string(want))
}

func atoi(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(s))
	assert.NilError(t, err)
	return n
}

func TestKeepersLeaveNoDescriptors(t *testing.T) {
	program, err := build.Keeper(t.Context())
	assert.NilError(t, err)
	once := func() {
		k, err := keeper.New(program)
		assert.NilError(t, err)
		_, err = k.Output(t.Context(), keeper.Spec{Argv: []string{"true"}})
		assert.NilError(t, err)
		_, err = k.Start(keeper.Spec{Argv: []string{"true"}}) // held to the end
		assert.NilError(t, err)
		_, err = k.Start(keeper.Spec{Argv: []string{"/nowhere/program"}})
		assert.ErrorIs(t, err, os.ErrNotExist)
		assert.NilError(t, k.Close())
	}
	once() // the runtime opens its own, such as epoll's
	before := testproc.OpenFiles(t)
	for range 50 {
		once()
	}
	assert.Equal(t, testproc.OpenFiles(t), before)
}

func TestWhatDoesNotFitIsRefusedAndTheKeeperLives(t *testing.T) {
	k := newKeeper(t)
	for _, size := range []int{1 << 17, 1 << 22} {
		_, err := k.Start(keeper.Spec{
			Argv: []string{"true"},
			Env:  []string{strings.Repeat("x", size)},
		})
		assert.ErrorContains(t, err, "its arguments and environment are longer than 131072 bytes")
	}
	k.run(t, "true")
}

func TestAVariableThatIsSetTwiceHasItsLastValue(t *testing.T) {
	k := newKeeper(t)
	spec := keeper.Spec{Argv: []string{"env"}, Env: append(os.Environ(), "WORD=first", "WORD=last")}
	said, err := k.Output(t.Context(), spec) // a shell would tell of the last alone
	assert.NilError(t, err)
	assert.Equal(t, strings.Count("\n"+said, "\nWORD="), 1, said)
	assert.Assert(t, strings.Contains("\n"+said, "\nWORD=last\n"), said)
}

// A debugger that fails dumps its core where it is run, if it may.
func TestNothingLeavesACore(t *testing.T) {
	limits := newKeeper(t).run(t, "prlimit --core --noheadings --raw --output SOFT,HARD")
	assert.Equal(t, len(strings.Fields(limits)), 2, limits)
	for _, n := range strings.Fields(limits) {
		// In bytes. One byte is too little for a core, but tells a handler to stay away.
		assert.Assert(t, n == "0" || n == "1", limits)
	}
}

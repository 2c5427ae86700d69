package harness

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

func TestAProgramIsHeldUntilItsRelease(t *testing.T) {
	k := someKeeper(t)
	mark := filepath.Join(t.TempDir(), "mark")
	p, err := k.start(Spec{Argv: []string{"sh", "-c", ": > " + mark}})
	assert.NilError(t, err)
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID))
	assert.NilError(t, err)
	assert.Equal(t, exe, k.cmd.Path, "it is the keeper's child before its exec")
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
	k := someKeeper(t)
	for text, want := range map[string]event.Status{
		"exit 0": event.Exited(0), "exit 42": event.Exited(42), "kill -KILL $$": event.Killed(9), "kill -SEGV $$": event.Killed(11),
	} {
		p, err := k.start(Spec{Argv: []string{"sh", "-c", text}})
		assert.NilError(t, err)
		assert.NilError(t, p.Release())
		got, err := p.Wait(t.Context())
		assert.NilError(t, err)
		assert.Equal(t, got, want, text)
	}
}

func TestAnExecThatFailsSaysWhy(t *testing.T) {
	k := someKeeper(t)
	noFormat := filepath.Join(t.TempDir(), "script")
	assert.NilError(t, os.WriteFile(noFormat, []byte("no program"), 0o755))
	for _, c := range []struct {
		spec Spec
		want error
	}{
		{Spec{Argv: []string{noFormat}}, syscall.ENOEXEC},
		{Spec{Argv: []string{script(t, "")}, Dir: "/nowhere"}, syscall.ENOENT},
		{Spec{Argv: []string{"true"}, Dir: noFormat}, syscall.ENOTDIR},
	} {
		p, err := k.start(c.spec)
		assert.NilError(t, err)
		assert.NilError(t, p.Release())
		_, err = p.Wait(t.Context())
		assert.ErrorIs(t, err, c.want)
	}
	_, err := k.start(Spec{Argv: []string{"/nowhere/program"}})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestDescriptorsEnvironmentAndFolderArrive(t *testing.T) {
	k := someKeeper(t)
	dir := t.TempDir()
	spec := Spec{
		Argv: []string{"sh", "-c", `pwd; echo "$WORD|$1"; ls /proc/self/fd; readlink /proc/self/fd/0; env | sort`, "sh", "a b\n"},
		Env:  []string{"WORD=x y", "PATH=" + os.Getenv("PATH")}, Dir: dir,
	}
	cmd := exec.Command(spec.Argv[0], spec.Argv[1:]...)
	cmd.Env, cmd.Dir = spec.Env, dir
	want, err := cmd.Output()
	assert.NilError(t, err)
	got, err := k.output(t.Context(), spec)
	assert.NilError(t, err)
	assert.Equal(t, got, string(want))
	assert.Assert(t, strings.HasPrefix(got, dir+"\nx y|a b\n\n0\n1\n"), got)

	in, w, err := os.Pipe()
	assert.NilError(t, err)
	defer in.Close()
	_, err = w.WriteString("from us\n")
	assert.NilError(t, err)
	w.Close()
	out, err := k.output(t.Context(), Spec{Argv: []string{"cat"}, Stdin: in, Env: []string{}})
	assert.NilError(t, err)
	assert.Equal(t, out, "from us\n")
}

// The program has the signal mask and the dispositions that it would have below os/exec.
func TestSignalsAreAsBelowOSExec(t *testing.T) {
	k := someKeeper(t)
	argv := []string{"grep", "-E", "^Sig(Blk|Ign|Cgt|Pnd)|^ShdPnd|^NoNewPrivs|^Seccomp:", "/proc/self/status"}
	want, err := exec.Command(argv[0], argv[1:]...).Output()
	assert.NilError(t, err)
	got, err := k.output(t.Context(), Spec{Argv: argv, Env: os.Environ()})
	assert.NilError(t, err)
	assert.Equal(t, got, string(want))
}

func TestLimitsAreAsBelowOSExec(t *testing.T) {
	k := someKeeper(t)
	want, err := exec.Command("sh", "-c", "ulimit -n; umask").Output()
	assert.NilError(t, err)
	got, err := k.output(t.Context(), Spec{Argv: []string{"sh", "-c", "ulimit -n; umask"}, Env: os.Environ()})
	assert.NilError(t, err)
	assert.Equal(t, got, string(want))
}

// family is a shell's descendants who do all to outlive it; each says its id once it is there.
const family = `
	(setsid sh -c 'echo $$; exec sleep 100' & )
	( (trap "" TERM HUP INT; echo $(exec sh -c 'echo $PPID'); exec sleep 100) & )
	setsid setsid sh -c 'sleep 100 & echo $!; kill -STOP $$' &
	echo $$
	exec sleep 100`

// startFamily starts the family and reads its ids.
func startFamily(t testing.TB, k *keeper) []int {
	t.Helper()
	r, w, err := os.Pipe()
	assert.NilError(t, err)
	defer r.Close()
	p, err := k.start(Spec{Argv: []string{"sh", "-c", family}, Stdout: w, Env: os.Environ()})
	w.Close()
	assert.NilError(t, err)
	assert.NilError(t, p.Release())
	pids := []int{k.cmd.Process.Pid}
	lines := bufio.NewReader(r)
	for len(pids) < 5 {
		line, err := lines.ReadString('\n')
		assert.NilError(t, err)
		pids = append(pids, atoi(t, line))
	}
	return pids
}

func TestAKeeperThatClosesEndsAllThatDescendsFromIt(t *testing.T) {
	k := someKeeper(t)
	pids := startFamily(t, k)
	held, err := k.start(Spec{Argv: []string{"sleep", "100"}})
	assert.NilError(t, err)
	assert.NilError(t, k.close())
	for _, pid := range append(pids, held.PID) {
		assert.Check(t, gone(pid), "%d is left of %v", pid, pids)
	}
	_, err = held.Wait(t.Context())
	assert.ErrorContains(t, err, "the keeper has ended")
	_, err = k.start(Spec{Argv: []string{"true"}})
	assert.ErrorContains(t, err, "start /usr/bin/true: ")
}

// keepUntilKilled keeps a family, prints its ids, and waits to be killed.
func keepUntilKilled() {
	t := &testing.T{}
	k := someKeeper(t)
	for _, pid := range startFamily(t, k) {
		fmt.Println(pid)
	}
	fmt.Println("ready")
	select {}
}

func TestNothingOutlivesAHarnessThatIsKilled(t *testing.T) {
	alarm(t, 30*time.Second)
	cmd := playing("keep")
	out, err := cmd.StdoutPipe()
	assert.NilError(t, err)
	assert.NilError(t, cmd.Start())
	var pidfds []unix.PollFd
	scanner := bufio.NewScanner(out)
	for scanner.Scan() && scanner.Text() != "ready" {
		fd, err := unix.PidfdOpen(atoi(t, scanner.Text()), 0)
		assert.NilError(t, err)
		defer unix.Close(fd)
		pidfds = append(pidfds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	assert.Equal(t, len(pidfds), 5)
	assert.NilError(t, cmd.Process.Kill())
	cmd.Wait() // it was killed
	for len(pidfds) > 0 {
		_, err := unix.Poll(pidfds, 10_000)
		if err == unix.EINTR {
			continue
		}
		alive := len(pidfds)
		pidfds = slices.DeleteFunc(pidfds, func(p unix.PollFd) bool { return p.Revents != 0 })
		assert.Assert(t, err == nil && len(pidfds) < alive, "%d of the family are left after 10 s", alive)
	}
	var status unix.WaitStatus
	for { // the keeper was orphaned and is ours now
		if _, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WALL, nil); err != nil && err != unix.EINTR {
			break
		}
	}
}

func TestKeepersLeaveNoDescriptors(t *testing.T) {
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		assert.NilError(t, err)
		return len(fds)
	}
	program, err := keeperProgram(t.Context())
	assert.NilError(t, err)
	once := func() {
		k, err := newKeeper(program)
		assert.NilError(t, err)
		_, err = k.output(t.Context(), Spec{Argv: []string{"true"}})
		assert.NilError(t, err)
		_, err = k.start(Spec{Argv: []string{"true"}}) // held to the end
		assert.NilError(t, err)
		_, err = k.start(Spec{Argv: []string{"/nowhere/program"}})
		assert.ErrorIs(t, err, os.ErrNotExist)
		assert.NilError(t, k.close())
	}
	once() // the runtime opens its own, such as epoll's
	before := count()
	for range 50 {
		once()
	}
	assert.Equal(t, count(), before)
}

func TestWhatDoesNotFitIsRefusedAndTheKeeperLives(t *testing.T) {
	k := someKeeper(t)
	for _, size := range []int{1 << 17, 1 << 22} {
		_, err := k.start(Spec{Argv: []string{"true"}, Env: []string{strings.Repeat("x", size)}})
		assert.ErrorContains(t, err, "its arguments and environment are longer than 131072 bytes")
	}
	_, err := k.output(t.Context(), Spec{Argv: []string{"true"}})
	assert.NilError(t, err)
}

// A debugger's home goes with its run, with all that is in it.
func TestAHomeGoesWithItsKeeper(t *testing.T) {
	k := someKeeper(t)
	target := Target{keeper: k, Env: []string{"HOME=/root", "XDG_DATA_HOME=/x", "PATH=" + os.Getenv("PATH"), "LC_MESSAGES=de", "DEBUGINFOD_URLS=http://x"}}
	home, err := target.Home()
	assert.NilError(t, err)
	again, err := target.Home()
	assert.NilError(t, err)
	assert.Equal(t, again, home)
	env, err := target.Sheltered()
	assert.NilError(t, err)
	said, err := k.output(t.Context(), Spec{Argv: []string{"sh", "-c", `mkdir -p "$HOME/a/b" && echo x >"$HOME/a/b/c" && ln -s / "$HOME/root" && env`}, Env: env})
	assert.NilError(t, err)
	for _, gone := range []string{"XDG_DATA_HOME", "DEBUGINFOD_URLS", "LC_MESSAGES"} {
		assert.Assert(t, !strings.Contains(said, gone+"="), said)
	}
	said, err = k.output(t.Context(), Spec{Argv: []string{"env"}, Env: env}) // a shell would tell of the last only
	assert.NilError(t, err)
	assert.Equal(t, strings.Count("\n"+said, "\nHOME="), 1, said)
	_, err = os.Stat(filepath.Join(home, "a/b/c"))
	assert.NilError(t, err)
	assert.NilError(t, k.close())
	_, err = os.Lstat(home)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// The keeper does not run where we do.
func TestAHomeInARelativeFolderGoesToo(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", ".")
	k := someKeeper(t)
	home, err := k.makeHome()
	assert.NilError(t, err)
	assert.NilError(t, k.close())
	_, err = os.Lstat(home)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// A debugger that fails dumps its core where it is run, if it may.
func TestNothingLeavesACore(t *testing.T) {
	k := someKeeper(t)
	limits, err := k.output(t.Context(), Spec{Argv: []string{"prlimit", "--core", "--noheadings", "--raw", "--output", "SOFT,HARD"}})
	assert.NilError(t, err)
	assert.Equal(t, len(strings.Fields(limits)), 2, limits)
	for _, n := range strings.Fields(limits) {
		assert.Assert(t, n == "0" || n == "1", limits) // in bytes; one byte is none, but tells a handler to stay away
	}
}

// A debugger within the process that waits for any child takes the keeper, and is told how not to.
func TestWhoReapsTheKeeperIsTold(t *testing.T) {
	k := someKeeper(t)
	assert.NilError(t, unix.Kill(k.cmd.Process.Pid, unix.SIGKILL))
	var status unix.WaitStatus
	got, err := unix.Wait4(k.cmd.Process.Pid, &status, 0, nil)
	assert.NilError(t, err)
	assert.Equal(t, got, k.cmd.Process.Pid)
	assert.ErrorIs(t, k.close(), errStolen)
	k.cmd.ProcessState = &os.ProcessState{} // the test's end need not close it
}

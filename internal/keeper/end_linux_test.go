package keeper_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
	"gotest.tools/v3/assert"
)

// family is a shell and its descendants, which try to outlive it. Each prints its id once it is
// there.
const family = `
	(setsid sh -c 'echo $$; exec sleep 100' & )
	( (trap "" TERM HUP INT; echo $(exec sh -c 'echo $PPID'); exec sleep 100) & )
	setsid setsid sh -c 'sleep 100 & echo $!; kill -STOP $$' &
	echo $$
	exec sleep 100`

// startFamily starts the family and reads its ids, after the keeper's.
func startFamily(t testing.TB, k *testKeeper) []int {
	t.Helper()
	r, w, err := os.Pipe()
	assert.NilError(t, err)
	defer r.Close()
	p, err := k.Start(keeper.Spec{Argv: []string{"sh", "-c", family}, Stdout: w, Env: os.Environ()})
	w.Close()
	assert.NilError(t, err)
	assert.NilError(t, p.Release())
	pids := []int{k.PID()}
	lines := bufio.NewReader(r)
	for len(pids) < 5 {
		line, err := lines.ReadString('\n')
		assert.NilError(t, err)
		pids = append(pids, atoi(t, line))
	}
	return pids
}

func TestAKeeperThatClosesEndsAllThatDescendsFromIt(t *testing.T) {
	k := newKeeper(t)
	pids := startFamily(t, k)
	held, err := k.Start(keeper.Spec{Argv: []string{"sleep", "100"}})
	assert.NilError(t, err)
	assert.NilError(t, k.Close())
	for _, pid := range append(pids, held.PID) {
		assert.Check(t, testproc.Gone(pid), "%d is left of %v", pid, pids)
	}
	_, err = held.Wait(t.Context())
	assert.ErrorContains(t, err, "the keeper has ended")
	_, err = k.Start(keeper.Spec{Argv: []string{"true"}})
	assert.ErrorContains(t, err, "start /usr/bin/true: ")
}

// keepUntilKilled keeps a family, prints its ids, and waits to be killed.
func keepUntilKilled() {
	t := &testing.T{}
	program, err := build.Keeper(context.Background()) // this t has no context
	assert.NilError(t, err)
	k := newKeeperOf(t, program)
	for _, pid := range startFamily(t, k) {
		fmt.Println(pid)
	}
	fmt.Println("ready")
	select {}
}

func TestNothingOutlivesAProcessWithAKeeperThatIsKilled(t *testing.T) {
	testproc.Alarm(t, 30*time.Second)
	cmd := testproc.Playing("keep")
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
		assert.Assert(t, err == nil && len(pidfds) < alive, "%d of the family are left after 10 s",
			alive)
	}
	var status unix.WaitStatus
	for { // the keeper was orphaned and is ours now
		_, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WALL, nil)
		if err != nil && err != unix.EINTR {
			break
		}
	}
}

// A debugger's home goes with its run, with all that is in it.
func TestAHomeGoesWithItsKeeper(t *testing.T) {
	k := newKeeper(t)
	home, err := k.Home()
	assert.NilError(t, err)
	again, err := k.Home()
	assert.NilError(t, err)
	assert.Equal(t, again, home)
	k.run(t, `cd `+home+` && mkdir -p a/b && echo x >a/b/c && ln -s / root`)
	_, err = os.Stat(filepath.Join(home, "a/b/c"))
	assert.NilError(t, err)
	assert.NilError(t, k.Close())
	_, err = k.Home() // a start that was given up may ask for it this late
	assert.ErrorIs(t, err, fs.ErrClosed)
	_, err = os.Lstat(home)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// The keeper does not run where we do.
func TestAHomeInARelativeFolderGoesToo(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", ".")
	k := newKeeper(t)
	home, err := k.Home()
	assert.NilError(t, err)
	assert.NilError(t, k.Close())
	_, err = os.Lstat(home)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// A debugger within the process that waits for any child takes the keeper, and is told how not to.
func TestCodeThatReapsTheKeeperIsTold(t *testing.T) {
	assert.NilError(t, newKeeper(t).Close()) // the runtime opens its own, such as epoll's
	before := testproc.OpenFiles(t)
	k := newKeeper(t)
	assert.NilError(t, unix.Kill(k.PID(), unix.SIGKILL))
	var status unix.WaitStatus
	got, err := unix.Wait4(k.PID(), &status, 0, nil)
	assert.NilError(t, err)
	assert.Equal(t, got, k.PID())
	assert.ErrorContains(t, k.Close(),
		"code in this process has waited for any child, and got the keeper")
	assert.Equal(t, testproc.OpenFiles(t), before)
}

func TestAKeeperThatDiesIsQuoted(t *testing.T) {
	for name, text := range map[string]string{
		"at a request": "dd bs=131072 count=1 <&3 >&2 2>/dev/null; echo 'no room' >&2; exit 3",
		"before it":    "echo 'no room' >&2; exit 3",
	} {
		t.Run(name, func(t *testing.T) {
			testproc.Alarm(t, 20*time.Second)
			k := newKeeperOf(t, script(t, text))
			if name == "before it" {
				var ended unix.Siginfo
				err := unix.Waitid(unix.P_PID, k.PID(), &ended, unix.WEXITED|unix.WNOWAIT, nil)
				assert.NilError(t, err)
			}
			_, err := k.Start(keeper.Spec{Argv: []string{"true"}})
			assert.ErrorContains(t, err, "the keeper has ended: ")
			assert.ErrorContains(t, err, "no room")
			err = k.Close()
			assert.ErrorContains(t, err,
				"the keeper could not end what is below it: exit status 3 ")
			assert.ErrorContains(t, err, "no room")
		})
	}
}
